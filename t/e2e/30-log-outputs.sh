#!/bin/bash
# The log in a file with SIGHUP, on standard output, and in syslog(3).
# sanitized: no
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
need jq perl

program=$SLUICE

# with_log NAME OUTPUT: the next server writes its log there
with_log() {
	use_server "$1"
	SERVER_XML="<Logging><File>$2</File></Logging>"
}

# A file: what is written after the reopening is in a new one.
with_log file "$TMP/own.log"
start_server
LOG=$TMP/own.log
wait_event server.ready >/dev/null
expect "where the log is" "$(ctl server status -j | jq -r .log)" = "$LOG"
mv "$LOG" "$TMP/old.log"
kill -HUP "$MASTER"
wait_event log.reopen >/dev/null
expect "events in the new file" "$(count_event server.ready)" -eq 0
stop_server
expect "events in the old file" "$(jq -r .event <"$TMP/old.log" | grep -c '^server.ready$')" -eq 1

# Standard output, with nothing but events on it.
cat >"$TMP/quiet-sluice" <<END
#!/bin/sh
exec '$program' "\$@" 2>'$TMP/stderr'
END
chmod +x "$TMP/quiet-sluice"
SLUICE=$TMP/quiet-sluice
with_log stdout -
start_server
LOG=$TMP/stdout-sluice.out
wait_event server.ready >/dev/null
expect "where the log is" "$(ctl server status -j | jq -r .log)" = stdout
stop_server
wait_event server.stop >/dev/null
expect "bytes on stderr" "$(wc -c <"$TMP/stderr")" -eq 0
SLUICE=$program

# There is none in the background.
with_log background stdout
PORT=$(free_port)
write_conf
"$SLUICE" -c "$CONF" -r "$RUN" -w 1 >"$TMP/background.out" 2>&1
expect "status" $? -eq 78
grep -q 'needs the option -F' "$TMP/background.out" || fail "it does not say what to do"

# syslog(3): a /dev of its own with a socket that we read.
[[ $EUID == 0 ]] && unshare -m true 2>/dev/null || { note "no syslog: not root"; exit 0; }
cat >"$TMP/syslogd" <<'END'
use Socket;
my ($path, $out) = @ARGV;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
bind($s, sockaddr_un($path)) or die "bind: $!";
chmod 0666, $path;
open(my $f, '>>', $out) or die "$out: $!";
$f->autoflush(1);
while (defined recv($s, my $line, 65536, 0)) { print $f "$line\n"; }
END
cat >"$TMP/own-dev" <<END
#!/bin/bash
mkdir -p '$TMP/dev' && mount -t tmpfs none '$TMP/dev' || exit 99
for f in null zero full random urandom tty; do
	touch "$TMP/dev/\$f" && mount --bind "/dev/\$f" "$TMP/dev/\$f" || exit 99
done
mkdir '$TMP/dev/shm' && mount --move '$TMP/dev' /dev || exit 99
[[ ! -e '$TMP/syslog.sock' ]] || ln -s '$TMP/syslog.sock' /dev/log
exec '$program' "\$@"
END
cat >"$TMP/no-syslog" <<END
#!/bin/bash
exec unshare -m '$TMP/own-dev' "\$@"
END
chmod +x "$TMP/own-dev" "$TMP/no-syslog"
with_log syslog syslog
PORT=$(free_port)
write_conf
"$TMP/no-syslog" -F -c "$CONF" -r "$RUN" -w 1 >"$TMP/no-syslog.out" 2>&1
expect "status without a syslog daemon" $? -eq 78
grep -q 'is a syslog daemon running' "$TMP/no-syslog.out" || fail "it does not say what is missing"

spawn syslogd perl -MIO::Handle "$TMP/syslogd" "$TMP/syslog.sock" "$TMP/syslog.out"
syslogd=$spawned
retry 5 test -S "$TMP/syslog.sock" || fail "no socket"
SLUICE=$TMP/no-syslog
start_server
LOG=$TMP/syslog.json
# "<29>Nov 24 10:00:00 sluice[4711]: {...}"
lines() {
	sed -n 's/^<[0-9]*>.* sluice\[[0-9]*\]: //p' "$TMP/syslog.out" >"$LOG"
}
ready() {
	lines
	has_event server.ready
}
retry 10 ready || fail "nothing in syslog: $(head -c 300 "$TMP/syslog.out")"
expect "where the log is" "$(ctl server status -j | jq -r .log)" = syslog
kill -KILL "$(workers | head -n 1)"
died() {
	lines
	has_event worker.exit
}
retry 10 died || fail "no worker.exit"
stop_server
stopped() {
	lines
	has_event server.stop
}
retry 5 stopped || fail "no server.stop"
check_log
# facility daemon (3 * 8); priorities: info 6, notice 5, warning 4
expect "info" "$(grep -c '^<30>.*"event":"worker.start"' "$TMP/syslog.out")" -ge 2
expect "notice" "$(grep -c '^<29>.*"event":"server.ready"' "$TMP/syslog.out")" -eq 1
expect "warning" "$(grep -c '^<28>.*"event":"worker.exit".*"signal":"KILL"' "$TMP/syslog.out")" -eq 1
stop "$syslogd"
