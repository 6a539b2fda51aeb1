# t/lib.sh - what the scripts of t/e2e, t/conf, t/stress and t/long share:
#
#	. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
#
# A script gets a private directory $TMP (removed when it passes), and all that
# it started with spawn, start_server and the helpers is ended when it exits.
# Nothing here sleeps for a fixed time: things are waited for, with a limit.
#
# Servers.  One script may run several; use_server NAME chooses (default: s):
#	CONF RUN LOG PORT HOST MASTER	of the chosen server
#	SERVER_XML ADAPTOR_XML VHOST_XML APP_XML
#		elements for below the root elements of the four files; set them
#		before start_server
# shellcheck shell=bash disable=SC2034 # variables are for the scripts
set -u
export LC_ALL=C

top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
top_builddir=${top_builddir:-$PWD}
LONG=${LONG:-0}
TIME_SCALE=${TIME_SCALE:-1}
export SLUICE_LIBEXECDIR=${SLUICE_LIBEXECDIR:-$top_builddir}

SLUICE=$top_builddir/sluice
CTL=$top_builddir/sluicectl
BENCH=$top_builddir/sluice-bench
HOST=127.0.0.1
MEDIA=''
SERVER_XML=''
ADAPTOR_XML=''
VHOST_XML=''
APP_XML=''

TMP=$(mktemp -d "${TMPDIR:-/tmp}/sluice-t.XXXXXX")
chmod 755 "$TMP" # workers may run as another user
started=()	 # pids to end at exit
IN=()		 # words before the server's command: where it runs (nets.sh)

# Results ----------------------------------------------------------------------

note() {
	echo "# $*"
}

# End the script: failed.  The private directory stays.
fail() {
	echo "FAIL: $* (${BASH_SOURCE[-1]##*/}:${BASH_LINENO[-2]:-0}, files in $TMP)" >&2
	[[ $BASH_SUBSHELL == 0 ]] || kill -TERM $$ # from inside $(...)
	exit 1
}

# End the script: it cannot run here.
skip() {
	echo "skipped: $*"
	exit 77
}

# need PROGRAM...: skip if one is not installed or not built
need() {
	local p
	for p; do
		command -v "$p" >/dev/null || skip "$p is missing"
	done
}

# expect TEXT ARGUMENTS-OF-TEST...: expect "readers" "$n" -eq 2
expect() {
	local text=$1
	shift
	test "$@" || fail "$text: $* is not so"
}

# is_true ARGUMENTS-OF-JQ...: does it print just true?  (jq -e is content with
# empty input.)
is_true() {
	[[ $(jq "$@" 2>/dev/null) == true ]]
}

# Processes --------------------------------------------------------------------

# spawn NAME COMMAND...: start in the background; sets `spawned` to its pid;
# output in $TMP/NAME.out
spawn() {
	local name=$1
	shift
	SLUICE_TEST=$TMP "$@" >"$TMP/$name.out" 2>&1 </dev/null &
	spawned=$!
	started+=("$spawned")
}

alive() {
	[[ -d /proc/$1 ]] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# retry SECONDS COMMAND...: until it succeeds; 1 if it never does
retry() {
	local until=$(($(now_ms) + $1 * TIME_SCALE * 1000))
	shift
	until "$@"; do
		[[ $(now_ms) -lt $until ]] || return 1
		sleep 0.03
	done
}

# await PID [SECONDS]: wait for the end of a process of ours; returns its exit
# status, or fails the test when it takes longer (default 30 s)
await() {
	retry "${2:-30}" gone "$1" || fail "process $1 did not end in ${2:-30} s"
	wait "$1"
}

# stop PID: end a process of ours, whatever its status
stop() {
	kill -TERM "$1" 2>/dev/null
	retry 10 gone "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

gone() {
	! alive "$1"
}

now_ms() {
	local t=${EPOCHREALTIME/./}
	echo $((t / 1000))
}

# Children of a process, one pid a line.
children() {
	cat "/proc/$1/task/"*/children 2>/dev/null | tr ' ' '\n' | sed '/^$/d'
}

# Everything that inherited our environment and still lives, whoever its parent
# is now (workers outlive a master that was killed).
descendants() {
	grep -lzs "^SLUICE_TEST=$TMP$" /proc/[0-9]*/environ |
	    sed 's/[^0-9]//g' | grep -vx -e $$ -e "$BASHPID"
}

none_left() {
	local pid
	for pid in "${started[@]}"; do
		gone "$pid" || return 1
	done
}

# The logs of servers that were not stopped by stop_server, too.
check_logs() {
	local f logs=()
	for f in "$TMP"/*/run/sluice.log; do
		[[ ! -s $f ]] || logs+=("$f")
	done
	[[ ${#logs[@]} == 0 ]] || "$top_builddir/logspec" check "${logs[@]}"
}

cleanup() {
	local status=$? pid
	trap - EXIT TERM INT HUP
	for pid in "${started[@]}"; do
		kill -TERM "$pid" 2>/dev/null
		kill -CONT "$pid" 2>/dev/null
	done
	retry 3 none_left
	for pid in $(descendants); do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	check_logs || [[ $status != 0 ]] || status=1
	if [[ $status == 0 || $status == 77 ]]; then
		rm -rf "$TMP"
		exit "$status"
	fi
	local f
	for f in "$TMP"/*.out "$TMP"/*/run/sluice.log; do
		[[ -s $f ]] || continue
		echo "--- last lines of $f"
		tail -n 15 "$f"
	done
	exit "$status"
}
trap cleanup EXIT
trap 'exit 1' TERM INT HUP

# Servers ----------------------------------------------------------------------

# A TCP port that nobody has on any address now; the next caller gets another.
free_port() {
	perl -MSocket -e '
		for (1 .. 1000) {
			my $port = 20000 + int(rand(12000));
			my ($a, $b);
			socket($a, PF_INET, SOCK_STREAM, 0) or die;
			next if !bind($a, sockaddr_in($port, INADDR_ANY));
			if (socket($b, PF_INET6, SOCK_STREAM, 0)) {
				setsockopt($b, 41, 26, 1);	# IPV6_V6ONLY
				next if !bind($b, sockaddr_in6($port, Socket::IN6ADDR_ANY));
			}
			print "$port\n";
			exit 0;
		}
		exit 1;'
}

# use_server NAME: the variables and functions below mean this server now
use_server() {
	server=$1
	CONF=$TMP/$1/conf
	RUN=$TMP/$1/run
	LOG=$RUN/sluice.log
	local port=port_$1 master=master_$1
	PORT=${!port:-}
	MASTER=${!master:-}
}

# Write the configuration of the chosen server, if the script did not.
write_conf() {
	mkdir -p "$CONF/_defaultRoot_/_defaultVHost_" "$RUN"
	[[ -e $CONF/Server.xml ]] ||
	    echo "<Root><Server>$SERVER_XML</Server></Root>" >"$CONF/Server.xml"
	[[ -e $CONF/_defaultRoot_/Adaptor.xml ]] ||
	    echo "<Adaptor><HostPortList><HostPort>$HOST:$PORT</HostPort></HostPortList>$ADAPTOR_XML</Adaptor>" \
		>"$CONF/_defaultRoot_/Adaptor.xml"
	[[ -e $CONF/_defaultRoot_/_defaultVHost_/Vhost.xml ]] ||
	    echo "<VirtualHost>$VHOST_XML</VirtualHost>" \
		>"$CONF/_defaultRoot_/_defaultVHost_/Vhost.xml"
	[[ -e $CONF/_defaultRoot_/_defaultVHost_/Application.xml ]] ||
	    echo "<Application>$APP_XML</Application>" \
		>"$CONF/_defaultRoot_/_defaultVHost_/Application.xml"
}

# start_server [OPTIONS of sluice]: start the chosen server (-w 2 unless given)
# and wait until every worker is ready.  Sets MASTER and PORT.
start_server() {
	[[ -n $PORT ]] || PORT=$(free_port) || fail "no free port"
	write_conf
	local options=(-w 2 "$@")
	spawn "$server-sluice" "${IN[@]}" "$SLUICE" -F -c "$CONF" -r "$RUN" "${options[@]}"
	MASTER=$spawned
	printf -v "port_$server" %s "$PORT"
	printf -v "master_$server" %s "$MASTER"
	retry 20 server_started || fail "the server did not start"
}

server_started() {
	alive "$MASTER" || fail "the server ended at its start"
	ctl server status -j 2>/dev/null |
	    is_true '.workers > 0 and .workers_up == .workers'
}

# pids of the workers, one a line
workers() {
	children "$MASTER"
}

# stop_server [STATUS]: SIGTERM; asserts exit status (0), no worker left, and a
# sound log
stop_server() {
	local left pid status
	left=$(workers)
	kill -TERM "$MASTER" || fail "the server is not running"
	await "$MASTER" 30
	status=$?
	expect "exit status of the server" "$status" -eq "${1:-0}"
	for pid in $left; do
		retry 5 gone "$pid" || fail "worker $pid was left behind"
	done
	check_log
}

# Every line of the log is an event as common/events.def says.
check_log() {
	[[ -s $LOG ]] || fail "the log $LOG is empty"
	"$top_builddir/logspec" check "$LOG" || fail "the log $LOG has lines that are no event"
}

# Events and counters ----------------------------------------------------------

# events EVENT [FILTER]: lines of the log with this event for which the jq
# filter is true
events() {
	[[ -e $LOG ]] || return 0
	jq -Rc --arg event "$1" \
	    "try fromjson catch empty | select(.event == \$event) | select(${2:-true})" \
	    <"$LOG"
}

count_event() {
	events "$@" | wc -l
}

has_event() {
	[[ -n $(events "$@") ]]
}

# wait_event EVENT [FILTER [SECONDS]]: wait until the log has one; prints the
# last such line
wait_event() {
	retry "${3:-10}" has_event "$1" "${2:-true}" ||
	    fail "no event $1 (${2:-true}) in ${3:-10} s"
	events "$1" "${2:-true}" | tail -n 1
}

# counter NAME: sum of a counter over the workers, see `sluicectl server status`
counter() {
	"$CTL" -r "$RUN" server status -j |
	    jq -er --arg name "$1" '.counters[$name]' ||
	    fail "no counter $1"
}

# ctl ARGUMENTS...: sluicectl at the chosen server
ctl() {
	"$CTL" -r "$RUN" "$@"
}

# stream NAME FILTER: jq filter on a stream of `sluicectl stream list -j`
stream() {
	ctl stream list -j | jq -r --arg name "$1" \
	    ".[] | select(.name == \$name) | $2"
}

# Media and clients ------------------------------------------------------------

url() {
	echo "rtmp://$HOST:$PORT/live/$1"
}

# make_media: $MEDIA becomes a 20 s clip, H.264 with B-frames, keyframe every
# 2 s, and AAC; made once per build directory
make_media() {
	MEDIA=$top_builddir/t-media/bframes.flv
	media_file "$MEDIA" -g 50 -bf 3
}

# make_media_gop SECONDS: the same with another distance of keyframes
make_media_gop() {
	MEDIA=$top_builddir/t-media/gop$1.flv
	media_file "$MEDIA" -g $(($1 * 25)) -bf 3
}

# media_file FILE OPTIONS-OF-THE-ENCODER...
media_file() {
	local file=$1 part
	shift
	[[ -e $file ]] && return 0
	need ffmpeg
	mkdir -p "$(dirname "$file")"
	part=$file.$$.flv
	ffmpeg -nostdin -v error -y \
	    -f lavfi -i testsrc2=size=320x180:rate=25 \
	    -f lavfi -i sine=frequency=440:beep_factor=2:sample_rate=44100 \
	    -t 20 -c:v libx264 -preset veryfast -pix_fmt yuv420p \
	    -sc_threshold 0 -b:v 400k "$@" -c:a aac -b:a 64k -f flv "$part" ||
	    fail "ffmpeg cannot make $file"
	mv "$part" "$file"
}

# publish_ffmpeg STREAM [FFMPEG OPTIONS before -f flv]: publish $MEDIA for ever
# in real time; waits until the server has granted it.  Sets `spawned`.
publish_ffmpeg() {
	local name=$1 before
	shift
	need ffmpeg
	[[ -n $MEDIA ]] || make_media
	before=$(count_event publish.start)
	spawn "publish-${name//\//_}" ffmpeg -nostdin -v warning -re \
	    -stream_loop -1 -i "$MEDIA" -c copy "$@" \
	    -flvflags no_duration_filesize -f flv "$(url "$name")"
	retry 10 more_events publish.start "$before" ||
	    fail "$name was not published"
}

more_events() {
	[[ $(count_event "$1") -gt $2 ]]
}

# play_ffmpeg STREAM FILE [FFMPEG OPTIONS]: play until the end; writes FILE,
# framemd5 when it is called *.md5.  Sets `spawned`; await it.
play_ffmpeg() {
	local name=$1 file=$2 format=()
	shift 2
	need ffmpeg
	[[ $file != *.md5 ]] || format=(-f framemd5)
	spawn "play-$(basename "$file")" ffmpeg -nostdin -v warning -y \
	    -rw_timeout 15000000 -i "$(url "$name")" -c copy "$@" \
	    "${format[@]}" "$file"
}

use_server s
