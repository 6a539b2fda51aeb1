#!/bin/bash
# The script of an application: it is started by the first stream, told of each, its
# trace and its errors are in the log with file and line; killed, or hung, it is started
# again and told what is live, and no frame is lost.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ps
mkdir -p "$TMP/apps/live" "$TMP/apps/plain"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
cat >"$TMP/apps/live/main.asc" <<'END'
application.onAppStart = function () { trace("start of " + application.name); }
application.onPublish = function (client, s) {
	trace("publish " + s.name);
	if (s.name == "bad")
		while (true) {}
}
ns.onStatus = function () { trace("never"); }
application.onUnpublish = function (client, s) { trace("unpublish " + s.name); }
application.onAppStop = function () { trace("stop"); }
END
start_server -w 2

traced() {
	count_event script.trace ".trace == \"$1\""
}
has_traced() { # TEXT COUNT
	[[ $(traced "$1") -eq $2 ]]
}

# no script, no process
bench_start other publish -d 0 -r 200K "rtmp://$HOST:$PORT/plain/a"
wait_event publish.start '.app == "plain"' >/dev/null
expect "processes of scripts" "$(count_event script.run)" -eq 0

bench_start one publish -d 0 -r 500K "rtmp://$HOST:$PORT/live/one"
one=$spawned
retry 10 has_traced "publish one" 1 || fail "onPublish was not called"
expect "onAppStart" "$(traced 'start of live/_definst_')" -eq 1
wait_event script.error '.line == 7 and (.file | endswith("/live/main.asc")) and .called == "the top level of the script"' >/dev/null
bench_start two publish -d 0 -r 500K "rtmp://$HOST:$PORT/live/second/two"
two=$spawned
retry 10 has_traced "publish two" 1 || fail "the second instance was not told"
expect "one process" "$(count_event script.run)" -eq 1
expect "two instances" "$(count_event script.start)" -eq 2
bench_start viewer play -d 8 "rtmp://$HOST:$PORT/live/one"
viewer=$spawned

# killed: it is back, and is told of both
kill -9 "$(events script.run | jq -r .script_pid | tail -1)"
retry 10 has_traced "publish one" 2 || fail "not told again after kill -9"
retry 10 has_traced "publish two" 2 || fail "not told of the other instance"
is_true -n "$(count_event script.exit '.signal == "KILL"') == 1" || fail "script.exit"

# hung: it ends where it says, the others are told again
bench_start bad publish -d 0 -r 200K "rtmp://$HOST:$PORT/live/bad"
bad=$spawned
wait_event script.hung '.called == "application.onPublish" and .line == 5 and (.file | endswith("main.asc"))' >/dev/null
wait_event script.exit '.status == 75' >/dev/null
await "$bad" && fail "its publisher was not told"
bench_start later publish -d 0 -r 200K "rtmp://$HOST:$PORT/live/later"
later=$spawned
known() { # the last process has been told of all three
	local pid
	pid=$(events script.run | jq -r .script_pid | tail -1)
	[[ $(count_event script.trace ".pid == $pid and (.trace | test(\"publish (one|two|later)\"))") -eq 3 ]] &&
		kill -0 "$pid" && ! [[ $(count_event script.trace ".pid == $pid and .trace == \"publish bad\"") -gt 0 ]]
}
retry 40 known || fail "not told again after it hung"

# the viewer saw nothing of all that
await "$viewer" || fail "the viewer failed"
clean viewer || fail "the viewer lost frames"
stop "$one"
settled() {
	[[ $(traced "unpublish one") -ge 1 ]]
}
retry 30 settled || fail "onUnpublish was not called"
stop "$two"
stop "$later"
stop_server
expect "onAppStop" "$(traced stop)" -ge 1
