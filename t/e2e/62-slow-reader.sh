#!/bin/bash
# Players whose network takes half of the stream: they skip from keyframe to
# keyframe, get nothing bad, and stay connected.
# sanitized: no
# timeout: 90
# alone: yes
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need ffmpeg perl ss
seconds=14
if [[ $LONG == 1 ]]; then seconds=60; fi

# slow_proxy RATE PORT: forward connections on PORT to the server; what comes
# back passes at RATE bytes/s each, with little buffered on the way
slow_proxy() {
	perl -MSocket -MIO::Select -MTime::HiRes=time,sleep -e '
	my ($rate, $listen, $host, $port) = @ARGV;
	$SIG{PIPE} = "IGNORE";
	socket(my $l, PF_INET, SOCK_STREAM, 0) or die;
	setsockopt($l, SOL_SOCKET, SO_REUSEADDR, 1);
	bind($l, sockaddr_in($listen, inet_aton($host))) or die "bind: $!";
	listen($l, 64) or die;
	my $set = IO::Select->new($l);
	my (%peer, %server, %credit);
	my $then = time;
	for (;;) {
		my @ready = $set->can_read(0.01);
		my $now = time;
		for my $k (keys %credit) {
			my $c = $credit{$k} + ($now - $then) * $rate;
			$credit{$k} = $c > $rate / 20 ? $rate / 20 : $c;
		}
		$then = $now;
		for my $s (@ready) {
			if ($s == $l) {
				accept(my $c, $l) or next;
				socket(my $u, PF_INET, SOCK_STREAM, 0) or die;
				setsockopt($u, SOL_SOCKET, SO_RCVBUF, 32768);
				connect($u, sockaddr_in($port, inet_aton($host))) or die;
				setsockopt($c, SOL_SOCKET, SO_SNDBUF, 32768);
				$peer{$c} = $u; $peer{$u} = $c;
				$server{$u} = 1; $credit{$u} = 10000;
				$set->add($c, $u);
				next;
			}
			next if !exists $peer{$s};
			my $n = 65536;
			if ($server{$s}) {
				$n = int($credit{$s});
				next if $n < 500;
			}
			my $got = sysread($s, my $b, $n);
			if (!$got) {
				my $o = $peer{$s};
				$set->remove($s, $o);
				delete @peer{$s, $o}; delete @credit{$s, $o};
				close($s); close($o);
				next;
			}
			$credit{$s} -= $got if $server{$s};
			for (my $at = 0; $at < $got;) {
				my $w = syswrite($peer{$s}, $b, $got - $at, $at) // last;
				$at += $w;
			}
		}
		sleep(0.005);
	}' "$1" "$2" "$HOST" "$PORT"
}

proxied() {
	ss -Hltn "sport = :$1" | grep -q LISTEN
}

skipped() {
	[[ $(counter play.skips) -ge $1 ]]
}

APP_XML='<Client><MsgQueue><Live><MaxLag>1500</MaxLag></Live></MsgQueue></Client>'
make_media
start_server -w 2
publish_bench s -r 4M -g 1
publisher=$spawned
publish_ffmpeg film
film=$spawned

# half of the rate: 2 Mbit/s, and of the film's 464 kbit/s
server_port=$PORT
fast=$(free_port)
spawn proxy slow_proxy 250000 "$fast"
slow=$(free_port)
spawn proxy2 slow_proxy 29000 "$slow"
retry 5 proxied "$fast" || fail "no proxy"
retry 5 proxied "$slow" || fail "no proxy"

PORT=$fast
spawn play "$BENCH" play -v -n 8 -d "$seconds" "$(url s)"
play=$spawned
PORT=$slow
spawn decode ffmpeg -nostdin -v error -rw_timeout 15000000 -i "$(url film)" \
    -t "$seconds" -c copy -f framemd5 "$TMP/film.md5"
decode=$spawned
PORT=$server_port
spawn good "$BENCH" play -n 8 -d "$seconds" "$(url s)"
good=$spawned
await "$play" $((seconds + 20)) || true
await "$good" $((seconds + 20)) || fail "other players"

expect_zero play gaps missing bad order_errors ts_errors \
    players.closed_by_server players.failed
expect_zero good gaps missing bad order_errors ts_errors skips
expect "skips seen by players" "$(result play .skips)" -ge $((8 * 2))
expect "skips counted" "$(counter play.skips)" -ge "$(result play .skips)"
note "$(result play .skips) skips of $(result play .skipped) frames; delay at" \
    "most $(result play .delay_ms.max) ms; $(result play .frames) frames," \
    "unthrottled $(result good .frames)"
# what skips does not fall further and further behind
expect "delay" "$(result play '.delay_live_ms.max | floor')" -lt 8000

# every frame that FFmpeg got is one of the film, in order, from a keyframe on
retry $((seconds * 4)) gone "$decode" || stop "$decode"
ffmpeg -nostdin -v error -y -i "$MEDIA" -map 0:v -c copy -f framemd5 \
    "$TMP/source.md5" || fail "ffmpeg cannot read $MEDIA"
awk -F', *' '/^#/ || $1 != 0 { next }
    NR == FNR { at[$NF] = n++; key[n - 1] = (n - 1) % 50 == 0; next }
    !($NF in at) { print "frame " m " is none of the film"; exit 1 }
    m++ && at[$NF] != (last + 1) % n {
	jumps++
	if (!key[at[$NF]]) { print "jump to frame " at[$NF]; exit 1 }
    }
    { last = at[$NF] }
    END { print m + 0 " frames, " jumps + 0 " jumps" }' \
    "$TMP/source.md5" "$TMP/film.md5" >"$TMP/film.check" ||
    fail "ffmpeg: $(cat "$TMP/film.check")"
note "ffmpeg: $(cat "$TMP/film.check")"
stop "$film"
end_bench "$publisher"
stop_server
