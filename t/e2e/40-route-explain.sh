#!/bin/bash
# sluicectl route explain: virtual host and why, application, each entry of the table
# with its line and what becomes of it; a hop that is down is tried last.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
PORT=$(free_port)
dead=$(free_port)
VHOST_XML="<AliasList><Alias name=\"tv.example\"/></AliasList><Proxy><Mode>remote</Mode><Anonymous>true</Anonymous>
<RouteTable>
<RouteEntry>tv.example:*;127.0.0.1:$dead</RouteEntry>
<RouteEntry>tv.example:*;next.example:1936</RouteEntry>
<RouteEntry>tv.example:*;127.0.0.1:$PORT</RouteEntry>
<RouteEntry>tv.example:80;third.example</RouteEntry>
<RouteEntry>no.example:*;null</RouteEntry>
</RouteTable></Proxy>"
start_server -w 1


# explained URL FILTER: is that true of the answer?
explained() {
	ctl route explain -j "$1" | is_true "$2" || fail "$1: $2: $(ctl route explain -j "$1" | jq -c .)"
}
tv=rtmp://TV.example/live
explained $tv '.vhost == "_defaultVHost_" and .vhost_by == "alias" and .mode == "remote" and .app == "live"'
explained $tv '[.entries[] | .line] == [3, 4, 5, 6, 7]'
explained $tv '[.entries[] | .why] == ["way 1", "way 2", "matches, skipped: it is this server",
    "no: another port", "no: another host"]'
explained $tv '.result == "fetched: 2 ways" and .entries[1].to == "next.example:1936"'
explained rtmp://tv.example:80/live '.entries[3].to == "third.example:1935" and .entries[3].why == "way 3"'
explained rtmp://no.example/live '.result == "refused by the route table" and .entries[4].why == "matches: refused"'
explained rtmp://else.example/live '(.result | startswith("refused: no entry")) and
    .vhost_by == "default: no virtual host has that name"'
ctl route explain $tv | grep -q '^line 4  *tv.example:\*;next.example:1936  ->  next.example:1936  (way 2)$' ||
    fail "the text: $(ctl route explain $tv)"

# a hop that nobody answers for
use_server other
PORT=$(free_port)
VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RouteTable>
<RouteEntry>*:*;127.0.0.1:$dead</RouteEntry></RouteTable></Proxy>"
start_server -w 1
spawn player timeout 20 "$BENCH" play -d 10 "rtmp://127.0.0.1:$PORT/live/x"
wait_event edge.hop_down >/dev/null
is_down() {
	ctl route explain -j rtmp://any/live | is_true '.entries[0].why | test("^way 1, tried last: it is down .*refused")'
}
retry 5 is_down || fail "not down: $(ctl route explain rtmp://any/live)"
stop "$spawned"

status=0
ctl route explain garbage >/dev/null 2>"$TMP/err" || status=$?
expect "exit status" "$status" -ne 0
grep -q 'expected rtmp://HOST' "$TMP/err" || fail "$(cat "$TMP/err")"
stop_server
use_server s
stop_server
