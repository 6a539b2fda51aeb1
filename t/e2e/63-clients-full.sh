#!/bin/bash
# At the limit of clients the newest is refused and told so; others notice nothing;
# when one leaves, the next is let in.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
limit=20

full() {
	[[ $(counter closed.clients-full) -gt $1 ]]
}

clients_are() {
	[[ $(ctl server status -j | jq .clients) -le $1 ]]
}

SERVER_XML="<ResourceLimits><MaxClientsPerWorker>$limit</MaxClientsPerWorker></ResourceLimits>"
start_server -w 1
publish_bench s -r 500K
publisher=$spawned
play_bench in s -n 10 -R 200
in=$spawned
retry 10 has_readers s 10 || fail "not everybody plays"
play_bench more s -n 30 -R 200
more=$spawned
retry 10 full 10 || fail "nobody was refused"
retry 10 has_readers s $((limit - 1)) || fail "the server is not filled"
# the refused linger a moment
retry 10 clients_are "$limit" || fail "more clients than the limit"
end_bench "$more"
expect "refused with a status" "$(result more '[.errors[] |
    select(.text | test("Connect.Rejected")) | .count] | add')" \
    -eq $((30 - limit + 11))
expect "let in" "$(result more .players.with_picture)" -eq $((limit - 11))
expect "refused" "$(result more .players.failed)" -eq $((30 - limit + 11))
# room again
retry 10 clients_are 11 || fail "clients are left"
spawn next "$BENCH" play -n 5 -d 2 "$(url s)"
await "$spawned" || fail "nobody is let in any more"
end_bench "$in"
end_bench "$publisher"
expect_zero in gaps missing bad order_errors ts_errors skips \
    players.closed_by_server
stop_server
