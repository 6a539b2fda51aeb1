#!/bin/bash
# Who plays before there is a publisher waits: Play.Start at once, PublishNotify
# and pictures when one comes, UnpublishNotify when it says goodbye.  One that is
# killed and is back within the grace time is not noticed but as a restart.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
APP_XML='<StreamManager><Live><GraceTime>6</GraceTime></Live></StreamManager>'
start_server -w 2

cat >"$TMP/waiter" <<EOF
$GREET
cmd 1 play 3 null s:cam n:-2000
wait code=NetStream.Play.Start
limit 20000
wait code=NetStream.Play.PublishNotify
wait type=video head=1700
wait type=video head=1701
wait code=NetStream.Play.UnpublishNotify
wait code=NetStream.Play.PublishNotify
wait type=video head=1701
EOF
waiters=()
for n in 1 2 3 4; do
	probe_start waiter$n "$TMP/waiter"
	waiters+=("$spawned")
done
for n in 1 2 3 4; do
	retry 5 has_got waiter$n '.code == "NetStream.Play.Start"' ||
	    fail "no Play.Start for waiter $n: $(cat "$TMP/waiter$n.json")"
	expect "PublishNotify of waiter $n" \
	    "$(got waiter$n '.code == "NetStream.Play.PublishNotify"')" -eq 0
done

# a goodbye, and another publisher
bench p1 publish -d 2 -r 500K "$(url cam)"
for n in 1 2 3 4; do
	retry 5 has_got waiter$n '.code == "NetStream.Play.UnpublishNotify"' ||
	    fail "no UnpublishNotify for waiter $n"
done
expect "goodbyes" "$(count_event publish.stop '.reason == "unpublished"')" -eq 1
bench p2 publish -d 2 -r 500K "$(url cam)"
for pid in "${waiters[@]}"; do
	await "$pid" || fail "a waiter got something else"
done
for n in 1 2 3 4; do
	order=$(jq -r 'select(.code) | .code' "$TMP/waiter$n.json" |
	    grep -v Connect | sed 's/.*\.//' | head -n 5 | xargs)
	expect "statuses of waiter $n" "$order" = \
	    "Reset Start PublishNotify UnpublishNotify PublishNotify"
	# a new publish of the name does not go back in time
	expect "timestamps that went back" "$(jq -s '[.[] | select(.type == "video") |
	    .ts] | [range(1; length) as $i | select(.[$i] < .[$i - 1])] | length' \
	    "$TMP/waiter$n.json")" -eq 0
done

# killed without a goodbye, and back at once
playing() {
	[[ $(readers back .total) -eq 4 ]]
}
frames_beyond() {
	[[ $(stream back .frames) -gt $1 ]]
}
settle() { # a second of media for everybody
	local before
	retry 10 playing || fail "not all play: $(ctl client list)"
	before=$(stream back .frames)
	retry 10 frames_beyond $((before + 60)) || fail "no frames"
}
bench_start player play -n 4 -d 60 "$(url back)"
player=$spawned
bench_start p3 publish -d 0 -r 500K "$(url back)"
publisher=$spawned
wait_event publish.start '.stream == "back"' >/dev/null
settle
kill -KILL "$publisher"
wait_event stream.end '.stream == "back"' >/dev/null
bench_start p4 publish -d 0 -r 500K "$(url back)"
retry 10 more_events publish.start 3 || fail "it did not get its name back"
settle
kill -INT "$player"
await "$player" || note "the player ended with status $?"
note "$(cat "$TMP/player.json")"
expect "players closed" "$(result player .players.closed_by_server)" -eq 0
expect "reconnects" "$(result player .reconnects)" -eq 0
expect "restarts seen" "$(result player .restarts)" -eq 4
expect "timestamps that went back" "$(result player .ts_errors)" -eq 0
expect "bad frames" "$(result player .bad)" -eq 0
expect "order" "$(result player .order_errors)" -eq 0
expect "unpublish notices during the grace time" \
    "$(count_event stream.end '.stream == "back" and .grace_ms > 0')" -eq 1
stop_server
