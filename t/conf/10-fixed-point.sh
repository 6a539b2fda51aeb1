#!/bin/bash
# What -t prints is read again as the same; etc/ holds every default.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

mkdir "$C"
accepts
cp "$TMP/out" "$TMP/empty.xml"
C=$TMP/empty.xml
accepts
cmp "$TMP/out" "$TMP/empty.xml" || fail "not a fixed point"
C=$top_srcdir/etc
accepts
cmp "$TMP/out" "$TMP/empty.xml" || fail "etc/ is not the default"
expect "notices about etc/" "$(wc -l <"$TMP/err")" -eq 0

C=$TMP/c
adaptor '127.0.0.1:1936,0'
file Server.xml '<Root><Server><ResourceLimits><ArenaSize>64M</ArenaSize>
<Workers>3</Workers></ResourceLimits>
<Logging><File>/a &amp; b/&lt;x&gt;.log</File></Logging></Server></Root>'
accepts
printed '<ArenaSize>67108864</ArenaSize>'
printed '<HostPort>127.0.0.1:0</HostPort>'
cp "$TMP/out" "$TMP/full.xml"
C=$TMP/full.xml
accepts
cmp "$TMP/out" "$TMP/full.xml" || fail "not a fixed point with values"

# every parameter stands in the sample tree
while read -r element; do
	grep -rqF "<$element>" "$top_srcdir/etc" || fail "$element is not in etc/"
done < <(sed -n 's|^[[:space:]]*<\([A-Za-z]*\)>[^<]*</.*|\1|p' "$TMP/empty.xml")
