#!/bin/bash
# Callbacks about connects: let in, refused with words, sent to another server with 302 as Flash
# Media Server does; what fails is refused unless Fail is open; whoever says that it is an
# edge is asked about, too; a script is told only of those that the callback lets in.  Clients
# behind an edge that is trusted are asked about at the origin.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/callback.sh"
start_receiver

app() { # NAME FORMAT URL [ELEMENTS]
	callbacks "$1" "<Format>$2</Format><Timeout>1</Timeout><OnConnect>$3</OnConnect>
	    <OnDisconnect>$HTTP/allow/gone</OnDisconnect>${4:-}"
}
for f in json nginx-rtmp; do
	app "$f-allow" $f "$HTTP/allow"
	app "$f-refuse" $f "$HTTP/refuse"
	app "$f-redirect" $f "$HTTP/to/rtmp:++other.example+app"
	app "$f-rename" $f "$HTTP/to/app2"
	app "$f-hang" $f "$HTTP/hang"
done
app srs-allow srs "$HTTP/code/0"
app srs-refuse srs "$HTTP/code/3"
app open-500 json "$HTTP/status/500" '<Fail>open</Fail>'
app script-refuse json "$HTTP/refuse"
app script-allow json "$HTTP/allow"
for a in script-refuse script-allow; do
	cat >"$CONF/applications/$a/main.asc" <<-'EOF'
	application.onConnect = function (client) {
		trace(application.name + " has " + client.agent);
		return true;
	}
	EOF
done
start_server -w 2

# try APP CODE [VALUE...]: what the answer to connect says; more of the connect object
try() {
	local app=$1 code=$2
	shift 2
	probe "$app" <<-EOF
	open
	hello
	cmd 0 connect 1 { app s:$app/room?a=1 tcUrl s:rtmp://localhost/$app/room?a=1 flashVer s:probe pageUrl s:http://page/ $* }
	wait txn=1 code=NetConnection.Connect.$code
	EOF
}
# said APP FILTER: the information object of the answer
said() {
	[[ $(got "$1" ".txn == 1 and (.args[1] | $2)") -eq 1 ]] ||
	    fail "the answer of $1: $(jq -c 'select(.txn == 1)' "$TMP/$1.json")"
}

for f in json nginx-rtmp; do
	try $f-allow Success
	try $f-refuse Rejected
	said $f-refuse '.level == "error" and (.description | endswith("not today"))'
	try $f-redirect Rejected
	said $f-redirect '.ex.code == 302 and .ex.redirect == "rtmp://other.example/app"'
	try $f-rename Rejected
	try $f-hang Rejected
	said $f-hang '.description | contains("gives no answer")'
done
try srs-allow Success
try srs-refuse Rejected
try open-500 Success
# an edge, as it says itself
try json-refuse Rejected sluiceNode s:0123456789abcdef
try json-allow Success sluiceNode s:0123456789abcdef
try script-refuse Rejected
try script-allow Success
wait_event script.trace '.trace == "script-allow/room has probe"' >/dev/null
expect "scripts that were told" "$(count_event script.trace)" -eq 1

expect "questions by our own" "$(count_requests '.event == "on_connect" and .app == "json-allow" and .instance == "room" and
    .connectArgs == "a=1" and .tcUrl == "rtmp://localhost/json-allow/room?a=1" and .pageUrl == "http://page/" and
    .flashVer == "probe" and .ip == "127.0.0.1" and .addr != .ip')" -eq 2
expect "questions by nginx-rtmp's names" "$(count_requests '.call == "connect" and .app == "nginx-rtmp-allow/room" and .a == "1" and
    .addr == "127.0.0.1" and (.epoch | tonumber) > 0 and (has("clientid") | not)')" -eq 1
expect "questions by SRS's names" "$(count_requests '.action == "on_connect" and .app == "srs-allow/room" and .param == "?a=1" and
    .pageUrl == "http://page/"')" -eq 1
# who was let in is told of when it goes, and nobody else
told_gone() {
	[[ $(requests '.path == "/allow/gone"' | jq -r .app | sort | paste -sd,) == "$1" ]]
}
retry 10 told_gone json-allow,json-allow,nginx-rtmp-allow/room,open-500,script-allow,srs-allow/room ||
    fail "ends: $(requests '.path == "/allow/gone"' | jq -c '[.app, .client]')"

# the process dies under a question about a connect
pid=$(wait_event callback.run | jq .callback_pid)
cat >"$TMP/hung.txt" <<EOF
open
hello
cmd 0 connect 1 { app s:json-hang tcUrl s:rtmp://localhost/json-hang flashVer s:hung }
wait txn=1 code=NetConnection.Connect.Rejected
EOF
probe_start hung "$TMP/hung.txt"
hung=$spawned
retry 10 has_requests '.app == "json-hang" and .flashVer == "hung"' 1 || fail "not asked"
kill -KILL "$pid"
await "$hung" || fail "the client of a dead process was not told"
try json-allow Success
# a client that does not wait
sed -i -e '/^wait/d' -e 's/s:hung/s:gone/' "$TMP/hung.txt"
probe_start gone "$TMP/hung.txt"
await "$spawned"
try json-allow Success
stop_server

# behind an edge: the origin's callback is asked about each client
use_server origin
VHOST_XML='<TrustedEdges>local</TrustedEdges>'
for a in json-allow json-refuse json-redirect; do
	mkdir -p "$CONF/applications/$a"
	cp "$TMP/s/conf/applications/$a/Application.xml" "$CONF/applications/$a"
done
start_server -w 1
origin=$PORT
use_server edge
VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous>
    <RouteTable><RouteEntry>*:*;127.0.0.1:$origin</RouteEntry></RouteTable></Proxy>"
start_server -w 1
: >"$REQUESTS"
try json-refuse Rejected
said json-refuse '.level == "error" and (.description | endswith("not today"))'
try json-redirect Rejected
said json-redirect '.ex.code == 302 and .ex.redirect == "rtmp://other.example/app"'
try json-allow Success
expect "questions about clients behind an edge" "$(count_requests '.event == "on_connect" and .instance == "room" and
    .pageUrl == "http://page/" and .flashVer == "probe" and .connectArgs == "a=1"')" -eq 3
retry 10 told_gone json-allow || fail "ends behind an edge: $(requests '.path == "/allow/gone"')"
stop_server
use_server origin
stop_server
