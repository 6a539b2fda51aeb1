#!/bin/bash
# Many players of one stream over two workers: nothing is lost, no media goes
# from worker to worker, and the ring is in memory once.
# sanitized: no
# timeout: 90
# long: 240
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need ss
players=150 seconds=6
if [[ $LONG == 1 ]]; then players=500 seconds=30; fi

# shmem: kB of shared memory of all our processes; a page that several have
# touched counts once (its parts, in each Pss)
shmem() {
	local pid
	for pid in $MASTER $(workers); do
		cat "/proc/$pid/smaps_rollup"
	done | awk '/^Pss_Shmem:/ { n += $2 } END { print n }'
}

# sockets_of PID: family, local and peer address of each of its sockets
sockets_of() {
	ss -Hatunpx | grep -E "pid=$1,"
}

check_sockets() {
	local pid foreign
	for pid in $(workers); do
		sockets_of "$pid" >"$TMP/sockets.$pid"
		note "worker $pid: $(awk '{ print $1, $2 }' "$TMP/sockets.$pid" |
		    sort | uniq -c | tr -s ' \n' ' ')"
		# two pairs to the master (one is the talk of scripts), one channel
		# of the log, clients
		expect "SEQPACKET sockets of $pid" \
		    "$(grep -c '^u_seq' "$TMP/sockets.$pid")" -eq 2
		expect "datagram sockets of $pid" \
		    "$(grep -c '^u_dgr' "$TMP/sockets.$pid")" -eq 1
		foreign=$(grep -v '^u_seq\|^u_dgr' "$TMP/sockets.$pid" |
		    awk -v port=":$PORT\$" '$1 != "tcp" || $5 !~ port')
		expect "other sockets of $pid ($foreign)" -z "$foreign"
		expect "pipes of $pid" "$(readlink "/proc/$pid/fd/"* |
		    grep -c ^pipe:)" -eq 0
	done
}

APP_XML='<StreamManager><Live><AccumulatedIFrames><MaxTime>4</MaxTime></AccumulatedIFrames></Live></StreamManager>'
start_server -w 2
base=$(shmem)
publish_bench s -r 2M -g 10
publisher=$spawned
play_bench play s -n "$players" -R 400
play=$spawned
retry 30 has_readers s "$players" || fail "not everybody plays"
start=$(now_ms)
ring_is() {
	[[ $(stream s '.ring.seconds | floor') -ge $1 ]]
}
retry 30 ring_is 8 || fail "the ring does not grow"

readers=$(stream s '.readers.by_worker | map(tostring) | join(" ")')
for n in $readers; do expect "readers of a worker" "$n" -gt $((players / 5)); done
check_sockets

# the rows of clients and the tables of the slot are shared memory as well
ring=$(($(stream s .ring.bytes) / 1024))
pss=$(($(shmem) - base))
note "readers $readers; ring $ring kB; shared memory grew by $pss kB"
expect "PSS of the ring" "$pss" -ge $((ring * 9 / 10))
expect "PSS of the ring" "$pss" -lt $((ring * 3 / 2 + players * 2 + 512))

played() {
	[[ $(now_ms) -ge $((start + seconds * 1000)) ]]
}
retry "$seconds" played || true
end_bench "$play"
end_bench "$publisher"
expect_zero play gaps missing bad order_errors ts_errors skips \
    players.failed players.closed_by_server players.without_media
expect "players" "$(result play .players.with_picture)" -eq "$players"
note "delay $(result play '.delay_live_ms | "p50 \(.p50) p99 \(.p99) max \(.max) ms"')"
expect "dropped frames" "$(counter frames.dropped)" -eq 0
retry 10 no_segments || fail "segments are left"
stop_server
