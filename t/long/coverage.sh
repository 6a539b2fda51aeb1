#!/bin/bash
# Line coverage of each parser by its unit tests, printed; 90 % at least.
# timeout: 600
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
need gcov gcc
build=$TMP/build
mkdir -p "$build"
cd "$build" || exit 1
"$top_srcdir/configure" -q CC=gcc CFLAGS='-g -O0 --coverage' \
    >configure.out 2>&1 || fail "configure: $(tail -n 3 configure.out)"
units=(aggregate amf0 amf3 chunk cmd flvtag handshake url wire cursor)
make -s -j"$(nproc)" "${units[@]/#/check_}" >make.out 2>&1 ||
    fail "make: $(tail -n 3 make.out)"
for unit in "${units[@]}"; do
	CK_TIMEOUT_MULTIPLIER=10 CK_FORK=no "./check_$unit" >"$unit.out" 2>&1 || fail "check_$unit"
done
low=0
for file in "$top_srcdir"/rtmp/*.c "$top_srcdir/common/cursor.c"; do
	name=$(basename "$file" .c)
	percent=$(gcov -n -o "$(dirname "$(find . -name "$name.o" | head -n 1)")" \
	    "$name.o" 2>/dev/null | grep -A1 "/$name\.c'" |
	    sed -n 's/Lines executed:\([0-9.]*\)%.*/\1/p' | head -n 1)
	printf '%-12s %6s %%\n' "$name" "${percent:-none}"
	[[ ${percent%.*} -ge 90 ]] || low=1
done
expect "parsers below 90 % of lines" "$low" -eq 0
