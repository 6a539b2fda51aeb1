#!/bin/bash
# Viewers through everything that a publisher does: it says goodbye and comes
# back, is killed and comes back, loses its link without a word and comes back
# over its own dead connection.  They keep their connections; what FFmpeg
# recorded never goes back in time, has no frame twice, and begins with a
# keyframe after each return.  (At a goodbye FFmpeg ends by itself: it takes
# UnpublishNotify for the end.  sluice-bench stays.)
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
. "$top_srcdir/t/net.sh"
need ffmpeg ffprobe
make_media
# the encoder on the other machine has no key
APP_XML="<Publish><Allow>all</Allow></Publish>"
net_make
HOST=$NET_HERE
start_server -w 2
VIEWERS=3

# encode [COMMAND...]: a publisher of the film, from its beginning
encode() {
	spawn encoder "$@" ffmpeg -nostdin -v warning -re -stream_loop -1 \
	    -i "$MEDIA" -c copy -f flv "$(url film)"
	encoder=$spawned
}

size_of() {
	stat -c %s "$TMP/viewer$1.flv" 2>/dev/null || echo 0
}

# all_grow: every recording has 60 kB more than before, a second of film
all_grow() {
	local n
	for ((n = 0; n < VIEWERS; n++)); do
		[[ $(size_of $n) -gt $((had[n] + 60000)) ]] || return 1
	done
}

# picture TEXT: everybody gets some film
picture() {
	local n had=()
	for ((n = 0; n < VIEWERS; n++)); do had[n]=$(size_of $n); done
	retry 20 all_grow || fail "no picture $1"
}

ended() {
	[[ $(count_event stream.end "$1") -ge $2 ]]
}

# watch: VIEWERS that record what they get
watch() {
	viewers=()
	for ((n = 0; n < VIEWERS; n++)); do
		rm -f "$TMP/viewer$n.flv"
		spawn "viewer$n" ffmpeg -nostdin -v warning -y \
		    -rw_timeout 60000000 -i "$(url film)" -c copy \
		    -flush_packets 1 -f flv "$TMP/viewer$n.flv"
		viewers+=("$spawned")
	done
	retry 10 waiting $((VIEWERS + 1)) || fail "they do not wait"
}

waiting() {
	[[ $(ctl client list -j |
	    jq 'map(select(.role == "wait" or .role == "play")) | length') == "$1" ]]
}

players() {
	ctl client list -j | jq -c '[.[] |
	    select(.role == "play" or .role == "wait") | .id] | sort'
}

# a goodbye
play_bench stays film -n 1
stays=$spawned
watch
encode
picture "at first"
stop "$encoder"
retry 10 ended '.reason == "unpublished"' 1 || fail "no goodbye"
for ((n = 0; n < VIEWERS; n++)); do
	await "${viewers[n]}" || fail "viewer $n failed at the goodbye"
	mv "$TMP/viewer$n.flv" "$TMP/first$n.flv"
done
closed() {
	events client.close '.reason != "peer-closed"' | wc -l
}
expect "viewers closed at the goodbye" "$(closed)" -eq 0

# they wait again, with the one that has stayed
watch
ids=$(players)
encode
picture "after a goodbye"

# killed
kill -KILL "$encoder"
retry 10 ended '.grace_ms > 0' 1 || fail "the loss is not seen"
encode
picture "after a kill"

# the link is cut, without a FIN: it comes back over its own dead connection
kill -KILL "$encoder"
retry 10 ended '.grace_ms > 0' 2 || fail "the loss is not seen"
encode net_there
picture "from the other machine"
net_cut
sleep 2.5 # longer than PublishTimeout: nothing may be heard of it
encode
retry 10 has_event publish.stop '.reason == "taken-over"' ||
    fail "the dead connection keeps the name"
picture "after a dead link"

expect "viewers that are the same" "$(players)" = "$ids"
for pid in "${viewers[@]}"; do
	alive "$pid" || fail "a viewer has ended"
	kill -INT "$pid"
	await "$pid" || true
done
end_bench "$stays"
stop "$encoder"
expect_zero stays ts_errors players.closed_by_server reconnects

# check FILE: of the recorded packets: dts of each track, no picture twice
# (hash, within one publish), a keyframe first after each gap of the sequence
check() {
	ffprobe -v error -show_packets -show_data_hash md5 -of json "$1" |
	    jq -r '.packets[] | [.codec_type, .dts, .flags[0:1], .data_hash] |
		@tsv' >"$1.packets" || fail "ffprobe cannot read $1"
	awk -v film="$TMP/film.packets" '
	BEGIN {
		while ((getline line < film) > 0) {
			split(line, f, "\t")
			if (f[1] == "video") at[f[4]] = n++
		}
	}
	{ total[$1]++ }
	$1 in dts && $2 <= dts[$1] { print NR ": " $1 " dts " $2 " after " dts[$1]; bad = 1; exit 1 }
	{ dts[$1] = $2 }
	$1 != "video" { next }
	!($4 in at) { print NR ": no picture of the film"; bad = 1; exit 1 }
	v++ && at[$4] == last { print NR ": a picture twice"; bad = 1; exit 1 }
	(v == 1 || at[$4] != (last + 1) % n) {
		if ($3 != "K") { print NR ": no keyframe at a beginning"; bad = 1; exit 1 }
		begins++
	}
	{ last = at[$4] }
	END { if (!bad) print v + 0, total["audio"] + 0, begins + 0 }' "$1.packets"
}
ffprobe -v error -show_packets -show_data_hash md5 -of json "$MEDIA" |
    jq -r '.packets[] | [.codec_type, .dts, .flags[0:1], .data_hash] | @tsv' \
	>"$TMP/film.packets"
# recorded NAME BEGINNINGS: one for each publish of the film from its first frame
recorded() {
	local got pictures sounds begins
	got=$(check "$TMP/$1.flv") || fail "$1: $got"
	note "$1: pictures, sounds, beginnings: $got"
	read -r pictures sounds begins <<<"$got"
	expect "pictures" "$pictures" -gt 20
	expect "sounds" "$sounds" -gt 20
	expect "beginnings" "$begins" -eq "$2"
}
for ((n = 0; n < VIEWERS; n++)); do
	recorded "first$n" 1
	recorded "viewer$n" 4
	expect "complaints of FFmpeg" "$(grep -c 'Non-monoton\|out of order' \
	    "$TMP/viewer$n.out")" -eq 0
done
expect "skips" "$(counter play.skips)" -eq 0
stop_server
