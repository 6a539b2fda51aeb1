#!/bin/bash
# timeout: 120
#
# The same in threads, under the thread sanitizer: every access to shared
# memory is ordered, or an atomic word.
src=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${top_builddir:-$PWD}
cc=$(command -v clang || command -v gcc) ||
	{ echo "skipped: no compiler"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

echo 'int main(void) { return 0; }' >"$dir/empty.c"
if ! "$cc" -fsanitize=thread -o "$dir/empty" "$dir/empty.c" ||
	! "$dir/empty"; then
	echo "skipped: $cc has no thread sanitizer here"
	exit 77
fi
"$cc" -std=c17 -D_GNU_SOURCE -O1 -g -fsanitize=thread -DSLUICE_POISON=1 \
    -I"$build" -I"$src" \
    -Wl,--wrap=section_passed,--wrap=wake_may_sleep -o "$dir/ring_torture" \
    "$src"/t/stress/*.c "$src"/shm/*.c "$src"/common/bug.c \
    "$src"/common/clock.c "$src"/common/siphash.c -lpthread || exit 1
export TSAN_OPTIONS=halt_on_error=1:exitcode=66
"$dir/ring_torture" -f threads -s "${THREADS_SECONDS:-5}"
