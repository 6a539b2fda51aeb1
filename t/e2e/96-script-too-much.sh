#!/bin/bash
# A script that says more than can be passed on harms nobody but itself: a value that is
# too long fails its call, and what is broadcast to a worker that is busy is lost rather
# than the worker.  A client whose connect is too long to be kept is told so when its
# script is started again.  Who comes to a script that is behind, and may be for ever, waits
# as long as CommandTimeout says.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live"
cat >"$TMP/apps/live/main.asc" <<'EOF'
/* each of these numbers is longer where the server writes it */
function big() {
	var a = [];
	for (var i = 0; i < 15000; i++)
		a.push(0.1);
	return a;
}
Client.prototype.add = function (a, b) { return a + b; };
Client.prototype.big = big;
Client.prototype.access = function () {
	var client = this, far = "/" + long.slice(0, 900);
	setTimeout(function () {
		for (var i = 0; i < 20000; i++)
			client.readAccess = far + i;
	}, 1000);
	trace("access");
};
var long = "0123456789";
while (long.length < 50000)
	long += long;
long = long.slice(0, 50000);
application.onConnect = function (client, how) {
	client.flood = function () {
		setTimeout(function () {
			for (var i = 0; i < 100; i++)
				application.broadcastMsg("news", long);
			application.disconnect(client);
			trace("flooded");
		}, 1500);
	};
	if (how == "info") {
		application.rejectConnection(client, "too much to say", big());
		return;
	}
	trace("connect " + client.pageUrl);
	return true;
};
EOF
mkdir "$TMP/apps/behind"
cat >"$TMP/apps/behind/Application.xml" <<'EOF'
<Application>
  <ScriptEngine><MaxTimeOut>0</MaxTimeOut></ScriptEngine>
  <Client><CommandTimeout>3</CommandTimeout></Client>
</Application>
EOF
echo 'Client.prototype.hang = function () { trace("hangs"); while (true) {} };' \
    >"$TMP/apps/behind/main.asc"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
start_server -w 1

connect_script() { # PAGE ARGUMENT...
	local page=$1 app=${app:-live}
	shift
	printf '%s\n' open hello 'limit 20000' \
	    "cmd 0 connect 1 { app s:$app tcUrl s:rtmp://localhost/$app flashVer s:probe pageUrl s:$page } $*"
}
traced() { # TEXT COUNT
	[[ $(count_event script.trace ".trace == \"$1\"") -ge $2 ]]
}
worker=$(events worker.start | jq -r .worker_pid | tail -1)
same_worker() {
	[[ $(events worker.start | jq -r .worker_pid | tail -1) == "$worker" ]] || fail "$1: the worker died"
}

# one that stays all the time, where nothing is broadcast: it does not read meanwhile
mkfifo "$TMP/steps"
probe_start stays "$TMP/steps"
stays=$spawned
exec 9>"$TMP/steps"
app=live/room connect_script page-stays s:mine >&9
echo 'wait name=_result txn=1' >&9

# a value that is too long: the call fails, in words, and the next one does not
probe big <<EOF
$(connect_script page-big s:yes)
wait name=_result txn=1
cmd 0 big 2 null
wait txn=2
cmd 0 add 3 null n:1 n:2
wait name=_result txn=3
EOF
expect "the value" "$(got big '.name == "_error" and .txn == 2 and (.args[1].description | test("too long"))')" -eq 1
expect "the next call" "$(got big '.name == "_result" and .txn == 3 and .args[1] == 3')" -eq 1
same_worker "a long value"

# the same of what comes with a refusal: that goes without it
probe info <<EOF
$(connect_script page-info s:info)
wait type=closed
EOF
expect "the refusal" "$(got info '.name == "_error" and .args[1].description == "too much to say" and (.args[1] | has("application") | not)')" -eq 1
same_worker "a long refusal"

# a worker that does not read while a script has 5 MB for its clients
probe_start floods <(
	connect_script page-floods s:yes
	printf '%s\n' 'wait name=_result txn=1' 'cmd 0 flood 2 null' 'wait name=_result txn=2' 'wait type=closed'
)
floods=$spawned
retry 10 has_got floods '.name == "_result" and .txn == 2' || fail "flood is not called"
kill -STOP "$worker"
retry 20 traced flooded 1 || fail "the script has not done it"
sleep 1
kill -CONT "$worker"
await "$floods" || fail "the client that its script disconnects was not"
same_worker "a flood"
echo 'cmd 0 add 4 null n:1 n:2' >&9
echo 'wait name=_result txn=4' >&9
retry 10 has_got stays '.name == "_result" and .txn == 4 and .args[1] == 3' || fail "who stays is not served"

# what it said with connect is not kept: it is told, and the server goes on
pad=$(printf '%09000d' 1)
probe_start long <(
	connect_script page-long "s:$pad"
	printf '%s\n' 'wait name=_result txn=1' 'wait type=closed'
)
long=$spawned
retry 10 has_got long '.name == "_result" and .txn == 1' || fail "page-long is not let in"
kill -9 "$(events script.run | jq -r .script_pid | tail -1)"
await "$long" || fail "page-long was not told"
retry 10 traced "connect page-stays" 2 || fail "who stays is not told to the next process"
same_worker "a restart"
exec 9>&-
stop "$stays"

# rights that are set again and again, and the worker does not listen: the script ends,
# the worker does not
printf '%s\n' "$(connect_script page-access s:yes)" 'wait name=_result txn=1' 'cmd 0 access 0 null' 'read 20000' >"$TMP/access"
probe_start access "$TMP/access"
access=$spawned
retry 10 traced access 1 || fail "access() is not called"
kill -STOP "$worker"
noisy() {
	has_event script.exit '.cause == "says too much"'
}
retry 8 noisy || { kill -CONT "$worker"; fail "the script is not ended: $(events script.exit)"; }
kill -CONT "$worker"
retry 10 traced "connect page-access" 2 || fail "the next process is not told who is there"
same_worker "rights without end"
stop "$access"

# a script without a limit of time that does not come back, and more calls than wait for it
pad=$(printf '%0400d' 1)
{
	app=behind connect_script page-behind
	printf '%s\n' 'wait name=_result txn=1' 'cmd 0 hang 0 null'
	for ((i = 0; i < 10000; i++)); do
		echo "cmd 0 none 0 null s:$pad"
	done
	# the last is told that there is too much to do: the queue is full
	printf '%s\n' "cmd 0 none 2 null s:$pad" 'wait name=_error txn=2' 'wait type=closed'
} >"$TMP/calls"
probe_start behind "$TMP/calls"
behind=$spawned
retry 20 has_got behind '.name == "_error" and .txn == 2 and (.args[1].description | test("too much"))' ||
    fail "the queue of the script is not full"
probe newcomer <<EOF
$(app=behind connect_script page-newcomer s:$pad$pad)
wait type=closed
EOF
expect "an answer" "$(got newcomer '.name == "_error" and (.args[1].description | test("has not answered for [34] s"))')" -eq 1
stop "$behind"
stop_server
