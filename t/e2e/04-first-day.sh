#!/bin/bash
# The first day: a fresh installation, and everything that goes wrong then. Each
# message names the thing, the place and the remedy.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"

# installed, as a packager does it
make -s -C "$top_builddir" install DESTDIR="$TMP/root" >"$TMP/install.out" 2>&1 ||
    fail "make install: $(tail -n 3 "$TMP/install.out")"
find_in() {
	find "$TMP/root" -name "$1" -type f | head -n 1
}
SLUICE=$(find_in sluice)
CTL=$(find_in sluicectl)
[[ $SLUICE != *completions* && -x $SLUICE ]] || SLUICE=$(find "$TMP/root" -path '*sbin/sluice' -type f)
[[ $CTL == */bin/sluicectl ]] || CTL=$(find "$TMP/root" -path '*bin/sluicectl' -type f)
worker=$(find_in sluice-worker)
[[ -x $SLUICE && -x $CTL && -x $worker ]] || fail "not installed: $(find "$TMP/root" -type f)"
export SLUICE_LIBEXECDIR=${worker%/*}
for page in sluice.8 sluicectl.8 sluice-bench.1 sluice.conf.5 sluice-log.5; do
	[[ -n $(find_in "$page") ]] || fail "no manual $page"
done
[[ -n $(find_in sluice-log.schema.json) ]] || fail "no schema of the log"
"$SLUICE" -V | grep -q '^sluice [0-9]' || fail "sluice -V"

# says TEXT: the last attempt ended with 78 and this text, among others
try() {
	status=0
	timeout 20 "$@" >"$TMP/try.out" 2>"$TMP/try.err" || status=$?
	expect "exit status of $*" "$status" -eq "${want:-78}"
}
says() {
	grep -qF -- "$1" "$TMP/try.err" || fail "expected \"$1\", got: $(cat "$TMP/try.err")"
}

# nothing there
C=$TMP/etc
try "$SLUICE" -F -c "$C" -r "$TMP/run"
says "$C: expected a configuration directory: No such file or directory (mkdir it: an empty one holds every default)"

# a wrong port
mkdir -p "$C/_defaultRoot_/_defaultVHost_"
adaptor() {
	printf '<Adaptor>\n<HostPortList>\n<HostPort>%s</HostPort>\n</HostPortList>\n</Adaptor>\n' "$1" \
	    >"$C/_defaultRoot_/Adaptor.xml"
}
adaptor 127.0.0.1:99999
try "$SLUICE" -F -c "$C" -r "$TMP/run"
says "$C/_defaultRoot_/Adaptor.xml:3: HostPort: expected a port number from 0 to 65535"

# a port in use
port=$(free_port) || fail "no free port"
spawn holder perl -MSocket -e '
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
	bind($s, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die;
	listen($s, 5) or die;
	$| = 1; print "up\n"; sleep 600' "$port"
holder=$spawned
retry 10 grep -q up "$TMP/holder.out" || fail "no listener"
adaptor "127.0.0.1:$port"
try "$SLUICE" -F -c "$C" -r "$TMP/run"
says "Adaptor.xml:3: 127.0.0.1:$port is used by perl (pid $holder): stop it or change HostPort"
stop "$holder"

# wrong XML
printf '<Root>\n<Server>\n<Logging><Level>info</Logging>\n</Server>\n</Root>\n' >"$C/Server.xml"
try "$SLUICE" -F -c "$C" -r "$TMP/run"
says "$C/Server.xml:3: expected well-formed XML: Opening and ending tag mismatch: Level line 3 and Logging"
rm "$C/Server.xml"
# a value that is none
printf '<Root>\n<Server>\n<Logging><Level>loud</Level></Logging>\n</Server>\n</Root>\n' >"$C/Server.xml"
try "$SLUICE" -F -c "$C" -r "$TMP/run"
says "$C/Server.xml:3: Logging/Level: expected debug, info, notice, warning or error"
rm "$C/Server.xml"

# a key file that cannot be read; root reads everything, unless it gives that up
echo "* key a-secret-word" >"$C/publish.keys"
chmod 000 "$C/publish.keys"
drop=()
[[ $EUID != 0 ]] || drop=(setpriv --bounding-set '-dac_override,-dac_read_search' --inh-caps -all)
if ! "${drop[@]}" cat "$C/publish.keys" >/dev/null 2>&1; then
	try "${drop[@]}" "$SLUICE" -F -c "$C" -r "$TMP/run"
	says "$C/publish.keys: expected a readable file of keys: Permission denied (give it to the user that starts sluice: chown USER $C/publish.keys; chmod 640 $C/publish.keys)"
fi
rm -f "$C/publish.keys"

# directories that are not ours
if [[ $EUID == 0 ]]; then
	chmod 755 "$TMP" "$C"
	mkdir -m 755 "$TMP/closed"
	try setpriv --reuid=65534 --regid=65534 --clear-groups "$SLUICE" -F -c "$C" -r "$TMP/closed/run"
	says "cannot make the run directory $TMP/closed/run: Permission denied (give another with -r)"
	mkdir -m 755 "$TMP/run2"
	try setpriv --reuid=65534 --regid=65534 --clear-groups "$SLUICE" -F -c "$C" -r "$TMP/run2"
	says "$TMP/run2/sluice.pid: Permission denied (give another run directory with -r, or make this one writable for user 65534)"
fi

# no server
want=3 try "$CTL" -r "$TMP/run" server status
says "no server answers at $TMP/run/control.sock: "
says "start one (sluice -F -r $TMP/run), or point to the run directory of a running one (sluicectl -r DIR ...)"

# it runs: the control socket is not for everybody
SERVER_XML='<ResourceLimits><ArenaSize>16M</ArenaSize></ResourceLimits>'
use_server s
APP_XML='<StreamManager><Live><MaxStreamSize>16M</MaxStreamSize><MaxPublishSpeed>1000</MaxPublishSpeed></Live></StreamManager>'
start_server -w 1
if [[ $EUID == 0 ]]; then
	chmod 755 "$RUN"
	want=1 try setpriv --reuid=65534 --regid=65534 --clear-groups "$CTL" -r "$RUN" client list
	if getent group sluice >/dev/null; then
		says "$RUN/control.sock: permission denied: add yourself to group sluice (sudo usermod -aG sluice"
	else
		says "$RUN/control.sock: permission denied: use sudo, or run sluicectl as the user that started the server"
	fi
fi
want=78 try "$SLUICE" -F -c "$CONF" -r "$RUN"
says "$RUN is in use by sluice (pid $MASTER): stop it or give another run"

# the memory for streams is full
{
	printf '%s\ncmd 1 publish 3 null s:large s:live\nwait code=NetStream.Publish.Start\n' "$GREET"
	for ((i = 0; i < 16; i++)); do
		printf 'msg 6 9 1 %d 1000000 %s\n' $((i * 100)) \
		    "$( ((i)) && echo 2701000000 || echo 1701000000)"
	done
	printf 'read 30000\n'
} >"$TMP/large"
probe_start large "$TMP/large"
full() {
	[[ $(ctl server status -j | jq '.arena.bytes_used * 100 / .arena.bytes_limit | floor') -gt 90 ]]
}
retry 20 full || fail "the arena is not full: $(ctl server status | grep memory)"
probe second <<EOF
$GREET
cmd 1 publish 3 null s:second s:live
wait code=NetStream.Publish.Denied
EOF
refusal="the memory for streams is full: a larger ArenaSize, or a smaller MaxStreamSize, makes room"
expect "what the encoder is told" "$(got second ".description == \"$refusal\" or
    (.. | strings | . == \"$refusal\")")" -ge 1
expect "what the log says" "$(count_event publish.refused ".reason == \"arena-full\" and
    .text == \"$refusal\"")" -eq 1
ctl server check --conf "$CONF" >"$TMP/check" && fail "server check finds nothing"
grep -A 1 '^FAIL *arena ' "$TMP/check" | grep -q 'do: a larger ResourceLimits/ArenaSize' ||
    fail "server check: $(cat "$TMP/check")"
stop_server
