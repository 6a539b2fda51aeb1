#!/bin/bash
# Scripts decide about connects and are called by clients: onConnect reads arguments,
# rejects with an information object, redirects (302), answers after 2 s; a client sees
# just that.  Only methods of Client objects can be called.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live" "$TMP/apps/plain"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
cat >"$TMP/apps/live/main.asc" <<'END'
function globalFunction() { trace("global reached"); return "reached"; }
Object.prototype.inherited = globalFunction;
Client.prototype.add = function (a, b) { return a + b; };
Client.prototype.echo = function () { return Array.prototype.slice.call(arguments); };
Client.prototype.FCPublish = function (name) { trace("FCPublish " + name); return "not seen"; };
Client.prototype.write = function (where) { this.writeAccess = where; };
Client.prototype.fail = function () { return nothing.here; };
Client.prototype.ask = function (what) {
	this.call("question", {
		onResult: function (r) { trace("answer " + r); },
		onStatus: function (s) { trace("status " + s.code); }
	}, what, [ 1, undefined ]);
	application.broadcastMsg("news", { n: 1 });
};
application.onConnect = function (client, how, more) {
	trace("connect " + application.name + " " + client.ip + " " + client.agent + " " +
	    client.uri + " " + client.pageUrl + " " + client.referrer + " " +
	    client.protocol + " " + arguments.length);
	client.secret = globalFunction;
	Object.defineProperty(client, "getter", { get: globalFunction });
	switch (how) {
	case undefined: return true;
	case "no": return false;
	case "info":
		application.rejectConnection(client, "not you", { why: more.deep[1], n: 7 });
		return;
	case "away":
		application.redirectConnection(client, "rtmp://other.example/live", "there");
		return;
	case "throw": return nothing.here;
	case "wait":
		setTimeout(function () { application.acceptConnection(client); }, 2000);
		return null;
	case "waitno":
		setTimeout(function () {
			application.rejectConnection(client, "after all");
		}, 500);
		return null;
	case "never": return null;
	case "reader":
		client.readAccess = "open;half/open/";
		client.writeAccess = "";
		return true;
	case "out":
		setTimeout(function () { application.disconnect(client); }, 100);
		return true;
	}
	return true;
};
application.onDisconnect = function (client) {
	trace("disconnect " + client.pageUrl + " " + application.clients.length);
};
application.onPublish = function (client, s) { trace("publish " + s.name + " by " + client.pageUrl); };
application.onUnpublish = function (client, s) { trace("unpublish " + s.name + " by " + client.pageUrl); };
END
start_server -w 2

traced() { # TEXT
	[[ $(count_event script.trace ".trace == \"$1\"") -ge 1 ]]
}
# connect_script PAGE ARGUMENT...: the beginning of a script for probe
connect_script() {
	local page=$1
	shift
	printf '%s\n' open hello \
	    "cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe pageUrl s:$page swfUrl s:swf } $*"
}

# an application without a script lets everybody in, and has no process
probe plain <<END
open
hello
cmd 0 connect 1 { app s:plain tcUrl s:rtmp://localhost/plain flashVer s:probe }
wait name=_result txn=1
cmd 0 add 2 null n:1 n:2
wait name=_error txn=2
END
expect "processes of scripts" "$(count_event script.run)" -eq 0

# arguments are read, and the first connect starts the instance
probe in <<END
$(connect_script page-in s:yes)
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
END
retry 5 traced "connect live/_definst_ 127.0.0.1 probe rtmp://localhost/live page-in swf rtmp 2" ||
    fail "onConnect did not see the client: $(events script.trace)"
retry 5 traced "disconnect page-in 0" || fail "onDisconnect was not called"

# refused: _error, NetConnection.Connect.Rejected, close
probe no <<END
$(connect_script page-no s:no)
wait name=_error txn=1
wait name=close
wait type=closed
END
rejected='.name == "_error" and .txn == 1 and .args[1].code == "NetConnection.Connect.Rejected" and .args[1].level == "error"'
expect "rejected" "$(got no "$rejected and (.args[1] | has(\"application\") or has(\"ex\") | not)")" -eq 1
expect "described" "$(got no '.name == "_error" and (.args[1].description | startswith("[ Server.Reject ]"))')" -eq 1

probe info <<END
$(connect_script page-info s:info "{ deep [ n:1 s:because ] }")
wait name=_error txn=1
wait type=closed
END
expect "information" "$(got info "$rejected and .args[1].description == \"not you\" and .args[1].application == {why: \"because\", n: 7}")" -eq 1

probe away <<END
$(connect_script page-away s:away)
wait name=_error txn=1
wait type=closed
END
expect "redirected" "$(got away "$rejected and .args[1].description == \"there\" and .args[1].ex == {code: 302, redirect: \"rtmp://other.example/live\"}")" -eq 1

probe throw <<END
$(connect_script page-throw s:throw)
wait name=_error txn=1
wait type=closed
END
expect "a script that fails" "$(got throw "$rejected")" -eq 1
wait_event script.error '.called == "application.onConnect" and .line == 30' >/dev/null

# deferred: what the client sends meanwhile is done afterwards, in order
began=${EPOCHREALTIME/,/.}
probe wait <<END
$(connect_script page-wait s:wait)
cmd 0 createStream 2 null
cmd 0 add 3 null n:1 n:2
wait name=_result txn=1
wait name=_result txn=2
wait name=_result txn=3
END
expect "accepted after 2 s" "$(got wait '.name == "_result" and .txn == 1 and .args[1].code == "NetConnection.Connect.Success"')" -eq 1
expect "the call" "$(got wait '.name == "_result" and .txn == 3 and .args[1] == 3')" -eq 1
is_true -n "${EPOCHREALTIME/,/.} - $began >= 2" || fail "accepted before the script said so"

probe waitno <<END
$(connect_script page-waitno s:waitno)
wait name=_error txn=1
wait type=closed
END
expect "rejected later" "$(got waitno "$rejected and .args[1].description == \"after all\"")" -eq 1

# calls, both ways
probe_start other <(
	connect_script page-other
	echo 'wait name=_result txn=1'
	echo 'limit 20000'
	echo 'wait name=news'
)
other=$spawned
retry 5 has_got other '.name == "_result"' || fail "the other client was not let in"
probe calls <<END
$(connect_script page-calls)
wait name=_result txn=1
cmd 0 add 2 null s:a s:b
wait name=_result txn=2
cmd 0 echo 3 null { a null b b:1 } [ n:1 s:x ] null
wait name=_result txn=3
cmd 0 fail 4 null
wait name=_error txn=4
cmd 0 secret 5 null
wait name=_result txn=5
cmd 0 add 0 null n:1 n:2
cmd 0 ask 6 null s:who
wait name=question
wait name=news
cmd 0 _result 1 null s:me
read 300
END
expect "echo" "$(got calls '.name == "_result" and .txn == 3 and .args[1] == [{a: null, b: true}, [1, "x"], null]')" -eq 1
expect "add" "$(got calls '.name == "_result" and .txn == 2 and .args[1] == "ab"')" -eq 1
expect "a failed method" "$(got calls '.name == "_error" and .txn == 4 and .args[1].code == "NetConnection.Call.Failed"')" -eq 1
expect "without a transaction no answer" "$(got calls '(.name == "_result" or .name == "_error") and .txn == 0')" -eq 0
expect "question" "$(got calls '.name == "question" and .txn == 1 and .args[1] == "who"')" -eq 1
retry 5 traced "answer me" || fail "the answer to Client.call did not come"
await "$other" || fail "broadcastMsg did not reach the other client"

# and nothing else is callable
names='constructor __proto__ prototype toString valueOf hasOwnProperty __defineGetter__ call
ping getter inherited globalFunction trace load eval Function application.shutdown add.call a.b
secret2 global application Client id ip setTimeout'
{
	connect_script page-forbidden
	echo 'wait name=_result txn=1'
	txn=10
	for name in $names; do
		echo "cmd 0 $name $((++txn)) null s:x"
		echo "wait name=_error txn=$txn"
	done
	echo 'cmd 0 add 100 null n:1 n:1'
	echo 'wait name=_result txn=100'
} >"$TMP/forbidden"
probe forbidden <"$TMP/forbidden"
expect "refused names" "$(got forbidden '.name == "_error" and .args[1].code == "NetConnection.Call.Failed" and (.args[1].description | startswith("Method not found ("))')" \
    -eq "$(wc -w <<<"$names")"
expect "global functions" "$(count_event script.trace '.trace == "global reached"')" -eq 1 # by `secret`

# disconnected by the script
probe out <<END
$(connect_script page-out s:out)
wait name=_result txn=1
wait type=closed
END
wait_event client.close '.reason == "script-closed"' >/dev/null

# onPublish has the Client of onConnect, and onUnpublish comes before onDisconnect
probe publish <<END
$(connect_script page-publish)
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:one s:live
wait name=onStatus
END
retry 5 traced "unpublish one by page-publish" || fail "onUnpublish"
retry 5 traced "disconnect page-publish 0" || fail "onDisconnect of the publisher"
traced "publish one by page-publish" || fail "onPublish has another client"
order=$(events script.trace | jq -r .trace | grep -n -e '^unpublish one' -e '^disconnect page-publish' | cut -d: -f2 | cut -d' ' -f1 | tr '\n' ' ')
expect "order" "$order" = "unpublish disconnect "

# what it may play and publish, also when that changes later
probe reader <<END
$(connect_script page-reader s:reader)
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:open/a s:live
wait name=onStatus code=NetStream.Publish.Denied
cmd 1 play 4 null s:other
wait name=onStatus code=NetStream.Play.Failed
cmd 1 play 5 null s:half/opened
wait name=onStatus code=NetStream.Play.Failed
cmd 1 play 6 null s:half/open/b
wait name=onStatus code=NetStream.Play.Start
cmd 1 closeStream 0 null
cmd 0 write 7 null s:here
wait name=_result txn=7
cmd 1 publish 8 null s:here s:live
wait name=onStatus code=NetStream.Publish.Start
END

# what encoders send is answered as ever, and told
probe encoder <<END
$(connect_script page-encoder)
wait name=_result txn=1
cmd 0 releaseStream 2 null s:cam?key=x
cmd 0 FCPublish 3 null s:cam?key=x
wait name=_result txn=2
wait name=_result txn=3
wait name=onFCPublish
read 200
END
expect "answers to FCPublish" "$(got encoder '.txn == 3')" -eq 1
retry 5 traced "FCPublish cam?key=x" || fail "FCPublish of the script"

# who leaves while it waits is forgotten; the server ends with others waiting
probe never <<END
$(connect_script page-never s:never)
read 200
END
wait_event client.close '.reason == "peer-closed" and .bytes_out < 3200' >/dev/null # no answer
probe_start stays <(
	connect_script page-stays s:never
	echo 'limit 20000'
	echo 'wait type=closed'
)
stays=$spawned
retry 5 traced "connect live/_definst_ 127.0.0.1 probe rtmp://localhost/live page-stays swf rtmp 2" ||
    fail "the waiting client was not asked about"
stop_server
await "$stays" || fail "a client still waits"

# without AppsDir a script is where Application.xml would be; one that cannot start lets nobody in
use_server tree
VHOST_XML=
for app in solo broken none; do
	mkdir -p "$CONF/_defaultRoot_/_defaultVHost_/applications/$app"
done
echo 'application.onConnect = function (c) { application.rejectConnection(c, "solo"); };' \
    >"$CONF/_defaultRoot_/_defaultVHost_/applications/solo/main.asc"
echo 'application.onAppStart = function () { var all = ["x"]; for (;;) all.push(all.join()); };' \
    >"$CONF/_defaultRoot_/_defaultVHost_/applications/broken/main.asc"
mkdir "$CONF/_defaultRoot_/_defaultVHost_/applications/none/main.asc" # cannot be read
chmod -R a+rX "$TMP/tree"
start_server -w 1
for app in solo broken none none other; do
	probe "tree-$app" <<END
open
hello
limit 20000
cmd 0 connect 1 { app s:$app tcUrl s:rtmp://localhost/$app flashVer s:probe }
wait txn=1
END
done
expect "without AppsDir" "$(got tree-solo "$rejected and .args[1].description == \"solo\"")" -eq 1
expect "a script that cannot start" "$(got tree-broken "$rejected and (.args[1].description | test(\"script has ended\"))")" -eq 1
expect "a script that cannot be read" "$(got tree-none "$rejected and (.args[1].description | test(\"cannot be loaded\"))")" -eq 1
expect "without a script" "$(got tree-other '.name == "_result"')" -eq 1
stop_server
