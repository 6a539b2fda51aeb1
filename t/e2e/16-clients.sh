#!/bin/bash
# The matrix of clients, 1: what FFmpeg publishes with B-frames is played by
# FFmpeg, rtmpdump (plain and signed handshake), librtmp in GStreamer, GStreamer's
# own RTMP and VLC: every message, byte by byte, times with one offset.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/clients.sh"
need ffmpeg rtmpdump gst-launch-1.0 cvlc
start_server -w 2
clip 6
rm "$TMP/keys" # every player must have all

play_ffmpeg cam "$TMP/ffmpeg.md5"
ending=("$spawned")
play_rtmpdump plain cam
ending+=("$spawned")
play_rtmpdump_digest digest cam
ending+=("$spawned")
play_gst librtmp cam rtmpsrc
gst=("$spawned")
play_gst gst cam rtmp2src
gst+=("$spawned")
play_vlc vlc cam
vlc=$spawned
retry 20 waiting 6 || fail "not all players wait: $(ctl client list)"

publish_once cam
await "$spawned" || fail "the publisher failed"
for pid in "${ending[@]}"; do
	await "$pid" || note "player $pid ended with status $?"
done
await "$vlc" || note "VLC ended with status $?"
for f in librtmp gst; do
	retry 10 tags_came "$MEDIA" "$TMP/$f.flv" all || note "$f has not all"
done
for pid in "${gst[@]}"; do
	stop "$pid"
done

same_media "$TMP/ref.md5" "$TMP/ffmpeg.md5" all
for f in plain digest librtmp gst; do
	note "$f: $(same_tags "$MEDIA" "$TMP/$f.flv" all)"
done
note "VLC: $(same_pictures "$MEDIA" "$TMP/vlc/vlc.ts")"
grep -q 'HandShake: Genuine Adobe Flash Media Server' "$TMP/digest.out" ||
    fail "no signed handshake for rtmpdump"
expect "dropped" "$(counter frames.dropped)" -eq 0
stop_server
