#!/bin/bash
# Viewers of an edge through kill -9 of the middle edge (with and without another
# way), of the worker that fetches, of the origin, and cables that are out for 5 s
# (LONG: 60 s): they stay connected, times never go back, no packet comes twice, and
# the picture is back within a second of the path.
# timeout: 240
# long: 420
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg
nets_make edge1=edge1.adobe.com edge2=edge2.adobe.com fms=fms.adobe.com only viewer
APP_XML='<Publish><Allow>all</Allow></Publish>'
outage=5
[[ $LONG == 0 ]] || outage=60
nets_server fms
fms_publisher() {
	nets_publish fms rtmp://fms.adobe.com/live/demo
	publisher=$spawned
}
fms_publisher
edge_conf '*:*;fms.adobe.com:1935'
nets_server edge2
edge_conf '*:*;edge2.adobe.com:1935' '*:*;fms.adobe.com:1935'
nets_server edge1
edge_conf '*:*;edge2.adobe.com:1935'
nets_server only

plays() {
	[[ $(ctl client list -j | jq '[.[] | select(.role == "play")] | length') -eq $1 ]]
}
puller() {
	ctl edge list -j | jq '.[0].worker'
}
# delivers EVENTS-BEFORE: it came back
route_events() {
	echo $(($(count_event edge.up) + $(count_event edge.route)))
}
more_routes() {
	[[ $(route_events) -gt $1 ]] && comes_live
}
comes_live() {
	ctl edge list -j | is_true '.[0].state == "live"'
}
# settle: for some seconds media comes
settle() {
	local n=0
	while [[ $n -lt 8 ]]; do
		sleep 0.4
		if ctl edge list -j | is_true '.[0].state == "live" and .[0].delay_ms < 2500'; then
			n=$((n + 1))
		else
			n=0
		fi
	done
}
revive() { # NAME: a server that was killed, with what it had
	use_server "$1"
	HOST=$(nets_addr "$1")
	local IN
	nets_prefix "$1"
	start_server
}
kill_all() {
	local pid all
	use_server "$1"
	all=$(workers)
	kill -KILL "$MASTER"
	for pid in $all; do
		kill -KILL "$pid"
	done
	retry 5 gone "$MASTER"
}

# viewers on each worker of both edges
for n in 1 2 3 4 5 6; do
	nets_play viewer rtmp://edge1/live/demo "$TMP/two$n.md5"
	nets_play viewer rtmp://only/live/demo "$TMP/one$n.md5"
done
for s in edge1 only; do
	use_server $s
	retry 20 plays 6 || fail "the viewers of $s do not play"
done
# the middle edge, killed: edge1 has another way, `only` waits for it
use_server edge1
before1=$(route_events)
use_server only
before2=$(route_events)
kill_all edge2
use_server edge1
retry 10 more_routes "$before1" || fail "edge1 did not find the other way"
# the master hears of it a moment after the log does
hop_is() {
	[[ $(edge_hop) == "$1" ]]
}
retry 2 hop_is fms.adobe.com:1935 || fail "edge1 gets it from $(edge_hop), not from fms.adobe.com:1935"
note "edge1, middle killed: $(events edge.route | tail -n 1 | jq -c '[.from, .to, .silent_ms]')"
sleep 2
revive edge2
use_server only
retry 20 more_routes "$before2" || fail "only did not come back to edge2"
note "only, middle killed for 2 s and more: $(events edge.route | tail -n 1 | jq -c '[.from, .to, .silent_ms]')"

# a cable
use_server only
settle
before2=$(route_events)
nets_cut edge2
sleep $outage
mended=$(now_ms)
nets_mend edge2
retry 20 more_routes "$before2" || fail "only did not come back over the cable"
note "only, cable out for $outage s: media after $(($(now_ms) - mended)) ms"

settle

# the origin: everything is gone for a moment, and its clock begins anew
use_server edge1
before1=$(route_events)
kill_all fms
stop "$publisher"
sleep 1
revive fms
make_media_gop 1 # other content: what is the same is taken for what was had
fms_publisher
use_server edge1
retry 20 more_routes "$before1" || fail "edge1 did not come back to the origin"
note "edge1, origin killed: $(events edge.route | tail -n 1 | jq -c '[.from, .to, .silent_ms]')"
settle
use_server only
retry 20 comes_live || fail "only did not come back to the origin"
settle

for s in edge1 only; do
	use_server $s
	retry 10 plays 6 || fail "$s: viewers left: $(ctl client list | head -n 20)"
done

# the worker that fetches: its own viewers go, the others stay
use_server edge1
before1=$(route_events)
at=$(puller)
others=$(ctl client list -j | jq --argjson w "$at" '[.[] | select(.role == "play" and .worker != $w)] | length')
pid=$(events worker.ready ".worker == $at" | tail -n 1 | jq .worker_pid)
kill -KILL "$pid"
retry 10 more_routes "$before1" || fail "nobody took the pull over"
expect "viewers of the other worker" "$(ctl client list -j |
    jq --argjson w "$at" '[.[] | select(.role == "play" and .worker != $w)] | length')" -eq "$others"
settle
nets_stop_players
for f in "$TMP"/{one,two}?.md5; do
	stats=$(recorded "$f")
	note "$(basename "$f"): $stats"
	[[ $stats == *"back=0 twice=0"* ]] || fail "$f: $stats"
done
for s in edge1 only edge2 fms; do
	use_server $s
	stop_server
done
