#!/bin/bash
# An address that is in use: by whom, and what to do.
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/conf/conf.sh.inc"

port=$(free_port) || fail "no free port"
spawn holder perl -MSocket -e '
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
	bind($s, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die;
	listen($s, 5) or die;
	$| = 1; print "up\n"; sleep 600' "$port"
holder=$spawned
retry 10 grep -q up "$TMP/holder.out" || fail "no listener"
start() {
	status=0
	timeout 20 "$SLUICE" "$@" -c "$C" -r "$TMP/run" -w 1 2>"$TMP/err" || status=$?
	expect "exit status" "$status" -eq 78
}
adaptor "127.0.0.1:$port"
start -F
says "Adaptor.xml:3: 127.0.0.1:$port is used by perl (pid $holder): stop it or change HostPort"
adaptor ":$port"
start -F
says "Adaptor.xml:3: 0.0.0.0:$port is used by perl (pid $holder): stop it or change HostPort"
[[ ! -e $TMP/run/control.sock ]] || fail "something was started"
# as a daemon the command says the same
start
says "Adaptor.xml:3: 0.0.0.0:$port is used by perl (pid $holder)"
