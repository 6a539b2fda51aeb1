#!/bin/bash
# The script of an application hangs, dies or is stopped while clients wait for its answer:
# each of them gets a clear one, those who were let in stay and are known to the next
# process, and no frame is lost.  A worker that dies, a client that floods.
# timeout: 150
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live"
cat >"$TMP/apps/live/Application.xml" <<'END'
<Application>
  <ScriptEngine><MaxTimeOut>1</MaxTimeOut></ScriptEngine>
  <Client><CommandTimeout>4</CommandTimeout></Client>
</Application>
END
cat >"$TMP/apps/live/main.asc" <<'END'
Client.prototype.add = function (a, b) { return a + b; };
Client.prototype.hang = function () { while (true) {} };
Client.prototype.count = function () { return application.clients.length; };
application.onConnect = function (client, how) {
	trace("connect " + client.pageUrl);
	if (how == "hang")
		while (true) {}
	client.own = function () { return how; };
	return how == "later" ? null : true;
};
application.onDisconnect = function (client) { trace("disconnect " + client.pageUrl); };
END
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
start_server -w 2

traced() { # TEXT COUNT
	[[ $(count_event script.trace ".trace == \"$1\"") -ge $2 ]]
}
script_pid() {
	events script.run | jq -r .script_pid | tail -1
}
connect_script() { # PAGE ARGUMENT...
	local page=$1
	shift
	printf '%s\n' open hello 'limit 20000' \
	    "cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe pageUrl s:$page } $*"
}
rejected='.name == "_error" and .args[1].code == "NetConnection.Connect.Rejected"'

bench_start publisher publish -d 0 -r 500K "rtmp://$HOST:$PORT/live/one"
publisher=$spawned
wait_event publish.start '.stream == "one"' >/dev/null
bench_start viewer play -d 25 "rtmp://$HOST:$PORT/live/one"
viewer=$spawned

# one that stays, and calls again whenever the test says so
mkfifo "$TMP/steps"
probe_start stays "$TMP/steps"
stays=$spawned
exec 9>"$TMP/steps"
connect_script page-stays s:mine >&9
printf '%s\n' 'wait name=_result txn=1' 'cmd 0 own 2 null' 'wait name=_result txn=2' >&9
probe_start later <(
	connect_script page-later s:later
	echo 'wait type=closed'
)
later=$spawned
retry 10 traced "connect page-later" 1 || fail "page-later is not asked about"

# it hangs in onConnect of one client: that one is told where, who waited is told as well
probe hangs <<END
$(connect_script page-hangs s:hang)
wait type=closed
END
expect "told where" "$(got hangs "$rejected and (.args[1].description | test(\"main.asc:[67]: application.onConnect took longer than 1000 ms\"))")" -eq 1
await "$later" || fail "the waiting client was not answered"
expect "who waited" "$(got later "$rejected and (.args[1].description | test(\"script has ended .main.asc\"))")" -eq 1
wait_event script.hung '.called == "application.onConnect"' >/dev/null
# the next process is told of who stayed, and not of the guilty one
retry 10 traced "connect page-stays" 2 || fail "the next process does not know who stayed"
expect "the guilty one" "$(count_event script.trace '.trace == "connect page-hangs"')" -eq 1
printf '%s\n' 'cmd 0 own 3 null' 'wait name=_result txn=3' >&9
retry 10 has_got stays '.name == "_result" and .txn == 3 and .args[1] == "mine"' || fail "methods of onConnect are lost"
# viewer, publisher, page-stays
printf '%s\n' 'cmd 0 count 4 null' 'wait name=_result txn=4' >&9
retry 10 has_got stays '.name == "_result" and .txn == 4 and .args[1] == 3' || fail "application.clients: $(tail -1 "$TMP/stays.json")"

# it hangs in a call: the call fails, and those behind it
printf '%s\n' 'cmd 0 hang 5 null' 'cmd 0 add 6 null n:1 n:2' 'wait name=_error txn=5' 'wait name=_error txn=6' >&9
retry 10 has_got stays '.name == "_error" and .txn == 6 and .args[1].code == "NetConnection.Call.Failed"' ||
    fail "calls without an answer"
retry 10 traced "connect page-stays" 3 || fail "not told again after a call that hung"

# killed
kill -9 "$(script_pid)"
retry 10 traced "connect page-stays" 4 || fail "not told again after kill -9"
printf '%s\n' 'cmd 0 add 7 null n:1 n:2' 'wait name=_result txn=7' >&9
retry 10 has_got stays '.name == "_result" and .txn == 7 and .args[1] == 3' || fail "no call after kill -9"

# stopped: who asks gets an answer, and another process comes
kill -STOP "$(script_pid)"
probe stopped <<END
$(connect_script page-stopped s:yes)
wait type=closed
END
expect "an answer of a stopped script" "$(got stopped "$rejected")" -eq 1
wait_event script.exit '.cause == "does not answer"' >/dev/null
retry 10 traced "connect page-stays" 5 || fail "not told again after SIGSTOP"

# no answer at all: CommandTimeout
probe never <<END
$(connect_script page-never s:later)
wait type=closed
END
expect "no answer" "$(got never "$rejected and (.args[1].description | test(\"has not answered for [45] s\"))")" -eq 1

# a client that floods: its calls are answered, the script lives, others are let in
pad=$(printf '%0200d' 1)
pid=$(script_pid)
{
	connect_script page-flood s:yes
	echo "limit 50000"
	echo 'wait name=_result txn=1'
	for ((i = 2; i <= 10000; i++)); do
		echo "cmd 0 add 0 null s:$pad s:x"
	done
	# this one may be refused, as there is too much to do; those later are not
	echo 'cmd 0 add 5 null n:1 n:1'
	echo 'wait txn=5'
	for ((i = 10; i <= 500; i++)); do
		echo "cmd 0 add $i null s:$pad s:x"
	done
	echo 'wait txn=500'
} >"$TMP/flood"
probe flood <"$TMP/flood"
expect "answers" "$(got flood '.txn >= 10')" -eq 491
expect "the script" "$(script_pid)" -eq "$pid"
probe after <<END
$(connect_script page-after s:yes)
wait name=_result txn=1
cmd 0 add 2 null n:1 n:1
wait name=_result txn=2
END

# a worker dies: the script hears of its clients
worker=$(events client.connect | jq -r "select(.agent == \"probe\") | .worker" | head -1)
slot=$(events worker.start | jq -r "select(.worker == $worker) | .worker_pid" | tail -1)
expect "disconnects of page-stays" "$(count_event script.trace '.trace == "disconnect page-stays"')" -eq 0
await "$viewer" || fail "the viewer failed"
clean viewer || fail "the viewer lost frames"
kill -9 "$slot"
retry 10 traced "disconnect page-stays" 1 || fail "onDisconnect when a worker dies"
exec 9>&-
stop "$publisher"
stop_server
