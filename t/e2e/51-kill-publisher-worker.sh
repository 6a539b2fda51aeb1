#!/bin/bash
# kill -9 of the publisher's worker: viewers on the other worker keep their
# connections and go on when the publisher is back, in order and in time.
# timeout: 150
# long: 480
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need ffmpeg
players=40 kills=4
if [[ $LONG == 1 ]]; then players=100 kills=20; fi

# An encoder that comes back by itself.
publish_film() {
	while :; do
		ffmpeg -nostdin -v error -re -stream_loop -1 -i "$MEDIA" \
		    -c copy -f flv "$(url film)" &
		trap 'kill "$!"; exit' TERM
		wait "$!"
		sleep 0.2
	done
}

# is_back STREAM PID: it is live again, on another worker than that
is_back() {
	is_live "$1" && [[ $(stream "$1" .publisher.pid) != "$2" ]]
}

frames_of() {
	grep -vc '^#' "$1"
}

# frames_beyond FILE N
frames_beyond() {
	[[ $(frames_of "$1") -gt $2 ]]
}

# kill_holder STREAM: kill -9 the worker of its publisher, wait for its return
kill_holder() {
	local pid slot
	slot=$(slot_of "$1")
	retry 20 slot_up "$slot" 1050 || fail "worker $slot does not serve"
	pid=$(pid_of "$slot")
	kill -KILL "$pid" || fail "worker $pid is gone"
	retry 20 is_back "$1" "$pid" || fail "$1 did not come back"
}

# of sluice-bench: those on the other worker at each kill are the same after it
one_round() {
	local slot keep=$TMP/ports.$1
	retry 20 has_readers s "$players" || fail "not everybody plays"
	slot=$((1 - $(slot_of s)))
	player_ports "$slot" s >"$keep"
	kill_holder s
	retry 20 has_readers s "$players" || fail "not everybody is back"
	player_ports "$slot" s | join - "$keep" >"$TMP/kept"
	expect "players that kept their connections" \
	    "$(wc -l <"$TMP/kept")" -eq "$(wc -l <"$keep")"
	kept=$((kept + $(wc -l <"$keep")))
}

# of FFmpeg: one viewer on the other worker decodes on
one_film() {
	local film=$TMP/film.$1.md5 viewer had slot
	retry 20 is_live film || fail "the film is not live"
	slot=$((1 - $(slot_of film)))
	play_ffmpeg_on "$slot" film "$film" -flush_packets 1
	viewer=$spawned
	retry 20 frames_beyond "$film" 40 || fail "ffmpeg does not play"
	kill_holder film
	had=$(frames_of "$film")
	retry 20 frames_beyond "$film" $((had + 100)) ||
	    fail "ffmpeg does not go on"
	alive "$viewer" || fail "ffmpeg has lost its connection"
	stop "$viewer"
	# decoding time stamps of each track never go back
	awk -F', *' '/^#/ { next }
	    $2 < last[$1] { print "line " NR ": " $0; exit 1 }
	    { last[$1] = $2 }' "$film" || fail "time stamps go back"
}

make_media
start_server -w 2
publish_bench s -c -r 1M
publisher=$spawned
spawn film publish_film
film=$spawned
play_bench play s -n "$players" -c -R 400
play=$spawned
kept=0
for ((i = 0; i < kills; i++)); do
	one_round "$i"
done
for ((i = 0; i < (kills + 1) / 2; i++)); do
	one_film "$i"
done
retry 20 has_readers s "$players" || fail "not everybody is back"
end_bench "$play"
stop "$film"
end_bench "$publisher"
expect_zero play gaps missing bad order_errors ts_errors
note "$kept connections outlived a publisher's worker; $(result play .restarts)" \
    "restarts seen, $(result play .reconnects) reconnections"
expect "restarts seen by players" "$(result play .restarts)" -ge "$kept"
deaths=$(count_event worker.exit)
expect "deaths" "$deaths" -eq $((kills + (kills + 1) / 2))
expect "deaths of other causes" \
    "$(count_event worker.exit '.signal != "KILL"')" -eq 0
retry 15 no_segments || fail "segments are left"
stop_server
