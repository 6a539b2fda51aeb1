#!/bin/bash
# Without ExplicitHosts a worker goes to 16 servers at a time that clients have named,
# whether these answer or not: the next one is refused, the rule named, and no packet
# sent; more streams of the 16 are not; when one is left alone another may come.
# timeout: 90
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need python3
nets_make edge world viewer
ip -n "$(nets_name edge)" route add default via "$(nets_addr world)"
for n in {1..18}; do
	ip -n "$(nets_name world)" addr add "9.9.9.$n" dev lo || skip "no address 9.9.9.$n here"
done
use_server edge
VHOST_XML='<Proxy><Mode>remote</Mode><RequestTimeout>15</RequestTimeout>
<LingerTime>0</LingerTime></Proxy>'
nets_server edge -w 1
nets_spawn edge packets python3 "$top_srcdir/t/e2e/packets.py" "$TMP/packets"
retry 30 test -e "$TMP/packets" || fail "packets are not seen"

# player NAME HOST STREAM: asks for it until it is stopped
player() {
	local tc="rtmp://edge/?rtmp://$2/live"
	printf '%s\n' open hello "cmd 0 connect 1 { app s:?rtmp://$2/live tcUrl s:$tc flashVer s:probe }" \
	    'cmd 0 createStream 2 null' "cmd 1 play 3 null s:$3 n:-2000" 'read 60000' >"$TMP/$1.script"
	# shellcheck disable=SC2016 # for the shell inside
	nets_spawn viewer "$1" sh -c 'exec "$0" "$1" 1935 <"$2" >"$3"' \
	    "$PROBE" "$(nets_addr edge)" "$TMP/$1.script" "$TMP/$1.json"
	players+=("$spawned")
}
waits() {
	use_server world
	[[ $(ctl client list -j | jq '[.[] | select(.role == "wait")] | length') == "$1" ]]
}
opens() {
	awk -v a="$1" '$1 == a && $2 == 6' "$TMP/packets" | wc -l
}
# full NAME: 16 players wait at 16 servers; one of a 17th is refused
full() {
	local text
	player "$1" 9.9.9.17 cam
	retry 30 has_got "$1" '.name == "_error"' || fail "$1: a 17th server is not refused"
	text=$(jq -r 'select(.name == "_error") | .description' "$TMP/$1.json")
	note "$1: $text"
	[[ $text == *"name this one in Proxy/ExplicitHosts"* ]] || fail "\"$text\" does not name the rule"
	expect "$1: packets to the 17th" "$(opens 9.9.9.17)" -eq 0
}
sixteen() {
	local n
	players=()
	for n in {1..16}; do
		player "$1$n" "9.9.9.$n" cam
	done
}
all_fail() {
	[[ $(events edge.failed | jq -r .hop | sort -u | wc -l) -eq 16 ]]
}

# nobody listens there: the players are not let in yet, one of a 17th is refused at once
sixteen deaf
retry 12 all_fail || fail "not all 16 are tried: $(events edge.failed)"
full deaf
retry 20 has_got deaf1 '.code == "NetConnection.Connect.Failed"' || fail "deaf1 is not told that nobody answers"
for p in "${players[@]}"; do
	stop "$p"
done
expect "fetched" "$(ctl edge list -j | jq length)" -eq 0

# a server at all of them
use_server world
VHOST_XML=
PORT=1935
HOST=0.0.0.0
nets_prefix world
start_server
IN=()
use_server edge
sixteen p
retry 15 waits 16 || fail "not all 16 are asked: $(ctl client list)"
before=$(opens 9.9.9.1)
player more 9.9.9.16 other
player again 9.9.9.1:1935 cam
full last
expect "connections to the first" "$(opens 9.9.9.1)" -eq "$before"
for p in more again; do
	expect "$p" "$(got $p '.name == "_error" or .code == "NetStream.Play.Failed"')" -eq 0
done
# one goes, and there is room
stop "${players[1]}"
retry 10 waits 15 || retry 10 waits 16 || fail "the second server is still asked"
free() {
	player next 9.9.9.18 cam
	retry 2 eval '[[ $(opens 9.9.9.18) -gt 0 ]]' && return 0
	stop "$spawned"
	return 1
}
retry 10 free || fail "no server can follow: $(tail -n 1 "$TMP/next.json")"
for p in "${players[@]}"; do
	stop "$p"
done
for s in edge world; do
	use_server $s
	stop_server
done
