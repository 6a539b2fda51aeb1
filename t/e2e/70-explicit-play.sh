#!/bin/bash
# Explicit addresses, rtmp://edge/?rtmp://edge2/?rtmp://origin/app/instance/name, as
# people type them, with FFmpeg, rtmpdump, GStreamer and VLC: chains of three, with
# and without an instance, mixed with implicit edges; every packet as it was
# published; published so, too.  What goes over the wire; spellings of one target share one stream.
# timeout: 200
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/clients.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg rtmpdump gst-launch-1.0 cvlc python3
nets_make edge1 edge2 origin=origin.example implicit viewer
APP_XML='<Publish><Allow>all</Allow></Publish>'
clip 8
explicit='<Mode>remote</Mode><ExplicitHosts>edge2, .example, origin, implicit, viewer:*</ExplicitHosts>'

nets_server origin
for s in edge1 edge2; do
	use_server "$s"
	VHOST_XML="<Proxy>$explicit</Proxy>"
	nets_server "$s"
done
use_server implicit
edge_conf '*:*;origin.example:1935'
nets_server implicit

waits_at_origin() {
	use_server origin
	[[ $(ctl client list -j | jq '[.[] | select(.role == "wait")] | length') -ge $1 ]]
}
# publish APP NAME, once
publish() {
	nets_spawn origin "publish-$2" ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy \
	    -flvflags no_duration_filesize -f flv "rtmp://origin.example/$1/$2"
	publisher=$spawned
}
# whole TEXT APP NAME URL: all of it with FFmpeg
whole() {
	nets_play viewer "$4" "$TMP/$1.md5"
	local player=$spawned
	retry 10 waits_at_origin 1 || fail "$1: nobody waits at the origin"
	publish "$2" "$3"
	await "$publisher" 60 || fail "$1: the publisher failed"
	await "$player" 60 || fail "$1: the player failed"
	same_media "$TMP/ref.md5" "$TMP/$1.md5" all
	note "$1: $(recorded "$TMP/$1.md5")"
}
chain='rtmp://edge1/?rtmp://edge2/?rtmp://origin.example'
whole chain live/room demo "$chain/live/room/demo"
whole short live demo2 "rtmp://edge1/?rtmp://origin/live/demo2"
whole to-implicit live demo3 "rtmp://edge1:1935/?rtmp://implicit/live/demo3"
whole from-implicit live demo4 "rtmp://implicit/?rtmp://elsewhere.test/live/demo4"

# The other clients, at once, from the middle on; six spellings of one target.
nets_spawn viewer dump rtmpdump -q -v -r "$chain/live/room/all" -o "$TMP/dump.flv"
clients=("$spawned")
nets_spawn viewer gst gst-launch-1.0 -q rtmp2src location="$chain/live/room/all" ! filesink location="$TMP/gst.flv"
clients+=("$spawned")
nets_spawn viewer vlc setpriv --reuid=65534 --regid=65534 --clear-groups cvlc -q -I dummy --no-sout-all --play-and-exit \
    "$chain/live/room/all" --sout "#std{access=file,mux=ts,dst=$TMP/vlc/out.ts}" vlc://quit
clients+=("$spawned")
mkdir -p "$TMP/vlc" && chmod 777 "$TMP/vlc" && chmod 755 "$TMP"
nets_play viewer "rtmp://EDGE1/?RTMP://Edge2:1935/?rtmp://ORIGIN.example:1935/live/room/all" "$TMP/spelled.md5"
clients+=("$spawned")
nets_spawn viewer app ffmpeg -nostdin -v warning -y -rtmp_app '?rtmp://edge2/?rtmp://origin.example/live/room' \
    -rtmp_tcurl "$chain/live/room" -rtmp_playpath all -i rtmp://edge1/ -c copy -f framemd5 "$TMP/app.md5"
clients+=("$spawned")
use_server edge1
five() {
	[[ $(ctl client list -j | jq '[.[] | select(.stream == "all")] | length') -eq 5 ]]
}
retry 15 five || fail "not all clients wait: $(ctl client list)"
publish live/room all
await "$publisher" 60 || fail "the publisher failed"
# the two FFmpegs and VLC end by themselves; of the others not all do
for c in "${clients[@]:3}"; do
	await "$c" 30 || fail "a player failed"
done
await "${clients[2]}" 30 || note "VLC ended with status $?"
for c in "${clients[@]:0:2}"; do
	stop "$c"
done
for f in dump gst; do
	ffmpeg -nostdin -v error -y -i "$TMP/$f.flv" -c copy -f framemd5 "$TMP/$f.md5" || fail "$f has no media"
done
for f in dump gst spelled app; do
	same_media "$TMP/ref.md5" "$TMP/$f.md5"
	note "$f: $(recorded "$TMP/$f.md5")"
done
# VLC does not write its last packet of sound to the end
ffmpeg -nostdin -v error -y -i "$TMP/vlc/out.ts" -c copy -frames:a 330 "$TMP/vlc.ts" || fail "VLC has no media"
note "VLC: $(same_pictures "$MEDIA" "$TMP/vlc.ts")"
use_server edge1
expect "fetched once" "$(events edge.up '.stream == "all"' | wc -l)" -eq 1
expect "its application" "$(events edge.up '.stream == "all"' | jq -r .app)" = \
    '?rtmp://edge2:1935/?rtmp://origin.example:1935/live'
use_server edge2
expect "at edge2" "$(events edge.up '.stream == "all"' | jq -r .app)" = '?rtmp://origin.example:1935/live'
use_server origin
expect "at the origin" "$(events stream.start '.stream == "all"' | jq -r '.app + "/" + .instance')" = live/room

# Published by such an address, too: over both edges, seen at the origin.
nets_play viewer rtmp://origin.example/live/room/up "$TMP/up.md5"
player=$spawned
retry 10 waits_at_origin 1 || fail "nobody waits at the origin"
nets_spawn viewer publish-up ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy \
    -flvflags no_duration_filesize -f flv "$chain/live/room/up"
await "$spawned" 60 || fail "the publisher of an explicit address failed"
await "$player" 60 || fail "the player of what it published failed"
same_media "$TMP/ref.md5" "$TMP/up.md5" all
note "up: $(recorded "$TMP/up.md5")"
use_server edge1
expect "sent on to" "$(events push.up '.stream == "up"' | jq -r .hop)" = edge2:1935

# On the wire: what the next server is told.
nets_spawn viewer wire python3 "$top_srcdir/t/e2e/connects.py" "$(nets_addr viewer)" 1935 "$TMP/wire" answer
wire=$spawned
retry 30 test -e "$TMP/wire.listens" || fail "the listener does not listen"
told() {
	rm -f "$TMP/wire"
	nets_spawn viewer "told$RANDOM" timeout 30 ffmpeg -nostdin -v error -i "$1" -f null -
	# those before it are tried again for a while, too
	retry 25 is_told "$2" || fail "$1: $(cat "$TMP/wire"), not $2"
	stop "$spawned"
}
is_told() {
	[[ $(cat "$TMP/wire" 2>/dev/null) == "$1" ]]
}
told "rtmp://edge1/?rtmp://viewer/live/x1" "live rtmp://viewer/live play x1"
told "rtmp://edge1/?rtmp://viewer/live/room/x2?token=secret" "live/room rtmp://viewer/live/room play x2?token=secret"
told "rtmp://edge1/?rtmp://viewer/?rtmp://[2001:db8::1]:7/live/x3" \
    "?rtmp://[2001:db8::1]:7/live rtmp://viewer/?rtmp://[2001:db8::1]:7/live play x3"
told "rtmp://edge1/?rtmp://edge2/?rtmp://viewer/live/x4" "live rtmp://viewer/live play x4"
stop "$wire"
for s in edge1 edge2 implicit origin; do
	use_server "$s"
	stop_server
done
