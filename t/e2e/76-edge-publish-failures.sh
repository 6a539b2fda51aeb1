#!/bin/bash
# Publishing through two edges, and the origin is restarted: the encoder and viewers
# at both edges and behind another edge go on, times never go back. The middle edge is
# killed: the first one goes on by another way. Nobody takes it any more: the encoder
# is told after GraceTime. The encoder is killed: its name waits at the origin.
# timeout: 150
# long: 600
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg
nets_make edge1 edge2 edge3 origin client
make_media
open_origin='<Publish><Allow>all</Allow></Publish>'
up() {
	use_server origin
	VHOST_XML=
	APP_XML=$open_origin
	nets_server origin
}
edge() {
	local name=$1
	shift
	use_server "$name"
	APP_XML='<StreamManager><Live><GraceTime>12</GraceTime></Live></StreamManager>'
	edge_conf "$@"
	nets_server "$name"
}
up
edge edge2 '*:*;origin:1935'
edge edge1 '*:*;edge2:1935' '*:*;origin:1935'
edge edge3 '*:*;origin:1935'
nets_publish client rtmp://edge1/live/demo
encoder=$spawned
live_at() {
	use_server "$1"
	[[ $(stream demo .state) == live ]]
}
retry 15 live_at origin || fail "not live at the origin"
for s in edge1 edge2 edge3; do
	nets_play client "rtmp://$s/live/demo" "$TMP/$s.md5" -flush_packets 1
done
got() {
	local s
	for s in edge1 edge2 edge3; do
		[[ -e $TMP/$s.md5 && $(grep -vc '^#' "$TMP/$s.md5") -ge $1 ]] || return 1
	done
}
retry 15 got 50 || fail "not all viewers get it"

# murder NAME: the master and its workers
murder() {
	local all
	use_server "$1"
	mapfile -t all < <(children "$MASTER")
	{ kill -KILL "$MASTER" "${all[@]}" && wait "$MASTER"; } 2>/dev/null
	MASTER=
}
murder origin
rm -rf "$TMP/origin"
up
retry 20 live_at origin || fail "not live at the origin after its restart"
have=$(grep -vc '^#' "$TMP/edge3.md5")
retry 20 got $((have + 100)) || fail "not all viewers get it after the restart"
alive "$encoder" || fail "the encoder was ended by the restart of the origin"
use_server edge1
expect "edge1: its publisher" "$(events publish.start | wc -l)" -eq 1
use_server edge2
expect "edge2 lost it once" "$(count_event push.lost)" -ge 1

# the middle one dies, the first knows another way
murder edge2
use_server edge1
by_origin() {
	[[ $(events push.up | tail -n 1 | jq -r .hop) == origin:1935 ]]
}
retry 20 by_origin || fail "edge1 does not go by another way"
retry 20 live_at origin || fail "not live at the origin by the other way"
have=$(grep -vc '^#' "$TMP/edge3.md5")
more3() {
	[[ $(grep -vc '^#' "$TMP/edge3.md5") -ge $1 && $(grep -vc '^#' "$TMP/edge1.md5") -ge $1 ]]
}
retry 20 more3 $((have + 50)) || fail "viewers get nothing by the other way"
alive "$encoder" || fail "the encoder was ended"
for s in edge1 edge2 edge3; do
	note "$s: $(recorded "$TMP/$s.md5")"
	expect "$s: times never go back" "$(recorded "$TMP/$s.md5" | grep -c 'back=0')" -eq 1
done

# the encoder is killed: no goodbye
{ kill -KILL "$encoder" && wait "$encoder"; } 2>/dev/null
use_server origin
lost() {
	[[ $(count_event stream.end '.stream == "demo"') -ge 1 ]]
}
retry 10 lost || fail "the origin does not find out"
expect "grace at the origin" "$(events stream.end '.stream == "demo"' | tail -n 1 | jq -r '.grace_ms > 0')" = true

# nobody is there any more
nets_publish client rtmp://edge1/live/other
encoder=$spawned
other_live() {
	[[ $(stream other .state) == live ]]
}
use_server origin
retry 15 other_live || fail "other is not live"
stop_server
await "$encoder" 60
use_server edge1
expect "told after GraceTime" "$(events publish.stop '.stream == "other"' | jq -r .reason)" = upstream-lost
expect "kept that long" "$(events publish.stop '.stream == "other"' | jq -r '.seconds >= 11')" = true
for p in "${NETS_PLAYERS[@]}"; do stop "$p"; done
stop_server
use_server edge3
stop_server
