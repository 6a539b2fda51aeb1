#!/bin/bash
# Streams with few messages: one frame a second without sound, and one whose video
# stalls while sound goes on.  Players get every message within 100 ms of its
# arrival (more only by what the publisher was late itself).
# timeout: 90
# long: 300
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
start_server -w 2
seconds=15 stall=6
[[ $LONG == 0 ]] || { seconds=100 stall=20; }

# half of the players wait before there is a publisher, half come later
play() { # NAME SECONDS
	bench_start "$1-play" play -n 4 -d "$2" "$(url "$1")"
	players+=("$spawned")
}
older() { # STREAM SECONDS
	[[ $(stream "$1" .since_s | cut -d. -f1) -ge $2 ]]
}
players=()
play slow $((seconds + 4))
play stall $((seconds + 4))
play_late() { # NAME
	bench_start "$1-late" play -n 4 -d $((seconds - 2)) "$(url "$1")"
	players+=("$spawned")
}
waits() {
	ctl client list -j | is_true '[.[] | select(.role == "wait")] | length == 8'
}
retry 10 waits || fail "not all players wait"
bench_start slow publish -a 0 -f 1 -g 2 -r 200K -d $((seconds + 2)) "$(url slow)"
publishers=("$spawned")
bench_start stall publish -f 25 -r 800K -P 4+$stall -d $((seconds + 2)) "$(url stall)"
publishers+=("$spawned")
retry 10 older slow 3 || fail "the stream does not go on"
play_late slow
play_late stall
for pid in "${publishers[@]}"; do
	await "$pid" $((seconds + 30)) || fail "a publisher failed: $(cat "$TMP"/*.json)"
done
for pid in "${players[@]}"; do
	await "$pid" $((seconds + 30)) || note "a player ended with status $?"
done

expect "frames of 1 fps" "$(result slow .video_frames)" -ge $((seconds + 1))
# the stall was one
expect "frames of the stalled video" "$(result stall .video_frames)" -le $(((seconds + 2 - stall) * 25 + 2))
expect "its sound" "$(result stall .audio_frames)" -ge $(((seconds + 1) * 43))
for name in slow stall; do
	late=$(result $name .late_ms.max)
	for who in play late; do
		note "$name-$who: $(result $name-$who '.delay_live_ms | tostring'), publisher late $late ms"
		is_true '.frames > 0 and .gaps == 0 and .missing == 0 and .bad == 0 and
		    .order_errors == 0 and .ts_errors == 0 and .skips == 0 and
		    .players.with_picture == 4' "$TMP/$name-$who.json" ||
		    fail "$name-$who: $(cat "$TMP/$name-$who.json")"
		is_true --argjson late "$late" '.delay_live_ms.p99 < 100 and
		    .delay_live_ms.max < 100 + $late' "$TMP/$name-$who.json" ||
		    fail "$name-$who: too late"
	done
	all=$(result $name '.frames')
	got=$(result $name-play '.frames')
	expect "messages of the players that waited" "$got" -eq $((4 * all))
done
expect "connections that were closed" "$(counter closed.slow)" -eq 0
stop_server
