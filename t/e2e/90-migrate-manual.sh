#!/bin/bash
# The examples of sluice-migrate(7), as they stand on the page: nginx with its part and Sluice
# with its files do the same for the same clients; the parts of SRS and of Flash Media Server.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/callback.sh"
PATH=$PATH:/usr/sbin
need ffmpeg perl ss
make_media
start_receiver

# The literal blocks of the page by the comment before each: $TMP/page/N-KIND/PATH, N counts
# the sections.  Callbacks go to the receiver.
perl -e '
	use File::Path "make_path";
	use File::Basename;
	my ($page, $to, $http) = @ARGV;
	my ($section, $path, $text) = (0);
	open(my $in, "<", $page) or die;
	while (<$in>) {
		$section++ if /^\.Sh FROM/;
		if (/^\.\\" (nginx|srs|sluice|fms): (\S+)/) {
			$path = "$to/$section-$1/$2";
		} elsif (/^\.Bd -literal/) {
			die "line $.: no comment says what it is\n" if !$path;
			$text = "";
		} elsif (/^\.Ed/) {
			$text =~ s{http://127.0.0.1:8080}{$http}g;
			make_path(dirname($path));
			open(my $out, ">", $path) or die;
			print $out $text;
			close($out);
			($path, $text) = ();
		} elsif (defined($text)) {
			$text .= $_;
		}
	}' "$top_srcdir/man/sluice-migrate.7" "$TMP/page" "$HTTP" || fail "the page"
expect "files on the page" "$(find "$TMP/page" -type f | wc -l)" -eq 7

# server NAME DIRECTORY: Sluice with these files
server() {
	use_server "$1"
	mkdir -p "$CONF"
	cp -R "$TMP/page/$2/." "$CONF"
	start_server -w 1
}
# publish PORT APP/NAME: for five seconds, so that a keyframe is left for who comes late
publish() {
	timeout 20 ffmpeg -nostdin -v error -re -i "$MEDIA" -t 5 -c copy -f flv "rtmp://127.0.0.1:$1/$2" \
	    >"$TMP/ffmpeg.out" 2>&1
}
# play PORT APP/NAME: starts, for a second of it
play() {
	spawn "play-$1-${2//\//-}" timeout 20 ffmpeg -nostdin -v error -i "rtmp://127.0.0.1:$1/$2" -t 1 -c copy -f null -
	player=$spawned
}

# nginx-rtmp and its pair ------------------------------------------------------
modules=${NGINX_MODULES:-/usr/lib/nginx/modules}
servers=sluice
if [[ -e $modules/ngx_rtmp_module.so ]] && command -v nginx >/dev/null; then
	servers='sluice nginx'
	nginx_port=$(free_port)
	{
		echo "load_module $modules/ngx_rtmp_module.so; daemon off; master_process off;"
		echo "pid $TMP/nginx.pid; error_log $TMP/nginx.log info; events {}"
		sed "s/listen 1935;/listen 127.0.0.1:$nginx_port;/" "$TMP/page/1-nginx/nginx.conf"
	} >"$TMP/nginx.conf"
	spawn nginx nginx -c "$TMP/nginx.conf" -p "$TMP" -e "$TMP/nginx.log"
	listens() {
		ss -Hltn "sport = :$nginx_port" | grep -q .
	}
	retry 10 listens || fail "nginx: $(tail -n 2 "$TMP/nginx.log")"
else
	note "nginx with its rtmp module is not here: its half is left out"
fi
server pair 1-sluice
for which in $servers; do
	port=$PORT
	[[ $which == sluice ]] || port=$nginx_port
	: >"$REQUESTS"
	play "$port" live/cam
	live=$player
	retry 10 has_requests '.call == "play" and .name == "cam"' 1 || fail "$which: not asked about play"
	publish "$port" live/cam || fail "$which: live/cam: $(cat "$TMP/ffmpeg.out")"
	await "$live" || fail "$which: no player of live/cam"
	retry 10 has_requests '.call == "publish_done" and .name == "cam"' 1 || fail "$which: not told of the end"
	play "$port" keys/public
	publish "$port" keys/secret || fail "$which: keys/secret: $(cat "$TMP/ffmpeg.out")"
	await "$player" || fail "$which: no player of keys/public"
	publish "$port" closed/x && fail "$which: closed/x was let in"
	requests true | jq -r '[.path, .app, .call, .name] | @tsv' | sort -u >"$TMP/$which.asked"
	expect "questions of $which" "$(wc -l <"$TMP/$which.asked")" -eq 5
done
[[ $servers == sluice ]] || diff "$TMP/nginx.asked" "$TMP/sluice.asked" || fail "the two were not the same"
stop_server

# SRS's pair -------------------------------------------------------------------
server srs 2-sluice
: >"$REQUESTS"
play "$PORT" live/cam
publish "$PORT" live/cam || fail "live/cam with SRS's callbacks"
await "$player" || fail "no player with SRS's callbacks"
retry 10 has_requests '.action == "on_stop"' 1 || fail "on_stop"
expect "actions" "$(requests true | jq -r .action | sort | paste -sd,)" = on_play,on_publish,on_stop
# the same places as SRS's file has
for place in publish play stop; do
	expect "$place in srs.conf" "$(grep -c "on_$place *$HTTP" "$TMP/page/2-srs/srs.conf")" -eq 1
done
stop_server
"$SLUICE" -t -c "$TMP/page/2-srs/srs.conf" >"$TMP/srs.t" 2>&1 && fail "srs.conf is read"
grep -qi srs "$TMP/srs.t" || fail "srs.conf is not recognised: $(cat "$TMP/srs.t")"

# Flash Media Server's ----------------------------------------------------------
"$SLUICE" -t -c "$TMP/page/3-fms" >"$TMP/fms.t" 2>&1 || fail "an FMS tree: $(cat "$TMP/fms.t")"
for element in Queue Bandwidth; do
	grep -q "$element" "$TMP/fms.t" || fail "$element is not named: $(cat "$TMP/fms.t")"
done
grep -q '<MaxTime>10</MaxTime>' "$TMP/fms.t" || fail "MaxTime is not read"
