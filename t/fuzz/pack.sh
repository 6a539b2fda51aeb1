#!/bin/bash
# pack.sh KIND... - make t/fuzz/corpus/KIND.hex again: in a build with libFuzzer,
# after make fuzz, the smallest inputs of t-seeds/KIND that reach every edge which
# all of them reach, one a line in hexadecimal digits, short ones first.
# Environment: top_srcdir, top_builddir (the current directory).
set -euo pipefail
shopt -s nullglob
top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
top_builddir=${top_builddir:-.}
limit=8192 # bytes of an input; seeds.c reads no longer ones

fail() {
	echo "pack.sh: $*" >&2
	exit 1
}

[[ $# -gt 0 ]] || fail "usage: pack.sh KIND..., as in fuzz_KIND"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for kind; do
	[[ -x $top_builddir/fuzz_$kind ]] || fail "no $top_builddir/fuzz_$kind"
	[[ -d $top_builddir/t-seeds/$kind ]] ||
		fail "no inputs in $top_builddir/t-seeds/$kind: run make fuzz"
	mkdir "$tmp/$kind"
	"$top_builddir/fuzz_$kind" -merge=1 -max_len=$limit -use_counters=0 \
	    -use_cmp=0 "$tmp/$kind" "$top_builddir/t-seeds/$kind" \
	    >"$tmp/log" 2>&1 || fail "merge of $kind: $(tail -n 3 "$tmp/log")"
	for input in "$tmp/$kind"/*; do
		od -An -v -tx1 "$input" | tr -d ' \n'
		echo
	done | awk '{ print length($0), $0 }' | LC_ALL=C sort -k1,1n -k2 |
	    cut -d' ' -f2- >"$tmp/hex"
	mkdir -p "$top_srcdir/t/fuzz/corpus"
	mv "$tmp/hex" "$top_srcdir/t/fuzz/corpus/$kind.hex"
	echo "$kind: $(wc -l <"$top_srcdir/t/fuzz/corpus/$kind.hex") inputs," \
	    "$(wc -c <"$top_srcdir/t/fuzz/corpus/$kind.hex") bytes"
done
