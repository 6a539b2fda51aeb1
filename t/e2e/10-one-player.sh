#!/bin/bash
# FFmpeg, rtmpdump, GStreamer and sluice-bench play what FFmpeg publishes; the
# media is what was published, to its last frame.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ffmpeg rtmpdump gst-launch-1.0
start_server -w 1
clip 8

# all of them wait before there is a publisher, so nothing may be missing
play_ffmpeg cam "$TMP/ffmpeg.md5"
players=("$spawned")
spawn rtmpdump rtmpdump -q -v -r "rtmp://$HOST:$PORT/live" -y cam -o "$TMP/dump.flv"
players+=("$spawned")
# which does not end with the stream
spawn gst gst-launch-1.0 -q rtmp2src location="$(url cam)" ! \
    filesink location="$TMP/gst.flv"
gst=$spawned
bench_start bench play --no-verify -d 30 "$(url cam)"
bench_player=$spawned
waiting() {
	ctl client list -j | is_true '[.[] | select(.role == "wait")] | length == 4'
}
retry 10 waiting || fail "not all players wait: $(ctl client list)"

publish_once cam
publisher=$spawned
wait_event publish.start >/dev/null
await "$publisher" || fail "the publisher failed"
for pid in "${players[@]}"; do
	await "$pid" || note "player $pid ended with status $?"
done
kill -INT "$gst"
await "$gst" || note "GStreamer ended with status $?"
kill -INT "$bench_player"
await "$bench_player" || note "sluice-bench ended with status $?"

same_media "$TMP/ref.md5" "$TMP/ffmpeg.md5" all
for f in dump gst; do
	ffmpeg -nostdin -v error -y -i "$TMP/$f.flv" -c copy -f framemd5 "$TMP/$f.md5" ||
	    fail "$f.flv cannot be read"
	same_media "$TMP/ref.md5" "$TMP/$f.md5" all
done
expect "frames of sluice-bench" "$(result bench .foreign)" -gt 500
expect "timestamps that went back" "$(result bench .ts_errors)" -eq 0
expect "starts without header or keyframe" "$(result bench .order_errors)" -eq 0

# the FFmpeg player proved the digest handshake: it checks it, and is strict
spawn digest ffmpeg -nostdin -v debug -rw_timeout 1000000 -i "$(url none)" -f null -
digest=$spawned
retry 10 grep -q 'Server version [3-9]' "$TMP/digest.out" ||
    fail "no signed handshake for FFmpeg"
stop "$digest"

expect "plays" "$(counter play.started)" -ge 4
expect "dropped" "$(counter frames.dropped)" -eq 0
stop_server
