#!/bin/bash
# kill -9, again and again, of the worker that does not hold the publishers:
# players on the other one miss nothing, the slot serves again soon, nothing
# leaks, and no restart is held back.
# timeout: 120
# long: 480
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need ffmpeg perl
players=60 kills=10
if [[ $LONG == 1 ]]; then players=200 kills=100; fi

busy=$(awk -v cores="$(nproc)" '{ print ($1 > cores / 2) + 0 }' /proc/loadavg)
start_server -w 2
publish_bench s -r 1M
publisher=$spawned
slot=$(slot_of s)
other=$((1 - slot))
publish_ffmpeg_on "$slot" film
film=$spawned
play_ffmpeg_on "$slot" film "$TMP/film.md5"
viewer=$spawned
play_bench play s -n "$players" -c -R 400
play=$spawned
retry 20 has_readers s "$players" || fail "not everybody plays"
player_ports "$slot" s >"$TMP/ports"
expect "players of the worker that lives" "$(wc -l <"$TMP/ports")" -gt 5
retry 30 rings_steady || fail "rings only grow"
before=$(segments_low 6)

random_ms=$((RANDOM % 600))
for ((i = 0; i < kills; i++)); do
	# a second after it became ready, and a random while
	retry 20 slot_up "$other" $((1050 + random_ms)) ||
	    fail "worker $other does not serve"
	random_ms=$((RANDOM % 600))
	pid=$(pid_of "$other")
	date +%s.%N >>"$TMP/killed"
	kill_and_serve "$pid" >>"$TMP/ms" || fail "kill $i"
done
median_ms=$(median <"$TMP/ms")
# by the log: from the end of one to the next being ready
events worker.ready "true" | jq .start_ms | tail -n "$kills" >"$TMP/start_ms"
note "slot served again after $median_ms ms (median of $kills; worst" \
    "$(sort -n "$TMP/ms" | tail -n 1)); start of a worker $(median <"$TMP/start_ms") ms"
expect "slowest" "$(sort -n "$TMP/ms" | tail -n 1)" -lt 5000
# others' work on this machine is no fault of ours
if [[ $LONG == 1 && $busy == 0 ]]; then expect "median" "$median_ms" -le 50; fi

retry 20 slot_up "$other" 0 || fail "worker $other does not serve"
retry 20 has_readers s "$players" || fail "not everybody is back"
after=$(segments_low 6)
expect "segments in use" "$after" -le $((before + 1))
expect "segments in use" "$after" -ge $((before - 1))
expect "deaths" "$(count_event worker.exit)" -eq "$kills"
expect "deaths of other causes" "$(count_event worker.exit \
    ".signal != \"KILL\" or .worker != $other")" -eq 0
expect "restarts held back" "$(count_event worker.exit '.restart_ms > 0')" -eq 0

stop "$viewer"
end_bench "$play"
expect_zero play gaps missing bad order_errors ts_errors
expect_kept play "$TMP/ports"
frames=$(expect_cycle "$TMP/film.md5" "$MEDIA") || exit 1
note "ffmpeg on the worker that lived: $frames frames, none missing"
expect "frames of ffmpeg" "$frames" -gt $((kills * 20))
stop "$film"
end_bench "$publisher"
retry 15 no_segments || fail "segments are left"
stop_server
