#!/bin/bash
# Tokens that the shell lines of sluice.keys(5) make are good, and what
# Application.xml says is done: Allow, Deny, and keys for players.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/far.sh"
need openssl
SECRET=0f3b5f1d6a1e4a3f8f0c7d2e9b8a7c6d
APP_XML='<Publish><Allow/><Deny>127.0.0.2</Deny><KeyFile>my.keys</KeyFile></Publish>
<Play><Allow>127.0.0.3</Allow><Deny>127.0.0.2</Deny><KeyFile>my.keys</KeyFile></Play>'
mkdir -p "$CONF"
printf 'live/* sign %s\n' $SECRET >"$CONF/my.keys"
chmod 640 "$CONF/my.keys"
start_server -w 1

# the lines of the manual, with other values
page=$top_srcdir/man/sluice.keys.5
sed -n '/^b64() /,/^echo /p' "$page" | sed 's/\\-/-/g; s/\\e/\\/g' >"$TMP/make-token"
[[ $(wc -l <"$TMP/make-token") -ge 4 ]] || fail "no lines in $page"
by_hand() { # USE STREAM NET: sets TOKEN
	# shellcheck disable=SC2034 # used by the lines
	TOKEN=$(secret=$SECRET use=$1 app=live stream=$2 net=$3
		expires=$(($(date +%s) + 600))
		. "$TMP/make-token")
}
publish() { # STREAM QUERY CODE
	probe "publish-$1" <<EOF
$GREET
cmd 1 publish 3 null s:$1$2 s:live
wait code=$3
EOF
}
play() { # STREAM QUERY CODE
	probe "play-$1" <<EOF
$GREET
cmd 1 play 3 null s:$1$2
wait code=$3
EOF
}
# nobody is allowed without: not even from here
publish a '' NetStream.Publish.Denied
by_hand publish a ''
publish a "?token=$TOKEN" NetStream.Publish.Start
by_hand publish b 127.0.0.0/8
publish b "?token=$TOKEN" NetStream.Publish.Start
by_hand publish c 192.0.2.0/24
publish c "?token=$TOKEN" NetStream.Publish.Denied
wait_event auth.refuse '.stream == "c" and .reason == "token-address"' >/dev/null
by_hand publish '*' ''
publish d "?token=$TOKEN" NetStream.Publish.Start
# the server makes the same
by_hand play e 2001:db8::/32
expires=$(cut -d. -f2 <<<"$TOKEN")
ask "{\"command\":\"token_check\",\"app\":\"live\",\"stream\":\"e\",\"use\":\"play\",
    \"token\":\"$TOKEN\",\"addr\":\"2001:db8::1\"}" |
    is_true ".valid and .expires == \"$(date -u -d "@$expires" +%FT%TZ)\"" ||
    fail "token_check"

# players: not without, with a token, with one of publishers
play a '' NetStream.Play.Failed
wait_event auth.refuse '.use == "play" and .reason == "key-missing"' >/dev/null
wait_event play.failed '.stream == "a" and .reason == "key-missing"' >/dev/null
by_hand publish p ''
play p "?token=$TOKEN" NetStream.Play.Failed
by_hand play p ''
play p "?token=$TOKEN" NetStream.Play.Start
wait_event auth.accept '.use == "play" and .by == "token"' >/dev/null

# Deny and Allow by address
far_from 127.0.0.2
by_hand publish f ''
publish f "?token=$TOKEN" NetStream.Publish.Denied
wait_event auth.refuse '.stream == "f" and .reason == "denied"' >/dev/null
play f '' NetStream.Play.Failed
far_from 127.0.0.3
play f '' NetStream.Play.Start
far_from ''
! grep -qF -e "$SECRET" -e "$TOKEN" "$LOG" || fail "a secret is in the log"
stop_server
