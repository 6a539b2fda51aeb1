#!/bin/bash
# What ends is told, and what goes on; a client that an update refuses is disconnected; a worker
# that dies takes nobody's end with it, nor does the process that tells it; 200 questions on the
# way at once, and nobody else waits.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/callback.sh"
start_receiver
ok=$HTTP/allow
callbacks live "<OnPublish>$ok</OnPublish><OnPlay>$ok</OnPlay>
    <OnPublishDone>$ok</OnPublishDone><OnPlayDone>$ok</OnPlayDone>
    <OnDisconnect>$ok</OnDisconnect><OnUpdate>$ok</OnUpdate><UpdateTime>1</UpdateTime>"
callbacks strict "<OnUpdate>$HTTP/refuse</OnUpdate><UpdateTime>1</UpdateTime>
    <OnPublishDone>$ok</OnPublishDone><OnDisconnect>$ok</OnDisconnect>"
callbacks lazy "<OnUpdate>$HTTP/status/500</OnUpdate><UpdateTime>1</UpdateTime>"
callbacks crowd "<Timeout>30</Timeout><OnPlay>$HTTP/wait/200</OnPlay><OnPlayDone>$ok</OnPlayDone>"
callbacks slow "<Timeout>60</Timeout><OnPlayDone>$HTTP/hang</OnPlayDone>"
start_server -w 2

publish_bench one -r 500K
one=$spawned
play_bench v1 one -n 2
v1=$spawned
# of each second time: seconds go up, bytes go up
updated() { # USE: all clients of that use have been told of twice
	[[ $(requests ".event == \"on_update\" and .use == \"$1\" and .seconds >= 2" | jq -r .client | sort -u | wc -l) -ge $2 ]]
}
retry 15 updated publish 1 || fail "no update of the publisher"
retry 15 updated play 2 || fail "no update of both players"
expect "bytes of a player" "$(requests '.event == "on_update" and .use == "play" and .seconds >= 2' | jq -s 'map(.bytesOut) | min')" -gt 10000
expect "bytes of the publisher" "$(requests '.event == "on_update" and .use == "publish" and .seconds >= 2' | jq -s 'map(.bytesIn) | min')" -gt 10000

# goodbyes
end_bench "$v1"
retry 10 has_requests '.event == "on_play_done" and .app == "live"' 2 || fail "ends of two players"
retry 10 has_requests '.event == "on_disconnect" and .app == "live"' 2 || fail "two players are gone"
end_bench "$one"
retry 10 has_requests '.event == "on_publish_done" and .stream == "one" and .bytesIn > 100000' 1 || fail "end of the publisher"
retry 10 has_requests '.event == "on_disconnect" and .app == "live"' 3 || fail "the publisher is gone"
expect "ends of a publish" "$(count_requests '.event == "on_publish_done"')" -eq 1
expect "ends of plays" "$(count_requests '.event == "on_play_done"')" -eq 2

# refused by an update: disconnected; a callback that fails says nothing
bench_start strict publish -d 0 -r 100K "rtmp://$HOST:$PORT/strict/s"
bench_start lazy publish -d 0 -r 100K "rtmp://$HOST:$PORT/lazy/s"
lazy=$spawned
retry 10 has_requests '.event == "on_publish_done" and .app == "strict"' 1 || fail "it goes on though it is refused"
wait_event client.close '.reason == "kicked"' >/dev/null
retry 10 has_requests '.event == "on_update" and .app == "lazy"' 3 || fail "no updates"
alive "$lazy" || fail "a failed update has ended a publisher"
end_bench "$lazy"

# a worker dies: its clients are gone, all of them
publish_bench two -r 200K
before=$(count_requests '.event == "on_disconnect" and .app == "live"')
play_bench v2 two -n 8
v2=$spawned
has_readers_ok() { [[ $(stream two .readers.total) -eq 8 ]]; }
retry 10 has_readers_ok || fail "eight players"
victim=$((1 - $(slot_of two)))
mine=$(ctl client list -j | jq "[.[] | select(.worker == $victim)] | length")
kill -KILL "$(pid_of "$victim")"
gone_of() { has_requests '.event == "on_disconnect" and .app == "live"' $((before + mine)); }
retry 10 gone_of || fail "clients of the dead worker: $mine"
stop "$v2"

# many at once; a player of an application without callbacks loses nothing
bench_start plain publish -d 0 -r 200K "rtmp://$HOST:$PORT/plain/s"
bench_start watcher play -n 2 -d 4 "rtmp://$HOST:$PORT/plain/s"
watcher=$spawned
bench_start crowd publish -d 0 -r 20K "rtmp://$HOST:$PORT/crowd/s"
bench_start many play -n 260 -d 0 "rtmp://$HOST:$PORT/crowd/s"
many=$spawned
retry 30 has_requests '.event == "on_play" and .app == "crowd"' 260 || fail "260 questions"
all_play() {
	[[ $(ctl stream list -j | jq '.[] | select(.app == "crowd") | .readers.total') -eq 260 ]]
}
retry 30 all_play || fail "not all of them play"
expect "questions on the way at once" "$(jq -s 'map(.at_once) | max' "$REQUESTS")" -eq 200
await "$watcher" || fail "the watcher failed"
clean watcher || fail "a player lost frames while others waited"
stop "$many"
retry 20 has_requests '.event == "on_play_done" and .app == "crowd"' 260 || fail "ends of the crowd"
expect "ends of the process" "$(count_event callback.exit)" -eq 0

# whoever is slow to hear of ends holds up nobody: 100 are told at once, and there is room
bench_start slowly publish -d 0 -r 20K "rtmp://$HOST:$PORT/slow/s"
bench_start ending play -n 150 -d 0 "rtmp://$HOST:$PORT/slow/s"
ending=$spawned
slow_play() {
	[[ $(ctl stream list -j | jq '.[] | select(.app == "slow") | .readers.total') -eq 150 ]]
}
retry 30 slow_play || fail "150 players"
stop "$ending"
retry 20 has_requests '.event == "on_play_done" and .app == "slow"' 100 || fail "100 ends at once"
publish_bench quick -r 20K
expect "ends that were told" "$(count_requests '.event == "on_play_done" and .app == "slow"')" -eq 100
# the process dies with them: the next one tells them all again
kill -KILL "$(events callback.run | jq .callback_pid | tail -n 1)"
retry 20 has_requests '.event == "on_play_done" and .app == "slow"' 200 || fail "ends are lost with the process"
expect "clients that were told of once or twice" "$(requests '.event == "on_play_done" and .app == "slow"' |
    jq -r .client | sort | uniq -c | awk '$1 > 2' | wc -l)" -eq 0
expect "ends of the process" "$(count_event callback.exit)" -eq 1

stop_server

# a server stops: the last ends are told, too
use_server other
callbacks live "<OnPublishDone>$ok</OnPublishDone>"
start_server -w 1
publish_bench three -r 200K
stop_server
expect "end of the last" "$(count_requests '.event == "on_publish_done" and .stream == "three"')" -eq 1
