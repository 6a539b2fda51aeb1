#!/bin/bash
# A worker that cannot run here ends the start with its status; one that only
# crashes is tried a few times.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

adaptor 127.0.0.1:0
mkdir "$TMP/bin"
# worker TEXT: a sluice-worker that is this shell script
worker() {
	printf '#!/bin/sh\n%s\n' "$1" >"$TMP/bin/sluice-worker"
	chmod 755 "$TMP/bin/sluice-worker"
}
start() {
	status=0
	SLUICE_LIBEXECDIR=$TMP/bin timeout 30 "$SLUICE" "$@" -c "$C" -r "$TMP/run" \
	    -w 2 2>"$TMP/err" || status=$?
}
worker 'echo "sluice-worker: this kernel lacks X" >&2; exit 78'
start -F -q
expect "exit status" "$status" -eq 78
says 'this kernel lacks X'
start
expect "exit status of a daemon's start" "$status" -eq 78
says 'this kernel lacks X'
[[ ! -e $TMP/run/control.sock ]] || fail "something was left"

worker 'kill -SEGV $$'
start -F -q
expect "exit status" "$status" -eq 70
LOG=$TMP/run/sluice.log
has_event server.no_worker || fail "no event server.no_worker"
has_event worker.exit '.signal == "SEGV" and .restart_ms == 100' ||
    fail "no back-off"
check_log

rm "$TMP/bin/sluice-worker"
cp "$SLUICE" "$TMP/bin/sluice"
SLUICE_LIBEXECDIR=$TMP/none "$TMP/bin/sluice" -F -c "$C" -r "$TMP/run" 2>"$TMP/err"
expect "exit status" $? -eq 78
says "sluice-worker not found; tried $TMP/none/sluice-worker, .*libexec/sluice/sluice-worker, $TMP/bin/sluice-worker"
