#!/bin/bash
# The same route table on two edges makes edge1 -> edge2 -> origin, and so do its
# two lines one on each; a chain of four; FFmpeg at the far end gets every packet as
# it was published, with one offset of time.
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg
nets_make edge1=edge1.adobe.com edge2=edge2.adobe.com fms=fms.adobe.com edge0 viewer
APP_XML='<Publish><Allow>all</Allow></Publish>'
clip 8
line1='edge1.adobe.com:*;edge2.adobe.com:1935'
line2='edge1.adobe.com:*;fms.adobe.com:1935'

# whole TEXT URL: play it at the viewer's machine while $MEDIA is published once
whole() {
	local text=$1 address=$2 publisher player
	nets_play viewer "$address" "$TMP/$text.md5"
	player=$spawned
	use_server fms
	retry 10 waits_at_origin || fail "$text: nobody waits at the origin"
	nets_spawn fms "publish-$text" ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy \
	    -flvflags no_duration_filesize -f flv rtmp://fms.adobe.com/live/demo
	publisher=$spawned
	await "$publisher" 60 || fail "$text: the publisher failed"
	await "$player" 60 || fail "$text: the player failed"
	same_media "$TMP/ref.md5" "$TMP/$text.md5" all
	note "$text: $(recorded "$TMP/$text.md5")"
}
waits_at_origin() {
	[[ $(ctl client list -j | jq '[.[] | select(.role == "wait")] | length') -ge 1 ]]
}
hop_of() {
	use_server "$1"
	events edge.up | tail -n 1 | jq -r .hop
}
# restart NAME ENTRY...: an edge with these entries
restart() {
	local name=$1
	shift
	use_server "$name"
	[[ -z $MASTER ]] || stop_server
	rm -rf "${TMP:?}/$name"
	edge_conf "$@"
	nets_server "$name"
}

# unchanged on both
nets_server fms
restart edge1 "$line1" "$line2"
restart edge2 "$line1" "$line2"
whole unchanged rtmp://edge1.adobe.com/live/demo
expect "edge1 gets it from" "$(hop_of edge1)" = edge2.adobe.com:1935
expect "edge2 gets it from" "$(hop_of edge2)" = fms.adobe.com:1935

# one line on each
restart edge1 "$line1"
restart edge2 "$line2"
whole split rtmp://edge1.adobe.com/live/demo
expect "edge1 gets it from" "$(hop_of edge1)" = edge2.adobe.com:1935
expect "edge2 gets it from" "$(hop_of edge2)" = fms.adobe.com:1935

# four servers in a row
restart edge1 '*:*;edge2.adobe.com:1935'
restart edge2 '*:*;fms.adobe.com:1935'
restart edge0 '*:*;edge1.adobe.com:1935'
whole four rtmp://edge0/live/demo
for s in edge0 edge1 edge2 fms; do
	use_server "$s"
	stop_server
done
