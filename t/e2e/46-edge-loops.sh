#!/bin/bash
# Routes that go round in circles: a server to itself, two, three: a player is
# refused within a second, with the reason in its status and in the log.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
for s in a b c; do
	printf -v "port_$s" %s "$(free_port)"
done
# to NAME PORT: NAME is an edge of what listens there
to() {
	use_server "$1"
	VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RouteTable><RouteEntry>*:*;127.0.0.1:$2</RouteEntry></RouteTable></Proxy>"
	start_server -w 2
}
# refused NAME STREAM REASON: at the chosen server
refused() {
	probe "$1" <<END
$GREET
cmd 1 play 3 null s:$2 n:-2000
limit 1000
wait code=NetStream.Play.Failed
END
	expect "$1: Play.Failed" "$(got "$1" '.code == "NetStream.Play.Failed"')" -eq 1
	note "$1: $(jq -r 'select(.code == "NetStream.Play.Failed") | .description' "$TMP/$1.json")"
	wait_event play.failed ".stream == \"$2\"" >/dev/null
	expect "$1: reason" "$(events play.failed ".stream == \"$2\"" | tail -n 1 | jq -r .reason)" = "$3"
}

# shellcheck disable=SC2154 # set above
to a "$port_a"
refused itself x no-route
stop_server
rm -rf "$TMP/a"

# shellcheck disable=SC2154
to a "$port_b"
to b "$port_a"
use_server a
refused two y upstream-refused
expect "who comes round" "$(count_event play.failed '.reason == "loop"')" -eq 1
use_server b
expect "who asked there" "$(count_event play.failed '.reason == "upstream-refused"')" -eq 1
use_server a
stop_server
use_server b
stop_server
rm -rf "$TMP/a" "$TMP/b"

# shellcheck disable=SC2154
to a "$port_b"
to b "$port_c"
to c "$port_a"
for s in a b c; do
	use_server $s
	refused "three-$s" "z$s" upstream-refused
done
# three players at the same moment, each at another: each has asked when it is asked
for s in a b c; do
	use_server $s
	echo "$GREET
cmd 1 play 3 null s:together n:-2000
limit 8000
wait code=NetStream.Play.Failed" >"$TMP/$s.script"
	probe_start "t$s" "$TMP/$s.script"
	pids+=("$spawned")
done
for pid in "${pids[@]}"; do
	await "$pid" 15 || fail "a player of a circle was not refused"
done
for s in a b c; do
	use_server $s
	stop_server
done
