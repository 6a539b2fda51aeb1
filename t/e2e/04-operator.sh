#!/bin/bash
# What an operator does: looks at one client and one stream, filters lists, kicks,
# bans and lifts bans, reads the log, has the machine checked.
# sanitized: no
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
start_server -w 2
bench_start pub publish -d 0 -r 500K "$(url cam)"
publisher=$spawned
wait_event publish.start >/dev/null
bench_start viewers play -n 4 -d 0 "$(url cam)"
viewers=$spawned
watched() {
	[[ $(readers cam .total) -eq $1 ]]
}
retry 10 watched 4 || fail "not all play"

refused() { # TEXT ARGUMENTS...: sluicectl says no, and why
	local text=$1
	shift
	ctl "$@" >"$TMP/no.out" 2>&1 && fail "sluicectl $* did it"
	grep -qF -- "$text" "$TMP/no.out" || fail "sluicectl $*: $(cat "$TMP/no.out")"
}

# filters
expect "players" "$(ctl client list -j --role play | jq length)" -eq 4
expect "publishers" "$(ctl client list -j --role=publish --app live | jq length)" -eq 1
expect "of both workers" "$(($(ctl client list -j --worker 0 | jq length) +
    $(ctl client list -j --worker 1 | jq length)))" -eq 5
expect "of another network" "$(ctl client list -j --addr 192.0.2.0/24 | jq length)" -eq 0
expect "of this one" "$(ctl client list -j --addr 127.0.0.0/8 | jq length)" -eq 5
expect "streams" "$(ctl stream list -j --stream 'c*' | jq length)" -eq 1
refused 'expected new, idle, publish, play, wait, upstream, edge or virtual' client list --role king
refused 'has no option --role' stream list --role play
refused 'unknown option' client list --rolle play

# one of each
id=$(ctl client list -j --role play | jq '.[0].id')
ctl client show "$id" -j >"$TMP/client" || fail "client show"
is_true '.role == "play" and .bitrate_out > 100000' "$TMP/client" ||
    fail "client show: $(cat "$TMP/client")"
ctl stream show live/cam -j >"$TMP/stream" || fail "stream show"
is_true '.state == "live" and .readers.total == 4 and .bitrate_now > 100000 and
    .frame_rate > 10' "$TMP/stream" || fail "stream show: $(cat "$TMP/stream")"
ctl client show "$id" | grep -q '^rate out *[0-9]' || fail "client show for people"
ctl stream show live/cam | grep -q '^viewers *4' || fail "stream show for people"
refused 'no client has that id' client show 123456789
refused 'nobody publishes that' stream show live/nothing
refused 'expected a stream as APP/NAME' stream show cam

# kick a viewer: it goes, and is told; nobody else notices
ctl client kick "$id" >"$TMP/kick" || fail "client kick"
expect "what it says" "$(grep -c '^disconnected 127.0.0.1:' "$TMP/kick")" -eq 1
retry 10 watched 3 || fail "the client is still there"
wait_event client.kick ".client == $id" >/dev/null
wait_event client.close ".client == $id and .reason == \"kicked\"" >/dev/null
refused 'no client has that id' client kick "$id"
refused 'expected a time as 30s' client kick 1 --for ever

# kick the publisher, and keep the name from being published
ctl stream kick live/cam --for 2m >/dev/null || fail "stream kick"
wait_event stream.end '.reason == "kicked"' >/dev/null
await "$publisher" || true
expect "the ban" "$(ctl ban list -j | jq -r '.[0] | .kind + " " + .what')" = "stream live/cam"
probe banned <<EOF
$GREET
cmd 1 publish 3 null s:cam s:live
wait code=NetStream.Publish.Denied msid=1
cmd 1 publish 4 null s:cam2 s:live
wait code=NetStream.Publish.Start msid=1
EOF
ctl ban remove live/cam >/dev/null || fail "ban remove"
expect "bans" "$(ctl ban list -j | jq length)" -eq 0
refused 'no such ban' ban remove live/cam
bench_start again publish -d 0 -r 500K "$(url cam)"
again=$spawned
retry 10 watched 3 || fail "the name cannot be published again"

# ban an address: also in the worker that is started later
id=$(ctl client list -j --role play | jq '.[0].id')
ctl client kick "$id" --for 1h >/dev/null || fail "client kick --for"
expect "the ban" "$(ctl ban list | grep -c '^addr *127.0.0.1 ')" -eq 1
banned() {
	probe "$1" <<EOF
open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live }
wait name=_error code=NetConnection.Connect.Rejected
wait type=closed
EOF
}
for n in 1 2 3 4; do
	banned "before$n"
done
for pid in $(workers); do
	kill -KILL "$pid"
done
up() {
	ctl worker list -j | is_true 'all(.[]; .state == "up" and .deaths == 1)'
}
retry 10 up || fail "workers: $(ctl worker list)"
for n in 1 2 3 4; do
	banned "after$n"
done
ctl ban remove 127.0.0.1 >/dev/null || fail "ban remove of an address"
probe free <<EOF
$GREET
EOF

# the log
ctl log tail -n 1000 >"$TMP/tail" || fail "log tail"
grep -q ' info publish.start .*stream=cam ' "$TMP/tail" || fail "log tail: $(tail -n 3 "$TMP/tail")"
expect "one event" "$(ctl log tail -n 1000 --event client.kick | wc -l)" -eq 2
expect "of that stream, as it is" "$(ctl log tail -n 1000 -j --stream cam --event 'publish.*' |
    jq -r .stream | sort -u)" = cam
expect "warnings" "$(ctl log tail -n 1000 -j --level warning | jq -r .level | sort -u |
    grep -vc -e warning -e error)" -eq 0
spawn tail "$CTL" -r "$RUN" log tail -f -n 1000 --event '*.re*'
tail=$spawned
follows() {
	grep -q server.ready "$TMP/tail.out"
}
retry 10 follows || fail "log tail -f shows nothing"
mv "$LOG" "$LOG.1"
kill -HUP "$MASTER"
reopened() {
	grep -q log.reopen "$TMP/tail.out"
}
retry 10 reopened || fail "log tail -f does not see the new file"
cat "$LOG" >>"$LOG.1"
stop "$tail"
refused 'No such file' log tail --file "$TMP/nothing"

# the machine
ctl server check --conf "$CONF" -j >"$TMP/check"
is_true 'any(.[]; .check == "port" and .result == "ok") and
    any(.[]; .check == "workers" and .result == "ok") and
    any(.[]; .check == "configuration" and .result == "ok") and
    all(.[]; .result == "ok" or .do != null)' "$TMP/check" || fail "server check: $(cat "$TMP/check")"
ctl server check | grep -q '^OK *port ' || fail "server check for people"
stop "$again" "$viewers"
mv "$LOG.1" "$LOG"
stop_server
"$CTL" -r "$RUN" server check --conf "$CONF" -j >"$TMP/check"
is_true 'any(.[]; .check == "server" and .result == "warn") and
    any(.[]; .check == "port" and .result == "ok")' "$TMP/check" ||
    fail "server check without a server: $(cat "$TMP/check")"
echo '<Root><Server><Logging><Level>loud</Level></Logging></Server></Root>' >"$CONF/Server.xml"
"$CTL" -r "$RUN" server check --conf "$CONF" >"$TMP/check" && fail "a wrong file is no failure"
grep -q '^FAIL *configuration .*Server.xml:1' "$TMP/check" || fail "$(cat "$TMP/check")"
