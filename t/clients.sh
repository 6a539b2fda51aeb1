# t/clients.sh - clients of other makes, and what they wrote; after rtmp.sh.
#
# Each play_* starts one player in the background that writes $TMP/TAG.flv (or
# .ts) and sets `spawned`; each publish_* sends a file once, in real time.
# shellcheck shell=bash disable=SC2154,SC2034 # lib.sh

# play_rtmpdump TAG STREAM [OPTIONS]: librtmp, by its own program
play_rtmpdump() {
	local tag=$1 name=$2
	shift 2
	spawn "$tag" rtmpdump -v -r "rtmp://$HOST:$PORT/live" -y "$name" \
	    -o "$TMP/$tag.flv" "$@"
}

# play_rtmpdump_digest TAG STREAM: with a signed handshake, as for a server that
# verifies the player (hash and size of a SWF file of nobody)
play_rtmpdump_digest() {
	play_rtmpdump "$1" "$2" -z -x 4711 \
	    -w 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
}

# play_gst TAG STREAM ELEMENT: rtmpsrc (librtmp) or rtmp2src.  Neither ends with the
# stream: rtmpsrc connects again, and may hang when it is interrupted.
play_gst() {
	local location
	location=$(url "$2")
	[[ $3 != rtmpsrc ]] || location+=' live=1'
	spawn "$1" gst-launch-1.0 -q "$3" location="$location" ! \
	    filesink buffer-mode=unbuffered location="$TMP/$1.flv"
}

# VLC refuses to run as root.
vlc() {
	local as=()
	[[ $EUID != 0 ]] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	env HOME="$TMP/vlc" "${as[@]}" cvlc "$@"
}

vlc_home() {
	mkdir -p "$TMP/vlc"
	chmod 1777 "$TMP/vlc"
}

# play_vlc TAG STREAM: writes $TMP/vlc/TAG.ts
play_vlc() {
	vlc_home
	spawn "$1" vlc -q --no-sout-all --play-and-exit --network-caching=300 \
	    "$(url "$2")" --sout "#std{access=file,mux=ts,dst=$TMP/vlc/$1.ts}" vlc://quit
}

# publish_gst STREAM FILE ELEMENT: rtmpsink (librtmp) or rtmp2sink; H.264, AAC.
# The muxer changes times; what was sent is in $TMP/STREAM.flv.
publish_gst() {
	local location
	location=$(url "$1")
	[[ $3 != rtmpsink ]] || location+=' live=1'
	spawn "publish-$1" gst-launch-1.0 -q filesrc location="$2" ! flvdemux name=in \
	    flvmux name=out streamable=true ! tee name=both \
	    both. ! queue ! "$3" location="$location" \
	    both. ! queue ! filesink location="$TMP/$1.flv" \
	    in.video ! queue ! identity sync=true ! out.video \
	    in.audio ! queue ! identity sync=true ! out.audio
}

# publish_vlc STREAM FILE: what it sent is in $TMP/vlc/STREAM.flv
publish_vlc() {
	local mux='access=file,mux=avformat{mux=flv}'
	vlc_home
	spawn "publish-$1" vlc -q --play-and-exit "$2" --sout \
	    "#duplicate{dst=std{${mux/file/avio},dst=$(url "$1")},dst=std{$mux,dst=$TMP/vlc/$1.flv}}" \
	    vlc://quit
}

# waiting N: so many players wait for a publisher
waiting() {
	ctl client list -j |
	    is_true "[.[] | select(.role == \"wait\")] | length == $1"
}

# flv_md5 FLV MD5: what is in an FLV file, as FFmpeg sees it
flv_md5() {
	ffmpeg -nostdin -v error -y -i "$1" -c copy -f framemd5 "$2" ||
	    fail "$1 cannot be read"
}

# same_tags REFERENCE OUT [TO]: the audio and video messages of OUT (FLV, as it
# came over RTMP) are one piece of those in REFERENCE, byte by byte, each kind
# from its codec header on, times with one offset modulo 2^32 and never back.
# TO: "end" or "all" as for same_media.  Prints the first and last time.
same_tags() {
	compare_tags "$@" || fail "$2 is not what was published"
}

# tags_came REFERENCE OUT [TO]: the same without a word, for retry
tags_came() {
	compare_tags "$@" >/dev/null 2>&1
}

compare_tags() {
	perl -MDigest::MD5=md5_hex -e '
		my ($ref_file, $out_file, $to) = @ARGV;
		sub tags {
			my (%f, $file);
			local $/;
			open(my $in, "<:raw", $_[0]) or die "$_[0]: $!\n";
			$file = <$in>;
			my $at = 13;
			while ($at + 11 <= length $file) {
				my ($type, $l1, $l2, $t1, $t2, $t3) =
					unpack("CCnCnC", substr($file, $at, 11));
				my $len = $l1 << 16 | $l2;
				last if $at + 11 + $len > length $file;
				my $body = substr($file, $at + 11, $len);
				$at += 15 + $len;
				next if ($type != 8 && $type != 9) || $len < 2;
				my $second = ord(substr($body, 1, 1));
				next if $type == 9 && $second == 2;
				push @{$f{$type}}, [$t3 << 24 | $t1 << 16 | $t2,
					md5_hex($body), $second == 0];
			}
			return \%f;
		}
		my ($ref, $out) = (tags($ref_file), tags($out_file));
		my (%offset, $first, $last);
		for my $s (sort keys %$ref) {
			my ($r, $o) = ($ref->{$s}, $out->{$s} // []);
			die "type $s: nothing\n" if !@$o;
			die "type $s: does not begin with the codec header\n"
				if !$o->[0][2] || $o->[0][1] ne $r->[0][1];
			# codec headers may come again, at other times
			my @r = grep { !$_->[2] } @$r;
			my @o = grep { !$_->[2] } @$o;
			die "type $s: only a header\n" if !@o;
			my @at = grep { $r[$_][1] eq $o[0][1] } 0 .. $#r;
			die "type $s: the first was never published\n" if !@at;
			my ($best, $most) = (-1, 0);
			for my $i (@at) {
				my $n = 0;
				$n++ while $n <= $#o && $i + $n <= $#r &&
					$r[$i + $n][1] eq $o[$n][1];
				$most = $n if $n > $most;
				$best = $i, last if $n == @o;
			}
			die "type $s: number $most of " . @o . " differs\n"
				if $best < 0;
			die "type $s: begins at $best\n" if $to eq "all" && $best;
			my $left = @r - $best - @o;
			die "type $s: the last $left are missing\n"
				if $to ne "part" && $left;
			for my $n (0 .. $#o) {
				my $d = ($o[$n][0] - $r[$best + $n][0]) & 0xffffffff;
				$offset{$d}++;
			}
			($first, $last) = ($o[0][0], $o[-1][0]) if $s == 9 || !defined $first;
		}
		my @offsets = sort { $a <=> $b } keys %offset;
		die "offsets of times: @offsets\n" if @offsets != 1;
		print "$first $last\n";
	' "$1" "$2" "${3:-part}"
}

# decoded FILE TAG: $TMP/TAG.v with every picture and $TMP/TAG.a with every sound
# packet of FILE, times as in the file
decoded() {
	local bsf=()
	[[ $1 != *.ts ]] || bsf=(-bsf:a aac_adtstoasc)
	ffmpeg -nostdin -v error -y -copyts -i "$1" -map 0:v -vsync passthrough \
	    -enc_time_base 1:1000 -f framemd5 "$TMP/$2.v" \
	    -map 0:a -c copy "${bsf[@]}" -f framemd5 "$TMP/$2.a" ||
	    fail "$1 cannot be read"
}

# For a player that packs anew: pictures as decoded
# and packets of sound are those of REFERENCE without a gap (its own end may lack
# some), pictures and sound with one offset of time, but for the first FREE of each.
same_pictures() { # REFERENCE OUT [FREE]
	decoded "$1" want
	decoded "$2" have
	perl -e '
		sub frames {
			my ($tb, @f) = (0.001);
			open(my $in, "<", $_[0]) or die "$_[0]: $!\n";
			while (<$in>) {
				$tb = $1 / $2 if m{^#tb 0: (\d+)/(\d+)};
				next if /^#/;
				s/\s//g;
				my @c = split /,/;
				push @f, [$c[2] * $tb * 1000, $c[5]];
			}
			return @f;
		}
		my ($least, $most);
		for my $kind ("v", "a") {
			my @want = frames("$ARGV[0]/want.$kind");
			my @have = frames("$ARGV[0]/have.$kind");
			die "$kind: only " . @have . " of " . @want . "\n"
				if @have < 0.8 * @want;
			my $at = 0;
			$at++ while $at < @want && $want[$at][1] ne $have[0][1];
			die "$kind: the first was never published\n" if $at == @want;
			for my $n (0 .. $#have) {
				my $w = $want[$at + $n];
				die "$kind: number $n differs\n"
					if !defined $w || $w->[1] ne $have[$n][1];
				next if $n < $ARGV[1];
				my $d = $have[$n][0] - $w->[0];
				$least = $d if !defined $least || $d < $least;
				$most = $d if !defined $most || $d > $most;
			}
			print "$kind: " . @have . " of " . @want . "; ";
		}
		# both sides round to milliseconds
		die "offsets from $least to $most ms\n" if $most - $least > 2;
		printf "offset %.1f ms\n", $least;
	' "$TMP" "${3:-0}" || fail "$2 is not what was published"
}

# newer_ffmpeg: npm's node-av, a binding with FFmpeg 8 inside, in the build
# directory; skips the test if it cannot be had
newer_ffmpeg() {
	need node npm
	export NODE_AV=$top_builddir/t-av
	if [[ ! -e $NODE_AV/complete ]]; then
		mkdir -p "$NODE_AV"
		timeout 200 npm install --prefix "$NODE_AV" --ignore-scripts --no-audit \
		    --no-fund --loglevel=error node-av@6.1.1 >"$TMP/npm.out" 2>&1 ||
		    skip "npm cannot install node-av: $(head -n 1 "$TMP/npm.out")"
		: >"$NODE_AV/complete"
	fi
}

# av NAME ARGUMENTS of av.mjs: in the background; sets `spawned`
av() {
	local name=$1
	shift
	spawn "$name" node "$top_srcdir/t/e2e/av.mjs" "$@"
}
