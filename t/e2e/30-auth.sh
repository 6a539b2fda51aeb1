#!/bin/bash
# Who may publish: from this machine anybody, from another network namespace
# whoever shows a key or a token.  Every refusal has its status, its text and its
# event, and no secret is in a log, a list or a process title.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/far.sh"
need openssl
make_far
HOST=0.0.0.0
APP_XML='<Play><KeyFile>publish.keys</KeyFile></Play>'
start_server -w 2
HOST=127.0.0.1
KEYS=$CONF/publish.keys

# the first start made a key
expect "mode of the key file" "$(stat -c %a "$KEYS")" = 640
expect "lines with keys" "$(grep -c '^\* \(key\|sign\) ' "$KEYS")" -eq 2
KEY=$(sed -n 's/^\* key //p' "$KEYS")
SIGN=$(sed -n 's/^\* sign //p' "$KEYS")
secrets=("$KEY" "$SIGN")
wait_event auth.keys ".created and .file == \"$KEYS\" and .keys == 2" >/dev/null
wait_event server.publish ".file == \"$KEYS\"" >/dev/null

# what an encoder needs
ask '{"command":"stream_url","app":"live","stream":"x"}' >"$TMP/url.json"
is_true ".ok and .key == \"x?key=$KEY\" and
    (.servers | index(\"rtmp://$NEAR:$PORT/live\")) != null" "$TMP/url.json" ||
    fail "stream_url: $(cat "$TMP/url.json")"
ask '{"command":"stream_url","app":"live","instance":"i","stream":"x","host":"h.example"}' |
    is_true ".server == \"rtmp://h.example:$PORT/live/i\"" || fail "stream_url of an instance"
ask '{"command":"stream_url","app":"live"}' |
    is_true '.ok == false and (.error | test("live/NAME"))' || fail "stream_url of nothing"

# the same by sluicectl, as people see it
ctl stream url live/x --host h.example >"$TMP/url.txt"
grep -qxF "Server      rtmp://h.example:$PORT/live" "$TMP/url.txt" &&
    grep -qxF "Stream Key  x?key=$KEY" "$TMP/url.txt" || fail "stream url: $(cat "$TMP/url.txt")"

# try NAME QUERY CODE REASON [APP]: publish NAME from elsewhere
n=0
try() {
	n=$((n + 1))
	far_probe "try$n" <<EOF
open
hello
cmd 0 connect 1 { app s:live${5:-} tcUrl s:rtmp://$NEAR:$PORT/live${5:-} flashVer s:probe }
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:$1$2 s:live
wait name=onStatus code=$3
EOF
	[[ $4 == none ]] ||
	    wait_event auth.refuse ".stream == \"$1\" and .reason == \"$4\" and
		.use == \"publish\" and (.addr | startswith(\"$FAR:\"))" >/dev/null
}
said() { # TEXT: the last try was told it
	has_got "try$n" ".description == \"$1\"" ||
	    fail "not said: $1: $(tail -n 2 "$TMP/try$n.json")"
}
denied=NetStream.Publish.Denied start=NetStream.Publish.Start

# from here
probe here <<EOF
$GREET
cmd 1 publish 3 null s:here s:live
wait code=$start
EOF
# without, with, with a wrong key
try none '' $denied key-missing
said "$FAR needs a key to publish live/none here: sluicectl stream url live/none"
wait_event publish.refused '.reason == "key-missing" and .stream == "none"' >/dev/null
try with "?key=$KEY" $start none
wait_event auth.accept '.stream == "with" and .by == "key"' >/dev/null
try app '' $start none "?key=$KEY"
try wrong "?key=${KEY}x" $denied key-wrong
try sign "?key=$SIGN" $denied key-wrong

# tokens
token() { # STREAM USE SECONDS ADDR
	ask "{\"command\":\"token_make\",\"app\":\"live\",\"stream\":\"$1\",
	    \"use\":\"$2\",\"for_s\":$3,\"addr\":\"$4\"}" >"$TMP/token.json"
	is_true .ok "$TMP/token.json" || fail "token: $(cat "$TMP/token.json")"
	TOKEN=$(jq -r .token "$TMP/token.json")
	secrets+=("$TOKEN")
	expect "key of the token" "$(jq -r .key "$TMP/token.json")" = "$1?token=$TOKEN"
}
token tok publish 600 ''
try tok "?token=$TOKEN" $start none
wait_event auth.accept '.stream == "tok" and .by == "token" and .left_s > 0' >/dev/null
try tok2 "?token=$TOKEN" $denied token-invalid
token here publish 600 "$FAR"
try here "?token=$TOKEN" $start none
token net publish 600 "$FAR_NET"
try net "?token=$TOKEN" $start none
token elsewhere publish 600 192.0.2.7
try elsewhere "?token=$TOKEN" $denied token-address
said "the token is for another address"
token player play 600 ''
try player "?token=$TOKEN" $denied token-invalid
token '*' publish 600 ''
try any "?token=$TOKEN" $start none
token old publish 1 ''
expired() {
	ask "{\"command\":\"token_check\",\"app\":\"live\",\"stream\":\"old\",
	    \"use\":\"publish\",\"token\":\"$TOKEN\"}" |
	    is_true '.ok and .valid == false and .reason == "token-expired"'
}
retry 10 expired || fail "the token did not expire"
try old "?token=$TOKEN" $denied token-expired
said "the token has expired"
long=$(printf 'k%.0s' {1..600})
try long "?key=$long" $denied none
wait_event publish.refused '.reason == "query-limit"' >/dev/null

# rotation: two keys are good, then the new one alone
NEW=new-$KEY
secrets+=("$NEW")
{ echo "* key $NEW"; cat "$KEYS"; } >"$TMP/new" && cp "$TMP/new" "$KEYS.tmp" &&
    chmod 640 "$KEYS.tmp" && mv "$KEYS.tmp" "$KEYS"
url_has() {
	ask '{"command":"stream_url","app":"live","stream":"x"}' |
	    is_true ".key == \"x?key=$1\""
}
retry 10 url_has "$NEW" || fail "the new key was not read"
try both1 "?key=$NEW" $start none
try both2 "?key=$KEY" $start none
printf '* key %s\n' "$NEW" >"$KEYS"
wait_keys() {
	url_has "$NEW" && has_event auth.keys '.keys == 1'
}
retry 10 wait_keys || fail "the file was not read again"
try new "?key=$NEW" $start none
try gone "?key=$KEY" $denied key-wrong

# a broken file: the keys of before stay good, and the log says where
printf '* key %s\nnonsense\n' "$NEW" >"$KEYS"
broken() {
	url_has "$NEW" && has_event auth.fault ".file == \"$KEYS\" and .line == 2"
}
retry 10 broken || fail "no event about the broken file"
try kept "?key=$NEW" $start none
chmod 644 "$KEYS"
printf '* key %s\n' "$NEW" >"$KEYS"
exposed() {
	url_has "$NEW" && has_event auth.fault '.text | test("chmod o=")'
}
retry 10 exposed || fail "no warning about a file that everybody reads"

# no secret where others see it
for pid in $MASTER $(workers); do
	tr '\0' ' ' <"/proc/$pid/cmdline" >>"$TMP/titles"
	tr '\0' ' ' <"/proc/$pid/environ" >>"$TMP/titles"
	cat "/proc/$pid/comm" >>"$TMP/titles"
done
for what in 'stream list' 'client list' 'server status'; do
	# shellcheck disable=SC2086
	ctl $what -j >>"$TMP/lists"
done
for secret in "${secrets[@]}"; do
	! grep -qF -- "$secret" "$LOG" "$TMP/titles" "$TMP/lists" \
	    "$TMP/$server-sluice.out" || fail "a secret was shown"
done
grep -q 'try\|with' "$LOG" || fail "nothing was looked at"
stop_server
