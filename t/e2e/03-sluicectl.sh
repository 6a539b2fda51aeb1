#!/bin/bash
# sluicectl tells what there is, for people and as JSON, also while every worker
# is stopped; without a server it says so, with 3.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"

status() { # STATUS ARGUMENTS...: exit status of sluicectl
	local want=$1 got
	shift
	"$CTL" "$@" >"$TMP/ctl.out" 2>"$TMP/ctl.err"
	got=$?
	expect "exit status of sluicectl $*" "$got" -eq "$want"
}
status 3 -r "$TMP/nowhere" server status
expect "what it says" "$(grep -c "$TMP/nowhere" "$TMP/ctl.err")" -ge 1
status 2
status 2 server
status 2 no such
status 2 -r "$TMP/nowhere" server status too-much
status 2 -X
status 0 --version
status 0 --help

# a master that is gone and left its socket behind
use_server gone
start_server -w 1
kill -KILL "$MASTER"
await "$MASTER"
status 3 -r "$RUN" server status
for pid in $(descendants); do
	[[ $(cat "/proc/$pid/comm" 2>/dev/null) != sluice-worker ]] || kill -KILL "$pid"
done

use_server s
start_server -w 2
status 0 -r "$RUN" stream list
expect "no streams, as JSON" "$(ctl stream list -j | jq -c .)" = "[]"
bench_start pub publish -d 0 -r 500K "$(url cam)"
publisher=$spawned
wait_event publish.start >/dev/null
bench_start player play -n 6 -d 0 "$(url cam)"
player=$spawned
watched() {
	[[ $(readers cam .total) -eq 6 ]]
}
retry 10 watched || fail "not all play: $(ctl stream list -j)"
frames_beyond() {
	[[ $(stream cam .frames) -gt $1 ]]
}
retry 10 frames_beyond 200 || fail "no frames"

ctl stream list -j >"$TMP/streams"
is_true --argjson workers "$(workers | jq -s .)" 'length == 1 and (.[0] |
	.name == "cam" and .app == "live" and .instance == "_definst_" and
	.vhost == "_defaultVHost_" and .state == "live" and
	([.publisher.pid] | inside($workers)) and
	(.publisher.addr | startswith("127.0.0.1:")) and
	.publisher.id > 0 and .publisher.worker >= 0 and
	.readers.total == 6 and (.readers.by_worker | length == 2 and add == 6) and
	.ring.bytes > 50000 and .ring.seconds > 1 and .ring.segments >= 1 and
	.video.codec != null and .audio.codec != null and .audio.rate == 44100 and
	.dropped == 0)' "$TMP/streams" || fail "stream list: $(cat "$TMP/streams")"
ctl client list -j >"$TMP/clients"
is_true '([.[] | select(.role == "play")] | length) == 6 and
	([.[] | select(.role == "publish")] | length) == 1 and
	all(.[]; .stream == "cam" and .app == "live" and .worker >= 0 and
	    (.agent | contains("sluice-bench"))) and
	([.[].id] | unique | length) == 7' "$TMP/clients" ||
    fail "client list: $(cat "$TMP/clients")"
expect "the publisher's id in both lists" "$(jq '.[0].publisher.id' "$TMP/streams")" \
    -eq "$(jq '.[] | select(.role == "publish") | .id' "$TMP/clients")"
ctl worker list -j >"$TMP/workers"
is_true 'length == 2 and all(.[]; .state == "up" and .pid > 0 and .deaths == 0) and
	([.[].clients] | add) == 7 and ([.[].streams] | add) == 1' "$TMP/workers" ||
    fail "worker list: $(cat "$TMP/workers")"
for noun in "server status" "worker list" "stream list" "client list"; do
	# shellcheck disable=SC2086 # two words
	ctl $noun >"$TMP/table" || fail "$noun for people"
	expect "lines of $noun" "$(wc -l <"$TMP/table")" -ge 2
done
expect "columns" "$(ctl stream list | head -n 1 | grep -c NAME)" -eq 1

# Every worker stands still: sluicectl does not need them.
pids=$(workers)
# shellcheck disable=SC2086 # several
kill -STOP $pids
stopped() {
	local pid
	for pid in $pids; do
		grep -q '^State:[[:space:]]*T' "/proc/$pid/status" || return 1
	done
}
retry 5 stopped || fail "the workers do not stop"
began=$(now_ms)
ctl server status -j >"$TMP/status1" || fail "server status while workers are stopped"
ctl stream list -j >"$TMP/streams1" || fail "stream list while workers are stopped"
ctl client list -j >"$TMP/clients1" || fail "client list while workers are stopped"
ctl server status -j >"$TMP/status2"
took=$(($(now_ms) - began))
# shellcheck disable=SC2086
kill -CONT $pids
expect "milliseconds for four commands" "$took" -lt $((5000 * TIME_SCALE))
same='.counters | del(.["sleeps"])'
expect "counters of stopped workers" "$(jq -c "$same" "$TMP/status1")" = \
    "$(jq -c "$same" "$TMP/status2")"
is_true '.counters["clients.accepted"] == 7 and .counters["play.started"] == 6 and
	.counters["publish.started"] == 1 and .counters["clients.closed"] == 0 and
	.clients == 7 and .streams == 1' "$TMP/status1" ||
    fail "server status: $(cat "$TMP/status1")"
expect "clients" "$(jq length "$TMP/clients1")" -eq 7
# the counter and the list say the same
expect "frames" "$(jq '.[0].frames' "$TMP/streams1")" -eq \
    "$(jq '.counters["frames.in"]' "$TMP/status1")"
expect "bytes received" "$(jq '[.[].bytes_in] | add' "$TMP/clients1")" -eq \
    "$(jq '.counters["bytes.in"]' "$TMP/status1")"
expect "bytes sent" "$(jq '[.[].bytes_out] | add' "$TMP/clients1")" -eq \
    "$(jq '.counters["bytes.out"]' "$TMP/status1")"
expect "counters by worker" "$(jq '[.by_worker[].counters["bytes.out"]] | add' \
    "$TMP/status1")" -eq "$(jq '.counters["bytes.out"]' "$TMP/status1")"

kill -INT "$player"
await "$player" || note "the player ended with status $?"
clean player
stop "$publisher"
gone_all() {
	[[ $(ctl client list -j | jq length) -eq 0 ]]
}
retry 5 gone_all || fail "clients are left: $(ctl client list)"
# sluice-bench counts audio and video; metadata and two codec headers come to it
expect "frames" "$(counter frames.in)" -eq $(($(result pub .frames) + 3))
stop_server
