#!/bin/bash
# A player that joins 5 s into a GOP of 10 s starts with codec headers and the
# keyframe, at once; so does FFmpeg.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ffmpeg
start_server -w 2
make_media_gop 10
reference "$MEDIA"
publish_ffmpeg cam
sleep_until() { # seconds of the stream
	[[ $(stream cam .since_s | cut -d. -f1) -ge $1 ]]
}
retry 20 sleep_until 5 || fail "the stream does not go on"

for n in 1 2 3; do
	{
		echo "$GREET"
		echo "cmd 1 play 3 null s:cam n:-2000"
		echo "wait code=NetStream.Play.Start"
		echo "wait 30 type=video"
	} | probe join$n
	# in this order: metadata, codec headers, then the keyframe
	first=$(jq -r 'select(.type == "video") | .head' "$TMP/join$n.json" | head -n 2 | xargs)
	expect "first video of joiner $n" "$first" = "1700 1701"
	audio=$(jq -r 'select(.type == "audio") | .head' "$TMP/join$n.json" | head -n 1)
	expect "first audio of joiner $n" "$audio" = "af00"
	expect "metadata of joiner $n" \
	    "$(got join$n '.type == "data" and .args[0] == "onMetaData"')" -ge 1
	# the prologue has the time of the keyframe
	expect "times of prologue and keyframe" "$(jq -s '[.[] |
	    select(.type == "video")][0:2] | .[1].ts - .[0].ts' "$TMP/join$n.json")" -eq 0
done

bench play play --no-verify -n 6 -d 2 "$(url cam)"
expect "players with a picture" "$(result play .players.with_picture)" -eq 6
expect "first picture, ms, the slowest" "$(result play .first_picture_ms.max | cut -d. -f1)" -lt 2000
note "first picture: $(result play '.first_picture_ms | tostring')"
expect "starts without header or keyframe" "$(result play .order_errors)" -eq 0

# FFmpeg gets the keyframe as its first packet
play_ffmpeg cam "$TMP/join.md5" -t 2
await "$spawned" || fail "FFmpeg cannot join"
first=$(grep '^0' "$TMP/join.md5" | head -n 1 | tr -d ' ' | cut -d, -f6)
grep -q "$first" "$TMP/keys" || fail "the first picture for FFmpeg is no keyframe"
# on a slow machine the last of them came to the next keyframe
behind=$(events play.start true | jq .behind_ms | sort -n | tail -n 1)
expect "the first joiner began so many ms in the past" "$behind" -gt 1000
stop_server
