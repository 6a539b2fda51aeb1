#!/bin/bash
# etc/applications/token: tickets as its comment says to make them, in the address and as an argument;
# for one stream and for all; expired, changed, of another secret, for the other use; without a secret nobody.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq openssl ffmpeg
mkdir -p "$TMP/apps"
cp -R "$top_srcdir/etc/applications/token" "$TMP/apps/" || fail "no example"
chmod -R u+w,a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
SECRET=0123456789abcdef
start_server -w 2

# ticket USE.NAME SECONDS [SECRET]
ticket() {
	local t
	t=$1.$(($(date +%s) + $2))
	echo "$t.$(printf %s "$t" | openssl dgst -sha256 -hmac "${3:-$SECRET}" | sed 's/.* //')"
}
# try NAME TICKET [ARGUMENT]: connect with it in the address
try() {
	probe "$1" <<EOF
open
hello
cmd 0 connect 1 { app s:token?ticket=$2 tcUrl s:rtmp://localhost/token?ticket=$2 flashVer s:probe } ${3:-}
wait txn=1
EOF
}
refused() { # NAME TEXT
	expect "$1: $(tail -n 2 "$TMP/$1.json")" "$(got "$1" ".txn == 1 and .code == \"NetConnection.Connect.Rejected\" and .args[1].description == \"$2\"")" -eq 1
}

# without a secret nobody gets in
try secret "$(ticket play.all 60)"
refused secret "the server has no secret yet"
sed -i "s/^var secret = .*/var secret = \"$SECRET\";/" "$TMP/apps/token/secret.asc"
ctl app reload token >"$TMP/reload" || fail "reload: $(cat "$TMP/reload")"

# FFmpeg's address, one stream
make_media
spawn cam ffmpeg -nostdin -v warning -re -stream_loop -1 -i "$MEDIA" -c copy -f flv \
    "rtmp://$HOST:$PORT/token?ticket=$(ticket publish.cam 60)/cam"
cam=$spawned
wait_event publish.start '.stream == "cam" and .app == "token"' >/dev/null
for name in cam all; do
	spawn "play-$name" ffmpeg -nostdin -v warning -y -rw_timeout 15000000 -t 2 \
	    -i "rtmp://$HOST:$PORT/token?ticket=$(ticket play.$name 60)/cam" -c copy -f framemd5 "$TMP/$name.md5"
	await "$spawned" || fail "a ticket for $name does not play"
	expect "frames" "$(grep -vc '^#' "$TMP/$name.md5")" -gt 50
done
# as an argument of connect
try argument "" "s:$(ticket play.all 60)"
expect "as an argument" "$(got argument '.txn == 1 and .code == "NetConnection.Connect.Success"')" -eq 1

# not for this
for what in "play.other play" "publish.cam play" "play.all publish"; do
	use=${what#* }
	probe "no-${what% *}" <<EOF
open
hello
cmd 0 connect 1 { app s:token tcUrl s:rtmp://localhost/token flashVer s:probe } s:$(ticket "${what% *}" 60)
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 $use 3 null s:cam
wait name=onStatus
EOF
	expect "$what: $(tail -n 1 "$TMP/no-${what% *}.json")" \
	    "$(got "no-${what% *}" '.code == "NetStream.Play.Failed" or .code == "NetStream.Publish.Denied"')" -eq 1
done

# not good
try expired "$(ticket play.all -5)"
refused expired "the ticket has expired"
try foreign "$(ticket play.all 60 another-secret-of-16)"
refused foreign "the ticket is not signed here"
good=$(ticket play.cam 60)
try changed "${good/cam/all}"
refused changed "the ticket is not signed here"
try longer "$(sed 's/^play.cam.1/play.cam.2/' <<<"$good")"
refused longer "the ticket is not signed here"
try cut "${good%?}"
refused cut "a ticket is needed"
try none ""
refused none "a ticket is needed"

alive "$cam" || fail "the publisher was disturbed"
stop "$cam"
expect "errors of the script" "$(events script.error)" = ""
stop_server
