#!/bin/bash
# MaxConnections holds exactly over all workers: 200 clients at once on 2 workers, 10
# are let in, the others are told Connect.Rejected; the seats of a killed worker are
# free at once.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
VHOST_XML='<ResourceLimits><MaxConnections>10</MaxConnections></ResourceLimits>'
start_server -w 2

rejected() {
	[[ $(counter closed.connections-full) -ge $1 ]]
}
# clients that are connected, of worker $1 or of all
seated() {
	ctl client list -j | jq --argjson w "${1:-null}" \
	    '[.[] | select(.role == "wait" and ($w == null or .worker == $w))] | length'
}
seated_are() {
	[[ $(seated) -eq $1 ]]
}

# they wait for a stream that nobody publishes: connected is connected
play_bench in nobody -n 200 -R 100000 -d 60
in=$spawned
retry 20 rejected 190 || fail "$(counter closed.connections-full) were rejected, not 190"
retry 10 seated_are 10 || fail "$(seated) are in, not 10"
sleep 1
expect "let in" "$(count_event client.connect)" -eq 10
expect "rejected" "$(counter closed.connections-full)" -eq 190
expect "seats" "$(seated)" -eq 10

# a worker dies: as many as it had may come, and not one more
slot=0
[[ $(seated 0) -gt 0 ]] || slot=1
had=$(seated $slot)
kill -9 "$(pid_of $slot)"
before=$(count_event client.connect)
play_bench more nobody -n 60 -R 100000 -d 60
more=$spawned
retry 20 rejected $((250 - had)) || fail "not $((60 - had)) of the second were rejected"
retry 10 seated_are 10 || fail "$(seated) are in after the kill, not 10"
sleep 1
expect "let in after the kill" "$(count_event client.connect)" -eq $((before + had))
expect "rejected after the kill" "$(counter closed.connections-full)" -eq $((250 - had))

# and one that leaves makes room for one
kill -TERM "$in"
end_bench "$in"
await "$in"
left() {
	[[ $(seated) -eq $had ]]
}
retry 10 left || fail "$(seated) are left, not the $had of the second"
end_bench "$more"
expect "told so" "$(result in '[.errors[] |
    select(.text | test("Connect.Rejected")) | .count] | add')" -eq 190
stop_server
