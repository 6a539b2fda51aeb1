#!/bin/bash
# Audio rides with video but does not wait for it: with video at 1 fps it comes
# about as soon as at 30 fps, and at most 40 ms later (rule 10); audio alone and
# video alone can be joined at once.
# timeout: 90
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
start_server -w 2

old_enough() {
	[[ $(stream "$1" .since_s | cut -d. -f1) -ge $2 ]]
}
below() { # TEXT A B: A < B, which need not be whole numbers
	is_true -n "$2 < $3" || fail "$1: $2 is not below $3"
}

bench_start pub-fast publish -d 0 -f 30 -r 500K "$(url fast)"
bench_start pub-slow publish -d 0 -f 1 -g 2 -r 500K "$(url slow)"
bench_start pub-audio publish -d 0 -V "$(url audio)"
bench_start pub-video publish -d 0 -a 0 -f 25 -r 500K "$(url video)"
# joined in the middle: the first 2 s of a stream are another case
for name in fast slow audio video; do
	retry 10 has_event publish.start ".stream == \"$name\"" ||
	    fail "$name is not published"
	retry 20 old_enough $name 3 || fail "$name does not go on"
done
pids=()
for name in fast slow audio video; do
	bench_start $name play -n 6 -d 6 "$(url $name)"
	pids+=("$spawned")
done
for pid in "${pids[@]}"; do
	await "$pid" || fail "a player failed: $(cat "$TMP"/*.json)"
done
for name in fast slow audio video; do
	clean $name
	note "$name: delay $(result $name '.delay_live_ms | tostring')," \
	    "first picture $(result $name '.first_picture_ms | tostring')"
done

# several times 40 ms as margin, for machines that are busy
p50=$(result fast .delay_live_ms.p50)
p90=$(result fast .delay_live_ms.p90)
below "median of audio with 1 fps" "$(result slow .delay_live_ms.p50)" "$p50 + 100"
below "p90 of audio with 1 fps" "$(result slow .delay_live_ms.p90)" "$p90 + 160"
below "median of audio alone" "$(result audio .delay_live_ms.p50)" "$p50 + 100"
below "p90 of audio alone" "$(result audio .delay_live_ms.p90)" "$p90 + 160"

expect "players of audio without media" "$(result audio .players.without_media)" -eq 0
# 6 s of 43 frames for 6 players, but for the joining
expect "frames of audio alone" "$(result audio .frames)" -gt $((43 * 4 * 6))
expect "pictures of video alone" "$(result video .players.with_picture)" -eq 6
below "first picture of video alone" "$(result video .first_picture_ms.max)" 2000
below "first picture with 1 fps" "$(result slow .first_picture_ms.max)" 2500
stop_server
