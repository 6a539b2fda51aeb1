#!/bin/bash
# One run directory, one master; the daemon's command waits until it is ready.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

adaptor 127.0.0.1:0
"$SLUICE" -c "$C" -r "$TMP/run" -w 1 2>"$TMP/err" || fail "no start: $(cat "$TMP/err")"
pid=$(cat "$TMP/run/sluice.pid")
started+=("$pid")
LOG=$TMP/run/sluice.log
has_event server.ready || fail "not ready when the command returned"
has_event server.start '.listen[0] | test("^127.0.0.1:[1-9]")' ||
    fail "the chosen port is not in server.start"
status=0
"$SLUICE" -F -c "$C" -r "$TMP/run" -w 1 2>"$TMP/err" || status=$?
expect "exit status of a second one" "$status" -eq 78
says "$TMP/run is in use by sluice (pid $pid): stop it or give another run directory with -r"
# another run directory: another instance
"$SLUICE" -c "$C" -r "$TMP/run2" -w 1 || fail "no second instance"
other=$(cat "$TMP/run2/sluice.pid")
started+=("$other")
kill "$other"
kill "$pid"
retry 10 gone "$pid" || fail "$pid did not stop"
retry 10 gone "$other" || fail "$other did not stop"
[[ ! -e $TMP/run/sluice.pid && ! -e $TMP/run/control.sock ]] || fail "files were left"
has_event server.stop || fail "no server.stop"
check_log
# and it starts again in the same place
"$SLUICE" -c "$C" -r "$TMP/run" -w 1 || fail "no start after a stop"
pid=$(cat "$TMP/run/sluice.pid")
started+=("$pid")
kill "$pid"
retry 10 gone "$pid" || fail "$pid did not stop"
