#!/bin/bash
# Three servers that send each other what they get, each under a longer name: the stream
# stops at the server where it began, and nothing grows.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
declare -A port
for s in a b c; do
	port[$s]=$(free_port)
done
start() { # NAME NEXT
	use_server "$1"
	PORT=${port[$1]}
	# shellcheck disable=SC2016 # for the server
	APP_XML='<Publish><Allow>all</Allow></Publish><Republish><Target url="rtmp://'"$HOST:${port[$2]}"'/live" stream="${stream}_"/></Republish>'
	start_server -w 2
}
start c a
start b c
start a b
bench_start pub publish -d 0 -r 200K "$(url demo)"
publisher=$spawned
state() { # SERVER NAME-THERE
	use_server "$1"
	ctl republish list -j | jq -r --arg n "$2" '.[] | select(.name == $n) | .state'
}
is() { # SERVER NAME-THERE STATE
	[[ $(state "$1" "$2") == "$3" ]]
}
retry 15 is a demo_ up || fail "a does not send: $(ctl republish list)"
retry 15 is b demo__ up || fail "b does not send: $(ctl republish list)"
retry 15 is c demo___ refused || fail "c is not refused: $(ctl republish list)"
use_server c
[[ $(ctl republish list -j | jq -r '.[].error') == *"comes back"* ]] || fail "why: $(ctl republish list)"
use_server a
wait_event publish.refused '.stream == "demo___" and .reason == "loop"' >/dev/null
for s in a b c; do
	use_server "$s"
	expect "streams of $s" "$(ctl stream list -j | jq length)" -eq 1
done
# what comes from elsewhere under that name is welcome
use_server a
bench_start other publish -d 2 -r 100K "$(url demo___)"
await "$spawned" || fail "the name is refused to others"
stop "$publisher"
for s in a b c; do
	use_server "$s"
	stop_server
done
