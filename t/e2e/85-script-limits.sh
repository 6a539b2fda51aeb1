#!/bin/bash
# What Application.xml says of scripts: memory, time of a call, directories of load(), when an
# instance is idle, LoadOnStartup.  A script that eats its memory ends, and comes back slower each time; deep
# recursion and too many timers end the call only; another application does not notice.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
# application NAME ELEMENTS, its script from stdin
application() {
	mkdir -p "$TMP/apps/$1"
	[[ -z $2 ]] || echo "<Application>$2</Application>" >"$TMP/apps/$1/Application.xml"
	cat >"$TMP/apps/$1/main.asc"
}
# the smallest heap, as Flash Media Server has it
application good '<ScriptEngine><RuntimeSize>1024</RuntimeSize><ScriptLibPath>lib;/nowhere</ScriptLibPath></ScriptEngine>' <<'END'
load("helper.asc");
application.onPublish = function (client, s) { trace(help(s.name)); };
END
application hog '<LoadOnStartup>true</LoadOnStartup><ScriptEngine><RuntimeSize>2048</RuntimeSize></ScriptEngine>' <<'END'
var all = [];
application.onAppStart = function () {
	for (;;) all.push("x" + all.length);
};
END
application deep '' <<'END'
function f(n) { return f(n + 1) + 1; }
function timers() {
	for (var i = 0; i < 100000; i++)
		setInterval(function () {}, 3600000);
}
application.onPublish = function (client, s) {
	trace(s.name);
	if (s.name == "deep")
		f(0);
	if (s.name == "timers")
		timers();
};
END
application slow '<ScriptEngine><MaxTimeOut>1</MaxTimeOut></ScriptEngine>' <<'END'
application.onPublish = function (client, s) {
	while (s.name == "spin") {}
};
END
application idle '<MaxAppIdleTime>1</MaxAppIdleTime>' <<'END'
var asked = 0;
application.onAppStart = function () { trace("start " + application.name); };
application.onPublish = function (client, s) { trace("publish " + s.name); };
application.onAppStop = function (info) {
	trace("stop " + application.name + " " + info.code);
	return application.name != "idle/keep" || ++asked > 1;
};
END
application shut '' <<'END'
application.onPublish = function (client, s) {
	trace("shut " + s.name);
	if (s.name == "a")
		application.shutdown();
};
END
# other names of the file; the first that is there counts
for where in named/named.asc inner/scripts/inner.asc js/main.js; do
	application "${where%%/*}" '' <<'END'
application.onPublish = function (client, s) { trace("found " + application.name); };
END
	mkdir -p "$TMP/apps/$(dirname "$where")"
	mv "$TMP/apps/${where%%/*}/main.asc" "$TMP/apps/$where.new"
	mv "$TMP/apps/$where.new" "$TMP/apps/$where"
done
echo 'trace("not this one");' >"$TMP/apps/named/main.js"
application rooms '' <<'END'
application.onAppStop = function () { return false; };
END
application early '<LoadOnStartup>true</LoadOnStartup><MaxAppIdleTime>1</MaxAppIdleTime>' <<'END'
application.onAppStart = function () { trace("early " + application.name); };
END
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
mkdir -p "$CONF/lib"
echo 'function help(name) { return "helped " + name; }' >"$CONF/lib/helper.asc"
chmod -R a+rX "$TMP/apps" "$TMP/s"
start_server -w 2

has_traced() { # TEXT COUNT
	[[ $(count_event script.trace ".trace == \"$1\"") -ge $2 ]]
}
# publish APP/NAME: sets `spawned`
publish() {
	bench_start "p-${1//\//-}" publish -d 0 -r 200K "rtmp://$HOST:$PORT/$1"
}

# LoadOnStartup: without a stream, and it stays, for it never was used
retry 10 has_traced "early early/_definst_" 1 || fail "LoadOnStartup"
expect "others wait for a client" "$(count_event script.run '.app != "early" and .app != "hog"')" -eq 0

publish good/cam
good=$spawned
retry 10 has_traced "helped cam" 1 || fail "load() from ScriptLibPath"
bench_start viewer play -n 4 -d 26 "rtmp://$HOST:$PORT/good/cam"
viewer=$spawned

# memory: it ends, and comes back after 0, 100, 200 ms
wait_event script.error '.app == "hog" and .line == 3 and .called == "application.onAppStart" and (.text | test("alloc"))' >/dev/null
backed_off() {
	[[ $(events script.exit '.app == "hog" and .status == 76' | jq .restart_ms | head -n 4 | tr '\n' ' ') == "0 100 200 400 " ]]
}
retry 20 backed_off || fail "back-off: $(events script.exit '.app == "hog"' | jq -c '[.status, .restart_ms]')"
# its clients are not let in, and told where it fails
publish hog/a
await "$spawned" && fail "a script that cannot start lets clients in"
grep -q "NetConnection.Connect.Rejected.*main.asc:3" "$TMP/p-hog-a.out" || fail "hog: $(cat "$TMP/p-hog-a.out")"

# a process that is stopped does not answer
publish slow/cam
stopped=$spawned
wait_event script.run '.app == "slow"' >/dev/null
wait_event script.start '.app == "slow"' >/dev/null
frozen=$(events script.run '.app == "slow"' | jq .script_pid)
kill -STOP "$frozen"

# deep recursion, too many timers: errors with a place, and the script goes on
publish deep/deep
pids=("$spawned")
wait_event script.error '.app == "deep" and .line == 1 and .called == "application.onPublish" and (.text | test("RangeError.*limit"))' >/dev/null
publish deep/timers
pids+=("$spawned")
wait_event script.error '.app == "deep" and .line == 4 and (.text | test("more than 1000 timers"))' >/dev/null
publish deep/last
pids+=("$spawned")
retry 10 has_traced last 1 || fail "the script does not go on"
expect "its processes" "$(count_event script.run '.app == "deep"')" -eq 1

for app in named inner js; do
	publish $app/a
	retry 10 has_traced "found $app/_definst_" 1 || fail "the script of $app is not found"
	stop "$spawned"
done
expect "the first name counts" "$(count_event script.trace '.trace == "not this one"')" -eq 0

# clients choose names of instances: of more than 500 those that nobody uses have to go
for ((i = 1; i <= 510; i++)); do
	printf '%s\n' open hello \
	    "cmd 0 connect 1 { app s:rooms/r$i tcUrl s:rtmp://localhost/rooms/r$i flashVer s:probe }" \
	    'wait name=_result txn=1' close
done >"$TMP/rooms.script"
probe rooms <"$TMP/rooms.script"
rooms() {
	ctl app show rooms -j | is_true '.instances == 500 and .state == "running"'
}
retry 10 rooms || fail "rooms: $(ctl app show rooms -j | jq -c '[.state, .instances, .started]')"
expect "those that had to go" "$(count_event script.stop '.app == "rooms"')" -eq 10

# application.shutdown: it is unloaded, and comes with the next stream
publish shut/a
shut=("$spawned")
wait_event script.unload '.app == "shut" and .cause == "script"' >/dev/null
wait_event script.exit '.app == "shut" and .cause == "asked" and .status == 0' >/dev/null
ctl app show shut -j | is_true '.state == "unloaded" and .streams == 1' || fail "shut: $(ctl app show shut -j)"
stop "${shut[0]}"
publish shut/b
shut=("$spawned")
retry 10 has_traced "shut b" 1 || fail "it does not come with the next stream"
stop "${shut[0]}"

# the stopped one is killed and its successor told
wait_event script.exit ".script_pid == $frozen and .signal == \"KILL\" and .cause == \"does not answer\"" 40 >/dev/null
slow_is_back() {
	ctl app show slow -j | is_true '.state == "running" and .started == 1 and .restarts == 1'
}
retry 10 slow_is_back || fail "slow: $(ctl app show slow -j)"
alive "$stopped" || fail "its publisher was disturbed"

# the time of a call
publish slow/spin
wait_event script.hung '.app == "slow" and .limit_ms == 1000 and .line == 2' >/dev/null
await "$spawned" && fail "the publisher of spin was not told"

# idle: an instance without streams is stopped, the last one ends the process
publish idle/one/a
one=$spawned
publish idle/keep/b
keep=$spawned
retry 10 has_traced "publish b" 1 || fail "onPublish of idle/keep"
stop "$one"
retry 10 has_traced "stop idle/one Application.GC" 1 || fail "the idle instance was not stopped"
expect "the other stays" "$(count_event script.stop '.instance == "keep"')" -eq 0
# a client that waits for a stream uses it, too
bench_start waits play --idle -d 60 "rtmp://$HOST:$PORT/idle/keep/none"
waits=$spawned
has_client() {
	ctl app show idle -j | is_true "[.by_instance[] | select(.instance == \"keep\") | .clients] == [$1]"
}
retry 10 has_client 2 || fail "the script does not know the client: $(ctl app show idle -j)"
stop "$keep"
retry 10 has_client 1 || fail "the publisher has not gone: $(ctl app show idle -j)"
is_true -n "$(ctl app show idle -j | jq '[.by_instance[].idle_s] == [null]')" || fail "it counts as idle: $(ctl app show idle -j)"
stop "$waits"
retry 10 has_traced "stop idle/keep Application.GC" 2 || fail "asked again after it said no"
wait_event script.exit '.app == "idle" and .cause == "asked" and .status == 0' >/dev/null
# and with the next stream it is there again
publish idle/one/a
retry 10 has_traced "start idle/one" 2 || fail "it does not start again"
stop "$spawned"
expect "early is not idle" "$(count_event script.stop '.app == "early"')" -eq 0

await "$viewer" || fail "the viewers failed"
clean viewer
for pid in "${pids[@]}" "$good" "$stopped"; do
	stop "$pid"
done
stop_server
