#!/bin/bash
# Files of keys at the start: malformed, unreadable, not to be made.  Each
# message names the file, the line and the remedy.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/far.sh"
PORT=$(free_port)
write_conf
KEYS=$CONF/publish.keys

# refused TEXT [COMMAND...]: the server does not start, and says so
refused() {
	local text=$1 status=0
	shift
	timeout 20 "$@" "$SLUICE" -F -w 1 -c "$CONF" -r "$RUN" >"$TMP/out" 2>&1 || status=$?
	expect "exit status" "$status" -eq 78
	grep -qF -- "$text" "$TMP/out" || fail "no \"$text\": $(cat "$TMP/out")"
	status=0
	"$@" "$SLUICE" -t -c "$CONF" >"$TMP/out" 2>&1 || status=$?
	expect "exit status of -t" "$status" -eq 78
	grep -qF -- "$text" "$TMP/out" || fail "-t: no \"$text\": $(cat "$TMP/out")"
}
printf '# mine\n* key short\n' >"$KEYS"
refused "$KEYS:2: expected a secret of 8 to 128 letters, digits and - . _ ~ (openssl rand -hex 16 makes one) (see sluice.keys(5))"
! grep -q short "$TMP/out" || fail "the secret is shown"
printf '* kee a-secret-word\n' >"$KEYS"
refused "$KEYS:1: expected key or sign as the second word"
rm "$KEYS"
mkdir "$KEYS"
refused "$KEYS: expected a readable file of keys: Is a directory"
rmdir "$KEYS"
echo "* key a-secret-word" >"$KEYS"
chmod 000 "$KEYS"
# root reads everything, unless it gives that up
drop=()
if [[ $(id -u) == 0 ]]; then
	need setpriv
	drop=(setpriv --bounding-set '-dac_override,-dac_read_search'
		--inh-caps -all)
	"${drop[@]}" cat "$KEYS" 2>/dev/null && skip "root reads everything here"
fi
refused "$KEYS: expected a readable file of keys: Permission denied (give it to the user that starts sluice: chown USER $KEYS; chmod 640 $KEYS)" "${drop[@]}"
rm "$KEYS"

# -t makes no file
"$SLUICE" -t -c "$CONF" >/dev/null || fail "-t"
[[ ! -e $KEYS ]] || fail "-t made a file"

# where none can be made the server starts, and says what that means
APP_XML=''
sed -i 's|<Application>|&<Publish><KeyFile>no/such/dir/k</KeyFile></Publish>|' \
    "$CONF/_defaultRoot_/_defaultVHost_/Application.xml"
start_server -w 1
wait_event auth.fault '.level == "warning" and
    (.text | test("refused until it is there: echo .* >.*/no/such/dir/k; chmod 640"))' >/dev/null
ask '{"command":"stream_url","app":"live","stream":"x"}' |
    is_true '.ok == false and (.error | test("no/such/dir/k"))' || fail "stream_url"
stop_server
[[ ! -e $KEYS ]] || fail "another file was made"

# as two keys at once, in a file that is made while the server runs
sed -i 's|no/such/dir/k|late.keys|' "$CONF/_defaultRoot_/_defaultVHost_/Application.xml"
printf '* key a-secret-word\n' >"$CONF/late.keys"
start_server -w 1
ask '{"command":"stream_url","app":"live","stream":"x"}' |
    is_true '.key == "x?key=a-secret-word"' || fail "a file that was there is not used"
expect "the file" "$(cat "$CONF/late.keys")" = "* key a-secret-word"
stop_server
