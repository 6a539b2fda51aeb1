#!/bin/bash
# The next server is not to be trusted: it answers with garbage, with good answers that
# were changed here and there, with media that nobody asked for, and hangs up.  The edge
# lives, no worker ends, memory comes back, and a good server is used at once.
# timeout: 150
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need perl
other=$(free_port)
SERVER_XML='<ResourceLimits><MaxWaitingNames>200</MaxWaitingNames></ResourceLimits>'
VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RequestTimeout>6</RequestTimeout><LingerTime>1</LingerTime>
<RouteTable><RouteEntry>*:*;127.0.0.1:$other</RouteEntry></RouteTable></Proxy>"
APP_XML='<Client><MaxStreams>64</MaxStreams></Client>'
start_server -w 2

cat >"$TMP/bad.pl" <<'END'
use strict;
use Socket;
my ($port, $seed) = @ARGV;
srand($seed);
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = 'IGNORE';
sub str { pack("C n/a*", 2, $_[0]) }
sub num { pack("C", 0) . pack("d>", $_[0]) }
sub prop { pack("n/a*", $_[0]) . $_[1] }
sub obj { pack("C", 3) . join("", @_) . pack("n C", 0, 9) }
my $null = pack("C", 5);
sub message {	# type, msid, ts, payload in chunks of 128
	my ($type, $msid, $ts, $p) = @_;
	my $csid = $type == 20 ? 3 : $type == 9 ? 6 : 4;
	my $out = pack("C", $csid) . substr(pack("N", $ts), 1) . substr(pack("N", length $p), 1) .
	    pack("C V", $type, $msid);
	$out .= substr($p, 0, 128, "");
	$out .= pack("C", 0xc0 | $csid) . substr($p, 0, 128, "") while length $p;
	return $out;
}
sub status {
	message(20, $_[0], 0, str("onStatus") . num(0) . $null . obj(prop("level", str($_[2] // "status")),
	    prop("code", str($_[1])), prop("description", str("x" x int(rand(300))))));
}
sub good {
	my @m = (message(20, 0, 0, str("_result") . num(1) . obj(prop("fmsVer", str("FMS/5"))) .
	    obj(prop("level", str("status")), prop("code", str("NetConnection.Connect.Success")),
	    rand() < .5 ? prop("sluiceNode", str("0123456789abcdef")) : (),
	    rand() < .5 ? prop("sluiceTree", num(1)) : ())));
	push @m, message(20, 0, 0, str("_result") . num($_ + 1) . $null . num($_)) for 1 .. 70;
	push @m, status($_, "NetStream.Play.Start") for 1 .. 70;
	for my $i (1 .. 40) {
		push @m, message(9, 1 + int(rand(4)), 1000 + $i * 40, pack("C*", $i == 1 ? 0x17 : 0x27, $i > 1, 0, 0, 0) .
		    "v" x int(rand(900)));
		push @m, message(8, 1 + int(rand(4)), 1000 + $i * 40, pack("C*", 0xaf, 1) . "a" x int(rand(200)));
		push @m, message(18, 1, 0, str("onMetaData") . obj(prop("a", num($i))));
	}
	push @m, status(1, "NetStream.Play.UnpublishNotify"), status(2, "NetStream.Play.Failed", "error"),
	    message(20, 0, 0, str("close") . num(0) . $null), message(1, 0, 0, pack("N", 4096)),
	    message(4, 0, 0, pack("n N", 6, 7)), message(3, 0, 0, pack("N", 99)), message(22, 1, 0, "x" x 60);
	return @m;
}
sub random { join("", map { chr(int(rand(256))) } 1 .. $_[0]) }
socket(my $l, PF_INET, SOCK_STREAM, 0) or die;
setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
bind($l, sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!";
listen($l, 100) or die;
while (accept(my $c, $l)) {
	my $s = int(rand(1 << 30));
	if (fork()) { close $c; next; }
	close $l;
	srand($s);
	alarm 8;
	my $kind = int(rand(6));
	my ($buf, $got) = ("", 0);
	if ($kind == 0) { syswrite($c, random(int(rand(5000)))); exit; }
	while ($got < 1537) { my $n = sysread($c, $buf, 4096); exit if !$n; $got += $n; }
	syswrite($c, chr(3) . random(1536 * 2));
	exit if $kind == 1 && rand() < .5;
	my @m = good();
	@m = sort { rand() <=> .5 } @m if $kind == 2;
	my $all = join("", @m);
	if ($kind >= 3) {
		for (1 .. 1 + int(rand(12))) { substr($all, int(rand(length $all)), 1) = random(1); }
	}
	$all = substr($all, 0, int(rand(length $all))) if $kind == 5;
	$all .= random(2000) if $kind == 4;
	while (length $all) {
		my $n = syswrite($c, substr($all, 0, 1 + int(rand(3000)), "")) // exit;
		select(undef, undef, undef, .001) if rand() < .1;
	}
	sleep 1 if rand() < .3;
	exit;
}
END
spawn bad perl "$TMP/bad.pl" "$other" "$RANDOM"
bad=$spawned
before=$(count_event worker.exit)
{
	echo "open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe }
wait name=_result txn=1"
	for ((n = 1; n <= 50; n++)); do
		echo "cmd 0 createStream $((n + 1)) null"
	done
	echo "wait 50 name=_result"
	for ((n = 1; n <= 50; n++)); do
		echo "cmd $n play $((n + 100)) null s:n$n n:-2000"
	done
	echo "read 15000"
} >"$TMP/many.script"
for n in 1 2 3; do
	probe_start "many$n" "$TMP/many.script"
done
connects() {
	[[ $(counter upstream.connects) -ge $1 ]]
}
retry 40 connects 150 || fail "only $(counter upstream.connects) connections were made"
stop "$bad"
note "$(counter upstream.connects) connections, $(counter upstream.failures) failures, $(count_event edge.up) times media came"
expect "workers that ended" "$(count_event worker.exit)" -eq "$before"

# a good one in its place
clip 4
use_server good
PORT=$other
VHOST_XML=''
start_server -w 1
publish_ffmpeg fine
use_server s
play_ffmpeg fine "$TMP/fine.md5" -t 2
await "$spawned" 40 || fail "nothing came from the good server"
[[ $(grep -vc '^#' "$TMP/fine.md5") -gt 40 ]] || fail "too little came from the good server"
nothing_fetched() {
	ctl edge list -j | is_true 'length == 0'
}
retry 40 nothing_fetched || fail "still fetched: $(ctl edge list)"
none_upstream() {
	[[ $(ctl client list -j | jq '[.[] | select(.role == "upstream")] | length') -eq 0 ]]
}
retry 15 none_upstream || fail "connections are left: $(ctl client list)"
expect "workers that ended" "$(count_event worker.exit)" -eq "$before"
stop_server
use_server good
stop_server
