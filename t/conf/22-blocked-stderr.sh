#!/bin/bash
# Nobody reads stderr: the log file and the server go on (rule 18).
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

adaptor 127.0.0.1:0
# a pipe of 4 KiB that is full after some lines
spawn holder perl -e '
	pipe(my $r, my $w) or die;
	fcntl($w, 1031, 4096) or die;	# F_SETPIPE_SZ
	open(STDERR, ">&", $w) or die;
	exec(@ARGV) if fork() == 0;
	close($w);
	wait();
	exit($? >> 8)' "$SLUICE" -F -c "$C" -r "$TMP/run" -w 1
holder=$spawned
LOG=$TMP/run/sluice.log
wait_event server.ready >/dev/null
for i in {1..20}; do
	pid=$(events worker.ready | tail -n 1 | jq .worker_pid)
	kill -9 "$pid"
	again() { [[ $(count_event worker.ready) -gt $i ]]; }
	retry 10 again || fail "worker $i was not replaced"
done
kill "$(cat "$TMP/run/sluice.pid")"
await "$holder" 15
expect "exit status" $? -eq 0
has_event server.stop '.log_unshown > 0' || fail "nothing was left out on stderr"
check_log
