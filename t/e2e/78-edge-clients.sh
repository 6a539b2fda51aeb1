#!/bin/bash
# The origin knows every client behind two edges: what it says in connect, its address, its
# calls; it lets it in or not, and disconnects it.  First an origin of another make, then
# ours.
# timeout: 150
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need python3
calls="$top_srcdir/t/e2e/calls.py"
# edge NAME PORT-OF-NEXT TRUSTED-EDGES [PROXY-XML]
edge() {
	use_server "$1"
	VHOST_XML="<TrustedEdges>$3</TrustedEdges><Proxy><Mode>remote</Mode><Anonymous>true</Anonymous>$4
<RouteTable><RouteEntry>*:*;127.0.0.1:$2</RouteEntry></RouteTable></Proxy>"
	start_server -w 2
}
said() {
	jq -c "$1" "$TMP/other" | grep -Fxq -- "$2"
}

# An origin of another make: a connection for each client.
other=$(free_port)
spawn other python3 "$calls" serve "$other" "$TMP/other"
retry 20 test -s "$TMP/other" || fail "the other server does not listen"
edge edge2 "$other" local '<ClientCheck>origin</ClientCheck>'
edge2=$PORT
edge edge1 "$edge2" '' ''
edge1=$PORT
python3 "$calls" calls "$edge1" live/room 1000 >"$TMP/calls" 2>&1 || fail "$(cat "$TMP/calls")"
note "$(cat "$TMP/calls")"
said 'select(.event == "connect" and .object.own) | .object | [.app, .tcUrl, .pageUrl, .swfUrl, .flashVer, .objectEncoding, .own.list]' \
    "[\"live/room\",\"rtmp://127.0.0.1:$edge1/live/room\",\"http://example.org/page?a=b\",\"http://example.org/p.swf\",\"LNX 11,2,202,644\",3,\"of mine\"]" ||
    fail "what the client said of itself did not come through: $(cat "$TMP/other")"
said 'select(.event == "connect" and .object.own) | .object | keys | map(select(startswith("sluice")))' '["sluiceHops","sluiceVia"]' ||
    fail "a server of another make was told more than the client said"
# its arguments; a call from above and the answer to it
timeout 20 python3 "$calls" connect "$edge1" live first call kick >"$TMP/called" ||
    fail "connect: $(cat "$TMP/called")"
said 'select(.event == "connect" and .args == ["first", "call", "kick"]) | .args | length' 3 ||
    fail "the arguments of connect did not come through: $(cat "$TMP/other")"
expect "called from above" "$(jq -c 'select(.name == "hello") | .args' "$TMP/called")" = '["from above"]'
said 'select(.event == "_result") | [.txn, .value]' '[77,"from below"]' ||
    fail "the answer from below did not come through: $(cat "$TMP/other")"
# refused, word for word
timeout 20 python3 "$calls" connect "$edge1" live refuse >"$TMP/refused"
expect "refused" "$(head -n 1 "$TMP/refused" | jq -c '[.name, .txn, .info.level, .info.code, .info.description, .info.application, .info.ex]')" = \
    '["_error",1,"error","NetConnection.Connect.Rejected","not today",{"why":"tenth","n":10,"deep":{"ok":true,"nothing":null}},{"code":302,"redirect":"rtmp://other.example/app"}]'
# edge: it lets everybody in, and answers calls itself
edge edge3 "$other" '' ''
timeout 20 python3 "$calls" connect "$PORT" live refuse >"$TMP/let-in" &
pid=$!
retry 10 test -s "$TMP/let-in" || fail "no answer"
expect "let in by the edge" "$(head -n 1 "$TMP/let-in" | jq -r .name)" = _result
kill "$pid"
for s in edge3 edge1 edge2; do
	use_server "$s"
	check_log
	stop_server
done

# An origin of ours: 400 clients, all known to it, with their own addresses.
use_server origin
VHOST_XML='<TrustedEdges>local</TrustedEdges>'
start_server -w 2
origin=$PORT
bench_start source publish -r 300000 -d 60 "rtmp://127.0.0.1:$origin/live/demo"
wait_event publish.start >/dev/null
edge middle "$origin" local ''
edge near "$PORT" '' ''
bench_start players play -n 400 -R 400 -d 25 "$(url demo)"
players=$spawned
use_server origin
virtual() {
	[[ $(ctl client list --virtual -j | jq length) == "$1" ]]
}
retry 20 virtual 400 || fail "the origin knows $(ctl client list --virtual -j | jq length) of 400 clients"
addrs() {
	jq -r '.[] | .addr' | sort
}
expect "their addresses" "$(ctl client list --virtual -j | addrs | sha256sum)" = \
    "$(use_server near; ctl client list --role play -j | addrs | sha256sum)"
expect "edges below" "$(ctl edge list --below -j | jq 'map(.clients) | add')" -eq 400
expect "players at the origin itself" "$(ctl client list --role play -j | jq length)" -eq 1
viewers() {
	[[ $(stream "$1" .viewers) == "$2" ]]
}
retry 5 viewers demo 400 || fail "the origin knows of $(stream demo .viewers) of 400 viewers"
expect "of these at the origin itself" "$(stream demo .readers.total)" -eq 1
use_server middle
expect "the same in the middle" "$(stream demo .viewers)" -eq 400
use_server origin
# a kick at the origin disconnects the one that is meant
who=$(ctl client list --virtual -j | jq -c '.[123] | [.id, .addr]')
ctl client kick "$(jq '.[0]' <<<"$who")" >/dev/null || fail "no kick"
use_server near
kicked() {
	[[ $(events client.close '.reason == "origin-closed"' | jq -r .addr) == "$(jq -r '.[1]' <<<"$who")" ]]
}
retry 5 kicked || fail "the client $who was not disconnected"
expect "disconnected" "$(count_event client.close)" -eq 1
use_server origin
retry 5 virtual 399 || fail "the origin still knows of it"
retry 5 viewers demo 399 || fail "the origin still counts it"
# the middle edge dies: nobody leaves, all are known again
use_server middle
all=$(workers)
for pid in $all; do
	kill -KILL "$pid"
done
use_server origin
forgotten() {
	[[ $(count_event client.close '.reason == "edge-lost"') -eq 399 ]]
}
retry 10 forgotten || fail "the origin did not notice"
retry 10 virtual 399 || fail "after the middle edge's workers died the origin knows $(ctl client list --virtual -j | jq length) of 399"
use_server near
expect "still there" "$(ctl client list --role play -j | jq length)" -eq 399
use_server origin
retry 10 viewers demo 399 || fail "the origin counts $(use_server origin; stream demo .viewers) of 399 viewers"
# published through both edges, watched beside the encoder and at the origin
use_server near
bench_start through publish -r 100000 -d 60 "$(url through)"
through=$spawned
bench_start beside play -n 7 -d 60 "$(url through)"
beside=$spawned
use_server origin
bench_start direct play -n 3 -d 60 "$(url through)"
direct=$spawned
retry 10 viewers through 10 || fail "the origin counts $(stream through .viewers) of 10 viewers"
kill "$beside"
retry 10 viewers through 3 || fail "the origin counts $(stream through .viewers) of 3 viewers"
kill "$through" "$direct"
# an address that is banned at the origin: it need not be asked, so that the client is in
# until it says no
use_server origin
ban=$(ctl client list --virtual -j | jq '.[0].id')
ctl client kick "$ban" --for 60s >/dev/null || fail "no ban"
timeout 20 python3 "$calls" connect "$(use_server near; echo "$PORT")" live >"$TMP/banned"
expect "banned" "$(tail -n 1 "$TMP/banned" | jq -r .name)" = end
expect "the edge says" "$(use_server near; count_event client.close '.reason == "origin-refused"')" -eq 1
ctl ban remove 127.0.0.1 >/dev/null
# a method that is not there
timeout 20 python3 "$calls" calls "$(use_server near; echo "$PORT")" live 1 >"$TMP/none"
grep -q '_error' "$TMP/none" || fail "a method that is not there: $(cat "$TMP/none")"
# gone with the edge's clients
kill "$players"
retry 20 virtual 0 || fail "clients that are gone are still known"
for s in near middle origin; do
	use_server "$s"
	stop_server
done
