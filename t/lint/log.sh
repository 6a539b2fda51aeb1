#!/bin/bash
#
# doc/sluice-log.schema.json and the list of events in sluice-log(5) are what
# common/events.def says.  UPDATE=1 t/lint/log.sh, in a build directory, writes
# them anew.
set -u
top_builddir=$(cd "${top_builddir:-.}" && pwd)
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
logspec=$top_builddir/logspec
schema=doc/sluice-log.schema.json
page=man/sluice-log.5
first='.\\" EVENTS: from common/events.def by UPDATE=1 t/lint/log.sh'
last='.\\" END OF EVENTS'

[[ -x $logspec ]] || { echo "$logspec is not built: make check builds it"; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluice-lint.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

"$logspec" schema >"$tmp/schema" || exit 1
"$logspec" man >"$tmp/events" || exit 1
for mark in "$first" "$last"; do
	grep -qxF "${mark//\\\\/\\}" "$page" ||
	    { echo "$page: the comments around the events are gone"; exit 1; }
done
awk -v first="$first" -v last="$last" -v events="$tmp/events" '
	$0 == last { skip = 0 }
	!skip { print }
	$0 == first { while ((getline l < events) > 0) print l; skip = 1 }' \
    "$page" >"$tmp/page" || exit 1

if [[ ${UPDATE:-0} == 1 ]]; then
	cp "$tmp/schema" "$schema" && cp "$tmp/page" "$page"
	exit
fi
bad=0
diff -u "$schema" "$tmp/schema" || bad=1
diff -u "$page" "$tmp/page" || bad=1
[[ $bad == 0 ]] || echo "not what common/events.def says: in the build directory, UPDATE=1 ${0}"
exit "$bad"
