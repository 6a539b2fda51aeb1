#!/bin/bash
# A worker that stands still: a short while, and nobody is closed; too long, and
# the watchdog kills it.  Players elsewhere notice neither, and no memory is
# lost.  (Architecture rule 14.)
# timeout: 90
# sanitized: no
# alone: yes
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
players=40
watchdog_s=3

SERVER_XML="<ResourceLimits><WatchdogTime>$watchdog_s</WatchdogTime></ResourceLimits>"
start_server -w 2
publish_bench s -r 2M -c
publisher=$spawned
slot=$(slot_of s)
other=$((1 - slot))
play_bench play s -n "$players" -c -R 400
play=$spawned
retry 20 has_readers s "$players" || fail "not everybody plays"
player_ports "$slot" s >"$TMP/ports"
player_ports "$other" s >"$TMP/other"
retry 30 rings_steady || fail "rings only grow"
before=$(segments_low 6)

# a second: its players stay, and the master says nothing
pid=$(pid_of "$other")
kill -STOP "$pid"
sleep 1.2
# counters and lists are right while a worker stands still
expect "readers" "$(stream s .readers.total)" -eq "$players"
expect "clients" "$(ctl client list -j | jq length)" -eq $((players + 1))
kill -CONT "$pid"
catches_up() {
	[[ $(ctl client list -j | jq "[.[] | select(.role == \"play\") |
	    .lag_bytes] | max") -lt 300000 ]]
}
retry 10 catches_up || fail "players do not catch up"
expect "players that stayed" "$(player_ports "$other" s | join - "$TMP/other" |
    wc -l)" -eq "$(wc -l <"$TMP/other")"
expect "deaths" "$(count_event worker.exit)" -eq 0

# for ever
kill -STOP "$pid"
start=$(now_ms)
wait_event worker.exit '.reason == "stuck"' $((watchdog_s + 10)) >/dev/null
note "killed after $(($(now_ms) - start)) ms"
expect "time to its end" $(($(now_ms) - start)) -ge $((watchdog_s * 1000 - 500))
expect "which worker" "$(events worker.stuck | jq .worker_pid)" -eq "$pid"
retry 20 slot_up "$other" 0 || fail "worker $other does not serve"
retry 20 has_readers s "$players" || fail "not everybody is back"
after=$(segments_low 6)
expect "segments in use" "$after" -le $((before + 1))
expect "dropped frames" "$(counter frames.dropped)" -eq 0

# the publisher's own worker: its players elsewhere wait for it
player_ports "$other" s >"$TMP/wait"
pid=$(pid_of "$slot")
kill -STOP "$pid"
wait_event worker.exit ".reason == \"stuck\" and .worker_pid == $pid" \
    $((watchdog_s + 10)) >/dev/null
retry 20 is_live s || fail "the publisher did not come back"
retry 20 has_readers s "$players" || fail "not everybody is back"
expect "players that waited" "$(player_ports "$other" s | join - "$TMP/wait" |
    wc -l)" -eq "$(wc -l <"$TMP/wait")"

end_bench "$play"
end_bench "$publisher"
expect_zero play gaps missing bad order_errors ts_errors
retry 15 no_segments || fail "segments are left"
expect "deaths" "$(count_event worker.exit)" -eq 2
stop_server
