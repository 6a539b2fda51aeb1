#!/bin/bash
# What FFmpeg sends badly is said once; what it sends well is not.
# sanitized: no
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
need ffmpeg jq

start_server -w 1

# publish NAME GOP_FRAMES OPTIONS...: 27 s of 25 frames per second
publish() {
	local name=$1 gop=$2
	shift 2
	spawn "publish-$name" ffmpeg -nostdin -v warning -re \
	    -f lavfi -i testsrc2=s=160x120:r=25 -re -f lavfi -i sine=r=44100 \
	    "$@" -c:v flv1 -g "$gop" -sc_threshold 1000000000 -c:a aac -t 27 \
	    -flvflags no_duration_filesize -f flv "$(url "$name")"
}

publish poor 250 -map 0:v
poor=$spawned
publish sound 50 -map 0:v -map 1:a
sound=$spawned
await "$poor" 60 || fail "ffmpeg failed"
await "$sound" 60 || fail "ffmpeg failed"
keys=$(events publish.advice '.stream == "poor" and .advice == "keyframes"')
expect "advice on keyframes" "$(grep -c . <<<"$keys")" -eq 1
expect "their distance" "$(jq .for_ms <<<"$keys")" -ge 9900
expect "their distance" "$(jq .for_ms <<<"$keys")" -le 10100
jq -r .text <<<"$keys" | grep -q 'keyframe interval of the encoder' ||
    fail "the text does not say what to set"
expect "advice on audio" "$(count_event publish.advice \
	'.stream == "poor" and .advice == "no-audio" and .for_ms >= 10000')" -eq 1
expect "advice on a sound stream" "$(count_event publish.advice \
	'.stream == "sound" and .advice != "clock"')" -eq 0
stop_server
