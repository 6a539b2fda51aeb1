#!/bin/bash
# One publisher per name: the second is told BadName, unless the first is silent;
# then viewers stay with the newcomer.  Whatever bytes clients send as names, log
# lines stay JSON and sluicectl prints nothing that a terminal would obey.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
APP_XML='<StreamManager><Live><PublishTimeout>800</PublishTimeout></Live></StreamManager>'
start_server -w 2

# a live publisher keeps its name
bench_start first publish -d 0 -r 500K "$(url cam)"
first=$spawned
wait_event publish.start >/dev/null
bench_start viewers play -n 4 -d 60 "$(url cam)"
viewers=$spawned
watched() {
	[[ $(readers cam .total) -eq 4 ]]
}
retry 10 watched || fail "not all play"
for n in 1 2 3; do # on one worker or the other
	probe second$n <<EOF
$GREET
cmd 1 publish 3 null s:cam s:live
wait type=command name=onStatus code=NetStream.Publish.BadName msid=1
# the connection is still good for another name
cmd 1 publish 4 null s:other$n s:live
wait code=NetStream.Publish.Start
EOF
done
expect "refusals" "$(count_event publish.refused '.reason == "name-taken"')" -eq 3
expect "refusals counted" "$(counter publish.refused)" -eq 3
expect "cam is still with the first" "$(stream cam .state)" = live

# a silent one does not
kill -STOP "$first"
before=$(count_event publish.start)
silent() { # time since the last byte: longer than PublishTimeout
	local bytes now
	bytes=$(ctl client list -j | jq '.[] | select(.stream == "cam" and
	    .role == "publish") | .bytes_in')
	now=$(now_ms)
	[[ $bytes == "${last_bytes:-}" ]] || { last_bytes=$bytes; since=$now; }
	[[ $((now - since)) -gt 1000 ]]
}
last_bytes='' since=0
retry 10 silent || fail "the stopped publisher still sends"
bench_start newcomer publish -d 0 -r 500K "$(url cam)"
newcomer=$spawned
retry 10 more_events publish.start "$before" || fail "the newcomer did not get the name"
wait_event publish.stop '.reason == "taken-over"' >/dev/null
frames_beyond() {
	[[ $(stream cam .frames) -gt $1 ]]
}
live_frames() {
	[[ $(ctl stream list -j | jq '[.[] | select(.name == "cam" and
	    .state == "live") | .frames] | add') -gt 60 ]]
}
retry 10 live_frames || fail "no frames of the newcomer"
retry 10 watched || note "readers: $(ctl stream list)"
kill -INT "$viewers"
await "$viewers" || note "viewers: $(cat "$TMP/viewers.json")"
expect "viewers that were closed" "$(result viewers .players.closed_by_server)" -eq 0
expect "viewers that came again" "$(result viewers .reconnects)" -eq 0
expect "viewers that saw the newcomer" "$(result viewers .restarts)" -eq 4
expect "bad frames" "$(result viewers .bad)" -eq 0
expect "timestamps that went back" "$(result viewers .ts_errors)" -eq 0
kill -CONT "$first"
stop "$newcomer"
await "$first" || note "the one that lost its name ended with status $?"

# names of all kinds: accepted ones are published and played
long=$(printf 'n%.0s' {1..200})
accepted=('a"b' "it's" 'back\x5cslash' '\xc3\xa9t\xc3\xa9' 'bad\xffutf\xc3' '%s%n%d'
	'{"event":"x"}' 'with\x20blank' '\xe2\x80\xae' "$long" '../../etc/passwd' '$(id)')
refused=('new\x0aline' 'esc\x1b[31m' 'tab\x09' 'del\x7f' '?only=query' '/'
	"$long$long")
for name in "${accepted[@]}"; do
	probe name <<EOF
$GREET
cmd 1 publish 3 null s:$name s:live
wait code=NetStream.Publish.Start
msg 6 9 1 0 5 1700000000
msg 6 9 1 0 40 1701000000
cmd 0 createStream 4 null
wait name=_result txn=4
cmd 2 play 5 null s:$name
wait code=NetStream.Play.Start
wait type=video head=1701 msid=2
EOF
	# as people see it while it is there
	ctl stream list >>"$TMP/tables"
	ctl client list >>"$TMP/tables"
	ctl stream list -j | is_true 'type == "array"' || fail "stream list -j with $name"
done
for name in "${refused[@]}"; do
	probe name <<EOF
$GREET
cmd 1 publish 3 null s:$name s:live
wait code=NetStream.Publish.BadName
cmd 1 play 4 null s:$name
wait code=NetStream.Play.Failed
EOF
done

# what a client says it is, and its application, while they are shown
cat >"$TMP/odd" <<EOF
open
hello
cmd 0 connect 1 { app s:l"i've tcUrl s:rtmp://x/y flashVer s:new\\x0aline\\x1b[31m\\xff"quote"\\x07 }
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:odd"stream\\xff s:live
wait code=NetStream.Publish.Start
read 20000
EOF
probe_start odd "$TMP/odd"
odd=$spawned
retry 10 has_got odd '.code == "NetStream.Publish.Start"' ||
    fail "odd names: $(cat "$TMP/odd.json")"
ctl stream list >>"$TMP/tables"
ctl client list >>"$TMP/tables"
ctl client list -j | is_true 'any(.[]; .agent == "new?line?[31m?\"quote\"?")' ||
    fail "the agent is not in client list -j"
stop "$odd"
for app in 'new\x0aline' 'esc\x1b[31m' "$long"; do
	probe app <<EOF
open
hello
cmd 0 connect 1 { app s:$app }
wait name=_error code=NetConnection.Connect.InvalidApp
wait name=close
wait type=closed
EOF
done
grep -qP '[^\x20-\x7e\x0a\x80-\xff]' "$TMP/tables" &&
    fail "control bytes in a table: $(grep -nP '[^\x20-\x7e\x0a\x80-\xff]' "$TMP/tables" | cat -v)"
iconv -f UTF-8 -t UTF-8 "$TMP/tables" >/dev/null || fail "a table is not UTF-8"
expect "lines of events with quotes" "$(count_event publish.start '.stream == "a\"b"')" -eq 1
stop_server # asserts that every line is JSON with an event
