#!/bin/bash
# The examples of sluice-edge(7), taken from the page: its files as they stand, on
# machines with the names that it uses; what its encoders publish is played by its
# viewers; in three tiers the middle and an origin are killed and the viewer goes on.
# timeout: 200
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg perl
PAGE=$top_srcdir/man/sluice-edge.7
nets_make viewer origin=origin.example.com edge=edge.example.com \
    origin1=origin1.example.com origin2=origin2.example.com \
    middle1=middle1.example.com middle2=middle2.example.com \
    live=live.customer-a.example tv=tv.customer-b.example stranger=live.stranger.example
clip 8

# The page's files are all there is.
write_conf() {
	mkdir -p "$CONF" "$RUN"
}

# extract: $TMP/page/EXAMPLE/{servers,publish,play,refused} and, for each server,
# $TMP/page/EXAMPLE/conf-SERVER/.  A literal block belongs to the comment before it.
extract() {
	perl -e '
		use File::Path "make_path";
		use File::Basename;
		my ($page, $to) = @ARGV;
		my ($dir, $what, @names, $path, $text);
		sub put { # file, mode, text
			make_path(dirname($_[0]));
			open(my $out, $_[1], $_[0]) or die "$_[0]: $!\n";
			print $out $_[2];
			close($out) or die;
		}
		open(my $in, "<", $page) or die "$page: $!\n";
		while (<$in>) {
			if (/^\.\\" example: (\S+) (.+)/) {
				$dir = "$to/$1";
				put("$dir/servers", ">", "$2\n");
				make_path("$dir/conf-$_") for split / /, $2;
			} elsif (/^\.\\" file: (\S+) (\S+)/) {
				($what, $path, @names) = ("file", $2, split /,/, $1);
			} elsif (/^\.\\" (publish|play|refused): (\S+)/) {
				($what, @names) = ($1, $2);
			} elsif (/^\.Bd -literal/) {
				die "line $.: a block without a comment that says what it is\n" if !$what;
				$text = "";
			} elsif (/^\.Ed/) {
				for my $n (@names) {
					if ($what eq "file") {
						die "line $.: $n is no server\n" if !-d "$dir/conf-$n";
						put("$dir/conf-$n/$path", ">", $text);
					} else {
						my ($url) = $text =~ m{^\$ .* (rtmp://\S+)$} or
							die "line $.: no command with a URL: $text";
						put("$dir/$what", ">>", "$n $url\n");
					}
				}
				($what, $text) = (undef, undef);
			} elsif (defined $text) {
				s/\\-/-/g;
				s/\\&//g;
				die "line $.: unknown escape: $_" if /\\/;
				$text .= $_;
			}
		}' "$PAGE" "$TMP/page" || fail "the examples cannot be taken from $PAGE"
}

waits() {
	[[ $(ctl client list -j | jq '[.[] | select(.role == "wait")] | length') -ge 1 ]]
}
# begin EXAMPLE: its servers run
begin() {
	example=$TMP/page/$1
	read -ra servers <"$example/servers" || fail "the page has no example $1"
	for s in "${servers[@]}"; do
		use_server "$s"
		MASTER=
		rm -rf "${TMP:?}/$s"
		mkdir -p "$TMP/$s"
		cp -r "$example/conf-$s" "$CONF"
		nets_in "$s" "$SLUICE" -t -c "$CONF" >"$TMP/$s.t" 2>&1 || fail "$1: $s: $(cat "$TMP/$s.t")"
		nets_server "$s"
	done
}
end() {
	for s in "${servers[@]}"; do
		use_server "$s"
		[[ -z $MASTER ]] || stop_server
	done
}
# played EXAMPLE: each viewer gets all of what its encoder publishes, from its first
# packet on: it is there before
played() {
	local machine url n=0 players=() publishers=()
	while read -r machine url; do
		n=$((n + 1))
		nets_play "$machine" "$url" "$TMP/$1-$n.md5" || fail "$url"
		players+=("$spawned")
	done <"$example/play"
	expect "$1: viewers" "$n" -gt 0
	while read -r machine url; do
		use_server "$machine"
		retry 15 waits || fail "$1: nobody waits at $machine"
		nets_spawn "$machine" "$1-publish-$machine" ffmpeg -nostdin -v warning -re -i "$MEDIA" \
		    -c copy -flvflags no_duration_filesize -f flv "$url"
		publishers+=("$spawned")
	done <"$example/publish"
	for n in "${publishers[@]}"; do
		await "$n" 60 || fail "$1: an encoder failed"
	done
	for n in "${!players[@]}"; do
		await "${players[n]}" 60 || fail "$1: a viewer failed"
		n=$((n + 1))
		same_media "$TMP/ref.md5" "$TMP/$1-$n.md5" all
		note "$1: viewer $n: $(recorded "$TMP/$1-$n.md5")"
	done
}
# crash SERVER: the machine is gone, so its workers too
crash() {
	local all
	use_server "$1"
	mapfile -t all < <(children "$MASTER")
	{ kill -KILL "$MASTER" "${all[@]}" && wait "$MASTER"; } 2>/dev/null
	printf -v "master_$1" %s ''
}
from() {
	use_server "$1"
	retry 15 comes_from "$2:1935" || fail "$1 gets it from $(edge_hop), not from $2"
}

extract
expect "examples" "$(echo "$TMP"/page/*/servers | wc -w)" -eq 3

begin one
played one
end

# Both origins publish, so a viewer waits at the first only: no played() here.
begin tiers
make_media
while read -r machine url; do
	nets_publish "$machine" "$url"
done <"$example/publish"
for s in origin1 origin2; do
	use_server "$s"
	retry 15 has_event publish.start || fail "$s: nobody publishes"
done
read -r machine url <"$example/play"
nets_play "$machine" "$url" "$TMP/tiers.md5" -flush_packets 1
use_server edge
live() {
	[[ $(edge_hop) == middle?.example.com:1935 ]] && comes_from "$(edge_hop)"
}
retry 15 live || fail "the edge gets nothing: $(ctl edge list)"
used=$(edge_hop)
used=${used%%.*}
other=middle$((3 - ${used#middle}))
from "$used" origin1.example.com
crash "$used"
from edge "$other.example.com"
from "$other" origin1.example.com
crash origin1
from "$other" origin2.example.com
from edge "$other.example.com"
before=$(grep -vc '^#' "$TMP/tiers.md5")
more() {
	[[ $(grep -vc '^#' "$TMP/tiers.md5") -gt $((before + 100)) ]]
}
retry 15 more || fail "the viewer got $(recorded "$TMP/tiers.md5") and then no more"
nets_stop_players
text=$(recorded "$TMP/tiers.md5")
note "tiers: by $used, then $other: $text"
[[ $text == *" back=0 twice=0 "* ]] || fail "the viewer: $text"
end

clip 8
begin explicit
played explicit
use_server edge
read -r machine url <"$example/refused"
nets_spawn "$machine" refused timeout 10 ffmpeg -nostdin -v verbose -i "$url" -f null -
await "$spawned" 15 && fail "$url is not refused"
retry 15 has_event play.failed '.reason == "explicit-host"' ||
    fail "no refusal with reason explicit-host: $(cat "$TMP/refused.out"; tail -n 3 "$LOG")"
end
