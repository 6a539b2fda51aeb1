#!/bin/bash
# etc/applications/multipoint as it stands: many streams at once go to its targets; one whose name
# is taken there comes when that is free; sluicectl app reload loses nothing, and reads new targets; another
# server that is killed has them all again when it is back.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
STREAMS=20
mkdir -p "$TMP/apps"
cp -R "$top_srcdir/etc/applications/multipoint" "$TMP/apps/" || fail "no example"
chmod -R u+w,a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
start_server -w 2

live_copies() { # INSTANCE: number of live names in it
	count_event script.trace ".instance == \"_definst_\" and (.trace | test(\" to rtmp://localhost/multipoint/$1/.*: live\"))"
}
has_copies() { # INSTANCE COUNT
	[[ $(live_copies "$1") -ge $2 ]]
}

# the name of s1 is taken at the target, for now
bench_start thief publish -d 0 -r 100K "rtmp://$HOST:$PORT/multipoint/copy/s1"
thief=$spawned
wait_event publish.start '.stream == "s1"' >/dev/null
for ((i = 1; i <= STREAMS; i++)); do
	bench_start "p$i" publish -d 0 -r 100K "rtmp://$HOST:$PORT/multipoint/s$i"
	pids+=("$spawned")
done
retry 20 has_copies copy $((STREAMS - 1)) || fail "$(live_copies copy) of $((STREAMS - 1)) streams are at the target"
wait_event script.trace '.trace | test("^s1 to .*NetStream.Publish.BadName .*taken.*again in 1000 ms$")' >/dev/null
wait_event script.trace '.trace | test("^s1 to .*NetStream.Publish.BadName .*again in 2000 ms$")' >/dev/null
stop "$thief"
retry 20 has_copies copy $STREAMS || fail "s1 does not come when its name is free"
expect "one publish of each" "$(count_event publish.start '.stream != "s1"')" -eq $((STREAMS - 1))

for s in s1 s7 s$STREAMS; do
	bench_start "v-$s" play -n 2 -d 6 "rtmp://$HOST:$PORT/multipoint/copy/$s"
	viewers+=("$spawned")
done
watched() {
	[[ $(readers s7 .total) -eq 2 ]]
}
retry 10 watched || fail "the copies do not play"

# another target: reload tells the new script of all that is live
cat >"$TMP/apps/multipoint/targets.asc" <<'END'
var targets = [
	{ url: "rtmp://localhost/multipoint/copy", name: "*" },
	{ url: "rtmp://localhost/multipoint/second", name: "cam-*-main" }
];
END
ctl app reload multipoint >"$TMP/reload" || fail "reload: $(cat "$TMP/reload")"
retry 20 has_copies second $STREAMS || fail "$(live_copies second) streams are at the second target"
bench seen play -d 2 "rtmp://$HOST:$PORT/multipoint/second/cam-s7-main"
clean seen
for v in "${viewers[@]}"; do
	await "$v" || fail "a viewer failed"
done
for s in s1 s7 s$STREAMS; do
	clean "v-$s"
done

# another server, which is killed and comes back
use_server other
PORT=$(free_port) VHOST_XML=''
start_server -w 1
other=$PORT
use_server s
cat >"$TMP/apps/multipoint/targets.asc" <<END
var targets = [
	{ url: "rtmp://$HOST:$other/live", name: "*" },
	{ url: "rtmp://localhost/multipoint/copy", name: "*" }
];
END
ctl app reload multipoint >"$TMP/reload" || fail "reload: $(cat "$TMP/reload")"
live_there() {
	use_server other
	[[ $(ctl stream list -j | jq 'map(select(.state == "live")) | length') -eq $1 ]]
	local r=$?
	use_server s
	return $r
}
retry 30 live_there $STREAMS || fail "not all are at the other server"
use_server other
bench there play -d 2 "$(url s7)"
clean there
left=$(workers)
# shellcheck disable=SC2086 # words
kill -9 "$MASTER" $left
use_server s
wait_event script.trace ".trace | test(\"^s7 to rtmp://$HOST:$other/live/s7: Net.*again in 1000 ms\")" 20 >/dev/null
use_server other
for pid in "$MASTER" $left; do
	retry 10 gone "$pid" || fail "$pid is not gone"
done
start_server -w 1
retry 60 live_there $STREAMS || fail "not all are back at the other server"
use_server other
bench back play -d 2 "$(url s$STREAMS)"
clean back
use_server s

# a stream that ends leaves its targets
stop "${pids[6]}"
left() {
	[[ $(ctl stream list -j | jq '[.[] | select(.name == "s7" and .state == "live")] | length') -eq 0 ]] &&
		live_there $((STREAMS - 1))
}
retry 30 left || fail "s7 is still there: $(ctl app show multipoint -j)"
for pid in "${pids[@]}"; do
	stop "$pid"
done
expect "errors of the script" "$(count_event script.error)" -eq 0
stop_server
use_server other
stop_server
