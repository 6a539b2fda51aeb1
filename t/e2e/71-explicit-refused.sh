#!/bin/bash
# No open relay: what an explicit edge does not go to is refused within a second, the
# rule named, and no packet is sent there: forbidden ports, private, loopback and
# link-local addresses, as they are and behind names, itself, a circle of three.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
nets_make a b c viewer
{
	echo "169.254.169.254 metadata.test"
	echo "::ffff:127.0.0.1 mapped.test"
	echo "10.0.0.1 private.test"
	echo "fe80::1 link.test"
	echo "127.0.0.1 loop.test"
} >>"$NETS_HOSTS"
ADVICE='add it to Proxy/ExplicitHosts in Vhost.xml'

# opens NAME: TCP connections that this machine has begun, or tried to
opens() {
	nets_in "$1" awk '$1 == "Tcp:" && $2 ~ /[0-9]/ { print $6 }' /proc/net/snmp
}
# ask NAME MACHINE REST: connect as explicit and, if that is allowed, play
ask() {
	HOST=$(nets_addr "$2")
	cat >"$TMP/$1.script" <<END
open
hello
cmd 0 connect 1 { app s:?$3 tcUrl s:rtmp://$2/?$3 flashVer s:probe }
limit 1000
$4
END
	nets_in viewer timeout 20 "$PROBE" "$HOST" 1935 <"$TMP/$1.script" >"$TMP/$1.json" 2>"$TMP/$1.out" ||
	    fail "$1: not refused in a second: $(tail -n 1 "$TMP/$1.out"), $(tail -n 2 "$TMP/$1.json")"
}
# rejected NAME MACHINE REST WORDS: at connect
rejected() {
	local before
	before=$(opens "$2")
	ask "$1" "$2" "$3" 'wait name=_error txn=1'
	expect "$1" "$(got "$1" '.code == "NetConnection.Connect.Rejected"')" -eq 1
	words "$1" "$4"
	expect "$1: connections tried" "$(($(opens "$2") - before))" -eq 0
}
# failed NAME MACHINE REST WORDS [CONNECTIONS]: at play
failed() {
	local before
	before=$(opens "$2")
	ask "$1" "$2" "$3" 'wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 play 3 null s:x n:-2000
wait code=NetStream.Play.Failed'
	words "$1" "$4"
	expect "$1: connections tried" "$(($(opens "$2") - before))" -le "${5:-0}"
}
words() {
	local text
	text=$(jq -r 'select(.description != null) | .description' "$TMP/$1.json" | tail -n 1)
	[[ $text == *"$2"* ]] || fail "$1: \"$text\" does not say \"$2\""
	note "$1: $text"
}

# Without a list: addresses of the Internet at 1935.
VHOST_XML='<Proxy><Mode>remote</Mode></Proxy>'
nets_server a
expect "warned at the start" "$(events config.notice '.element == "Proxy/ExplicitHosts"' | wc -l)" -eq 1
rejected ssh a rtmp://127.0.0.1:22/ "127.0.0.1:22: $ADVICE"
rejected ssh-app a rtmp://127.0.0.1:22/live "127.0.0.1:22: $ADVICE"
rejected port a rtmp://origin.example:22/live "origin.example:22: $ADVICE"
rejected itself-address a "rtmp://$(nets_addr a)/live" "$(nets_addr a):1935: $ADVICE"
rejected ten a rtmp://10.0.0.1/live "10.0.0.1:1935: $ADVICE"
rejected six a 'rtmp://[::1]/live' "[::1]:1935: $ADVICE"
rejected mapped-address a 'rtmp://[::ffff:127.0.0.1]/live' "[::ffff:127.0.0.1]:1935: $ADVICE"
rejected nonsense a 'rtmp://a:0/live' "rtmp://host[:port]/app"
rejected tls a 'rtmps://origin.example/live' rtmps
for n in metadata mapped private link loop; do
	failed "$n" a "rtmp://$n.test/live" "$n.test:1935: $ADVICE"
done
failed itself a rtmp://a/live "a:1935: $ADVICE"
# a name is looked at again when half an address is completed
failed_half() {
	local before
	before=$(opens a)
	HOST=$(nets_addr a)
	nets_in viewer timeout 20 "$PROBE" "$HOST" 1935 >"$TMP/half.json" <<END || fail "half: not refused"
open
hello
cmd 0 connect 1 { app s:?rtmp:/ tcUrl s:rtmp://a:1935/?rtmp:/ flashVer s:probe }
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
limit 1000
cmd 1 play 3 null s:127.0.0.1:22/live/x n:-2000
wait code=NetStream.Play.Failed
END
	words half "127.0.0.1:22: $ADVICE"
	expect "half: connections tried" "$(($(opens a) - before))" -eq 0
}
failed_half
ctl route explain rtmp://a/?rtmp://10.0.0.1/live >"$TMP/explain"
expect "route explain says why" "$(grep -c ExplicitHosts "$TMP/explain")" -ge 1
stop_server
rm -rf "$TMP/a"

# Each names the next, and all are listed: it is the circle that is refused.
for s in a b c; do
	use_server "$s"
	VHOST_XML='<Proxy><Mode>remote</Mode><ExplicitHosts>a, b, c</ExplicitHosts></Proxy>'
	nets_server "$s"
done
failed listed-itself a rtmp://a/live "leads to another server"
failed three a 'rtmp://b/?rtmp://c/?rtmp://a/?rtmp://b/live' '' 8
use_server a
expect "the circle is named" "$(count_event play.failed '.reason == "loop"')" -ge 1
# not here
for s in a b c; do
	use_server "$s"
	stop_server
done
rm -rf "$TMP/a"
use_server a
VHOST_XML=
nets_server a
rejected origin a rtmp://b/live "set Proxy/Mode to remote"
stop_server
