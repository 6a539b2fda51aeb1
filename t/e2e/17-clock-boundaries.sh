#!/bin/bash
# The time of a stream passes 2^24 ms (longer chunk headers) and 2^32 ms (back to 0)
# while FFmpeg, rtmpdump, GStreamer and sluice-bench play, among them late joiners on
# either side, with messages over 64 KiB: nothing is missing, bytes and distances of
# times (modulo 2^32) stay.
#
# What clients show at 2^32: rtmpdump and both elements of GStreamer pass the times
# on as they come, so they begin again at 0; FFmpeg's demuxer adds 2^32 (times go on);
# sluice-bench compares times modulo 2^32.
# timeout: 120
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/clients.sh"
need ffmpeg rtmpdump gst-launch-1.0

# 7.2 s before either boundary
declare -A start=([p24]=16770000 [p32]=4294960000)
declare -A end=([p24]=16777216 [p32]=4294967296)
big=$top_builddir/t-media/still-noise.flv
if [[ ! -e $big ]]; then
	mkdir -p "$top_builddir/t-media"
	ffmpeg -nostdin -v error -y -f lavfi -i testsrc=size=640x360:rate=25,noise=alls=60 \
	    -f lavfi -i sine=frequency=440:sample_rate=44100 -t 18 \
	    -c:v libx264 -preset ultrafast -qp 28 \
	    -pix_fmt yuv420p -g 50 -bf 2 -c:a aac -b:a 64k -f flv "$big.part" ||
	    fail "ffmpeg cannot make $big"
	mv "$big.part" "$big"
fi
MEDIA=$big
reference "$MEDIA"
largest=$(ffprobe -v error -show_entries packet=size -of csv=p=0 "$big" | sort -n | tail -n 1)
note "largest message: $largest bytes"
expect "largest message" "${largest%,}" -gt 65536

players=() ending=()
# player COMMAND...: start one; only some end with the stream
player() {
	"$@"
	case $1 in
	play_ffmpeg | play_rtmpdump) ending+=("$spawned") ;;
	*) players+=("$spawned") ;;
	esac
}
for s in p24 p32; do
	use_server $s
	APP_XML="<StreamManager><Live><ClockStart>${start[$s]}</ClockStart></Live></StreamManager>"
	start_server -w 1
	player play_ffmpeg cam "$TMP/$s-ffmpeg.md5"
	player play_rtmpdump $s-dump cam
	player play_gst $s-librtmp cam rtmpsrc
	player play_gst $s-gst cam rtmp2src
	player bench_start $s-bench play -d 60 "$(url bench)"
	retry 20 waiting 5 || fail "not all players wait: $(ctl client list)"
done
for s in p24 p32; do
	use_server $s
	publish_once cam
	bench_start $s-pub publish -d 18 -f 25 -K 100000 -g 2 -r 1M "$(url bench)"
	retry 10 has_event publish.start '.stream == "bench"' || fail "not published"
done

# joiners before and after the boundary
older() { # SECONDS
	[[ $(stream cam .since_s | cut -d. -f1) -ge $1 ]]
}
for seconds in 4 9; do
	for s in p24 p32; do
		use_server $s
		retry 20 older $seconds || fail "the stream does not go on"
		player play_ffmpeg cam "$TMP/$s-ffmpeg-$seconds.md5"
		player play_rtmpdump $s-dump-$seconds cam
		player bench_start $s-bench-$seconds play -d 60 "$(url bench)"
	done
done
for s in p24 p32; do
	use_server $s
	wait_event publish.stop '.stream == "cam"' 30 >/dev/null
	wait_event publish.stop '.stream == "bench"' 30 >/dev/null
	played_out() {
		ctl client list -j | is_true 'any(.[]; .role == "play") | not'
	}
	retry 10 played_out || note "some still play: $(ctl client list)"
	retry 10 tags_came "$MEDIA" "$TMP/$s-gst.flv" all || note "GStreamer has not all"
done
for pid in "${ending[@]}"; do
	await "$pid" || note "player $pid ended with status $?"
done
for pid in "${players[@]}"; do
	kill -INT "$pid" 2>/dev/null
done
for pid in "${players[@]}"; do
	stop "$pid"
done

# through NAME BOUNDARY FIRST LAST: these times, of same_tags, lie about it
through() {
	[[ $4 -lt $3 || ($3 -lt $2 && $4 -gt $2) ]] || fail "$1: times $3 to $4 miss $2"
}
for s in p24 p32; do
	for who in dump librtmp gst; do
		times=$(same_tags "$MEDIA" "$TMP/$s-$who.flv" all)
		note "$s-$who: $times"
		# shellcheck disable=SC2086 # two numbers
		through $s-$who ${end[$s]} $times
	done
	for seconds in 4 9; do
		note "$s-dump-$seconds: $(same_tags "$MEDIA" "$TMP/$s-dump-$seconds.flv" end)"
		same_media "$TMP/ref.md5" "$TMP/$s-ffmpeg-$seconds.md5" end
		clean $s-bench-$seconds
	done
	same_media "$TMP/ref.md5" "$TMP/$s-ffmpeg.md5" all
	clean $s-bench
	expect "frames of sluice-bench" "$(result $s-bench .frames)" -eq "$(result $s-pub .frames)"
	use_server $s
	expect "dropped" "$(counter frames.dropped)" -eq 0
	stop_server
done
