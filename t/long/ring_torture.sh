#!/bin/bash
# timeout: 3600
# long: 3600
#
# The torture of t/stress for longer; TORTURE_SECONDS for its main form.
cd "${top_builddir:-.}" || exit 1
stress=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}/t/stress
long=${TORTURE_SECONDS:-600}
status=0

run() {
	"$@"
	case $? in
	0 | 77) ;;
	*)
		echo "FAILED: $*"
		status=1
		;;
	esac
}

run ./ring_torture -s "$long"
run ./ring_torture -f threads -s $((long / 5))
export WAKE_SECONDS=$((long / 5)) STEPS_SECONDS=$((long / 2)) \
    THREADS_SECONDS=$((long / 5))
for script in "$stress"/1?-ring-*.sh; do
	run bash "$script"
done
exit $status
