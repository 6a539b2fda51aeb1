#!/bin/bash
# A publisher that sends media and never answers a ping keeps its name against ten
# challengers. One that is stopped, and one whose encoder connects anew right after
# its link has died, is replaced at the first try within 3 s; viewers stay and their
# clock goes on.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
start_server -w 2

# media without an end, and no word besides
{
	printf '%s\ncmd 1 publish 3 null s:cam s:live\nwait code=NetStream.Publish.Start\n' "$GREET"
	for ((i = 0; i < 1500; i++)); do
		head=2700000000
		((i % 25)) || head=1701000000
		printf 'msg 6 9 1 %d 400 %s\nread 40\n' $((i * 40)) $head
	done
} >"$TMP/mute"
probe_start mute "$TMP/mute"
mute=$spawned
retry 10 has_got mute '.code == "NetStream.Publish.Start"' || fail "not published"
bench_start viewers play -n 4 -d 0 "$(url cam)"
viewers=$spawned
watched() {
	[[ $(readers cam .total) -eq 4 ]]
}
retry 10 watched || fail "not all play"

challenge() {
	probe "challenger$1" <<EOF
$GREET
cmd 1 publish 3 null s:cam s:live
wait code=NetStream.Publish.BadName msid=1
EOF
}
for n in 1 2 3 4; do
	challenge "$n"
done
many=()
for n in 5 6 7 8 9 10; do # at the same time
	challenge "$n" &
	many+=($!)
done
for n in "${many[@]}"; do
	wait "$n" || fail "a challenger was not refused"
done
expect "challengers refused" "$(count_event publish.refused '.reason == "name-taken"')" -eq 10
expect "pings that it got and did not answer" \
    "$(got mute '.type == "user-control" and .event == 6')" -ge 5
expect "publishers" "$(count_event publish.start)" -eq 1
alive "$mute" || fail "the publisher is gone: $(tail -n 3 "$TMP/mute.json")"

# it is stopped, and its encoder comes again at once: one try
successor() { # NAME, of whom to take over
	kill -STOP "$2"
	bench_start "$1" publish -d 0 -r 500K "$(url cam)"
}
taken() {
	[[ $(count_event publish.start) -eq $1 ]]
}
successor second "$mute"
second=$spawned
retry 10 taken 2 || fail "the name was not taken over"
successor third "$second"
third=$spawned
retry 10 taken 3 || fail "the name was not taken over again"
expect "refused" "$(count_event publish.refused)" -eq 10
expect "taken over" "$(count_event publish.stop '.reason == "taken-over"')" -eq 2
for ms in $(events publish.start '.waited_ms > 100' | jq .waited_ms); do
	expect "ms until the newcomer had the name" "$ms" -le $((3000 * TIME_SCALE))
done
retry 10 watched || fail "viewers: $(ctl stream list)"
live_frames() {
	[[ $(ctl stream list -j | jq '[.[] | select(.name == "cam" and
	    .state == "live") | .frames] | add') -gt 60 ]]
}
retry 20 live_frames || fail "no frames of the newcomer"
kill -INT "$viewers"
await "$viewers" || true
expect "viewers that were closed" "$(result viewers .players.closed_by_server)" -eq 0
expect "viewers that came again" "$(result viewers .reconnects)" -eq 0
expect "timestamps that went back" "$(result viewers .ts_errors)" -eq 0
kill -CONT "$mute" "$second"
stop "$third"
stop_server
