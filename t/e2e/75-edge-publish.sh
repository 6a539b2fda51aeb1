#!/bin/bash
# Publishing through two edges with FFmpeg and GStreamer: every packet arrives at the
# origin, and viewers of both edges get it from there; what the origin refuses is what
# the client is told, word for word; the end goes up; what an edge fetched is given
# up for a publisher; circles are refused.
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg gst-launch-1.0
nets_make edge1 edge2 origin client
clip 6
origin_conf() {
	VHOST_XML=
	APP_XML="$1"
}
use_server origin
origin_conf '<Publish><Allow>all</Allow></Publish>'
nets_server origin
use_server edge2
APP_XML=
edge_conf '*:*;origin:1935'
nets_server edge2
use_server edge1
edge_conf '*:*;edge2:1935'
nets_server edge1

live_at() {
	use_server "$1"
	[[ $(stream "$2" .state) == live ]]
}
gone_at() {
	use_server "$1"
	[[ $(stream "$2" .state) != live ]]
}
published_there() {
	live_at edge1 there && [[ $(ctl client list -j | jq '[.[] | select(.role == "publish")] | length') -eq 1 ]]
}
more_there() {
	[[ -e $TMP/there.md5 && $(grep -vc "^#" "$TMP/there.md5") -ge $1 ]]
}
# same NAME: the recording has every frame; with other times if they were made anew
same() {
	if [[ $1 != gst* ]]; then
		same_media "$TMP/ref.md5" "$TMP/$1.md5" all
		return
	fi
	frames "$TMP/ref.md5" >"$TMP/want"
	frames "$TMP/$1.md5" >"$TMP/is"
	expect "$1: frames that are missing" "$(comm -23 "$TMP/want" "$TMP/is" | wc -l)" -le "$GST_LACKS"
	same_media "$TMP/gst-origin.md5" "$TMP/$1.md5" all
}
frames() {
	grep -v '^#' "$1" | awk -F'[, ]+' '$5 > 5 { print $1, $6 }' | sort
}
# through NAME COMMAND...: publish, with players at all three
through() {
	local name=$1 s players=() publisher
	shift
	for s in edge1 edge2 origin; do
		nets_play client "rtmp://$s/live/$name" "$TMP/$name-$s.md5"
		players+=("$spawned")
	done
	use_server origin
	retry 10 waits_here "$name" || fail "$name: nobody waits at the origin"
	nets_spawn client "publish-$name" "$@"
	publisher=$spawned
	await "$publisher" 60 || fail "$name: the publisher failed"
	for s in "${players[@]}"; do
		await "$s" 30 || fail "$name: a player failed"
	done
	for s in edge1 edge2 origin; do
		same "$name-$s"
		note "$name at $s: $(recorded "$TMP/$name-$s.md5")"
		retry 10 gone_at "$s" "$name" || fail "$name is still live at $s"
	done
}
waits_here() {
	[[ $(ctl client list -j | jq --arg s "$1" '[.[] | select(.role == "wait" and .stream == $s)] | length') -ge 2 ]]
}
through ffmpeg ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy -flvflags no_duration_filesize \
    -f flv rtmp://edge1/live/ffmpeg
# GStreamer makes headers of its own
GST_LACKS=4
through gst gst-launch-1.0 -q filesrc location="$MEDIA" ! flvdemux name=d flvmux name=m streamable=true ! \
    rtmp2sink location=rtmp://edge1/live/gst sync=true d.video ! queue ! h264parse ! m.video d.audio ! queue ! aacparse ! m.audio
use_server edge1
expect "edge1 sends it to" "$(events push.up '.stream == "ffmpeg"' | jq -r .hop)" = edge2:1935
expect "edge1 fetches nothing" "$(count_event edge.up)" -eq 0
use_server origin
expect "at the origin" "$(count_event publish.start)" -eq 2

# The same words: asked at the origin itself, and through both edges.
# says NAME MACHINE STREAM: the status of a publish
says() {
	HOST=$(nets_addr "$2")
	nets_in client timeout 20 "$PROBE" "$HOST" 1935 >"$TMP/$1.json" <<END || fail "$1: $(tail -n 2 "$TMP/$1.json")"
$GREET
cmd 1 publish 3 null s:$3 s:live
limit 8000
wait name=onStatus
END
	jq -c 'select(.name == "onStatus") | {level, code, description, details}' "$TMP/$1.json" | tail -n 1
}
nets_publish client rtmp://edge1/live/taken
publisher=$spawned
retry 10 live_at origin taken || fail "taken is not live at the origin"
direct=$(says direct origin taken)
expect "BadName" "$(jq -r .code <<<"$direct")" = NetStream.Publish.BadName
expect "through two edges" "$(says via edge1 taken)" = "$direct"
expect "through one" "$(says via2 edge2 taken)" = "$direct"
live_at edge1 taken || fail "the publisher of the name was disturbed"
expect "who sends it on is no viewer" "$(stream taken .readers.total)" -eq 0
alive "$publisher" || fail "the publisher of the name was ended"
stop "$publisher"
for s in origin edge2 edge1; do
	retry 5 gone_at "$s" taken || fail "taken is still live at $s"
done

# A name that the edges fetch already, for viewers, when its publisher comes.
nets_play client rtmp://edge1/live/there "$TMP/there.md5" -flush_packets 1
player=$spawned
nets_publish origin rtmp://origin/live/there
first=$spawned
retry 10 live_at edge1 there || fail "there is not fetched"
{ kill -KILL "$first" && wait "$first"; } 2>/dev/null
nets_publish client rtmp://edge1/live/there
retry 15 published_there || fail "there is not published: $(ctl stream list)"
retry 15 more_there 60 || fail "its viewer gets nothing"
stop "$spawned"
NETS_PLAYERS=()
await "$player" 30 || note "the player ended with an error"
note "there: $(recorded "$TMP/there.md5")"
expect "times never go back" "$(recorded "$TMP/there.md5" | grep -c 'back=0')" -eq 1

# A circle, and nobody there.
for s in edge1 edge2; do
	use_server $s
	stop_server
	rm -rf "${TMP:?}/$s"
done
use_server edge1
edge_conf '*:*;edge2:1935'
nets_server edge1
use_server edge2
edge_conf '*:*;edge1:1935'
nets_server edge2
expect "a circle" "$(says circle edge1 round | jq -r .code)" = NetStream.Publish.Denied
use_server edge1
expect "it is named" "$(count_event publish.refused '.reason == "loop"')" -eq 1
use_server edge2
stop_server
# refused at connect by a worker that knows nothing of edge2, else at publish
HOST=$(nets_addr edge1)
nets_in client timeout 20 "$PROBE" "$HOST" 1935 >"$TMP/nobody" <<END || true
$GREET
cmd 1 publish 3 null s:round s:live
limit 15000
wait name=onStatus
END
grep -q 'refused\|lost\|no server above answers' "$TMP/nobody" || fail "nobody there: $(cat "$TMP/nobody")"
use_server edge1
stop_server
use_server origin
stop_server
rm -rf "$TMP/origin" "$TMP/edge1"

# Who is not allowed by the origin.
use_server origin
origin_conf ''
nets_server origin
use_server edge1
edge_conf '*:*;origin:1935'
nets_server edge1
denied=$(says denied edge1 mine)
expect "refused by the origin" "$(jq -r .description <<<"$denied")" = "$(nets_addr edge1) needs a key to publish live/mine here: sluicectl stream url live/mine"
use_server origin
expect "its event" "$(count_event publish.refused '.stream == "mine"')" -eq 1
stop_server
rm -rf "$TMP/origin"

# With TrustedEdges it is the client who is judged, not the edge.
use_server origin
origin_conf "<Publish><Allow>$(nets_addr client)</Allow></Publish>"
VHOST_XML="<TrustedEdges>$(nets_addr edge1)</TrustedEdges>"
nets_server origin
expect "the client may" "$(says may edge1 mine2 | jq -r .code)" = NetStream.Publish.Start
use_server origin
expect "it is the client's" "$(events publish.start '.stream == "mine2"' | jq -r '.addr | sub(":[0-9]*$"; "")')" = "$(nets_addr client)"
# the edge itself, and what another one says of itself, are not
expect "the edge may not" "$(nets_in edge1 timeout 20 ffmpeg -nostdin -v error -i "$MEDIA" -c copy -f flv \
    "rtmp://$(nets_addr origin)/live/mine3" 2>&1 | grep -c 'needs a key')" -ge 1
for s in edge1 origin; do
	use_server $s
	stop_server
done
