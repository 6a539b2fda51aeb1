#!/bin/bash
#
# Every header compiles alone (after config.h), without a warning.
set -u
top_srcdir=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)
top_builddir=${top_builddir:-$PWD}
cc=${CC:-cc}
command -v "$cc" >/dev/null || { echo "skipped: no $cc"; exit 77; }
bad=0
read -ra flags <<<"$(pkg-config --cflags liburing jansson libxml-2.0 libcrypto duktape 2>/dev/null)"
cd "$top_srcdir" || exit 1
shopt -s nullglob
for header in {common,shm,rtmp,worker,master,ctl,bench,script,callback}/*.h; do
	printf '#include "config.h"\n#include "%s"\nextern int not_empty;\n' "$header" |
	    "$cc" -std=c17 -Wall -Wextra -Werror -fsyntax-only -I"$top_builddir" \
		-I"$top_srcdir" "${flags[@]}" -x c - || { echo "$header does not stand alone"; bad=1; }
done
exit "$bad"
