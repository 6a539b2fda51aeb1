#!/bin/bash
# What programs make of rtmp://edge/?rtmp://origin/app/instance/name, as it is typed:
# what they send to the edge (some cut it in two), for play and publish; and that the
# next server is told the same by the edge, whoever asks.
# timeout: 200
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg rtmpdump gst-launch-1.0 cvlc python3
nets_make seen edge second origin viewer
clip 8
mkdir -p "$TMP/vlc" && chmod 777 "$TMP/vlc"
for machine in seen origin; do
	nets_spawn $machine told-$machine python3 "$top_srcdir/t/e2e/connects.py" \
	    "$(nets_addr $machine)" 1935 "$TMP/$machine" answer
	retry 30 test -e "$TMP/$machine.listens" || fail "nobody listens on $machine"
done
for s in edge second; do
	use_server $s
	VHOST_XML="<Proxy><Mode>remote</Mode><LingerTime>0</LingerTime><ExplicitHosts>second, origin, $NETS_NET.0/24</ExplicitHosts></Proxy>"
	nets_server $s
done

# client PROGRAM URL: one that has to be stopped, in the background
client() {
	case $1 in
	ffmpeg) set -- "$1" ffmpeg -nostdin -v error -i "$2" -f null - ;;
	rtmpdump) set -- "$1" rtmpdump -q -v -r "$2" -o /dev/null ;;
	rtmp2src) set -- "$1" gst-launch-1.0 -q rtmp2src location="$2" ! fakesink ;;
	rtmpsrc) set -- "$1" gst-launch-1.0 -q rtmpsrc location="$2 live=1" ! fakesink ;;
	vlc) set -- "$1" "${vlc[@]}" "$2" --sout '#dummy' ;;
	ffmpeg-publish) set -- "$1" ffmpeg -nostdin -v error -re -i "$MEDIA" -c copy -f flv "$2" ;;
	rtmp2sink) set -- "$1" gst-launch-1.0 -q "${flv[@]}" ! rtmp2sink location="$2" ;;
	rtmpsink) set -- "$1" gst-launch-1.0 -q "${flv[@]}" ! rtmpsink location="$2 live=1" ;;
	vlc-publish) set -- "$1" "${vlc[@]}" "$MEDIA" --sout "#std{access=avio,mux=avformat{mux=flv},dst=$2}" ;;
	esac
	local tag=$1
	shift
	nets_spawn viewer "$tag" "$@"
}
flv=(filesrc location="$MEDIA" ! flvdemux name=d d.video ! queue ! flvmux streamable=true)
vlc=(env HOME="$TMP/vlc" setpriv --reuid=65534 --regid=65534 --clear-groups cvlc -q --no-sout-all)

# told MACHINE PROGRAM URL WANT: what that machine is told when it is asked for URL
told() {
	rm -f "$TMP/$1"
	client "$2" "$3"
	retry 20 hears "$1" "$4" || fail "$2 $3: $1 is told \"$(cat "$TMP/$1" 2>/dev/null)\", not \"$4\""
	stop "$spawned"
	note "$2: $4"
}
hears() {
	[[ -e $TMP/$1 && $(cat "$TMP/$1") == "$2" ]]
}

# To the edge: whole, or cut by FFmpeg (and VLC, which has its libraries) or librtmp
for what in live/room live; do
	to='rtmp://seen/?rtmp://origin'
	for program in ffmpeg vlc ffmpeg-publish vlc-publish; do
		verb=play
		[[ $program != *publish ]] || verb=publish
		told seen $program "$to/$what/cam" "?rtmp:/ rtmp://seen:1935/?rtmp:/ $verb origin/$what/cam"
	done
	told seen rtmpdump "$to/$what/cam" "?rtmp://origin rtmp://seen:1935/?rtmp://origin play $what/cam"
	told seen rtmpsrc "$to/$what/cam" "?rtmp://origin $to play $what/cam"
	told seen rtmpsink "$to/$what/cam" "?rtmp://origin $to publish $what/cam"
	told seen rtmp2src "$to/$what/cam" "?rtmp://origin/$what $to/$what play cam"
	told seen rtmp2sink "$to/$what/cam" "?rtmp://origin/$what $to/$what publish cam"
done

# From the edge: the same
for program in ffmpeg vlc rtmpdump rtmpsrc rtmp2src; do
	for what in live/room live; do
		told origin $program "rtmp://edge/?rtmp://origin/$what/$program" \
		    "$what rtmp://origin/$what play $program"
		told origin $program "rtmp://edge/?rtmp://second/?rtmp://origin/$what/$program-2" \
		    "$what rtmp://origin/$what play $program-2"
	done
	told origin $program "rtmp://edge/?rtmp://origin/live/room/$program-q?token=a" \
	    "live/room rtmp://origin/live/room play $program-q?token=a"
	told origin $program "rtmp://edge/?rtmp://[::ffff:$(nets_addr origin)]/live/room/$program-6" \
	    "live/room rtmp://[::ffff:$(nets_addr origin)]/live/room play $program-6"
done
for s in edge second; do
	use_server $s
	stop_server
done
