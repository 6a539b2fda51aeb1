#!/bin/bash
# Publishing with explicit addresses as they are typed: FFmpeg, GStreamer (both
# elements) and VLC, over one edge and over two, with and without an instance; what
# the origin is told; every packet of FFmpeg arrives there, and at viewers of an edge on
# the way.  What may not be gone to is refused, and gets no packet.
# timeout: 200
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg gst-launch-1.0 cvlc python3
nets_make edge second origin listens client
clip 6
mkdir -p "$TMP/vlc" && chmod 777 "$TMP/vlc"
APP_XML='<Publish><Allow>all</Allow></Publish>'
nets_server origin
for s in edge second; do
	use_server $s
	VHOST_XML='<Proxy><Mode>remote</Mode><LingerTime>0</LingerTime><ExplicitHosts>second, origin, listens</ExplicitHosts></Proxy>'
	nets_server $s
done
nets_spawn listens told python3 "$top_srcdir/t/e2e/connects.py" "$(nets_addr listens)" 1935 "$TMP/told" answer
retry 20 test -e "$TMP/told.listens" || fail "nobody listens"
nets_spawn edge packets python3 "$top_srcdir/t/e2e/packets.py" "$TMP/packets"
retry 20 test -e "$TMP/packets" || fail "packets are not seen"

# publish PROGRAM URL: in the background
publish() {
	case $1 in
	ffmpeg) set -- "$1" ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy -flvflags no_duration_filesize -f flv "$2" ;;
	rtmp2sink) set -- "$1" gst-launch-1.0 -q "${flv[@]}" ! rtmp2sink location="$2" ;;
	rtmpsink) set -- "$1" gst-launch-1.0 -q "${flv[@]}" ! rtmpsink location="$2 live=1" ;;
	vlc) set -- "$1" "${vlc[@]}" "$MEDIA" --sout "#std{access=avio,mux=avformat{mux=flv},dst=$2}" ;;
	esac
	local tag=$1
	shift
	nets_spawn client "$tag" "$@"
}
flv=(filesrc location="$MEDIA" ! flvdemux name=d d.video ! queue ! flvmux streamable=true)
vlc=(env HOME="$TMP/vlc" setpriv --reuid=65534 --regid=65534 --clear-groups cvlc -q --no-sout-all)

# told PROGRAM URL WANT: what the last server is told
told() {
	rm -f "$TMP/told"
	publish "$1" "$2"
	retry 15 hears "$3" || fail "$1 $2: it is told \"$(cat "$TMP/told" 2>/dev/null)\", not \"$3\""
	stop "$spawned"
	note "$1: $3"
}
hears() {
	[[ -e $TMP/told && $(cat "$TMP/told") == "$1" ]]
}
for program in ffmpeg vlc rtmpsink rtmp2sink; do
	told $program "rtmp://edge/?rtmp://listens/live/$program" "live rtmp://listens/live publish $program"
	told $program "rtmp://edge/?rtmp://second/?rtmp://listens/live/room/$program-2?key=a" \
	    "live/room rtmp://listens/live/room publish $program-2?key=a"
done

# Bit-exact over two edges, at the origin and for a viewer of the first and second
chain='rtmp://edge/?rtmp://second/?rtmp://origin/live/room/cam'
nets_play client rtmp://origin/live/room/cam "$TMP/origin.md5"
players=("$spawned")
use_server origin
waits() {
	[[ $(ctl client list -j | jq '[.[] | select(.role == "wait")] | length') -ge 1 ]]
}
retry 10 waits || fail "nobody waits at the origin"
publish ffmpeg "$chain"
publisher=$spawned
use_server edge
wait_event push.up '.stream == "cam"' >/dev/null
nets_play client "$chain" "$TMP/edge.md5"
players+=("$spawned")
nets_play client rtmp://second/?rtmp://origin/live/room/cam "$TMP/second.md5"
players+=("$spawned")
await "$publisher" 40 || fail "the publisher failed"
for p in "${players[@]}"; do
	await "$p" 30 || fail "a player failed"
done
same_media "$TMP/ref.md5" "$TMP/origin.md5" all
for f in edge second; do
	same_media "$TMP/ref.md5" "$TMP/$f.md5" end
	note "$f: $(recorded "$TMP/$f.md5")"
done
use_server origin
expect "where it is live" "$(events stream.start | jq -r '.app + "/" + .instance')" = live/room
expect "publishers at the origin" "$(count_event publish.start)" -eq 1

# Refused within a second, with the rule, whole and as FFmpeg cuts it
: >"$TMP/packets"
# refused NAME APP STREAM
refused() {
	local before text
	before=$(now_ms)
	printf '%s\n' open hello "cmd 0 connect 1 { app s:$2 tcUrl s:rtmp://edge/$2 flashVer s:probe }" \
	    'cmd 0 createStream 2 null' "cmd 1 publish 3 null s:$3 s:live" 'read 5000' >"$TMP/$1.script"
	# shellcheck disable=SC2016 # for the shell inside
	nets_spawn client "$1" sh -c 'exec "$0" "$1" 1935 <"$2" >"$3"' \
	    "$PROBE" "$(nets_addr edge)" "$TMP/$1.script" "$TMP/$1.json"
	retry 4 has_got "$1" '.description | strings | test("ExplicitHosts")' ||
	    fail "$2 $3: the rule is not named: $(tail -n 2 "$TMP/$1.json")"
	expect "$1: ms" $(($(now_ms) - before)) -lt $((1000 * TIME_SCALE))
	stop "$spawned"
	text=$(jq -r 'select(.description | strings | test("ExplicitHosts")) | .code + ": " + .description' "$TMP/$1.json")
	note "$1: $text"
	expect "$1: packets" "$(grep -vc -e '^ff' -e ' 17 53$' "$TMP/packets")" -eq 0
}
refused whole '?rtmp://127.0.0.1:22/live' x
refused private '?rtmp://10.0.0.1/live' x
refused other '?rtmp://client/live' x
refused ffmpeg-cut '?rtmp:/' 10.0.0.1/live/x
refused librtmp-cut '?rtmp://10.0.0.1' live/x
for s in edge second origin; do
	use_server $s
	stop_server
done
