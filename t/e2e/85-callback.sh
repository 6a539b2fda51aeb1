#!/bin/bash
# Callbacks: whoever is asked by HTTP allows, refuses, renames, sends elsewhere; fails in every
# way there is, which refuses, or allows where the configuration says so; in each format.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/callback.sh"
start_receiver
nobody=http://127.0.0.1:$(free_port)

# app NAME FORMAT URL [ELEMENTS]: it asks there about publish and play
app() {
	callbacks "$1" "<Format>$2</Format><Timeout>1</Timeout>
	    <OnPublish>$3/publish</OnPublish><OnPlay>$3/play</OnPlay>${4:-}"
}

# try APP PUBLISH-CODE PLAY-CODE [WORDS]: what a client is told that publishes `key` and plays
# it; the words are in both descriptions
try() {
	probe "$1" <<-EOF
	open
	hello
	cmd 0 connect 1 { app s:$1 tcUrl s:rtmp://localhost/$1 flashVer s:probe }
	wait name=_result txn=1
	cmd 0 createStream 2 null
	wait name=_result txn=2
	cmd 0 createStream 3 null
	wait name=_result txn=3
	cmd 1 publish 4 null s:key?who=me&key=secret s:live
	wait name=onStatus msid=1 code=NetStream.$2
	cmd 2 play 5 null s:key?who=you
	wait name=onStatus msid=2 code=NetStream.$3
	EOF
	[[ -n ${4:-} ]] || return 0
	expect "descriptions of $1 with the words \"$4\"" \
	    "$(got "$1" ".name == \"onStatus\" and (.args[1].description | contains(\"$4\"))")" -eq 2
}

for f in json nginx-rtmp; do
	app "$f-allow" $f "$HTTP/allow"
	app "$f-204" $f "$HTTP/status/204"
	app "$f-refuse" $f "$HTTP/refuse"
	app "$f-404" $f "$HTTP/status/404"
	app "$f-rename" $f "$HTTP/to/public"
	app "$f-redirect" $f "$HTTP/to/rtmp:++other.example+live+x"
	app "$f-login" $f "$HTTP/to/http:++other.example+login"
done
app srs-zero srs "$HTTP/zero"
app srs-code srs "$HTTP/code/0"
app srs-refuse srs "$HTTP/code/17"
app srs-404 srs "$HTTP/status/404"
app srs-words srs "$HTTP/allow"
app srs-rename srs "$HTTP/to/public"
bad='status/500 status/100 garbage cut flood hang'
for f in json nginx-rtmp srs; do
	for how in $bad; do
		app "$f-${how/\//}" $f "$HTTP/$how"
	done
	app "$f-nobody" $f "$nobody"
done
for how in $bad; do
	app "open-${how/\//}" json "$HTTP/$how" '<Fail>open</Fail>'
done
app open-nobody srs "$nobody" '<Fail>open</Fail>'
app open-refuse json "$HTTP/refuse" '<Fail>open</Fail>'
start_server -w 2

for f in json nginx-rtmp; do
	try $f-allow Publish.Start Play.Start
	try $f-204 Publish.Start Play.Start
	try $f-refuse Publish.Denied Play.Failed 'not today'
	try $f-404 Publish.Denied Play.Failed 'status 404'
	try $f-rename Publish.Start Play.Start
	try $f-redirect Publish.Start Play.Failed
	expect "where the player of $f is sent" "$(got $f-redirect '.msid == 2 and .name == "onStatus" and
	    (.args[1].description | contains("rtmp://other.example/live/x"))')" -eq 1
	try $f-login Publish.Denied Play.Failed 'gives no answer'
done
for how in rename words; do
	try srs-$how Publish.Denied Play.Failed 'gives no answer'
done
try srs-zero Publish.Start Play.Start
try srs-code Publish.Start Play.Start
try srs-refuse Publish.Denied Play.Failed "callback"
try srs-404 Publish.Denied Play.Failed 'status 404'
for how in $bad nobody; do
	for f in json nginx-rtmp srs; do
		try "$f-${how/\//}" Publish.Denied Play.Failed 'gives no answer'
	done
	try "open-${how/\//}" Publish.Start Play.Start
done
try open-refuse Publish.Denied Play.Failed 'not today'

# a name that is given hides the one that was sent
wait_event stream.start '.app == "json-rename" and .stream == "public"' >/dev/null
expect "streams by their first name" "$(count_event stream.start '.app == "json-rename" and .stream == "key"')" -eq 0
expect "words of the log with the key" "$(grep -c secret "$LOG")" -eq 0
# each was asked once about each, and no more than that
expect "questions about json-refuse" "$(count_requests '.app == "json-refuse"')" -eq 2
expect "questions by nginx-rtmp's names" \
    "$(count_requests '.app == "nginx-rtmp-allow" and .name == "key" and
	((.call == "publish" and .type == "live" and .key == "secret" and .who == "me") or
	 (.call == "play" and .start == "4294965296" and .who == "you")) and
	.addr == "127.0.0.1" and .flashver == "probe" and .tcurl == "rtmp://localhost/nginx-rtmp-allow"')" -eq 2
expect "questions by SRS's names" \
    "$(count_requests '.app == "srs-zero" and .stream == "key" and .stream_url == "/srs-zero/key" and
	((.action == "on_publish" and .param == "?who=me&key=secret") or
	 (.action == "on_play" and .param == "?who=you")) and .vhost == "__defaultVhost__" and
	.ip == "127.0.0.1" and .tcUrl == "rtmp://localhost/srs-zero"')" -eq 2
expect "questions by our own" \
    "$(count_requests '.app == "json-allow" and .stream == "key" and .instance == "_definst_" and
	((.event == "on_publish" and .args == "who=me&key=secret") or
	 (.event == "on_play" and .args == "who=you")) and .ip == "127.0.0.1" and .flashVer == "probe"')" -eq 2
expect "answers that failed" "$(count_event callback.answer '.verdict == "fail" and .level == "warning"')" -ge 40
wait_event callback.answer '.app == "json-hang" and .called == "on_play" and .verdict == "fail" and .text == "no answer in time"' >/dev/null
expect "ends of the process" "$(count_event callback.exit)" -eq 0

# the process dies under a question: refused, and the next one answers
pid=$(wait_event callback.run | jq .callback_pid)
# one publish of app $1 as stream $2, which is refused
denied() {
	cat <<-EOF
	open
	hello
	cmd 0 connect 1 { app s:$1 tcUrl s:rtmp://localhost/$1 }
	wait name=_result txn=1
	cmd 0 createStream 2 null
	wait name=_result txn=2
	cmd 1 publish 4 null s:$2 s:live
	wait name=onStatus msid=1 code=NetStream.Publish.Denied
	EOF
}
denied json-hang again >"$TMP/hung.txt"
probe_start hung "$TMP/hung.txt"
hung=$spawned
retry 10 has_requests '.app == "json-hang" and .stream == "again"' 1 || fail "not asked"
kill -KILL "$pid"
await "$hung" || fail "the client of a dead process was not told"
wait_event callback.exit ".callback_pid == $pid and .signal == \"KILL\"" >/dev/null
try json-allow Publish.Start Play.Start
# it stops: late by its time-out and a second, then it is killed
pid=$(events callback.run | jq .callback_pid | tail -n 1)
kill -STOP "$pid"
denied json-allow stopped | probe stopped
wait_event callback.exit ".callback_pid == $pid and .cause == \"an answer is late\"" >/dev/null
try json-allow Publish.Start Play.Start
stop_server
