#!/bin/bash
# No open relay, seen from the cable: an explicit edge with routes to everywhere, and
# machines that would answer at 10.0.0.1, 169.254.169.254 and others.  What is not
# allowed gets no packet, however it is spelled; the same addresses get some as soon as
# they are listed (so that this test can fail).
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need python3
nets_make a b world viewer
FORBIDDEN='10.0.0.1 169.254.169.254 192.168.7.7 100.64.0.1 fd00::7 64:ff9b::a00:1 2002:a00:1::1'
PUBLIC='9.9.9.9 2620:fe::9'
for machine in a b world; do
	ns=$(nets_name $machine)
	ip -n "$ns" addr add "fd99::${NETS_AT[$machine]}/64" dev eth0 nodad
	ip -n "$ns" neigh replace "fd99::${NETS_AT[world]}" dev eth0 nud permanent \
	    lladdr "02:00:00:00:00:$(printf %02x "${NETS_AT[world]}")"
done
for address in $FORBIDDEN $PUBLIC; do
	ip -n "$(nets_name world)" addr add "$address" dev lo || skip "no address $address here"
done
for machine in a b; do
	ip -n "$(nets_name $machine)" route add default via "$(nets_addr world)"
	ip -n "$(nets_name $machine)" -6 route add default via "fd99::${NETS_AT[world]}"
done
cat >>"$NETS_HOSTS" <<END
169.254.169.254 metadata.test
10.0.0.1 private.test
::ffff:10.0.0.1 mapped.test
127.0.0.1 loop.test
::1 loop6.test
fd00::7 local6.test
10.0.0.1 mixed.test
9.9.9.9 mixed.test
9.9.9.9 public.test
END

# What a machine answers with there: it counts whom it has seen
for port in 22 80 1935; do
	nets_spawn world "world-$port" python3 "$top_srcdir/t/e2e/connects.py" :: "$port" "$TMP/world-$port"
	retry 30 test -e "$TMP/world-$port.listens" || fail "nobody listens at $port"
done
for machine in a b; do
	nets_spawn $machine packets-$machine python3 "$top_srcdir/t/e2e/packets.py" "$TMP/packets-$machine"
	retry 30 test -e "$TMP/packets-$machine" || fail "packets are not seen"
done
# packets MACHINE: to others than the test's machines, and to itself over its own lo
packets() {
	grep -v -e "^${NETS_NET//./\\.}\." -e '^f[ef][0-9a-f][0-9a-f]:' -e '^fd99:' -e ' 17 53$' "$TMP/packets-$1"
}
count() {
	packets "$1" | wc -l
}

# ask NAME REST: connect to a, and play, without waiting between; REST is what stands
# behind its part, or with PLAIN=1 the tcUrl.  Sets `took`, in ms
PLAIN=''
ask() {
	local before player app="?$2" url="rtmp://a/?$2"
	[[ -z $PLAIN ]] || app=live url=$2
	printf '%s\n' open hello "cmd 0 connect 1 { app s:$app tcUrl s:$url flashVer s:probe }" \
	    'cmd 0 createStream 2 null' 'cmd 1 play 3 null s:x n:-2000' 'read 6000' >"$TMP/$1.script"
	before=$(now_ms)
	# shellcheck disable=SC2016 # for the shell inside
	nets_spawn viewer "$1" sh -c 'exec "$0" "$1" 1935 <"$2" >"$3"' \
	    "$PROBE" "$(nets_addr a)" "$TMP/$1.script" "$TMP/$1.json"
	player=$spawned
	retry 30 "${3:-answered}" "$1" || fail "$2: nothing happens: $(tail -n 2 "$TMP/$1.json")"
	took=$(($(now_ms) - before))
	stop "$player"
}
ERRORS='.code == "NetConnection.Connect.Rejected" or .code == "NetStream.Play.Failed"'
answered() {
	has_got "$1" "$ERRORS"
}
# refused NAME REST [WORDS]
refused() {
	local text
	ask "$1" "$2"
	text=$(jq -r "select($ERRORS) | .description" "$TMP/$1.json")
	[[ $text == *"${3:-Proxy/ExplicitHosts}"* ]] || fail "$2: \"$text\" does not name the rule"
	note "$2: $took ms: $text"
	[[ $took -lt $((1000 * TIME_SCALE)) ]] || fail "$2: refused after $took ms"
	expect "$2: packets ($(packets a | sort | uniq -c | tr '\n' ';'))" "$(count a)" -eq 0
	expect "$2: packets of b" "$(count b)" -eq 0
}
# reached NAME REST ADDRESS: a packet goes there, and to no other place
reached() {
	want=$3
	ask "$1" "$2" arrived
	expect "$2: packets to $3" "$(packets a | grep -c "^$3 6 ")" -gt 0
	expect "$2: others" "$(packets a | grep -vc "^$3 6 ")" -eq 0
	: >"$TMP/packets-a"
}

arrived() {
	packets a | grep -q "^$want 6 "
}

VHOST_XML='<Proxy><Mode>remote</Mode><LingerTime>0</LingerTime></Proxy>'
nets_server a
n=0
for host in 127.0.0.1:22 127.0.0.1 10.0.0.1 10.0.0.1:1935 169.254.169.254 169.254.169.254:80 192.168.7.7 \
    100.64.0.1 9.9.9.9:22 '[::1]' '[::]' 0.0.0.0 '[::ffff:127.0.0.1]' '[::ffff:a00:1]' '[::10.0.0.1]' \
    '[fd00::7]' '[64:ff9b::a00:1]' '[2002:a00:1::1]' '[fe80::1]' 255.255.255.255 224.0.0.1 \
    loop.test loop6.test metadata.test private.test mapped.test local6.test LOOP.test localhost \
    2130706433 0x7f000001 127.1 10.1 010.0.0.1 0177.0.0.1 0xa000001 10.0.0.1.; do
	refused "plain$((n++))" "rtmp://$host/live"
done
reached public rtmp://9.9.9.9/live 9.9.9.9
reached public6 'rtmp://[2620:fe::9]/live' 2620:fe::9
reached public-name rtmp://public.test/live 9.9.9.9
# of a name's addresses only that which is allowed
reached mixed rtmp://mixed.test/live 9.9.9.9
stop_server
rm -rf "$TMP/a"

# listed: the same addresses get packets
VHOST_XML='<Proxy><Mode>remote</Mode><LingerTime>0</LingerTime><ExplicitHosts>10.0.0.0/8, metadata.test:80, [fd00::7]:22, b</ExplicitHosts></Proxy>'
nets_server a
reached ten rtmp://10.0.0.1/live 10.0.0.1
reached ten-name rtmp://private.test/live 10.0.0.1
reached ten-mixed rtmp://mixed.test/live 10.0.0.1
reached metadata rtmp://metadata.test:80/live 169.254.169.254
reached six 'rtmp://[fd00::7]:22/live' fd00::7
refused ten-port rtmp://10.0.0.1:22/live
refused six-port 'rtmp://[fd00::7]/live'
refused number rtmp://169.254.169.254:80/live
refused not-public rtmp://9.9.9.9/live
# The next server judges for itself, and its words come back
use_server b
VHOST_XML='<Proxy><Mode>remote</Mode><LingerTime>0</LingerTime></Proxy>'
nets_server b
refused second rtmp://b/?rtmp://10.0.0.1/live '10.0.0.1:1935'
use_server b
stop_server
use_server a
stop_server
rm -rf "$TMP/a" "$TMP/b"

# A route table that leaves the host to the client is no way around
for anonymous in true false; do
	use_server a
	VHOST_XML="<Proxy><Mode>remote</Mode><LingerTime>0</LingerTime><Anonymous>$anonymous</Anonymous><RouteTable><RouteEntry>*:*;*:*</RouteEntry></RouteTable></Proxy>"
	nets_server a
	refused "table-$anonymous" rtmp://10.0.0.1/live
	refused "table-ssh-$anonymous" rtmp://127.0.0.1:22/live
	refused "table-name-$anonymous" rtmp://metadata.test/live
	reached "table-public-$anonymous" rtmp://9.9.9.9/live 9.9.9.9
	PLAIN=1
	refused "table-plain-$anonymous" rtmp://10.0.0.1/live
	refused "table-plain-name-$anonymous" rtmp://metadata.test/live
	PLAIN=
	stop_server
	rm -rf "$TMP/a"
done
