#!/bin/bash
# The script of an origin rejects every tenth of 1000 clients behind two edges: 100 are
# told so, with what the script says, 900 play, the media goes once over each link; the
# origin knows their addresses, and disconnects the one that is meant.
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live"
cat >"$TMP/apps/live/main.asc" <<'END'
var n = 0;
application.onConnect = function (client) {
	if (client.agent.indexOf("Lavf") >= 0)
		return true;
	if (++n % 10 == 0) {
		application.rejectConnection(client, "every tenth", { n: n, ip: client.ip });
		return;
	}
	return true;
};
END
chmod -R a+rX "$TMP/apps"
use_server origin
VHOST_XML="<AppsDir>$TMP/apps</AppsDir><TrustedEdges>local</TrustedEdges>"
start_server -w 2
origin=$PORT
publish_ffmpeg demo
wait_event publish.start >/dev/null
edge() { # NAME PORT-OF-NEXT TRUSTED-EDGES
	use_server "$1"
	VHOST_XML="<TrustedEdges>$3</TrustedEdges><Proxy><Mode>remote</Mode><Anonymous>true</Anonymous>
<RouteTable><RouteEntry>*:*;127.0.0.1:$2</RouteEntry></RouteTable></Proxy>"
	start_server -w 2
}
edge middle "$origin" local
edge near "$PORT" ''

bench_start players play -n 1000 -R 300 -d 22 "$(url demo)"
players=$spawned
use_server origin
virtual() {
	[[ $(ctl client list --virtual -j | jq length) == "$1" ]]
}
retry 30 virtual 900 || fail "the origin knows $(ctl client list --virtual -j | jq length) clients, not 900"
use_server near
refused() {
	[[ $(count_event client.close '.reason == "origin-refused"') == "$1" ]]
}
retry 10 refused 100 || fail "$(count_event client.close '.reason == "origin-refused"') clients were rejected, not 100"
playing() {
	[[ $(ctl client list --role play -j | jq length) == 900 ]]
}
retry 20 playing || fail "$(ctl client list --role play -j | jq length) play, not 900"
use_server origin
expect "media connections at the origin" "$(ctl client list --role play -j | jq length)" -eq 1
expect "in the middle" "$(use_server middle; ctl client list --role play -j | jq length)" -eq 1
addrs() {
	jq -r '.[] | .addr' | sort
}
expect "addresses" "$(ctl client list --virtual -j | addrs | sha256sum)" = \
    "$(use_server near; ctl client list --role play -j | addrs | sha256sum)"
viewers() {
	[[ $(stream demo .viewers) == 900 ]]
}
retry 5 viewers || fail "viewers: $(stream demo .viewers), not 900"
# what the tenth is told
use_server near
for ((i = 1; i <= 10; i++)); do
	printf '%s\n' open hello 'limit 20000' \
	    'cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe }' 'wait txn=1' >"$TMP/steps"
	probe "one$i" <"$TMP/steps"
	tail -n 5 "$TMP/one$i.json" >>"$TMP/told"
done
expect "told" "$(jq -c 'select(.name == "_error") | .args[1] | [.level, .code, .description, .application]' "$TMP/told")" = \
    '["error","NetConnection.Connect.Rejected","every tenth",{"n":1010,"ip":"127.0.0.1"}]'
# a kick at the origin
use_server origin
who=$(ctl client list --virtual -j | jq -c '.[500] | [.id, .addr]')
ctl client kick "$(jq '.[0]' <<<"$who")" >/dev/null || fail "no kick"
use_server near
kicked() {
	[[ $(events client.close '.reason == "origin-closed"' | jq -r .addr) == "$(jq -r '.[1]' <<<"$who")" ]]
}
retry 5 kicked || fail "not the one that was meant: $(events client.close '.reason == "origin-closed"') $who"
await "$players" 60
note "$(result players '"frames \(.frames), gaps \(.gaps), failed \(.failed)"')"
expect "gaps" "$(result players .gaps)" -eq 0
for s in near middle origin; do
	use_server "$s"
	stop_server
done
