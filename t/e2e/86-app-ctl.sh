#!/bin/bash
# sluicectl app: what scripts run, their last error, reload and unload; streams, viewers and
# what was republished go on, without a gap.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
mkdir -p "$TMP/apps/live" "$TMP/apps/spare"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
# VERSION: the script, which republishes only in version 1
script() {
	cat >"$TMP/apps/live/main.asc" <<END
application.onAppStart = function () { trace("start $1"); };
application.onAppStop = function (info) { trace("stop $1 " + info.code); };
application.onPublish = function (client, s) {
	trace("publish $1 " + s.name + " in " + application.name);
	if ($1 == 1 && application.name == "live/_definst_") {
		var nc = new NetConnection();
		nc.connect("rtmp://localhost/live/second");
		var ns = new NetStream(nc);
		ns.attach(s);
		ns.publish(s.name);
	}
};
END
}
script 1
# another virtual host with an application of that name
mkdir -p "$TMP/more/live" "$CONF/_defaultRoot_/more.example"
echo 'application.onPublish = function (c, s) { trace("more " + s.name + " " + application.hostname); };' >"$TMP/more/live/main.asc"
echo "<VirtualHost><AppsDir>$TMP/more</AppsDir></VirtualHost>" >"$CONF/_defaultRoot_/more.example/Vhost.xml"
ADAPTOR_XML='<EnableAltVhost>true</EnableAltVhost>'
chmod -R a+rX "$TMP/more"
chmod -R a+rX "$TMP/apps"
start_server -w 2

has_traced() { # TEXT COUNT
	[[ $(count_event script.trace ".trace == \"$1\"") -eq $2 ]]
}
app() { # FILTER: is it true of `app show live`?
	ctl app show live -j | is_true "$1"
}
refused() { # TEXT ARGUMENTS...
	local text=$1
	shift
	ctl "$@" >"$TMP/out" 2>"$TMP/err" && fail "$* did not fail"
	grep -q "$text" "$TMP/err" || fail "$*: $(cat "$TMP/err")"
}

expect "nothing yet" "$(ctl app list)" = "no script has run"
refused "no script of that application has run" app show live
refused "no script of that application has run" app unload live
refused "there is no script" app reload spare
refused "there is no script" app reload ../live
refused "there is no script" app reload live --vhost nobody.example
# nothing is live: the next stream starts it
expect "reload before a stream" "$(ctl app reload live)" = "live: unloaded, its next stream or client starts it"

bench_start one publish -d 0 -r 500K "rtmp://$HOST:$PORT/live/one"
one=$spawned
retry 10 has_traced "publish 1 one in live/second" 1 || fail "version 1 does not republish"
for name in live/one live/second/one; do
	bench_start "v-${name//\//-}" play -n 3 -d 12 "rtmp://$HOST:$PORT/$name"
	viewers+=("$spawned")
done
watched() {
	[[ $(readers one .total) -eq 6 ]]
}
retry 10 watched || fail "the viewers do not play"

pid=$(events script.run | jq .script_pid)
app ".pid == $pid and .state == \"running\" and .vhost == \"_defaultVHost_\" and .streams == 2 and .instances == 2 and
	.started == 2 and .memory > 1000000 and .restarts == 0 and .fault == null and .since_s > 0 and
	.file == \"$TMP/apps/live/main.asc\" and .limits == {memory: 16777216, call_s: 5, idle_s: 1200} and .refused == [] and
	(.by_instance | map([.instance, .streams, .idle_s]) | sort) == [[\"_definst_\", 1, null], [\"second\", 1, null]]" ||
	fail "app show: $(ctl app show live -j)"
ctl app list -j | is_true "length == 1 and .[0].pid == $pid" || fail "app list: $(ctl app list -j)"
expect "the table" "$(ctl app list | awk 'NR == 2 { print $1, $2, $3, $4, $6, $7 }')" = "live _defaultVHost_ running $pid 2 2"
expect "only of another" "$(ctl app list --app spare)" = "no script has run"

ctl server check -j | is_true '[.[] | select(.check == "script")] | length == 1 and .[0].result == "ok"' || fail "server check"

# reload: stop, start, and all that is live is told; the second name goes on, though version 2
# does not ask for it
script 2
ctl app reload live >"$TMP/reload" || fail "reload: $(cat "$TMP/reload")"
expect "what it says" "$(sed 's/process [0-9]*/process N/' "$TMP/reload")" = "live: running, process N, 2 live streams are told to it"
retry 10 has_traced "publish 2 one in live/second" 1 || fail "version 2 is not told of the second name"
expect "trace in order" "$(events script.trace '.instance == "_definst_"' | jq -r .trace | tr '\n' ';')" = \
    "start 1;publish 1 one in live/_definst_;stop 1 Application.Shutdown;start 2;publish 2 one in live/_definst_;"
app ".pid != $pid and .restarts == 0 and .streams == 2" || fail "after reload: $(ctl app show live -j)"
wait_event script.exit ".script_pid == $pid and .cause == \"asked\" and .status == 0 and .level == \"info\"" >/dev/null
wait_event script.reload '.app == "live"' >/dev/null

# a version with an error: said at once, with its place, and seen in the list
script 3
echo 'no.such = 1;' >>"$TMP/apps/live/main.asc"
ctl app reload live >"$TMP/reload" && fail "reload does not tell of the error"
grep -q '^error at main.asc:13: ReferenceError: identifier .no. undefined$' "$TMP/reload" || fail "reload: $(cat "$TMP/reload")"
app '.fault.at == "main.asc:13" and .fault.line == 13 and .state == "running"' || fail "fault: $(ctl app show live -j)"
ctl server check -j >"$TMP/check"
is_true '[.[] | select(.check == "script")] | length == 1 and .[0].result == "warn" and
	(.[0].text | test("^live: main.asc:13: ReferenceError")) and (.[0].do | test("/live/main.asc, then: sluicectl app reload live$"))' \
    "$TMP/check" || fail "server check: $(cat "$TMP/check")"
mv "$TMP/apps/live/main.asc" "$TMP/gone"
refused "its script is gone" app reload live
mv "$TMP/gone" "$TMP/apps/live/main.asc"

# killed: that is a restart
kill -9 "$(ctl app show live -j | jq .pid)"
restarted() {
	app '.restarts == 1 and .state == "running" and .started == 2'
}
retry 10 restarted || fail "restarts: $(ctl app show live -j)"

# one that hangs while it ends is killed
script 4
sed -i '/^application.onAppStop/s/trace(/while (true); trace(/' "$TMP/apps/live/main.asc"
ctl app reload live >/dev/null || fail "reload of 4: $(ctl app show live -j)"
frozen=$(ctl app show live -j | jq .pid)
script 3
ctl app reload live >/dev/null || fail "reload when 4 hangs: $(ctl app show live -j)"
wait_event script.exit ".script_pid == $frozen and .signal == \"KILL\" and .level == \"info\"" >/dev/null
app '.restarts == 1 and .state == "running"' || fail "restarts: $(ctl app show live -j)"

# unload: until the next stream
expect "unload" "$(ctl app unload live)" = "live: unloaded"
retry 10 has_traced "stop 3 Application.Shutdown" 4 || fail "onAppStop"
app '.state == "unloaded" and .pid == null and .memory == null and .streams == 2 and .instances == 0' ||
	fail "unloaded: $(ctl app show live -j)"
wait_event script.unload '.cause == "operator"' >/dev/null
script 5
bench_start two publish -d 0 -r 200K "rtmp://$HOST:$PORT/live/two"
two=$spawned
for name in "one in live/_definst_" "one in live/second" "two in live/_definst_"; do
	retry 10 has_traced "publish 5 $name" 1 || fail "not told of $name"
done

# the same name in two virtual hosts: each has its own
cat >"$TMP/more.script" <<END
open
hello
cmd 0 connect 1 { app s:live?_fcs_vhost=more.example tcUrl s:rtmp://localhost/live?_fcs_vhost=more.example flashVer s:probe }
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:m s:live
limit 60000
wait type=closed
END
probe_start more "$TMP/more.script"
more=$spawned
retry 10 has_traced "more m more.example" 1 || fail "the script of the other virtual host"
refused "several virtual hosts" app show live
refused "several virtual hosts" app reload live
ctl app show live -j --vhost MORE.example | is_true '.vhost == "more.example" and .streams == 1' || fail "app show --vhost"
expect "unload of one" "$(ctl app unload live --vhost more.example)" = "live: unloaded"
ctl app list -j | is_true 'map([.vhost, .state]) | sort == [["_defaultVHost_", "running"], ["more.example", "unloaded"]]' ||
	fail "app list: $(ctl app list)"
stop "$more"

for v in "${viewers[@]}"; do
	await "$v" || fail "a viewer failed"
done
clean v-live-one
clean v-live-second-one
expect "one publish of it" "$(count_event publish.start '.stream == "one"')" -eq 1
stop "$one"
stop "$two"
stop_server
