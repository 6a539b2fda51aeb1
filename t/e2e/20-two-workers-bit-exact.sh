#!/bin/bash
# Players on every worker get the same stream, bit for bit, to its last frame:
# H.264 with B-frames and AAC from FFmpeg, read by FFmpeg, two workers.
# timeout: 120
# long: 240
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ffmpeg
start_server -w 2
if [[ $LONG == 1 ]]; then clip 60; else clip 12; fi

# workers that have players, of those that are listed
on_workers() {
	ctl client list -j |
	    jq --arg role "$1" '[.[] | select(.role == $role) | .worker] | unique | length'
}
on_both() {
	[[ $(on_workers "$1") -eq 2 ]]
}

# add_players PREFIX ROLE: players until both workers have one in this role
add_players() {
	local n=0
	while ! on_both "$2"; do
		n=$((n + 1))
		[[ $n -le 12 ]] || fail "12 players, all on one worker"
		play_ffmpeg cam "$TMP/$1$n.md5"
		pids+=("$spawned")
		retry 10 listed "$2" "$n" || fail "player $n is not listed"
	done
	note "$1: $n players, by worker: $(ctl client list -j |
	    jq -c --arg role "$2" '[.[] | select(.role == $role) | .worker]')"
}
listed() {
	[[ $(ctl client list -j | jq --arg role "$1" \
	    '[.[] | select(.role == $role)] | length') -ge $2 ]]
}
pids=()
add_players early wait

publish_once cam
publisher=$spawned
wait_event publish.start >/dev/null
retry 10 on_both play || fail "waiting players did not start"
early=${#pids[@]}

# joiners, in the middle of a GOP
for n in 1 2 3 4; do
	retry 5 more_events play.start $((early + n - 2)) || fail "no play.start"
	play_ffmpeg cam "$TMP/late$n.md5"
	pids+=("$spawned")
done
retry 10 more_events play.start $((early + 3)) || fail "joiners did not start"
expect "readers in the stream list" "$(readers cam .total)" -eq ${#pids[@]}
expect "workers with readers" \
    "$(readers cam '[.by_worker[] | select(. > 0)] | length')" -eq 2
note "readers by worker: $(readers cam '.by_worker | tostring')"
note "publisher on worker $(stream cam .publisher.worker)"

await "$publisher" 90 || fail "the publisher failed"
for pid in "${pids[@]}"; do
	await "$pid" || fail "a player failed"
done
for f in "$TMP"/early*.md5; do
	same_media "$TMP/ref.md5" "$f" all
done
for f in "$TMP"/late*.md5; do
	same_media "$TMP/ref.md5" "$f" end
done
expect "players skipped" "$(counter play.skips)" -eq 0
expect "messages dropped" "$(counter frames.dropped)" -eq 0
stop_server
