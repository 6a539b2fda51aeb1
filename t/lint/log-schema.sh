#!/bin/bash
#
# logspec, which checks every line of every test's log, says the same as the
# schema does to a validator that others wrote (python3-jsonschema), about lines
# that are good, and lines that are broken in one way each.
set -u
top_builddir=$(cd "${top_builddir:-.}" && pwd)
cd "${top_srcdir:-$(dirname "$0")/../..}" || exit 1
logspec=$top_builddir/logspec
python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null ||
    { echo "skipped: python3-jsonschema is missing"; exit 77; }
[[ -x $logspec ]] || { echo "$logspec is not built: make check builds it"; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/sluice-lint.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

"$logspec" sample >"$tmp/lines" && "$logspec" verdict "$tmp/lines" >"$tmp/ours" || exit 1
python3 - doc/sluice-log.schema.json "$tmp/lines" >"$tmp/theirs" <<'END' || exit 1
import json, sys
from jsonschema import Draft202012Validator
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
# one event at a time, as a line can be only the one it names: all of them for
# every line take minutes
whole = Draft202012Validator(schema)
by_event = {name: Draft202012Validator(
    {"$ref": "#/$defs/" + name, "$defs": schema["$defs"]})
    for name in (ref["$ref"][len("#/$defs/"):] for ref in schema["oneOf"])}
for n, line in enumerate(open(sys.argv[2])):
    value = json.loads(line)
    name = value.get("event") if isinstance(value, dict) else None
    one = by_event.get(name) if isinstance(name, str) else None
    ok = one is not None and one.is_valid(value)
    if n % 50 == 0 and whole.is_valid(value) != ok:
        sys.exit("line %d: the whole schema disagrees: %s" % (n + 1, line))
    print("good" if ok else "bad")
END
good=$(grep -c good "$tmp/ours")
all=$(wc -l <"$tmp/lines")
echo "$all lines, $good of them good"
[[ $good -gt 50 && $((all - good)) -gt 1000 ]] || { echo "too few of one kind"; exit 1; }
paste "$tmp/ours" "$tmp/theirs" "$tmp/lines" | awk -F'\t' '$1 != $2 { print "ours, theirs:", $0; bad = 1 } END { exit bad }'
