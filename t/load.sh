# t/load.sh - what the scripts share that put a server under load; read after
# lib.sh.  Players and publishers are sluice-bench, which checks every frame;
# publish_ffmpeg_on and play_ffmpeg_on bring in clients of another make.
# shellcheck shell=bash

# publish_bench STREAM [OPTIONS of sluice-bench publish]: publish until stopped;
# waits until it is live.  Sets `spawned`.
publish_bench() {
	local name=$1
	shift
	spawn "publish-$name" "$BENCH" publish -v -d 0 "$@" "$(url "$name")"
	retry 10 is_live "$name" || fail "$name was not published"
}

# play_bench TAG STREAM [OPTIONS of sluice-bench play]: play until stopped;
# output in $TMP/TAG.out.  Sets `spawned`.
play_bench() {
	local tag=$1 name=$2
	shift 2
	spawn "$tag" "$BENCH" play -v -d 0 "$@" "$(url "$name")"
}

is_live() {
	[[ $(stream "$1" .state) == live ]]
}

# has_readers STREAM N
has_readers() {
	[[ $(stream "$1" .readers.total) == "$2" ]]
}

# end_bench PID: end it with its result; its exit status is left to result
end_bench() {
	kill -TERM "$1" 2>/dev/null
	await "$1" 30 || true
}

# result TAG FILTER: jq filter on the result of a sluice-bench that has ended
result() {
	grep '^{' "$TMP/$1.out" | tail -n 1 | jq -er "$2" ||
	    fail "sluice-bench $1 gave no $2"
}

# expect_zero TAG FIELD...: these fields of a result are 0
expect_zero() {
	local tag=$1 field
	shift
	for field; do
		expect "$field of $tag" "$(result "$tag" ".$field")" -eq 0
	done
}

# slot_of STREAM: slot of its publisher's worker
slot_of() {
	stream "$1" .publisher.worker
}

# pid_of SLOT: pid of its worker
pid_of() {
	ctl worker list -j | jq -r ".[] | select(.slot == $1) | .pid"
}

# slot_up SLOT MS: it serves since MS milliseconds or longer
slot_up() {
	[[ $(ctl worker list -j |
	    jq ".[] | select(.slot == $1) | .state == \"up\" and
		.uptime_s * 1000 >= $2") == true ]]
}

# player_ports SLOT STREAM: ports of the players there, one a line, sorted
player_ports() {
	ctl client list -j | jq -r ".[] | select(.worker == $1 and
	    .role == \"play\" and .stream == \"$2\") | .addr" |
	    sed 's/.*://' | sort
}

# end_lines TAG: last lines of the players of a sluice-bench
end_lines() {
	grep -E '^player=.* event=(end|gone|stalled|hung-up) ' "$TMP/$1.out"
}

# expect_kept TAG PORTS-FILE: the players with these ports kept their
# connections, and missed nothing
expect_kept() {
	local lines
	lines=$(end_lines "$1" | sed 's/.* port=\([0-9]*\) .*/\1 &/' |
	    sort | join - "$2")
	expect "players of $1 that kept their connections" \
	    "$(grep -c event=end <<<"$lines")" -eq "$(wc -l <"$2")"
	expect "kept players of $1 that missed something" "$(grep -vcE \
	    'gaps=0 missing=0 skips=[0-9]+ bad=0 order=0 ts=0 ' <<<"$lines")" -eq 0
}

# rings_steady: every ring gives back what is old
rings_steady() {
	[[ $(ctl stream list -j |
	    jq 'map(.since_s - .ring.seconds) | min > 3') == true ]]
}

# segments_low SECONDS: least number of segments in use in that time; a ring's
# own number goes up and down between its keyframes
segments_low() {
	local until=$(($(now_ms) + $1 * 1000)) low=1000000 n
	while [[ $(now_ms) -lt $until ]]; do
		n=$(ctl server status -j | jq .arena.segments_used)
		if [[ $n -lt $low ]]; then low=$n; fi
		sleep 0.1
	done
	echo "$low"
}

no_segments() {
	[[ $(ctl server status -j | jq .arena.segments_used) == 0 ]]
}

# median: of the numbers on stdin
median() {
	sort -n | awk '{ a[NR] = $1 } END { print a[int((NR + 1) / 2)] }'
}

# publish_ffmpeg_on SLOT STREAM: publish_ffmpeg, until it is on that worker
publish_ffmpeg_on() {
	local i
	for ((i = 0; i < 30; i++)); do
		publish_ffmpeg "$2"
		retry 10 is_live "$2" || fail "$2 is not live"
		[[ $(slot_of "$2") != "$1" ]] || return 0
		stop "$spawned"
		retry 10 not_live "$2"
	done
	fail "no connection reached worker $1"
}

not_live() {
	! is_live "$1"
}

# play_ffmpeg_on SLOT STREAM FILE [FFMPEG OPTIONS]: play_ffmpeg, until it plays
# from that worker
play_ffmpeg_on() {
	local slot=$1 i before
	shift
	for ((i = 0; i < 30; i++)); do
		before=$(player_ports "$slot" "$1" | wc -l)
		rm -f "$2"
		play_ffmpeg "$@"
		retry 10 one_plays "$1" "$spawned" || fail "ffmpeg does not play"
		[[ $(player_ports "$slot" "$1" | wc -l) -le $before ]] || return 0
		stop "$spawned"
	done
	fail "no connection reached worker $slot"
}

# one_plays STREAM PID: the process has a connection that plays, or has ended
one_plays() {
	alive "$2" || return 0
	ctl client list -j | jq -r ".[] | select(.role == \"play\" and
	    .stream == \"$1\") | .addr" | sed 's/.*://' | sort >"$TMP/playing"
	[[ -n $(ports_of_process "$2" | sort | join - "$TMP/playing") ]]
}

# ports_of_process PID: local ports of its TCP connections over IPv4
ports_of_process() {
	readlink "/proc/$1/fd/"* | sed -n 's/^socket:\[\(.*\)\]$/\1/p' |
	    awk 'NR == FNR { own[$1]; next }
		$10 in own { sub(".*:", "", $2); print "0x" $2 }' - /proc/net/tcp |
	    while read -r port; do echo $((port)); done
}

# expect_cycle FRAMEMD5 SOURCE: video frames of the first file are those of the
# media file SOURCE, played round and round: none missing, none else.  Prints
# how many.
expect_cycle() {
	local want=$TMP/cycle.md5
	ffmpeg -nostdin -v error -y -i "$2" -map 0:v -c copy -f framemd5 "$want" ||
	    fail "ffmpeg cannot read $2"
	awk -F', *' '/^#/ || $1 != 0 { next }
	    NR == FNR { order[n] = $NF; at[$NF] = n++; next }
	    !($NF in at) { print "frame " m " is none of the source"; exit }
	    m++ && at[$NF] != (last + 1) % n { print "after frame " last " comes " at[$NF]; exit }
	    { last = at[$NF] }
	    END { print m + 0 }' "$want" "$1" >"$TMP/cycle.out"
	grep -qx '[0-9]*' "$TMP/cycle.out" ||
	    fail "$(basename "$1"): $(head -n 1 "$TMP/cycle.out")"
	tail -n 1 "$TMP/cycle.out"
}

# kill_and_serve PID: kill -9, then connect 12 times at once, so that some reach
# the slot that is empty now; prints after how many milliseconds the last one
# had the answer to its handshake
kill_and_serve() {
	perl -MSocket -MTime::HiRes=time,sleep -MFcntl -e '
	my ($pid, $host, $port) = @ARGV;
	my $to = sockaddr_in($port, inet_aton($host));
	sub begin {
		socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
		connect($s, $to) or return undef;
		fcntl($s, F_SETFL, O_NONBLOCK);
		syswrite($s, "\x03" . "\0" x 1536);
		return { s => $s, got => 0 };
	}
	my $start = time;
	kill("KILL", $pid) or die "kill: $!\n";
	# until the kernel has closed its sockets, they may take connections
	while (-e "/proc/$pid/fd/0" && time < $start + 5) { sleep(0.0005); }
	my @c = map { begin() } 1 .. 12;
	for (;;) {
		my $wait = 0;
		for my $c (@c) {
			$c //= begin() // next;
			next if $c->{got} > 1536;
			my $n = sysread($c->{s}, my $b, 4096);
			if (defined $n && $n > 0) { $c->{got} += $n; }
			elsif (defined $n || !$!{EAGAIN}) { $c = undef; }
		}
		$wait = grep { !defined $_ || $_->{got} <= 1536 } @c;
		last if $wait == 0;
		die "$wait of 12 connections not served in 10 s\n" if time > $start + 10;
		sleep(0.001);
	}
	printf "%d\n", (time - $start) * 1000 + 0.5;' "$1" "$HOST" "$PORT"
}
