#!/bin/bash
# The sample configuration that we ship is read without a complaint, and says
# what an empty one means.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
"$SLUICE" -t -c "$top_srcdir/etc" >"$TMP/sample" 2>"$TMP/sample.err" ||
    fail "etc/ is refused: $(cat "$TMP/sample.err")"
expect "complaints" "$(cat "$TMP/sample.err")" = ""
mkdir "$TMP/empty"
"$SLUICE" -t -c "$TMP/empty" >"$TMP/default" || fail "an empty tree is refused"
diff -u "$TMP/default" "$TMP/sample" || fail "etc/ does not show the defaults"
