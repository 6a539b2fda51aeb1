#!/bin/bash
# Names that nobody publishes, thousands of them (LONG: 20,000), asked for through two
# edges: they wait on at most two connections per hop, memory is bounded, and one that
# goes live plays at once.
# timeout: 240
# long: 600
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
clients=50 each=60
[[ $LONG == 0 ]] || clients=334
names=$((clients * each))
SERVER_XML='<ResourceLimits><MaxWaitingNames>30000</MaxWaitingNames></ResourceLimits>'
APP_XML='<Client><MaxStreams>64</MaxStreams></Client>'
edge() {
	VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RouteTable><RouteEntry>*:*;127.0.0.1:$1</RouteEntry></RouteTable></Proxy>"
}
use_server origin
start_server -w 2
origin=$PORT
use_server near
edge "$origin"
start_server -w 2
near=$PORT
use_server far
edge "$near"
start_server -w 2

# resident KiB of a server's processes
resident() {
	local pid sum=0
	for pid in "$MASTER" $(workers); do
		sum=$((sum + $(awk '/^Rss(Anon)/ {print $2}' "/proc/$pid/status")))
	done
	echo $sum
}
declare -A had_kib
for s in origin near far; do
	use_server $s
	had_kib[$s]=$(resident)
done

use_server far
for ((c = 0; c < clients; c++)); do
	{
		echo "open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe }
wait name=_result txn=1
limit 200000
hold"
		for ((n = 1; n <= each; n++)); do
			echo "cmd 0 createStream $((n + 1)) null"
		done
		echo "release
wait $each name=_result
hold"
		for ((n = 1; n <= each; n++)); do
			echo "cmd $n play $((n + 100)) null s:r$RANDOM$RANDOM.$c.$n n:-2000"
		done
		echo "release
wait type=video"
	} >"$TMP/c.$c.script"
	probe_start "c$c" "$TMP/c.$c.script"
done
waiting() {
	[[ $(ctl edge list -j | jq '[.[] | select(.state == "waiting")] | length') -ge $1 ]]
}
retry 90 waiting "$names" || fail "$(ctl edge list -j | jq -c 'group_by(.state) | map({(.[0].state): length})') of $names names wait"
for s in far near; do
	use_server $s
	retry 60 waiting "$names" || fail "$s: $(ctl edge list -j | jq -c 'group_by(.state) | map({(.[0].state): length})') of $names wait"
	note "$s: $(counter upstream.connects) connections for $names names, $(($(resident) - had_kib[$s])) KiB more"
	# two for names, and one of each worker that asks about clients
	expect "$s: connections upward" "$(counter upstream.connects)" -le 4
	expect "$s: KiB for each name" $(( ($(resident) - had_kib[$s]) / names )) -le 12
done
use_server origin
expect "connections at the origin" "$(counter clients.accepted)" -le 4
note "origin: $(($(resident) - had_kib[origin])) KiB more"

# one of them goes live
use_server far
before=$(count_event play.start)
name=$(sed -n 's/.* play .* s:\([^ ]*\) .*/\1/p' "$TMP/c.0.script" | head -n 1)
use_server origin
bench_start source publish -r 300000 -d 20 "$(url "$name")"
source=$spawned
use_server far
retry 10 more_events play.start "$before" || fail "$name does not play"
note "$name: $(events edge.up | jq -c '[.waited_ms]')"
use_server origin
note "connections at the origin now: $(counter clients.accepted)"
stop "$source"
for s in far near origin; do
	use_server $s
	stop_server
done
