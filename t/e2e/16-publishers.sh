#!/bin/bash
# The matrix of clients, 2: what FFmpeg (live encoder, sound alone, pictures alone),
# librtmp in GStreamer, GStreamer's own RTMP and VLC publish is played by FFmpeg and
# rtmpdump: every message, byte by byte, times with one offset.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/clients.sh"
need ffmpeg rtmpdump gst-launch-1.0 cvlc
start_server -w 2
clip 6
rm "$TMP/keys"
for kind in v a; do
	ffmpeg -nostdin -v error -y -i "$MEDIA" -map 0:$kind -c copy -f flv \
	    "$TMP/only-$kind.flv" || fail "ffmpeg cannot make $kind"
done

# play STREAM: both players, before there is a publisher
players=()
play() {
	play_ffmpeg "$1" "$TMP/$1.md5"
	players+=("$spawned")
	play_rtmpdump "$1-dump" "$1"
	players+=("$spawned")
}
streams=(only-v only-a encoder librtmp gst vlc)
for name in "${streams[@]}"; do
	play "$name"
done
retry 20 waiting 12 || fail "not all players wait: $(ctl client list)"

publishers=()
for kind in v a; do
	spawn "publish-only-$kind" ffmpeg -nostdin -v warning -re \
	    -i "$TMP/only-$kind.flv" -c copy -flvflags no_duration_filesize \
	    -f flv "$(url only-$kind)"
	publishers+=("$spawned")
done
# what it sends is written to a file as well
spawn publish-encoder ffmpeg -nostdin -v warning \
    -re -f lavfi -i testsrc2=size=320x180:rate=25 \
    -re -f lavfi -i sine=frequency=330:sample_rate=44100 -t 6 \
    -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 50 \
    -b:v 300k -c:a aac -b:a 64k -map 0:v -map 1:a -flags +global_header -f tee \
    "[f=flv:flvflags=no_duration_filesize]$(url encoder)|[f=flv]$TMP/encoder.flv"
publishers+=("$spawned")
publish_gst librtmp "$MEDIA" rtmpsink
publishers+=("$spawned")
publish_gst gst "$MEDIA" rtmp2sink
publishers+=("$spawned")
publish_vlc vlc "$MEDIA"
publishers+=("$spawned")
for pid in "${publishers[@]}"; do
	await "$pid" || note "publisher $pid ended with status $?"
done
for pid in "${players[@]}"; do
	await "$pid" || note "player $pid ended with status $?"
done
# sound that comes before the first keyframe is not played
for name in only-v only-a encoder librtmp gst; do
	flv_md5 "$TMP/$name.flv" "$TMP/$name-ref.md5"
	same_media "$TMP/$name-ref.md5" "$TMP/$name.md5" end
	note "$name: $(same_tags "$TMP/$name.flv" "$TMP/$name-dump.flv" end)"
done
# the first message of each kind that VLC sends has another clock than the rest
note "vlc: $(same_pictures "$TMP/vlc/vlc.flv" "$TMP/vlc-dump.flv" 1)"
expect "GStreamer's goodbye" "$(grep -c ERROR "$TMP/publish-gst.out")" -eq 0
expect "dropped" "$(counter frames.dropped)" -eq 0
stop_server
