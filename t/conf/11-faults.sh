#!/bin/bash
# A fault is file:line: element: what was expected; exit 78, nothing started.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

file Server.xml '<Root>
<Server>
<ResourceLimits>
<Workers>many</Workers>
<ArenaSize>12X</ArenaSize>
</ResourceLimits>
</Server>
</Root>'
refuses '/c/Server.xml:4: ResourceLimits/Workers: expected a number from 0 to 64, not "many"'
refuses '/c/Server.xml:5: ResourceLimits/ArenaSize: expected a size'
status=0
"$SLUICE" -F -c "$C" -r "$TMP/run" 2>"$TMP/err" || status=$?
expect "exit status" "$status" -eq 78
expect "faults" "$(grep -c '/c/Server.xml:' "$TMP/err")" -eq 2
[[ ! -e $TMP/run ]] || fail "something was started"

file Server.xml '<Root>
<Server>'
refuses '/c/Server.xml:[0-9]*: expected well-formed XML: '
file Server.xml '<Adaptor/>'
refuses '/c/Server.xml:1: Adaptor: expected Root as the root of Server.xml'
file Server.xml ''
refuses '/c/Server.xml:[0-9]*: expected well-formed XML'
rm "$C/Server.xml"
file _defaultRoot_/_defaultVHost_/Vhost.xml '<VirtualHost>
<Proxy><Mode>remote</Mode></Proxy></VirtualHost>'
accepts
file _defaultRoot_/_defaultVHost_/Vhost.xml '<VirtualHost>
<Proxy><Mode>distant</Mode></Proxy></VirtualHost>'
refuses 'Vhost.xml:2: Proxy/Mode: expected .*"distant"'
rm "$C/_defaultRoot_/_defaultVHost_/Vhost.xml"
accepts

C=$TMP/none
refuses '/none: expected a configuration directory: .*mkdir'
for options in -x '-w 0' '-w 65' '-w x' extra; do
	status=0
	# shellcheck disable=SC2086 # two words are meant
	"$SLUICE" $options >"$TMP/out" 2>"$TMP/err" || status=$?
	expect "status of sluice $options" "$status" -eq 2
	grep -q '^usage: ' "$TMP/err" || fail "no usage for $options"
done
