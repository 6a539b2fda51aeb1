#!/bin/bash
# New York, Chicago, Los Angeles: one encoder, declared targets, players in each city.
# The worker that sends to Los Angeles is killed: another one goes on. The cable of
# Chicago is cut for 20 s: New York and Los Angeles lose nothing, Chicago goes on by itself, and
# sluicectl republish list told the truth all along. The master of New York is killed:
# what is live goes on, and the
# workers end some time after the encoder.
# timeout: 200
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg jq
nets_make newyork chicago losangeles client
open='<Publish><Allow>all</Allow></Publish>'
for c in chicago losangeles; do
	use_server "$c"
	APP_XML=$open
	nets_server "$c" -w 1
done
use_server newyork
# shellcheck disable=SC2016,SC2154 # for the server
APP_XML="$open"'<Client><StallTime>5</StallTime></Client><Republish><Target url="rtmp://chicago/${app}"/><Target url="rtmp://losangeles/${app}/${instance}"/></Republish>'
nets_server newyork -w 2
row() { # HOST FILTER
	ctl republish list -j | jq -r --arg h "$1" ".[] | select(.url | contains(\$h)) | $2"
}
is() { # HOST STATE...
	[[ " ${*:2} " == *" $(row "$1" .state) "* ]]
}
expect "idle" "$(ctl republish list -j | jq -c '[.[].state]')" = '["idle","idle"]'

# 62 s of it, all different
long=$TMP/long.flv
ffmpeg -nostdin -v error -y -f lavfi -i testsrc2=size=160x90:rate=25 -f lavfi -i sine=frequency=440:sample_rate=44100 \
    -t 75 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 50 -sc_threshold 0 -b:v 150k -c:a aac -b:a 48k -f flv "$long" ||
    fail "ffmpeg cannot make media"
reference "$long"
play() {
	nets_play client "rtmp://$1/live/demo" "$TMP/$1.md5" -flush_packets 1
	declare -g "player_$1=$spawned"
}
play chicago
play losangeles
nets_spawn client encoder ffmpeg -nostdin -v warning -re -i "$long" -c copy -flvflags no_duration_filesize \
    -f flv rtmp://newyork/live/demo
encoder=$spawned
for c in chicago losangeles; do
	retry 15 is "$c" up || fail "$c is not up: $(ctl republish list)"
done
lines() { # CITY AT-LEAST
	[[ -e $TMP/$1.md5 && $(grep -vc '^#' "$TMP/$1.md5") -ge $2 ]]
}
for c in chicago losangeles; do
	retry 15 lines "$c" 100 || fail "nothing comes to $c"
done
expect "two workers send" "$(ctl republish list -j | jq '[.[].worker] | unique | length')" -eq 2

# the worker that sends to Los Angeles, if it is not the encoder's
home=$(stream demo .publisher.worker)
for c in chicago losangeles; do
	[[ $(row "$c" .worker) == "$home" ]] || away=$c
done
pid=$(ctl worker list -j | jq --argjson w "$(row "$away" .worker)" '.[] | select(.slot == $w or .worker == $w) | .pid')
note "worker $pid sends to $away"
sent=$(count_event push.up)
{ kill -KILL "$pid"; } 2>/dev/null
retry 15 more_events push.up "$sent" || fail "no other worker sends to $away"
retry 10 is "$away" up || fail "$away is not up again: $(ctl republish list)"
expect "that was another connection" "$(row "$away" .retries)" -ge 1
alive "$encoder" || fail "the encoder was ended"
play newyork
retry 15 lines newyork 100 || fail "nothing comes to New York"

# 20 s without Chicago
ups=$(count_event push.up)
nets_cut chicago
cut=$(now_ms)
retry 20 is chicago lost connecting || fail "Chicago is still up: $(ctl republish list)"
[[ $(row chicago .error) != null ]] || fail "no error of Chicago"
expect "Los Angeles is up" "$(row losangeles .state)" = up
past() {
	[[ $(now_ms) -ge $((cut + 20000)) ]]
}
while ! past; do
	is chicago lost connecting || fail "Chicago is said to be $(row chicago .state)"
	is losangeles up || fail "Los Angeles is said to be $(row losangeles .state)"
	sleep 0.5
done
nets_mend chicago
retry 25 is chicago up || fail "Chicago does not come back: $(ctl republish list)"
note "Chicago is back after $(($(now_ms) - cut)) ms, attempts: $(row chicago .retries)"
expect "by one connection" "$(count_event push.up)" -eq $((ups + 1))
now=$(grep -vc '^#' "$TMP/chicago.md5")
retry 15 lines chicago $((now + 50)) || fail "the player in Chicago gets nothing more"

# without a master what is live goes on, and ends
workers=$(workers)
{ kill -KILL "$MASTER" && wait "$MASTER"; } 2>/dev/null
await "$encoder" 90 || fail "the encoder failed"
# nobody tells the players in New York; the others are told when nothing came for 20 s
for c in chicago losangeles; do
	p=player_$c
	await "${!p}" 50 || fail "the player in $c failed"
done
{ kill -KILL "$player_newyork" && wait "$player_newyork"; } 2>/dev/null
NETS_PLAYERS=()
for pid in $workers; do
	retry 15 gone "$pid" || fail "worker $pid of the dead master stays"
done

# whoever is killed has not written the last packets
same_media "$TMP/ref.md5" "$TMP/newyork.md5" part
# each city: what was not interrupted is there bit for bit
pieces() { # FILE: pieces, frames of video, frames missing at the end, pieces that go back
	perl -e '
		my (%at, %last, $pieces, $n);
		my $back = 0;
		my %count;
		open(my $ref, "<", $ARGV[0]) or die;
		while (<$ref>) { next if /^#/; s/\s//g; my @c = split /,/; $at{"$c[0] $c[5]"} = $count{$c[0]}++; }
		open(my $out, "<", $ARGV[1]) or die;
		while (<$out>) {
			next if /^#/; s/\s//g; my @c = split /,/;
			next if $c[4] <= 5;
			my $i = $at{"$c[0] $c[5]"};
			die "a frame that was never published\n" if !defined $i;
			$back++ if $c[0] == 0 && defined $last{0} && $i <= $last{0};
			$pieces++ if $c[0] == 0 && (!defined $last{0} || $i != $last{0} + 1);
			$last{$c[0]} = $i;
			$n++ if $c[0] == 0;
		}
		my $missing = $count{0} - 1 - $last{0};
		print "$pieces $n $missing $back\n";' "$TMP/ref.md5" "$1" || fail "$1 is not what was published"
}
read -r n frames missing _ <<<"$(pieces "$TMP/newyork.md5")"
note "newyork: $frames frames"
expect "newyork: pieces" "$n" -eq 1
expect "newyork: its end" "$missing" -le 3
for c in losangeles chicago; do
	read -r n frames missing back <<<"$(pieces "$TMP/$c.md5")"
	note "$c: $frames frames in $n pieces"
	expect "$c: its end" "$missing" -eq 0
	# what a dead worker had sent since the keyframe is sent again
	most=1
	[[ $c == "$away" ]] || expect "$c: nothing twice" "$back" -eq 0
	[[ $c != chicago ]] || most=$((most + 1))
	[[ $c != "$away" ]] || most=$((most + 1))
	expect "$c: pieces" "$n" -le "$most"
done
for c in chicago losangeles; do
	use_server "$c"
	stop_server
done
