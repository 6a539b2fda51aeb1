#!/bin/bash
# Three viewers that are slow for three reasons: one is stopped, one is behind a
# slow link, one is on a worker that does not get to run.  The log tells them
# apart; nobody else is slow.
# timeout: 120
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
. "$top_srcdir/t/net.sh"
APP_XML='<Client><StallTime>6</StallTime><MsgQueue><Live><MaxLag>2000</MaxLag>
</Live></MsgQueue></Client>'
net_make
HOST=$NET_HERE
start_server -w 2
publish_bench s -r 2500K -g 1

# one_player: the id of the only one
one_player() {
	ctl client list -j | jq -r '.[] | select(.role == "play") | .id'
}

has_players() {
	[[ $(one_player | wc -l) == "$1" ]]
}

# causes ID: what made it slow, one word a line
causes() {
	{
		events play.skip ".client == $1"
		events client.close ".client == $1 and .cause"
	} | jq -r .cause | sort -u
}

# expect_cause TEXT ID CAUSE
expect_cause() {
	note "$1: $(events play.skip ".client == $2" | tail -n 1)"
	note "$1: $(events client.close ".client == $2 and .cause")"
	expect "cause of $1" "$(causes "$2" | xargs)" = "$3"
}

# a stopped viewer
play_bench stopped s -n 1
viewer=$spawned
retry 10 has_readers s 1 || fail "it does not play"
id=$(one_player)
kill -STOP "$viewer"
wait_event client.close ".client == $id" 40 >/dev/null
expect_cause "a stopped viewer" "$id" client
kill -CONT "$viewer"
stop "$viewer"

# one behind a link of half of the rate
net_slow 1200kbit 60k
retry 10 has_players 0 || fail "somebody is left"
spawn behind ip netns exec "$NET" "$BENCH" play -v -d 0 -n 1 "$(url s)"
viewer=$spawned
retry 15 has_players 1 || fail "it does not play"
id=$(one_player)
skipped_often() {
	[[ $(count_event play.skip ".client == $id") -ge 2 ]]
}
retry 40 skipped_often || fail "it does not skip"
expect_cause "one behind a slow link" "$id" path
stop "$viewer"

# viewers of a worker that does not run for a while
retry 10 has_players 0 || fail "somebody is left"
play_bench late s -n 8
viewers=$spawned
retry 10 has_readers s 8 || fail "they do not play"
slot=$((1 - $(slot_of s)))
mapfile -t there < <(ctl client list -j |
    jq -r ".[] | select(.role == \"play\" and .worker == $slot) | .id")
expect "viewers on the other worker" "${#there[@]}" -gt 0
before=$(count_event play.skip)
pid=$(pid_of "$slot")
kill -STOP "$pid"
sleep 5 # what is tested is this time
kill -CONT "$pid"
all_skipped() {
	local id
	for id in "${there[@]}"; do
		has_event play.skip ".client == $id" || return 1
	done
}
retry 10 all_skipped || fail "they do not skip"
for id in "${there[@]}"; do
	expect_cause "one on a late worker" "$id" server
done
expect "others that skipped" "$(events play.skip | tail -n +$((before + 1)) |
    jq -r .client | sort -u | wc -l)" -eq "${#there[@]}"
end_bench "$viewers"
expect_zero late bad order_errors ts_errors players.closed_by_server
stop_server
