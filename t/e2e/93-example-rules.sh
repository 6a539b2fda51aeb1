#!/bin/bash
# etc/applications/rules as it stands, with each of its rules in turn: address, page, clients of
# one address, of all, with another server for those who are too many, and who may publish.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
mkdir -p "$TMP/apps"
cp -R "$top_srcdir/etc/applications/rules" "$TMP/apps/" || fail "no example"
chmod -R u+w,a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
start_server -w 2

# rules ELEMENT...: edit rules.asc, as NAME=JAVASCRIPT, and load it
rules() {
	local r
	cp "$top_srcdir/etc/applications/rules/rules.asc" "$TMP/apps/rules/"
	for r; do
		sed -i "s|^\t${r%%=*}: .*[^,]\(,\{0,1\}\)\$|\t${r%%=*}: ${r#*=}\1|" "$TMP/apps/rules/rules.asc"
		grep -qF "${r%%=*}: ${r#*=}" "$TMP/apps/rules/rules.asc" || fail "$r: $(cat "$TMP/apps/rules/rules.asc")"
	done
	ctl app reload rules >"$TMP/reload" || fail "reload: $(cat "$TMP/reload")"
}
# connect NAME PAGE: a client that asks, and waits for the answer
connect() {
	probe "$1" <<EOF
open
hello
cmd 0 connect 1 { app s:rules tcUrl s:rtmp://localhost/rules flashVer s:probe pageUrl s:${2:-} }
wait txn=1
EOF
}
is_in() {
	expect "$1: $(tail -n 2 "$TMP/$1.json")" "$(got "$1" '.txn == 1 and .code == "NetConnection.Connect.Success"')" -eq 1
}
is_refused() { # NAME RULE
	expect "$1: $(tail -n 2 "$TMP/$1.json")" \
	    "$(got "$1" ".txn == 1 and .code == \"NetConnection.Connect.Rejected\" and .args[1].application.rule == \"$2\"")" -eq 1
}

# as it is shipped
bench_start cam publish -d 0 -r 200K "rtmp://$HOST:$PORT/rules/cam"
cam=$spawned
wait_event publish.start '.stream == "cam"' >/dev/null
bench seen play -d 1 "rtmp://$HOST:$PORT/rules/cam"
clean seen

# pages
rules 'pages=[ "example.com" ]'
retry 10 gone "$cam" || fail "the publisher, who has no page, is still there after the rule was set"
connect other https://www.example.com/x
is_refused other page
connect none
is_refused none page
connect good https://EXAMPLE.com:8443/x?y=http://z
is_in good

# addresses
rules 'deny=[ "127.0.0.1" ]'
connect denied
is_refused denied address
rules 'allow=[ "192.0.2.", "127.0." ]'
connect allowed
is_in allowed

# who may publish
rules 'publishers=[ "192.0.2." ]'
probe publisher <<EOF
open
hello
cmd 0 connect 1 { app s:rules tcUrl s:rtmp://localhost/rules flashVer s:probe }
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:x s:live
wait name=onStatus
EOF
expect "publish: $(tail -n 1 "$TMP/publisher.json")" "$(got publisher '.code == "NetStream.Publish.Denied"')" -eq 1

# how many: of one address
rules 'perAddress=3'
bench_start two play --idle -n 2 -d 60 "rtmp://$HOST:$PORT/rules/nothing"
two=$spawned
known() { # COUNT
	ctl app show rules -j | is_true ".clients == $1"
}
retry 10 known 2 || fail "the script does not know them: $(ctl app show rules -j)"
connect third
is_in third
retry 10 known 2 || fail "who left still counts"
bench_start one play --idle -n 1 -d 60 "rtmp://$HOST:$PORT/rules/nothing"
retry 10 known 3 || fail "the third"
connect fourth
is_refused fourth perAddress

# of all: elsewhere, if there is a place; those who are in stay when it is loaded again
rules 'clients=3' 'elsewhere="rtmp://overflow.example.com/live"'
retry 10 known 3 || fail "those who are in do not stay: $(ctl app show rules -j)"
connect away
expect "away: $(tail -n 1 "$TMP/away.json")" \
    "$(got away '.txn == 1 and .args[1].ex == { code: 302, redirect: "rtmp://overflow.example.com/live" }')" -eq 1
rules 'clients=3'
retry 10 known 3 || fail "those who are in do not stay: $(ctl app show rules -j)"
connect full
is_refused full clients
stop "$two"
retry 10 known 1 || fail "who left still counts"
expect "errors of the script" "$(events script.error)" = ""
stop_server
