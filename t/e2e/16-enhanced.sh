#!/bin/bash
# The matrix of clients, 3: a newer FFmpeg publishes HEVC, HEVC with B-frames, AV1,
# VP9 and Opus over Enhanced RTMP; the newer FFmpeg and rtmpdump play them: every
# packet with its hash, decoding times increasing, one offset of all times; the
# server knows codecs and resolutions.  (It fetches a large package: once.)
# sanitized: no
# timeout: 300
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/clients.sh"
need ffmpeg rtmpdump
newer_ffmpeg
start_server -w 2

# encode FILE RATE OPTIONS: 6 s, made once per build directory
encode() {
	local file=$top_builddir/t-media/$1 rate=$2
	shift 2
	[[ ! -e $file ]] || return 0
	mkdir -p "$top_builddir/t-media"
	ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=320x180:rate=25 \
	    -f lavfi -i "sine=frequency=440:sample_rate=$rate" -t 6 \
	    -pix_fmt yuv420p -g 50 "$@" "$file" >"$TMP/encode.out" 2>&1 ||
	    fail "ffmpeg cannot make $1"
}
x265=log-level=none:keyint=50:min-keyint=50
encode hevc.mp4 44100 -c:v libx265 -preset ultrafast -x265-params $x265:bframes=0 \
    -tag:v hvc1 -c:a aac
encode hevcb.mp4 44100 -c:v libx265 -preset ultrafast -x265-params $x265:bframes=3 \
    -tag:v hvc1 -c:a aac
encode av1.mkv 48000 -c:v libsvtav1 -preset 12 -c:a libopus
encode vp9.mkv 48000 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus

streams=(hevc hevcb av1 vp9)
want=(hvc1:aac hvc1:aac av01:opus vp09:opus)
jobs=()
for name in "${streams[@]}"; do
	av remux remux "$top_builddir/t-media/$name".m* "$TMP/$name.flv"
	await "$spawned" || fail "remux: $(cat "$TMP/remux.out")"
	av ref md5 "$TMP/$name.flv" "$TMP/$name-ref.md5"
	await "$spawned" || fail "reference: $(cat "$TMP/ref.out")"
done
for name in "${streams[@]}"; do
	av "play-$name" md5 "$(url "$name")" "$TMP/$name.md5"
	jobs+=("$spawned")
	play_rtmpdump "$name-dump" "$name"
	jobs+=("$spawned")
done
retry 20 waiting 8 || fail "not all players wait: $(ctl client list)"
for name in "${streams[@]}"; do
	av "publish-$name" publish "$TMP/$name.flv" "$(url "$name")"
	jobs+=("$spawned")
done
known() {
	[[ $(stream "$1" '"\(.video.codec):\(.audio.codec) \(.video.width)x\(.video.height)"') == "$2 320x180" ]]
}
for i in 0 1 2 3; do
	retry 10 known "${streams[i]}" "${want[i]}" ||
	    fail "stream list: $(ctl stream list -j | jq -c "map({name, video, audio})")"
done
for pid in "${jobs[@]}"; do
	await "$pid" || note "process $pid ended with status $?"
done

# Sound before the first keyframe is not played.
# dts_increase FILE
dts_increase() {
	awk -F', *' '$1 in last && $2 <= last[$1] { exit 1 } { last[$1] = $2 }' "$1" ||
	    fail "decoding times of $1 do not increase"
}
for name in "${streams[@]}"; do
	av dump md5 "$TMP/$name-dump.flv" "$TMP/$name-dump.md5"
	await "$spawned" || fail "$name-dump.flv: $(cat "$TMP/dump.out")"
	for out in "$name" "$name-dump"; do
		same_media "$TMP/$name-ref.md5" "$TMP/$out.md5" end
		dts_increase "$TMP/$out.md5"
		note "$out: $(wc -l <"$TMP/$out.md5") packets"
	done
done
expect "dropped" "$(counter frames.dropped)" -eq 0
stop_server
