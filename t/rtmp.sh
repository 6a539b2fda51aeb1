# t/rtmp.sh - for the scripts of t/e2e that look at RTMP itself; after lib.sh.
# shellcheck shell=bash disable=SC2034 # variables are for the scripts

# shellcheck disable=SC2154 # of lib.sh
PROBE=$top_builddir/probe
[[ -x $PROBE ]] || skip "probe is not built"

# Where a probe connects to; a publisher and a player up to createStream.
GREET='open
hello
cmd 0 connect 1 { app s:live tcUrl s:rtmp://localhost/live flashVer s:probe }
wait name=_result txn=1
chunk 65536
cmd 0 createStream 2 null
wait name=_result txn=2'

# probe NAME: a script of t/e2e/probe.c from stdin; events in $TMP/NAME.json.
# Fails the test when the probe waits in vain.
probe() {
	timeout 60 "$PROBE" "$HOST" "$PORT" >"$TMP/$1.json" 2>"$TMP/$1.out" ||
	    fail "probe $1: $(tail -n 1 "$TMP/$1.out"), last: $(tail -n 3 "$TMP/$1.json")"
}

# probe_start NAME FILE: the same in the background; sets `spawned`
probe_start() {
	# shellcheck disable=SC2016 # expanded by the shell inside
	spawn "$1" bash -c 'exec "$1" "$2" "$3" <"$4" >"$5"' probe \
	    "$PROBE" "$HOST" "$PORT" "$2" "$TMP/$1.json"
}

# got NAME FILTER: number of a probe's events for which the jq filter is true
got() {
	jq -c "select($2)" "$TMP/$1.json" | wc -l
}

# has_got NAME FILTER: at least one, for retry
has_got() {
	[[ -e $TMP/$1.json && $(got "$1" "$2") -gt 0 ]]
}

# same_media REFERENCE OUT [TO]: OUT, written by -f framemd5, is one piece of
# what REFERENCE has, from a keyframe on, without a gap and with one constant
# offset of all timestamps.  TO: "end" if OUT must also have its last frame;
# "all" for every frame.  FIRST-FRAME pairs "stream hash" that may begin OUT are
# the keyframes in $TMP/keys if that exists.
same_media() {
	perl -e '
		my ($ref_file, $out_file, $to, $keys) = @ARGV;
		sub frames {
			my %f;
			open(my $in, "<", $_[0]) or die "$_[0]: $!\n";
			while (<$in>) {
				next if /^#/;
				s/\s//g;
				my ($s, $dts, $pts, $d, $size, $hash) = split /,/;
				# an end of sequence is no frame
				push @{$f{$s}}, [$dts, $pts, $hash] if $size > 5;
			}
			return \%f;
		}
		my ($ref, $out) = (frames($ref_file), frames($out_file));
		my (%key, %offset);
		if (-e $keys) {
			open(my $in, "<", $keys);
			while (<$in>) { chomp; $key{$_} = 1; }
		}
		for my $s (sort keys %$ref) {
			my ($r, $o) = ($ref->{$s}, $out->{$s} // []);
			die "stream $s: no frames\n" if !@$o;
			die "stream $s: does not begin with a keyframe\n"
				if %key && $s == 0 && !$key{$o->[0][2]};
			my @at = grep { $r->[$_][2] eq $o->[0][2] } 0 .. $#$r;
			die "stream $s: the first frame was never published\n" if !@at;
			my ($best, $why) = (-1, "");
			for my $i (@at) {
				my $n = 0;
				$n++ while $n <= $#$o && $i + $n <= $#$r &&
					$r->[$i + $n][2] eq $o->[$n][2];
				$best = $i, last if $n == @$o;
				$why = "frame $n of " . @$o . " differs";
			}
			die "stream $s: $why\n" if $best < 0;
			die "stream $s: begins at frame $best\n" if $to eq "all" && $best;
			my $left = @$r - $best - @$o;
			die "stream $s: the last $left frames are missing\n"
				if $to ne "part" && $left;
			for my $n (0 .. $#$o) {
				$offset{$o->[$n][$_] - $r->[$best + $n][$_]}++ for 0, 1;
			}
		}
		my @offsets = sort { $a <=> $b } keys %offset;
		die "offsets of timestamps: @offsets\n" if @offsets != 1;
	' "$1" "$2" "${3:-part}" "$TMP/keys" || fail "$2 is not what was published"
}

# reference FILE: what a player must get of FILE: $TMP/ref.md5 and $TMP/keys
reference() {
	ffmpeg -nostdin -v error -y -i "$1" -c copy -f framemd5 "$TMP/ref.md5" &&
	    ffmpeg -nostdin -v error -y -skip_frame nokey -i "$1" -map 0:v \
		-c copy -f framemd5 "$TMP/all.md5" || fail "no reference"
	local keys
	keys=$(ffprobe -v error -select_streams v -show_entries packet=flags \
	    -of csv=p=0 "$1" | grep -n K | cut -d: -f1)
	grep -v '^#' "$TMP/all.md5" | tr -d ' ' | cut -d, -f6 >"$TMP/hashes"
	local n
	for n in $keys; do
		sed -n "${n}p" "$TMP/hashes"
	done >"$TMP/keys"
	[[ -s $TMP/keys ]] || fail "no keyframes in $1"
}

# clip SECONDS: $MEDIA becomes so many seconds of the usual clip, to be
# published once, with its reference
clip() {
	local file=$top_builddir/t-media/clip$1.flv part
	make_media
	if [[ ! -e $file ]]; then
		part=$file.$$.flv
		ffmpeg -nostdin -v error -y -stream_loop -1 -i "$MEDIA" -t "$1" \
		    -c copy -f flv "$part" || fail "ffmpeg cannot make $file"
		mv "$part" "$file"
	fi
	MEDIA=$file
	reference "$file"
}

# publish_once STREAM: publish $MEDIA to its end in real time; sets `spawned`
publish_once() {
	spawn "publish-$1" ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy \
	    -flvflags no_duration_filesize -f flv "$(url "$1")"
}

# bench NAME MODE ARGUMENTS...: sluice-bench, its result in $TMP/NAME.json;
# fails the test when it fails
bench() {
	local name=$1
	shift
	timeout 120 "$BENCH" "$@" >"$TMP/$name.json" 2>"$TMP/$name.out" ||
	    fail "sluice-bench $*: $(cat "$TMP/$name.json" "$TMP/$name.out")"
}

# bench_start NAME MODE ARGUMENTS...: in the background; sets `spawned`
bench_start() {
	local name=$1
	shift
	# shellcheck disable=SC2016
	spawn "$name" bash -c 'out=$1; shift; exec "$@" >"$out"' bench \
	    "$TMP/$name.json" "$BENCH" "$@"
}

# result NAME FILTER: of a sluice-bench that has ended
result() {
	jq -r "$2" "$TMP/$1.json"
}

# clean NAME: a player of sluice-bench got every frame, right and in order
clean() {
	is_true '.frames > 0 and .gaps == 0 and .missing == 0 and .bad == 0 and
	    .order_errors == 0 and .ts_errors == 0 and .skips == 0 and
	    .players.failed == 0 and .players.closed_by_server == 0 and
	    .players.without_media == 0' "$TMP/$1.json" ||
	    fail "$1: $(cat "$TMP/$1.json")"
}

# players STREAM FILTER: jq filter over the array of workers' reader counts
readers() {
	stream "$1" ".readers | $2"
}

# nginx_rtmp_conf PORT MODULES: $TMP/nginx/nginx.conf of an nginx with its RTMP module
nginx_rtmp_conf() {
	mkdir -p "$TMP/nginx"
	cat >"$TMP/nginx/nginx.conf" <<END
load_module $2/ngx_rtmp_module.so;
daemon off;
worker_processes 1;
pid $TMP/nginx/nginx.pid;
error_log $TMP/nginx/error.log warn;
events { worker_connections 256; }
rtmp { server { listen 127.0.0.1:$1; application live { live on; } } }
END
}
