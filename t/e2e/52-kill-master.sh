#!/bin/bash
# kill -9 of the master: its workers take nobody new but serve everybody they
# have, to the end; a new master on the same run directory and port starts at
# once beside them.  (Architecture rule 19.)
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"

players=20
# all_gone PID...
all_gone() {
	local pid
	for pid; do gone "$pid" || return 1; done
}

# listeners PID...: of these processes on our port
listeners() {
	local pid
	for pid; do ss -Hltnp "sport = :$PORT" | grep -o "pid=$pid,"; done | wc -l
}

no_listener() {
	[[ $(listeners "$@") == 0 ]]
}

# delivered: bytes that peers on our port have taken, as the kernel counts them
delivered() {
	ss -Htin "sport = :$PORT" | grep -o 'bytes_acked:[0-9]*' |
	    awk -F: '{ n += $2 } END { print n + 0 }'
}

more_delivered() {
	[[ $(delivered) -gt $(($1 + 200000)) ]]
}

need ss
start_server -w 2
publish_bench s -r 1M
publisher=$spawned
play_bench play s -n "$players" -R 400
play=$spawned
retry 20 has_readers s "$players" || fail "not everybody plays"
mapfile -t old < <(workers)
expect "workers" "${#old[@]}" -eq 2

kill -KILL "$MASTER"
# at once: the port may still be held by workers that have not noticed yet
start_server -w 2
retry 10 no_listener "${old[@]}" || fail "a worker without a master listens"

# the new one serves, and knows nothing of the old one's streams
publish_bench s -r 1M
second=$spawned
spawn new "$BENCH" play -d 3 -n "$players" "$(url s)"
had=$(delivered)
retry 10 more_delivered "$had" || fail "nothing is delivered"
await "$spawned" || fail "players of the new server"
expect "players of the new server" "$(result new .players.with_picture)" -eq \
    "$players"
expect "clients of the new server" "$(ctl server status -j | jq .clients)" -le \
    "$((players + 1))"

for pid in "${old[@]}"; do alive "$pid" || fail "an old worker ended early"; done
end_bench "$play"
expect_zero play gaps missing bad order_errors ts_errors skips \
    players.closed_by_server players.failed
# the whole time, not until the master died: 30 + 43 frames in a second
seconds=$(result play '.duration_s | floor')
expect "frames of each player" "$(($(result play .frames) / players))" -gt \
    $(((seconds - 2) * 70))
end_bench "$publisher"
expect "old publisher closed by server" \
    "$(result publish-s .streams.closed_by_server)" -eq 0
retry 10 all_gone "${old[@]}" || fail "old workers do not end"
end_bench "$second"
stop_server
