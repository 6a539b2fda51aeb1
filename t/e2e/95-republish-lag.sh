#!/bin/bash
# A target that takes nothing for a while and has a short buffer goes on at a keyframe,
# on the same connection, whatever SlowPolicy says of players.
# timeout: 90
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
use_server there
APP_XML='<Publish><Allow>all</Allow></Publish><StreamManager><Live><MaxStreamSize>50M</MaxStreamSize></Live></StreamManager>'
start_server -w 1
there=$PORT
use_server here
APP_XML="<Publish><Allow>all</Allow></Publish><Client><SlowPolicy>close</SlowPolicy><StallTime>60</StallTime></Client><StreamManager><Live><MaxStreamSize>50M</MaxStreamSize></Live></StreamManager><Republish><Target url=\"rtmp://$HOST:$there/live\" stream=\"short\" buffer=\"1\"/></Republish>"
start_server -w 2
row() { # NAME FILTER
	ctl republish list -j | jq -r --arg n "$1" ".[] | select(.name == \$n) | $2"
}
up() {
	[[ $(row short .state) == up ]]
}
bench_start pub publish -d 0 -r 12M -g 1 "$(url cam)"
publisher=$spawned
retry 15 up || fail "not up: $(ctl republish list)"
moves() {
	[[ $(row short .bytes) -gt 2000000 ]]
}
retry 15 moves || fail "nothing is sent"
expect "nothing was skipped" "$(row short .skips)" -eq 0
use_server there
mapfile -t stopped < <(children "$MASTER")
kill -STOP "${stopped[@]}"
use_server here
# as long as the kernel takes nothing more
full() {
	local before
	before=$(row short .bytes)
	sleep 3
	[[ $(row short .bytes) == "$before" ]]
}
retry 40 full || fail "the kernel takes everything"
started=$(now_ms)
long_enough() {
	[[ $(now_ms) -ge $((started + 3000)) ]]
}
retry 5 long_enough
kill -CONT "${stopped[@]}"
skipped() {
	[[ $(row short .skips) -gt 0 ]]
}
retry 15 skipped || fail "the short one did not skip: $(ctl republish list)"
caught_up() {
	[[ $(row short .lag_ms) -lt 1000 ]]
}
retry 20 caught_up || fail "behind: $(ctl republish list)"
expect "one connection" "$(count_event push.up)" -eq 1
expect "that was not lost" "$(count_event push.lost)" -eq 0
up || fail "not up: $(ctl republish list)"
note "skips: $(row short .skips)"
bench_start after play --no-verify -d 3 "rtmp://$HOST:$there/live/short"
await "$spawned" || fail "a player of it failed"
expect "frames" "$(result after .frames)" -gt 50
stop "$publisher"
for s in here there; do
	use_server "$s"
	stop_server
done
