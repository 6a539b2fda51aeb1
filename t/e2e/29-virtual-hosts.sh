#!/bin/bash
# Streams of two virtual hosts with the same name are apart; a virtual host is
# found by name, alias and _fcs_vhost; an application has limits of its own, does
# not exist, or is refused for its file; Deny holds.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
APP_XML='<StreamManager><Live><GraceTime>0</GraceTime></Live></StreamManager>'
ADAPTOR_XML='<EnableAltVhost>true</EnableAltVhost>'
media=$CONF/_defaultRoot_/media.example
mkdir -p "$media/applications"/{slow,broken,plain}
echo '<VirtualHost><AliasList><Alias name="TV.example"/></AliasList>
<AppsDir>_defaultRoot_/media.example/applications</AppsDir></VirtualHost>' >"$media/Vhost.xml"
echo '<Application><StreamManager><Live><GraceTime>0</GraceTime></Live></StreamManager>
<Client override="no"><MaxStreams>2</MaxStreams></Client></Application>' >"$media/Application.xml"
echo '<Application><StreamManager><Live><GraceTime>3</GraceTime></Live></StreamManager>
<Client><MaxStreams>1</MaxStreams></Client></Application>' >"$media/applications/slow/Application.xml"
echo '<Application>
<StreamManager><Live><GraceTime>soon</GraceTime></Live></StreamManager></Application>' >"$media/applications/broken/Application.xml"
start_server -w 2

# greet TCURL APP: a connect with these
greet() {
	echo "open
hello
cmd 0 connect 1 { app s:$2 tcUrl s:$1 flashVer s:probe }"
}
up() {
	greet "$@"
	echo 'wait name=_result txn=1
chunk 65536
cmd 0 createStream 2 null
wait name=_result txn=2'
}
publish() {
	up "$@"
	echo 'cmd 1 publish 3 null s:cam s:live
wait code=NetStream.Publish.Start'
}
# publisher NAME SECONDS TCURL APP: one that then waits
publisher() {
	publish "$3" "$4" >"$TMP/$1.script"
	echo "limit $(($2 * 1000))
wait type=video" >>"$TMP/$1.script"
	probe_start "$1" "$TMP/$1.script"
	retry 5 has_got "$1" '.code == "NetStream.Publish.Start"' ||
	    fail "$1: $(cat "$TMP/$1.json")"
}

# the same name three times: three streams
publisher p1 60 rtmp://127.0.0.1/plain plain
publisher p2 60 rtmp://Media.Example:1935/plain plain
expect "streams" "$(ctl stream list -j | jq length)" -eq 2
expect "virtual hosts" "$(ctl stream list -j | jq -r '.[].vhost' | sort | xargs)" = \
    "_defaultVHost_ media.example"

# refused NAME CODE TCURL APP: what a connect is told
refused() {
	{
		greet "$3" "$4"
		echo "wait code=$2"
	} | probe "$1"
}
# an alias, and the query, mean the same
for c in 'tv.EXAMPLE/plain plain' 'x/plain plain?_fcs_vhost=media.example' \
    'x/plain?a=b&_fcs_vhost=tv.example plain'; do
	read -r url app <<<"$c"
	up "rtmp://$url" "$app" | probe alias
done
expect "connects of media.example" \
    "$(count_event client.connect '.vhost == "media.example" and .app == "plain"')" -eq 4
# a host that nobody has is _defaultVHost_, where every application exists
{
	up rtmp://other.example/whatever whatever
	echo 'cmd 1 publish 3 null s:cam s:live
wait code=NetStream.Publish.Start'
} | probe other
expect "connects of the default host" \
    "$(count_event client.connect '.vhost == "_defaultVHost_" and .app == "whatever"')" -eq 1

refused unknown NetConnection.Connect.InvalidApp rtmp://media.example/whatever whatever
refused broken NetConnection.Connect.InvalidApp rtmp://media.example/broken broken
expect "unknown" "$(counter closed.app-unknown)" -eq 1
expect "faulty" "$(counter closed.app-faulty)" -eq 1
expect "events" "$(count_event config.app_fault '.line == 2 and
    .element == "StreamManager/Live/GraceTime" and (.file | endswith("/broken/Application.xml"))')" -eq 1

# a killed publisher of "slow" may come back for 3 s, others for none; MaxStreams
# may not be changed by an application
publisher p3 60 rtmp://media.example/slow slow
kill_probes() {
	local pid
	for pid in $(descendants); do
		[[ $(cat "/proc/$pid/comm") != probe ]] || kill -9 "$pid"
	done
}
kill_probes
ended() {
	[[ $(count_event stream.end '.app == "slow" and .grace_ms == 3000') -eq 1 &&
	    $(count_event stream.end '.app == "plain" and .grace_ms == 0') -eq 2 ]]
}
retry 10 ended || fail "graces: $(event stream.end | jq -c '[.app, .grace_ms]' | xargs)"
{
	up rtmp://media.example/slow slow
	echo 'cmd 0 createStream 3 null
wait name=_result txn=3
cmd 0 createStream 4 null
wait name=_error txn=4'
} | probe limit
stop_server

use_server denied
ADAPTOR_XML='<Deny>127</Deny>'
start_server -w 1
refused denied NetConnection.Connect.Rejected rtmp://localhost/live live
expect "denied" "$(counter closed.address-denied)" -eq 1
stop_server
