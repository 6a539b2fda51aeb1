#!/bin/bash
# Behind two edges: the origin's script sees each client with what it said, and a client sees
# what the script says: rejected with information, redirected, let in after 2 s, called,
# disconnected; as directly (e2e/90).
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live"
cat >"$TMP/apps/live/main.asc" <<'END'
function globalFunction() { trace("global reached"); }
Client.prototype.echo = function () { return Array.prototype.slice.call(arguments); };
Client.prototype.ask = function (what) {
	this.call("question", { onResult: function (r) { trace("answer " + r); } }, what);
	application.broadcastMsg("news", { n: 1 });
};
application.onConnect = function (client, how, more) {
	trace("connect " + [ client.ip, client.agent, client.uri, client.pageUrl, client.referrer,
	    arguments.length, how ].join(" "));
	switch (how) {
	case "no": return false;
	case "info":
		application.rejectConnection(client, "not you", { why: more.deep[1], n: 7 });
		return;
	case "away":
		application.redirectConnection(client, "rtmp://other.example/live", "there");
		return;
	case "wait":
		setTimeout(function () { application.acceptConnection(client); }, 2000);
		return null;
	case "waitno":
		setTimeout(function () { application.rejectConnection(client, "after all"); }, 2500);
		return null;
	case "out":
		setTimeout(function () { application.disconnect(client); }, 300);
	}
	return true;
};
application.onDisconnect = function (client) { trace("disconnect " + client.pageUrl); };
END
chmod -R a+rX "$TMP/apps"
edge() { # NAME PORT-OF-NEXT TRUSTED-EDGES
	use_server "$1"
	VHOST_XML="<TrustedEdges>$3</TrustedEdges><Proxy><Mode>remote</Mode><Anonymous>true</Anonymous>
<RouteTable><RouteEntry>*:*;127.0.0.1:$2</RouteEntry></RouteTable></Proxy>"
	start_server -w 2
}
use_server origin
VHOST_XML="<AppsDir>$TMP/apps</AppsDir><TrustedEdges>local</TrustedEdges>"
start_server -w 2
edge middle "$PORT" local
edge near "$PORT" ''

traced() { # TEXT
	use_server origin
	[[ $(count_event script.trace ".trace == \"$1\"") -ge 1 ]]
}
connect_script() { # PAGE ARGUMENT...
	local page=$1
	shift
	printf '%s\n' open hello 'limit 20000' \
	    "cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe pageUrl s:$page swfUrl s:swf } $*"
}
# one NAME SCRIPT-LINES...: a client of the edge near
one() {
	local name=$1
	shift
	use_server near
	{
		connect_script "page-$name" "$1"
		shift
		printf '%s\n' "$@"
	} >"$TMP/$name.probe"
	probe "$name" <"$TMP/$name.probe"
}
rejected='.name == "_error" and .txn == 1 and .args[1].code == "NetConnection.Connect.Rejected" and .args[1].level == "error"'

one in 's:yes { a n:1 }' 'wait name=_result txn=1' 'cmd 0 createStream 2 null' 'wait name=_result txn=2'
retry 5 traced "connect 127.0.0.1 probe rtmp://localhost/live page-in swf 3 yes" ||
    fail "onConnect did not see the client: $(events script.trace)"
retry 10 traced "disconnect page-in" || fail "onDisconnect was not called"
one no s:no 'wait name=_error txn=1' 'wait type=closed'
expect "rejected" "$(got no "$rejected and (.args[1] | has(\"application\") or has(\"ex\") | not)")" -eq 1
one info 's:info { deep [ n:1 s:because ] }' 'wait name=_error txn=1' 'wait type=closed'
expect "information" "$(got info "$rejected and .args[1].description == \"not you\" and .args[1].application == {why: \"because\", n: 7}")" -eq 1
one away s:away 'wait name=_error txn=1' 'wait type=closed'
expect "redirected" "$(got away "$rejected and .args[1].description == \"there\" and .args[1].ex == {code: 302, redirect: \"rtmp://other.example/live\"}")" -eq 1
began=${EPOCHREALTIME/,/.}
one wait s:wait 'cmd 0 echo 2 null n:5' 'wait name=_result txn=1' 'wait name=_result txn=2'
is_true -n "${EPOCHREALTIME/,/.} - $began >= 2" || fail "accepted before the script said so"
expect "accepted" "$(got wait '.txn == 1 and .args[1].code == "NetConnection.Connect.Success"')" -eq 1
expect "the call" "$(got wait '.name == "_result" and .txn == 2 and .args[1] == [5]')" -eq 1
one waitno s:waitno 'wait name=_error txn=1' 'wait type=closed'
expect "rejected later" "$(got waitno "$rejected and .args[1].description == \"after all\"")" -eq 1
one calls s:yes 'wait name=_result txn=1' 'cmd 0 echo 3 null { a null } [ n:1 s:x ]' 'wait name=_result txn=3' \
    'cmd 0 globalFunction 4 null' 'wait name=_error txn=4' 'cmd 0 constructor 5 null' 'wait name=_error txn=5' \
    'cmd 0 ask 6 null s:who' 'wait name=question' 'wait name=news' 'cmd 0 _result 1 null s:me' 'read 500'
expect "echo" "$(got calls '.name == "_result" and .txn == 3 and .args[1] == [{a: null}, [1, "x"]]')" -eq 1
expect "not callable" "$(got calls '.name == "_error" and (.args[1].description | startswith("Method not found ("))')" -eq 2
retry 5 traced "answer me" || fail "the answer to Client.call did not come"
use_server origin
expect "global functions" "$(count_event script.trace '.trace == "global reached"')" -eq 0
one out s:out 'wait name=_result txn=1' 'wait type=closed'
retry 5 traced "disconnect page-out" || fail "onDisconnect after disconnect()"
use_server near
wait_event client.close '.reason == "origin-closed"' >/dev/null

# the script's process dies: a client that waits is answered, one that is in stays
connect_script page-stays s:yes >"$TMP/steps"
printf '%s\n' 'wait name=_result txn=1' 'wait name=news' 'cmd 0 echo 2 null n:9' 'wait name=_result txn=2' >>"$TMP/steps"
probe_start stays "$TMP/steps"
stays=$spawned
retry 5 traced "connect 127.0.0.1 probe rtmp://localhost/live page-stays swf 2 yes" || fail "page-stays"
use_server near
connect_script page-dies s:waitno >"$TMP/dies.probe"
echo 'wait type=closed' >>"$TMP/dies.probe"
probe_start dies "$TMP/dies.probe"
dies=$spawned
retry 5 traced "connect 127.0.0.1 probe rtmp://localhost/live page-dies swf 2 waitno" || fail "page-dies"
kill -9 "$(events script.run | jq -r .script_pid | tail -1)"
use_server near
await "$dies" || fail "the waiting client was not answered"
expect "told" "$(got dies "$rejected and (.args[1].description | test(\"script has ended\"))")" -eq 1
again() {
	[[ $(use_server origin; count_event script.trace '.trace == "connect 127.0.0.1 probe rtmp://localhost/live page-stays swf 2 yes"') -eq 2 ]]
}
retry 10 again || fail "the next process does not know who stayed"
one asks s:yes 'wait name=_result txn=1' 'cmd 0 ask 6 null s:who' 'wait name=question'
use_server near
await "$stays" || fail "the client behind the edges has lost the script"
for s in near middle origin; do
	use_server "$s"
	stop_server
done
