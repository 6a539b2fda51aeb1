#!/bin/bash
#
# run.sh MODEL [-DVARIANT ...] - explore every state of one model.
# Says "holds" (exit 0), "fails" (1) or "not finished" (3); 2: cannot run.
# Environment: SECONDS_MAX, MEMORY_MB, DEPTH, TRACE (file), CC
set -u
[[ $# -ge 1 ]] || { sed -n '3,6s/^# //p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
model=${1%.pml}
shift
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
command -v spin >/dev/null || { echo "spin is missing" >&2; exit 2; }
cp "$here/$model.pml" "$tmp/model.pml" || exit 2
name="$model${*:+ $*}"
trace=
if [[ -n ${TRACE:-} ]]; then trace=$(realpath -m "$TRACE"); fi
cd "$tmp" || exit 2
if ! spin "$@" -a model.pml >spin.out 2>&1; then
	cat spin.out >&2
	exit 2
fi
${CC:-gcc} -O1 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=4096 \
    "-DMEMLIM=${MEMORY_MB:-1024}" -o pan pan.c || exit 2
# -E: processes that wait for ever at the end are right; what must hold then
# is asserted by init
timeout -s INT -k 10 "${SECONDS_MAX:-60}" \
    ./pan "-m${DEPTH:-1000000}" -n -E >pan.out 2>&1
status=$?
states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out | head -n 1)
if ! grep -q 'errors: 0$' pan.out; then
	grep -q 'errors: ' pan.out || { cat pan.out >&2; exit 2; }
	echo "$name: fails: $(sed -nE \
	    's/^pan:1: (assertion violated|[^(]*).*(\(at depth .*)/\1 \2/p' \
	    pan.out | head -n 1)"
	if [[ -n $trace ]]; then
		spin "$@" -t -p -g -l model.pml >"$trace" 2>&1
	fi
	exit 1
fi
if [[ $status != 0 ]] ||
    grep -qE 'max search depth|Search not completed|memory' <(
	grep -E '^(error|pan|Warning)' pan.out); then
	echo "$name: not finished after $states states"
	exit 3
fi
echo "$name: holds in all $states states"
