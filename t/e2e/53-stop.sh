#!/bin/bash
# SIGTERM under load: everything ends in time with status 0, and clients are
# told why.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need perl
players=40

# raw_client: connect to the application and stay; what the server says until it
# closes
raw_client() {
	perl -MSocket -e '
	my ($host, $port) = @ARGV;
	alarm(40);
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
	connect($s, sockaddr_in($port, inet_aton($host))) or die "connect: $!";
	sub want { my ($n) = @_; my $b = "";
		while (length $b < $n) { sysread($s, $b, $n - length $b, length $b) or die "end"; }
		return $b; }
	sub str { return pack("na*", length $_[0], $_[0]); }
	syswrite($s, "\x03" . "\0" x 1536);
	my $answer = want(1 + 1536 + 1536);
	syswrite($s, substr($answer, 1, 1536));
	my $c = "\x02" . str("connect") . "\0" . pack("d>", 1) . "\x03" .
	    str("app") . "\x02" . str("live") .
	    str("tcUrl") . "\x02" . str("rtmp://$host:$port/live") . "\0\0\x09";
	my $head = "\x03" . "\0\0\0" . substr(pack("N", length $c), 1) . "\x14" . "\0\0\0\0";
	my $out = $head;
	while (length $c > 128) { $out .= substr($c, 0, 128, "") . "\xc3"; }
	syswrite($s, $out . $c);
	$| = 1;
	while (sysread($s, my $b, 65536)) { print $b; }' "$HOST" "$PORT"
}

start_server -w 2
publish_bench s -r 1M
publisher=$spawned
play_bench play s -n "$players" -R 400
play=$spawned
raw=()
for i in 1 2 3 4; do
	spawn "raw$i" raw_client
	raw+=("$spawned")
	retry 10 grep -aq NetConnection.Connect.Success "$TMP/raw$i.out" ||
	    fail "the raw client is not let in"
done
retry 20 has_readers s "$players" || fail "not everybody plays"
start=$(now_ms)
stop_server
took=$(($(now_ms) - start))
note "ended in $took ms"
expect "time to end" "$took" -lt $((6000 * TIME_SCALE))
for i in 1 2 3 4; do
	await "${raw[i - 1]}" || true
	grep -aq NetConnection.Connect.AppShutdown "$TMP/raw$i.out" ||
	    fail "client $i is not told"
done
end_bench "$play"
end_bench "$publisher"
expect_zero play gaps missing bad order_errors ts_errors
expect "players told" "$(result play '[.errors[] |
    select(.text == "NetConnection.Connect.AppShutdown") | .count] | add')" \
    -eq "$players"
expect "publisher told" "$(result publish-s '[.errors[] |
    select(.text == "NetConnection.Connect.AppShutdown")] | length')" -eq 1
expect "stop in the log" "$(count_event server.stop '.status == 0')" -eq 1
