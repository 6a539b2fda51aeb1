#!/bin/bash
#
# doc/sluice-log.schema.json and the lists of events, reasons and counters in
# sluice-log(5) are what the tables in common/ say.  UPDATE=1 t/lint/log.sh, in a build directory, writes
# them anew.
set -u
top_builddir=$(cd "${top_builddir:-.}" && pwd)
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
logspec=$top_builddir/logspec
schema=doc/sluice-log.schema.json
page=man/sluice-log.5
[[ -x $logspec ]] || { echo "$logspec is not built: make check builds it"; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluice-lint.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

"$logspec" schema >"$tmp/schema" || exit 1
cp "$page" "$tmp/page"
# section NAME TABLE COMMAND: put what logspec says between the marks
section() {
	local first=".\\\" $1: from common/$2 by UPDATE=1 t/lint/log.sh" last=".\\\" END OF $1"
	"$logspec" "$3" >"$tmp/made" || exit 1
	for mark in "$first" "$last"; do
		grep -qxF "$mark" "$page" ||
		    { echo "$page: the comment $mark is gone"; exit 1; }
	done
	FIRST=$first LAST=$last awk -v made="$tmp/made" '
		$0 == ENVIRON["LAST"] { skip = 0 }
		!skip { print }
		$0 == ENVIRON["FIRST"] { while ((getline l < made) > 0) print l; skip = 1 }' \
	    "$tmp/page" >"$tmp/next" && mv "$tmp/next" "$tmp/page" || exit 1
}
section EVENTS events.def man
section REASONS reason.def reasons
section COUNTERS counters.def counters

if [[ ${UPDATE:-0} == 1 ]]; then
	cp "$tmp/schema" "$schema" && cp "$tmp/page" "$page"
	exit
fi
bad=0
diff -u "$schema" "$tmp/schema" || bad=1
diff -u "$page" "$tmp/page" || bad=1
[[ $bad == 0 ]] || echo "not what the tables say: in the build directory, UPDATE=1 ${0}"
exit "$bad"
