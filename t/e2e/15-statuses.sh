#!/bin/bash
# What a client is answered, command by command; NetStreams with other ids; a
# goodbye inside a message; everything in one write, and byte by byte.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
start_server -w 2

# names PROBE: names of its commands in order, with the code
names() {
	jq -r 'select(.type == "command") | .name + (if .code then " " +
	    (.code | sub(".*\\.(?<a>[^.]*\\.[^.]*)$"; "\(.a)")) else "" end)' \
	    "$TMP/$1.json" | paste -sd,
}

# Set Chunk Size comes once, before the answer (rule 12)
probe order <<EOF
$GREET
ping 77
wait type=user-control event=7 value=77
EOF
expect "order of the first messages" "$(jq -r .type "$TMP/order.json" | head -n 4 | paste -sd,)" \
    = window,bandwidth,chunk-size,command
expect "chunk sizes" "$(got order '.type == "chunk-size"')" -eq 1
expect "chunk size" "$(got order '.type == "chunk-size" and .value == 65536')" -eq 1
expect "answer to connect" "$(got order '.name == "_result" and .txn == 1 and
    .code == "NetConnection.Connect.Success" and .args[1].level == "status" and
    .args[1].objectEncoding == 0')" -eq 1

# connect without an application
probe noapp <<EOF
open
hello
cmd 0 connect 1 { tcUrl s:rtmp://localhost/ }
wait type=closed
EOF
expect "statuses without an app" "$(names noapp)" = "_error Connect.InvalidApp,close"

# calls around it, unknown calls; lowest free ids; what is not answered
probe calls <<EOF
$GREET
cmd 0 noSuchThing 7 null s:x
wait name=_error txn=7 code=NetConnection.Call.Failed
cmd 0 noSuchThing 0 null
cmd 0 releaseStream 8 null s:calls
wait name=_result txn=8
cmd 0 FCPublish 9 null s:calls
wait name=_result txn=9
cmd 0 _checkbw 10 null
wait name=_result txn=10
cmd 0 getStreamLength 11 null s:calls
wait name=_result txn=11
cmd 0 FCSubscribe 12 null s:calls
wait name=onFCSubscribe
cmd 0 createStream 13 null
wait name=_result txn=13
cmd 0 createStream 14 null
wait name=_result txn=14
cmd 0 deleteStream 15 null n:2
cmd 0 createStream 16 null
wait name=_result txn=16
cmd 0 createStream 17 null
wait name=_result txn=17
cmd 1 publish 18 null s:calls s:record
wait name=onStatus code=NetStream.Record.NoAccess msid=1
cmd 1 publish 19 null s:calls s:append
wait name=onStatus code=NetStream.Record.NoAccess msid=1
cmd 1 publish 20 null s:calls
wait name=onStatus code=NetStream.Publish.Start msid=1
ping 1
wait type=user-control event=7 value=1
cmd 0 FCUnpublish 21 null s:calls
cmd 0 deleteStream 22 null n:1
cmd 0 deleteStream 0 null n:999
ping 2
wait type=user-control event=7 value=2
EOF
ids=$(jq -c 'select(.name == "_result" and (.txn == 2 or .txn >= 13)) | .args[1]' \
    "$TMP/calls.json" | paste -sd,)
expect "ids of streams" "$ids" = 1,2,3,2,4
expect "answers to FCUnpublish and deleteStream" "$(jq -s 'map(.value == 1 and
    .event == 7) as $a | .[($a | index(true)) + 1:] | length' "$TMP/calls.json")" -eq 1
expect "goodbyes" "$(count_event publish.stop '.reason == "unpublished"')" -eq 1

# several plays on a connection; play twice on one stream; pause, seek
probe plays <<EOF
$GREET
cmd 0 createStream 3 null
wait name=_result txn=3
cmd 1 play 4 null s:nobody n:-2000
wait type=user-control event=0 value=1
wait code=NetStream.Play.Reset msid=1
wait code=NetStream.Play.Start msid=1
cmd 2 play 5 null s:nobody n:-2000
wait code=NetStream.Play.Start msid=2
cmd 1 play 6 null s:somebody n:-1000
wait code=NetStream.Play.Start msid=1
cmd 1 pause 7 null b:1 n:0
wait code=NetStream.Pause.Notify msid=1
cmd 1 pause 8 null b:0 n:0
wait code=NetStream.Unpause.Notify msid=1
cmd 1 seek 9 null n:1000
wait code=NetStream.Seek.Failed msid=1
cmd 1 play 10 null b:0
cmd 2 play 11 null s:nobody n:0
wait code=NetStream.Play.Start msid=2
EOF

# everything in one write, then byte by byte, with a plain handshake
pipelined() { # MODE: hold and release, or bytewise
	cat <<EOF
open
hello
$1
cmd 0 connect 1 { app s:live/_definst_ tcUrl s:rtmp://h/live }
cmd 0 createStream 2 null
cmd 1 publish 3 null s:pipe?token=1 s:live
data 1 0 s:@setDataFrame s:onMetaData { width n:64 }
msg 6 9 1 0 30 1700000000
msg 6 9 1 0 2000 1701000000
msg 4 8 1 0 300 af01
msg 6 9 1 40 700 2701000000
$2
wait code=NetStream.Publish.Start
EOF
}
cat >"$TMP/piped" <<EOF
$GREET
cmd 1 play 3 null s:pipe
wait type=video head=1701
wait type=audio head=af01
wait type=video head=2701
wait code=NetStream.Play.UnpublishNotify
wait type=video head=1701
wait type=audio head=af01
wait type=video head=2701
EOF
probe_start piped "$TMP/piped"
player=$spawned
retry 10 has_got piped '.code == "NetStream.Play.Start"' || fail "the player does not wait"
# the connection stays until its publish was granted, and its end is a goodbye
{ pipelined hold release; echo "cmd 1 closeStream 0 null"; echo "ping 5"; echo "wait event=7"; } |
    probe pipe1
retry 5 has_got piped '.code == "NetStream.Play.UnpublishNotify"' || fail "no UnpublishNotify"
{ pipelined "bytewise 1" "bytewise 0"; } | probe pipe2
await "$player" || fail "the player of the pipelined stream: $(tail -n 3 "$TMP/piped.json")"
expect "metadata" "$(got piped '.type == "data" and .args[0] == "onMetaData" and
    .args[1].width == 64')" -ge 2

# NetStream 2 gets what NetStream 1 gets: the translated path (rule 6)
cat >"$TMP/one" <<EOF
$GREET
cmd 1 play 3 null s:both
limit 20000
wait code=NetStream.Play.UnpublishNotify
EOF
sed 's/^cmd 1 play/cmd 0 createStream 4 null\nwait name=_result txn=4\ncmd 2 play/' \
    "$TMP/one" >"$TMP/two"
pids=()
for n in one1 two1 two2 two3; do
	probe_start $n "$TMP/${n%?}"
	pids+=("$spawned")
done
for n in one1 two1 two2 two3; do
	retry 10 has_got $n '.code == "NetStream.Play.Start"' || fail "$n does not wait"
done
bench both publish -d 3 -K 300000 -r 8M -g 1 "$(url both)"
for pid in "${pids[@]}"; do
	await "$pid" || fail "no end: $(tail -n 1 "$TMP"/two*.json)"
done
media() {
	jq -c 'select(.type == "audio" or .type == "video" or .type == "data") |
	    [.type, .csid, .ts, .len, .hash]' "$TMP/$1.json"
}
media one1 >"$TMP/media1"
expect "messages" "$(wc -l <"$TMP/media1")" -gt 150
for n in two1 two2 two3; do
	media $n >"$TMP/media2"
	cmp "$TMP/media1" "$TMP/media2" || fail "$n got other media than one1"
	expect "messages of $n on other streams" "$(got $n '(.type == "audio" or
	    .type == "video") and .msid != 2')" -eq 0
done

# a goodbye inside a large message, then another play: chunks stay parsable
bench_start big publish -d 0 -K 3500000 -g 1.5 -r 30M "$(url big)"
big=$spawned
wait_event publish.start '.stream == "big"' >/dev/null
cat >"$TMP/all" <<EOF
$GREET
cmd 1 play 3 null s:big
read 60000
EOF
probe_start all "$TMP/all"
all=$spawned
retry 20 has_got all '.head == "1701"' || fail "no keyframe"
inside() { # ID GOODBYE AGAIN
	cat <<EOF
rcvbuf 16384
open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live }
wait name=_result txn=1
cmd 0 createStream 2 null
cmd 0 createStream 3 null
wait name=_result txn=3
cmd $1 play 4 null s:big
wait code=NetStream.Play.Start
read-bytes 20000
sleep 300
$2
$3
sleep 100
rcvbuf 4000000
limit 20000
wait code=NetStream.Play.Start
wait type=video head=1700
wait 2 type=video head=1701
wait type=video head=2701
EOF
}
before=$(counter play.tails)
inside 1 "cmd 1 closeStream 0 null" "cmd 1 play 5 null s:big" | probe in1
inside 1 "cmd 0 deleteStream 0 null n:1" "cmd 2 play 5 null s:big" | probe in2
inside 2 "cmd 2 closeStream 0 null" "cmd 2 play 5 null s:big" | probe in3
inside 2 "cmd 0 deleteStream 0 null n:2" "cmd 1 play 5 null s:big" | probe in4
inside 1 "" "cmd 1 play 5 null s:big" | probe in5
expect "messages finished from a copy" "$(counter play.tails)" -ge $((before + 5))
stop "$big"
stop "$all"
for n in in1 in2 in3 in4 in5; do
	# every whole message is one that the other player got as well
	jq -r 'select(.type == "video") | .hash' "$TMP/$n.json" | sort -u >"$TMP/some"
	jq -r 'select(.type == "video") | .hash' "$TMP/all.json" | sort -u >"$TMP/every"
	expect "messages of $n" "$(wc -l <"$TMP/some")" -ge 3
	expect "messages of $n that were not published" \
	    "$(comm -23 "$TMP/some" "$TMP/every" | wc -l)" -eq 0
done
expect "connections that were closed" "$(counter closed.slow)" -eq 0
stop_server
