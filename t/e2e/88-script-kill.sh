#!/bin/bash
# The process of a script is killed again and again under 50 publishers and 500 players, half of them
# on names that the script has made: nobody loses a frame, and each new process knows all that is live.
# timeout: 180
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
STREAMS=50
PLAYERS=250 # of the first names, and of the second
KILLS=7
mkdir -p "$TMP/apps/many"
cat >"$TMP/apps/many/main.asc" <<END
var live = {}, n = 0;
application.onPublish = function (client, s) {
	if (!live["$" + s.name])
		n++;
	live["$" + s.name] = true;
	if (application.name == "many/_definst_") {
		var nc = new NetConnection(), ns;
		nc.connect("rtmp://localhost/many/second");
		ns = new NetStream(nc);
		ns.attach(s);
		ns.publish(s.name);
	}
	if (n == $STREAMS)
		trace("all in " + application.name);
};
application.onUnpublish = function (client, s) {
	if (live["$" + s.name])
		n--;
	delete live["$" + s.name];
	if (n == 0)
		trace("none in " + application.name);
};
END
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
start_server -w 2

# known PID-OF-SCRIPT: it knows all streams by both names
known() {
	[[ $(count_event script.trace ".pid == $1 and (.trace | test(\"^all in many/(_definst_|second)\$\"))") -eq 2 ]]
}
script_pid() {
	ctl app show many -j 2>/dev/null | jq -r '.pid // 0'
}

bench_start publishers publish -d 0 -n $STREAMS -r 150K "rtmp://$HOST:$PORT/many/s%d"
publishers=$spawned
all_live() {
	[[ $(count_event publish.start) -eq $STREAMS ]]
}
retry 20 all_live || fail "$(count_event publish.start) of $STREAMS are live"
pid=$(script_pid)
retry 20 known "$pid" || fail "the first process does not know them"
for inst in "" second/; do
	bench_start "players-${inst%/}" play -n $PLAYERS -s $STREAMS -R 200 -d 0 "rtmp://$HOST:$PORT/many/${inst}s%d"
	players+=("$spawned")
done
all_play() {
	[[ $(ctl stream list -j | jq '[.[].readers.total] | add') -eq $((2 * PLAYERS)) ]]
}
retry 20 all_play || fail "$(ctl stream list -j | jq '[.[].readers.total] | add') players play"

for ((i = 1; i <= KILLS; i++)); do
	kill -9 "$pid"
	another() {
		local now
		now=$(script_pid)
		[[ $now -ne 0 && $now -ne $pid ]]
	}
	retry 20 another || fail "kill $i: it is not back"
	pid=$(script_pid)
	retry 20 known "$pid" || fail "kill $i: process $pid does not know all"
done
ctl app show many -j | is_true ".restarts == $KILLS and .streams == 2 * $STREAMS and
	([.by_instance[].streams] == [$STREAMS, $STREAMS])" || fail "app show: $(ctl app show many -j)"
expect "nobody is to blame" "$(count_event script.blame)" -eq 0
for p in "${players[@]}"; do
	alive "$p" || fail "players ended: $(cat "$TMP"/players-*.json)"
	kill -INT "$p"
done
for p in "${players[@]}"; do
	await "$p" 60 || fail "players failed: $(cat "$TMP"/players-*.json)"
done
clean players-
clean players-second
for f in players- players-second; do
	expect "players of $f" "$(result "$f" .players.playing)" -eq $PLAYERS
done
alive "$publishers" || fail "the publishers ended"
expect "nobody published again" "$(count_event publish.start)" -eq $STREAMS
expect "workers that died" "$(count_event worker.exit)" -eq 0
stop "$publishers"
none() {
	[[ $(count_event script.trace ".pid == $pid and (.trace | test(\"^none in\"))") -eq 2 ]]
}
retry 20 none || fail "onUnpublish of all"
stop_server
