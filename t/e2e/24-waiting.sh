#!/bin/bash
# Who waits for a name that nobody publishes is told when WaitTimeout is over,
# and when MaxWaitingNames is reached; the connection stays, and plays.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
APP_XML='<StreamManager><Live><WaitTimeout>4</WaitTimeout></Live></StreamManager>'
SERVER_XML='<ResourceLimits><MaxWaitingNames>2</MaxWaitingNames></ResourceLimits>'
start_server -w 1

# the time is over; then the same NetStream plays what there is
cat >"$TMP/patient" <<EOF
$GREET
cmd 1 play 3 null s:later n:-2000
wait code=NetStream.Play.Start
limit 20000
wait code=NetStream.Play.Failed
cmd 1 play 4 null s:later n:-2000
wait type=video head=1700
EOF
probe_start patient "$TMP/patient"
patient=$spawned
failed=$(wait_event play.failed '.reason == "not-published"')
expect "name in the event" "$(jq -r .stream <<<"$failed")" = later
expect "seconds waited" "$(jq '.seconds >= 4' <<<"$failed")" = true
bench p publish -d 3 -r 500K "$(url later)"
await "$patient" || fail "it did not play after its wait in vain"

# two names may be waited for, a third is refused, a live one is not
cat >"$TMP/waiter" <<EOF
$GREET
cmd 1 play 3 null s:NAME n:-2000
wait code=NetStream.Play.Start
limit 20000
wait code=NetStream.Play.Failed
EOF
sed 's/NAME/n1/' "$TMP/waiter" >"$TMP/w1"
sed 's/NAME/n2/' "$TMP/waiter" >"$TMP/w2"
cat >"$TMP/w3" <<EOF
$GREET
cmd 1 play 3 null s:n3 n:-2000
wait code=NetStream.Play.Failed
cmd 1 play 4 null s:now n:-2000
wait type=video head=1700
EOF
bench_start live publish -d 0 -r 500K "$(url now)"
publisher=$spawned
wait_event publish.start '.stream == "now"' >/dev/null
probe_start w1 "$TMP/w1"
one=$spawned
probe_start w2 "$TMP/w2"
two=$spawned
retry 5 has_got w1 '.code == "NetStream.Play.Start"' || fail "n1 cannot be waited for"
retry 5 has_got w2 '.code == "NetStream.Play.Start"' || fail "n2 cannot be waited for"
probe_start w3 "$TMP/w3"
three=$spawned
await "$three" || fail "n3: $(cat "$TMP/w3.json")"
wait_event play.failed '.stream == "n3" and .reason == "waiting-full"' >/dev/null
await "$one" || fail "n1: $(cat "$TMP/w1.json")"
await "$two" || fail "n2: $(cat "$TMP/w2.json")"
expect "plays that failed" "$(counter play.failed)" -eq 4
stop "$publisher"
stop_server
