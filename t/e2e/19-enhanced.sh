#!/bin/bash
# Enhanced RTMP and the rest of the protocol, message by message: what connect
# answers, codec headers of every track for late joiners, headers and metadata that
# change in mid-stream, aggregates, AMF3, receiveVideo, receiveAudio and pause.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
start_server -w 2

# answer NAME: the arguments of connect's answer, one line
answer() {
	jq -c 'select(.name == "_result" and .txn == 1) | .args' "$TMP/$1.json"
}

# Connect ----------------------------------------------------------------------
probe plain <<EOF
$GREET
EOF
answer plain | is_true '.[1] | has("fourCcList") or has("capsEx") | not' ||
    fail "Enhanced RTMP for a client that does not know it: $(answer plain)"
expect "Set Chunk Size" "$(got plain '.type == "chunk-size"')" -eq 1
expect "before connect's answer" "$(jq -r 'select(.type == "chunk-size" or .name == "_result") |
    .type' "$TMP/plain.json" | head -n 1)" = chunk-size
probe v1 <<EOF
open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live fourCcList [ s:hvc1 s:av01 s:vp09 ] }
wait name=_result txn=1
EOF
answer v1 | is_true '.[1].fourCcList | length > 0' || fail "no fourCcList: $(answer v1)"
probe v2 <<EOF
open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live capsEx n:3 videoFourCcInfoMap { * n:4 } audioFourCcInfoMap { Opus n:4 } }
wait name=_result txn=1
EOF
answer v2 | is_true '.[1] | (.capsEx | type == "number") and
    (.videoFourCcInfoMap | type == "object") and (.audioFourCcInfoMap | type == "object")' ||
    fail "capsEx, maps: $(answer v2)"
note "v1: $(answer v1)"
note "v2: $(answer v2)"

# AMF3 -------------------------------------------------------------------------
probe amf3 <<EOF
open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live objectEncoding n:3 }
wait name=_result txn=1
amf3 1
cmd 0 createStream 2 null
wait type=command3 name=_result txn=2
cmd 1 publish 3 null s:three s:live
wait type=command3 name=onStatus code=NetStream.Publish.Start
EOF
answer amf3 | is_true '.[1].objectEncoding == 3' || fail "objectEncoding: $(answer amf3)"
expect "answers of type 20 behind connect's" "$(got amf3 '.type == "command" and
    .name != "_result" and .name != "onBWDone"')" -eq 0

# Several tracks, changes in mid-stream ----------------------------------------
# HEVC tracks 0 (plain) and 1 (OneTrack), Opus tracks 0 and 1
hvc1=68766331 opus=4f707573
head0=90$hvc1 head1=9600${hvc1}01 sound0=90$opus sound1=9500${opus}01
key0=93$hvc1 inter0=a3$hvc1 key1=9603${hvc1}01
cat >"$TMP/publisher" <<EOF
$GREET
cmd 1 publish 3 null s:tracks s:live
wait code=NetStream.Publish.Start
data 1 0 s:@setDataFrame s:onMetaData { width n:640 height n:360 title s:first }
msg 6 9 1 0 40 $head0
msg 6 9 1 0 41 $head1
msg 4 8 1 0 20 $sound0
msg 4 8 1 0 21 $sound1
msg 6 9 1 0 300 $key0
msg 6 9 1 0 301 $key1
msg 6 9 1 40 100 $inter0
sleep 2000
msg 6 9 1 2040 101 $inter0
data 1 2080 s:@setDataFrame s:onMetaData { width n:1280 height n:720 title s:second }
msg 6 9 1 2080 50 $head0
msg 6 9 1 2080 302 $key0
msg 6 9 1 2120 102 $inter0
sleep 2000
msg 6 9 1 4120 103 $inter0
cmd 0 deleteStream 0 null n:1
ping 9
wait event=7
EOF
cat >"$TMP/player" <<EOF
$GREET
cmd 1 play 3 null s:tracks
limit 15000
wait code=NetStream.Play.UnpublishNotify
EOF
probe_start early "$TMP/player"
pids=("$spawned")
retry 10 has_got early '.code == "NetStream.Play.Start"' || fail "the player does not wait"
probe_start publisher "$TMP/publisher"
pids+=("$spawned")
retry 10 has_got early '.len == 100' || fail "no frames"
# while there is a keyframe of the first kind
probe_start middle "$TMP/player"
pids+=("$spawned")
ctl stream list -j | is_true '.[] | select(.name == "tracks") | .video.codec == "hvc1" and
    .audio.codec == "opus"' || fail "codecs: $(ctl stream list -j)"
retry 10 has_got early '.len == 102' || fail "no frames"
probe_start late "$TMP/player"
pids+=("$spawned")
for pid in "${pids[@]}"; do
	await "$pid" || fail "a probe failed: $(tail -n 1 "$TMP"/{early,middle,late,publisher}.json)"
done

# media NAME: kinds and sizes of messages, in order; a size tells which it is
media() {
	jq -r 'if .type == "video" then "v\(.len)" elif .type == "audio" then "a\(.len)"
	    elif .type == "data" and .args[0] == "onMetaData" then .args[1].title
	    else empty end' "$TMP/$1.json" | xargs
}
note "early: $(media early)"
note "middle: $(media middle)"
note "late: $(media late)"
sorted() { # the prologue has its own order of tracks
	tr ' ' '\n' <<<"$1" | sort | xargs
}
# the headers of a join point come before it, whatever the order of their tracks
all=$(media early)
expect "headers of the first player" "$(sorted "${all%% v300*}")" = "a20 a21 first v40 v41"
expect "and the rest" "${all##*v300 }" = "v301 v100 v101 second v50 v302 v102 v103"
all=$(media middle)
expect "headers of the second" "$(sorted "${all%% v300*}")" = "a20 a21 first v40 v41"
expect "and the rest" "${all##*v300 }" = "v301 v100 v101 second v50 v302 v102 v103"
all=$(media late)
expect "headers of the third" "$(sorted "${all%% v302*}")" = "a20 a21 second v41 v50"
expect "and the rest" "${all##*v302 }" = "v102 v103"

# Aggregates -------------------------------------------------------------------
# FLV tags: header, keyframe, sound, at 500, 500, 510; the aggregate's own time is 40
agg=090000050001f400000000 agg+=1700000000 agg+=00000010
agg+=090000060001f400000000 agg+=170100000011 agg+=00000011
agg+=080000040001fe00000000 agg+=af010203 agg+=0000000f
cat >"$TMP/player" <<EOF
$GREET
cmd 1 play 3 null s:agg
limit 15000
wait type=video head=1700
wait type=video head=1701
wait type=audio head=af01
wait code=NetStream.Play.UnpublishNotify
EOF
probe_start agg "$TMP/player"
player=$spawned
retry 10 has_got agg '.code == "NetStream.Play.Start"' || fail "the player does not wait"
probe aggregate <<EOF
$GREET
cmd 1 publish 3 null s:agg s:live
wait code=NetStream.Publish.Start
msg 6 22 1 40 $((${#agg} / 2)) $agg
sleep 500
cmd 0 deleteStream 0 null n:1
ping 9
wait event=7
EOF
await "$player" || fail "aggregates: $(cat "$TMP/agg.json")"
expect "what came" "$(jq -r 'select(.type == "video" or .type == "audio" or
    .type == "other") | "\(.type)\(.len)"' "$TMP/agg.json" | xargs)" = "video5 video6 audio4"
expect "time between" "$(jq -s '[.[] | select(.type == "audio" or .type == "video") | .ts] |
    .[2] - .[1]' "$TMP/agg.json")" -eq 10

# receiveVideo, receiveAudio, pause --------------------------------------------
bench_start pub publish -d 0 -f 25 -g 0.4 -r 500K "$(url cam)"
publisher=$spawned
wait_event publish.start '.stream == "cam"' >/dev/null
probe receive <<EOF
$GREET
cmd 1 play 3 null s:cam
wait type=video head=2701
cmd 1 receiveVideo 4 null b:0
ping 1
wait event=7
wait 30 type=audio
cmd 1 receiveAudio 5 null b:0
ping 2
wait event=7
read 500
cmd 1 receiveVideo 6 null b:1
ping 3
wait event=7
wait 20 type=video
cmd 1 receiveAudio 7 null b:1
wait 20 type=audio
cmd 1 pause 8 null b:1 n:0
wait code=NetStream.Pause.Notify
ping 4
wait event=7 value=4
read 1000
ping 5
wait event=7 value=5
cmd 1 pause 9 null b:0 n:0
wait code=NetStream.Unpause.Notify
wait type=video head=1701
EOF
# between A B FILTER: events between two pongs for which the filter is true
between() {
	jq -s --argjson a "$1" --argjson b "$2" "def at(\$n): [range(length) as \$i |
	    select(.[\$i].event == 7 and .[\$i].value == \$n) | \$i][0];
	    .[at(\$a):at(\$b)] | map(select($3)) | length" "$TMP/receive.json"
}
expect "video after receiveVideo(false)" "$(between 1 2 '.type == "video"')" -eq 0
expect "audio after it" "$(between 1 2 '.type == "audio"')" -ge 30
expect "media after both" "$(between 2 3 '(.type == "video" or .type == "audio") and .len > 100')" -eq 0
expect "first video after receiveVideo(true)" "$(jq -s '[range(length) as $i |
    select(.[$i].event == 7 and .[$i].value == 2) | $i][0] as $at |
    .[$at:] | map(select(.type == "video" and .head != "1700"))[0].head' "$TMP/receive.json")" = '"1701"'
expect "media while paused" "$(between 4 5 '.type == "video" or .type == "audio"')" -eq 0
kill -INT "$publisher"
await "$publisher" || note "sluice-bench ended with status $?"
stop_server
