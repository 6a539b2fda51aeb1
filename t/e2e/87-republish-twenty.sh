#!/bin/bash
# One stream to 20 targets, of which one stalls (SIGSTOP) and one refuses; among them
# nginx-rtmp and FFmpeg as a server. The others, the publisher and its viewers lose
# nothing, memory is bounded, and the list tells the truth. The stalled one goes on at
# a keyframe when it runs again.
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq ffmpeg
modules=${NGINX_MODULES:-/usr/lib/nginx/modules}
open='<Publish><Allow>all</Allow></Publish>'
for s in good stalled; do
	use_server "$s"
	APP_XML=$open
	start_server -w 1
	declare "$s=$PORT"
done
use_server refusing
APP_XML='<Publish><Allow></Allow><KeyFile></KeyFile></Publish>'
start_server -w 1
refusing=$PORT

target() { # PORT STREAM
	echo "<Target url=\"rtmp://$HOST:$1/live\" stream=\"$2\"/>"
}
# shellcheck disable=SC2154 # declared above
all="$(target "$stalled" slow)$(target "$refusing" no)"
for i in {1..16}; do
	all+=$(target "$good" "copy$i")
done
nginx=$(free_port)
if [[ -e $modules/ngx_rtmp_module.so ]] && command -v nginx >/dev/null; then
	nginx_rtmp_conf "$nginx" "$modules"
	spawn nginx nginx -p "$TMP/nginx" -e "$TMP/nginx/error.log" -c "$TMP/nginx/nginx.conf"
	all+=$(target "$nginx" cam)
else
	note "nginx-rtmp is missing: 19 targets"
	nginx=
fi
ff=$(free_port)
spawn ffserver ffmpeg -nostdin -v warning -y -listen 1 -i "rtmp://$HOST:$ff/live/cam" \
    -c copy -f framemd5 -flush_packets 1 "$TMP/ffserver.md5"
ffserver=$spawned
all+=$(target "$ff" cam)

use_server here
APP_XML="$open<Client><StallTime>6</StallTime></Client><Republish>$all</Republish>"
start_server -w 2
is() { # NAME-THERE STATE
	ctl republish list -j | is_true --arg n "$1" --arg s "$2" \
	    '[.[] | select(.name == $n) | .state == $s] | any'
}
ups() {
	ctl republish list -j | jq '[.[] | select(.state == "up")] | length'
}
expect_ups() {
	[[ $(ups) -eq $1 ]]
}
memory() { # of the workers, kB that are theirs alone
	local pid sum=0
	for pid in $(workers); do
		sum=$((sum + $(awk '/^Private/ {n += $2} END {print n}' "/proc/$pid/smaps_rollup")))
	done
	echo "$sum"
}

# real media: what nginx and FFmpeg keep is compared
clip 40
publish_once cam
publisher=$spawned
targets=$([[ -n $nginx ]] && echo 20 || echo 19)
retry 20 expect_ups $((targets - 1)) || fail "not all are up: $(ctl republish list)"
is no refused || fail "not refused: $(ctl republish list)"
expect "lines of the list" "$(ctl republish list -j | jq length)" -eq "$targets"
[[ -z $nginx ]] || spawn fromnginx ffmpeg -nostdin -v warning -y -rw_timeout 15000000 \
    -i "rtmp://$HOST:$nginx/live/cam" -c copy -f framemd5 -flush_packets 1 "$TMP/nginx.md5"
play_ffmpeg cam "$TMP/here.md5"
players=("$spawned")
for i in 1 9 16; do
	spawn "copy$i" ffmpeg -nostdin -v warning -y -rw_timeout 15000000 \
	    -i "rtmp://$HOST:$good/live/copy$i" -c copy -f framemd5 "$TMP/copy$i.md5"
	players+=("$spawned")
done

# one stops: what it does not take is not kept for it
before=$(memory)
use_server stalled
mapfile -t stopped < <(children "$MASTER")
kill -STOP "$MASTER" "${stopped[@]}"
use_server here
dropped() {
	is slow lost || is slow connecting
}
retry 40 dropped || fail "the stalled one is still up: $(ctl republish list)"
[[ $(ctl republish list -j | jq -r '.[] | select(.name == "slow") | .error') != null ]] ||
    fail "it has no error"
expect_ups $((targets - 2)) || fail "others suffer: $(ctl republish list)"
after=$(memory)
note "private memory of the workers: $before kB, then $after kB"
expect "memory" "$after" -lt $((before + 16384))
kill -CONT "$MASTER" 2>/dev/null
kill -CONT "${stopped[@]}"
use_server stalled
kill -CONT "$MASTER"
use_server here
retry 30 is slow up || fail "the stalled one does not come back: $(ctl republish list)"

await "$publisher" 60 || fail "the publisher failed"
for p in "${players[@]}"; do
	await "$p" || fail "a player failed"
done
for f in here copy1 copy9 copy16; do
	same_media "$TMP/ref.md5" "$TMP/$f.md5" end
done
await "$ffserver" 20 || fail "FFmpeg as a server failed"
same_media "$TMP/ref.md5" "$TMP/ffserver.md5" end
if [[ -n $nginx ]]; then
	enough() {
		[[ -s $TMP/nginx.md5 ]]
	}
	retry 10 enough || fail "nothing comes from nginx"
	same_media "$TMP/ref.md5" "$TMP/nginx.md5" part
	note "from nginx: $(grep -vc "^#" "$TMP/nginx.md5") packets of $(grep -vc "^#" "$TMP/ref.md5")"
fi
none() {
	ctl republish list -j | is_true '[.[] | .state == "idle"] | all'
}
retry 10 none || fail "something is still sent: $(ctl republish list)"
expect "only the stalled one was lost" "$(events push.lost | jq -r .hop | sort -u)" = "$HOST:$stalled"
for s in here good stalled refusing; do
	use_server "$s"
	stop_server
done
