#!/bin/bash
# Players that stop reading, of a stream with very large keyframes: they are
# closed, memory stays bounded, and the other players hardly notice.
# timeout: 120
# long: 300
# sanitized: no
# alone: yes
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
players=10 stalled=50 seconds=6 runs=1
stall_s=12
if [[ $LONG == 1 ]]; then players=20 seconds=20 runs=3 stall_s=20; fi

# rss_kb: memory of all our processes, shared memory counted once
rss_kb() {
	local pid
	for pid in $MASTER $(workers); do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss:/ { n += $2 } END { print n }'
}

# watch_memory FILE: its largest, until we are told to end
watch_memory() {
	local high=0 now
	while :; do
		now=$(rss_kb)
		if [[ $now -gt $high ]]; then
			high=$now
			echo "$high" >"$1"
		fi
		sleep 0.2
	done
}

all_closed() {
	[[ $(($(counter closed.stalled) + $(counter closed.slow) + \
	    $(counter closed.late) - $1)) -ge $stalled ]]
}

closed_so_far() {
	echo $(($(counter closed.stalled) + $(counter closed.slow) + \
	    $(counter closed.late)))
}

# blocked N: so many players have taken nothing for a while: their kernel's
# buffers, some megabytes each, are full
blocked() {
	ctl client list -j | jq -r '.[] | select(.role == "play") |
	    "\(.id) \(.bytes_out)"' | sort >"$TMP/taken.new"
	touch "$TMP/taken"
	local n
	n=$(join "$TMP/taken" "$TMP/taken.new" | awk '$2 == $3' | wc -l)
	mv "$TMP/taken.new" "$TMP/taken"
	sleep 0.5
	[[ $n -ge $1 ]]
}

# one_run TAG STALLED: p99 of the delay of the other players into
# $TMP/p99.STALLED
one_run() {
	local bad='' before
	before=$(closed_so_far)
	if [[ $2 -gt 0 ]]; then
		play_bench "$1-bad" s -n "$2" -z "$2" -R 200
		bad=$spawned
		retry 30 blocked $(($2 * 4 / 5)) || fail "they do not stall"
	fi
	spawn "$1" "$BENCH" play -d "$seconds" -n "$players" "$(url s)"
	await "$spawned" $((seconds + 20)) || true
	expect_zero "$1" gaps missing bad order_errors ts_errors \
	    players.closed_by_server players.failed
	result "$1" .delay_live_ms.p99 >>"$TMP/p99.$2"
	[[ -n $bad ]] || return 0
	retry $((stall_s + 10)) all_closed "$before" ||
	    fail "stalled players were not closed"
	end_bench "$bad"
	expect "stalled players" "$(result "$1-bad" .players.stalled)" -eq "$2"
}

APP_XML="<Client><StallTime>$stall_s</StallTime></Client>"
start_server -w 2
publish_bench s -r 8M -K 2000000 -g 4
publisher=$spawned
ring_is() {
	[[ $(stream s '.ring.seconds | floor') -ge $1 ]]
}
retry 20 ring_is 6 || fail "the ring does not grow"
before=$(rss_kb)
spawn memory watch_memory "$TMP/high"
memory=$spawned
for ((run = 0; run < runs; run++)); do
	one_run "alone$run" 0
	one_run "with$run" "$stalled"
done
stop "$memory"
end_bench "$publisher"
alone=$(median <"$TMP/p99.0")
with=$(median <"$TMP/p99.$stalled")
grown=$(($(cat "$TMP/high") - before))
note "p99 of the delay $alone ms, with stalled players $with ms;" \
    "memory $before kB and $grown kB more"
note "closed: stalled $(counter closed.stalled), slow $(counter closed.slow)," \
    "late $(counter closed.late)"
# a ring of 16 MB, tails of 32 MB, and the message being received
expect "memory grown" "$grown" -lt $(((16 + 32 + 4 + 4) * 1024))
if [[ $LONG == 1 ]]; then
	ok=$(jq -n "$with <= $alone * 1.5 or $with <= $alone + 10")
else
	ok=$(jq -n "$with <= $alone * 3 or $with <= $alone + 100")
fi
expect "p99 with stalled players is fine" "$ok" = true
stop_server
