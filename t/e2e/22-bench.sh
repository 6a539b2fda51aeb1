#!/bin/bash
# sluice-bench: publishes a file round and round, and lets clients come and go.
# Clients of another make and the server's own log are the witnesses.
# sanitized: no
# timeout: 90
# alone: yes
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need ffmpeg ffprobe
start_server -w 2

# --- a file: over two of its ends, frame by frame, no timestamp back
short=$TMP/short.flv
make_media
ffmpeg -nostdin -v error -i "$MEDIA" -t 2 -c copy "$short" ||
    fail "ffmpeg cannot cut $MEDIA"
publish_bench file -i "$short"
publisher=$spawned
play_ffmpeg file "$TMP/file.md5" -map 0:v -t 6
await "$spawned" || fail "ffmpeg does not play the file"
frames=$(expect_cycle "$TMP/file.md5" "$short")
note "$frames frames of a file of $(grep -vc '^#' "$TMP/cycle.md5")"
expect "frames in 6 s, in rounds of 2 s" "$frames" -ge 130
back=$(awk -F', *' '/^#/ { next } seen && $2 <= last { n++ }
    { last = $2; seen = 1 } END { print n + 0 }' "$TMP/file.md5")
expect "timestamps that do not go up" "$back" -eq 0
end_bench "$publisher"
expect "video frames sent" "$(result publish-file .video_frames)" -ge "$frames"
expect_zero publish-file streams.failed streams.closed_by_server

# a file that is none
echo "no FLV at all" >"$TMP/text"
"$BENCH" publish -i "$TMP/text" "$(url no)" 2>"$TMP/no.out" &&
    fail "a text was published"
grep -q "$TMP/text: not an FLV file" "$TMP/no.out" ||
    fail "the file is not named: $(cat "$TMP/no.out")"

# --- churn
joined=$(counter clients.accepted)
spawn churn "$BENCH" churn -d 6 -n 30 -s 3 -l 20 -m 2 -G 0.3 -r 500K "$(url churn%d)"
await "$spawned" || fail "churn had faults: $(cat "$TMP/churn.out")"
joined=$(($(counter clients.accepted) - joined))
note "joins $(result churn .churn.joins), returns $(result churn .publish.returns)," \
    "accepted $joined; delay $(result churn .delay_live_ms.p99) ms"
expect_zero churn gaps bad order_errors ts_errors players.failed \
    players.closed_by_server publish.streams.failed
expect "players that left and came" "$(result churn .churn.joins)" -ge 100
expect "publishers that came back" "$(result churn .publish.returns)" -ge 5
expect "publishers seen to come back" "$(result churn .restarts)" -gt 0
# what it says is what the server saw
expect "connections" "$joined" -eq "$(($(result churn .churn.joins) +
    $(result churn '.publish.streams.requested + .publish.returns + .publish.reconnects')))"
retry 15 no_segments || fail "segments are left"
stop_server
