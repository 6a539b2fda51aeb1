#!/bin/bash
# sluicectl edge list: a name while it waits and when it is live, by which entry of
# the route table and which worker; the next worker after a kill -9; nothing when
# nobody wants it; more names than one answer holds. edge rebalance asks for it.
# timeout: 120
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ffmpeg
use_server origin
APP_XML='<Publish><Allow>all</Allow></Publish>'
start_server -w 1
origin=$HOST:$PORT

use_server edge
APP_XML='<Client><MaxStreams>64</MaxStreams></Client>'
VHOST_XML="<Proxy>
<Mode>remote</Mode><Anonymous>true</Anonymous><LingerTime>2</LingerTime>
<RouteTable protocol=\"\">
<RouteEntry>*:*;$origin</RouteEntry>
</RouteTable>
</Proxy>"
start_server -w 2
expect "an empty list" "$(ctl edge list)" = "nothing is fetched from other servers"
expect "an empty list" "$(ctl edge list -j | jq -c .)" = "[]"

# row FILTER: of the one name that is listed
row() {
	ctl edge list -j | jq -r ".[] | select(.stream == \"demo\") | $1"
}
is_row() {
	[[ $(row "$1") == true ]]
}
# player NAME: one more that plays demo
player() {
	printf '%s\ncmd 1 play 3 null s:demo n:-2000\nlimit 60000\nwait code=NetStream.Never\n' \
	    "$GREET" >"$TMP/player.script"
	probe_start "$1" "$TMP/player.script"
	retry 5 has_got "$1" '.code == "NetStream.Play.Start"' || fail "$1 does not play"
}
# players of both workers, whoever accepted them
both_have_players() {
	[[ $(ctl client list -j | jq '[.[] | select(.stream == "demo") | select(.role == "play" or .role == "wait") | .worker] | unique | length') == 2 ]]
}
for n in {1..30}; do
	player "p$n"
	both_have_players && break
done
both_have_players || fail "one worker has all of $n players"

retry 5 is_row '.state == "waiting" and .wanted_by == 2' || fail "not waiting: $(row .)"
expect "route" "$(row .route)" = "$origin"
expect "line of the entry" "$(row .entry)" -eq 4
expect "address" "$(row .addr)" = "$origin"
expect "viewers of what is not live" "$(row .viewers)" -eq 0
expect "delay of what is not live" "$(row .delay_ms)" = null
expect "names" "$(ctl edge list -j | jq length)" -eq 1
expect "vhost" "$(row .vhost)" = _defaultVHost_

use_server origin
publish_ffmpeg demo
publisher=$spawned
use_server edge
retry 10 is_row ".state == \"live\" and .viewers == $n" || fail "not live: $(row .)"
expect "delay" "$(row '.delay_ms < 5000')" = true
bytes=$(row .bytes)
has_more() { [[ $(row .bytes) -gt $1 ]]; }
retry 5 has_more "$bytes" || fail "bytes stand still at $bytes"
expect "a line for people" "$(ctl edge list | awk 'NR == 2 { print $1, $2, $4, $5 }')" = "live/demo live $origin 4"
ctl edge list | awk 'length($0) > 120 { exit 1 }' || fail "wider than 120: $(ctl edge list)"
expect "filter" "$(ctl edge list -j --stream 'x*' | jq length)" -eq 0
expect "publisher" "$(stream demo .publisher.kind)" = upstream
[[ $(ctl stream list) == *"upstream $origin"* ]] || fail "stream list: $(ctl stream list)"

# the worker that fetches it
victim=$(row .worker)
pid=$(ctl worker list -j | jq ".[] | select(.slot == $victim) | .pid")
kill -9 "$pid" || fail "no worker to kill"
retry 5 is_row ".worker != $victim and .state == \"live\"" || fail "nobody took it over: $(row .)"
retry 5 is_row '.viewers > 0' || fail "no viewer is left: $(row .)"

expect "rebalance" "$(ctl edge rebalance -j | jq -c .)" = '{"ok":true,"pulls":1}'
wait_event edge.rebalance '.pulls == 1' >/dev/null
expect "rebalance without a better route" "$(row .state)" = live

# as many names as do not fit into one answer
for k in 1 2 3; do
	{
		echo "$GREET"
		for i in {3..42}; do
			printf 'cmd 0 createStream %d null\nwait name=_result txn=%d\n' "$i" "$i"
		done
		for i in {1..40}; do
			printf 'cmd %d play %d null s:many-%d-%d n:-2000\n' "$i" $((i + 50)) "$k" "$i"
		done
		printf 'limit 60000\nwait code=NetStream.Never\n'
	} >"$TMP/many$k.script"
	probe_start "many$k" "$TMP/many$k.script"
	many[k]=$spawned
done
all_listed() {
	[[ $(ctl edge list -j --stream 'many-*' | jq '[.[].stream] | unique | length') == 120 ]]
}
retry 15 all_listed || fail "listed: $(ctl edge list -j | jq -c '[.[].stream]')"
expect "sorted" "$(ctl edge list -j | jq '[.[].stream] == ([.[].stream] | sort)')" = true

# nobody wants them any more
for k in 1 2 3; do
	stop "${many[k]}"
done
only_demo() {
	[[ $(ctl edge list -j | jq -c '[.[].stream]') == '["demo"]' ]]
}
retry 10 only_demo || fail "still listed: $(ctl edge list)"
stop "$publisher"
retry 10 is_row '.state == "waiting"' || fail "not waiting: $(row .)"
stop_server
use_server origin
stop_server
