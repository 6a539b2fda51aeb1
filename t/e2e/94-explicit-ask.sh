#!/bin/bash
# FFmpeg cuts an explicit address in two, so that its connect names no server: the origin is
# asked with the first stream, for play and for publish, and its words are FFmpeg's.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live"
cat >"$TMP/apps/live/main.asc" <<'END'
application.onConnect = function (client, how) {
	trace("connect " + [ how, client.uri ].join(" "));
	if (how == "bad")
		application.rejectConnection(client, "not like this");
	else
		return true;
};
END
chmod -R a+rX "$TMP/apps"
use_server origin
VHOST_XML="<AppsDir>$TMP/apps</AppsDir><TrustedEdges>local</TrustedEdges>"
start_server -w 2
origin=$PORT
use_server edge
VHOST_XML="<TrustedEdges>local</TrustedEdges><Proxy><Mode>remote</Mode><ExplicitHosts>127.0.0.1:*</ExplicitHosts></Proxy>"
start_server -w 2
through="rtmp://$HOST:$PORT/?rtmp://127.0.0.1:$origin/live"
make_media
ff() { # NAME ARGUMENTS...
	local name=$1
	shift
	timeout 30 ffmpeg -nostdin -v error "$@" >"$TMP/$name.out" 2>&1
}
expect "refused" "$(ff bad -rtmp_conn S:bad -i "$through/cam" -f null -; grep -c 'not like this' "$TMP/bad.out")" -ge 1
expect "refused for publish" "$(ff badpub -re -i "$MEDIA" -c copy -f flv -rtmp_conn S:bad "$through/cam"; grep -c 'not like this' "$TMP/badpub.out")" -ge 1
use_server origin
expect "nothing came" "$(count_event stream.start)" -eq 0
spawn publish ffmpeg -nostdin -v error -re -i "$MEDIA" -c copy -f flv -rtmp_conn S:good "$through/cam"
wait_event stream.start '.stream == "cam"' >/dev/null
ff good -rtmp_conn S:fine -i "$through/cam" -t 2 -f null - || fail "not let in: $(cat "$TMP/good.out")"
expect "asked about the player" "$(count_event script.trace ".trace == \"connect fine rtmp://127.0.0.1:$origin/live\"")" -eq 1
expect "asked about the publisher" "$(count_event script.trace ".trace == \"connect good rtmp://127.0.0.1:$origin/live\"")" -eq 1
expect "asked about each once" "$(count_event script.trace '.trace | startswith("connect")')" -eq 4
for s in edge origin; do
	use_server "$s"
	stop_server
done
