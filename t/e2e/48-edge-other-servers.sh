#!/bin/bash
# An edge fetches from nginx-rtmp, and from FFmpeg as a server: bit for bit, one offset
# of time; and from nginx-rtmp again after its end, without sending viewers away.
# timeout: 120
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ffmpeg nginx
modules=${NGINX_MODULES:-/usr/lib/nginx/modules}
[[ -e $modules/ngx_rtmp_module.so ]] || skip "nginx-rtmp is missing"
other=$(free_port)
nginx_rtmp_conf "$other" "$modules"
VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><ClientCheck>none</ClientCheck><RouteTable><RouteEntry>*:*;127.0.0.1:$other</RouteEntry></RouteTable><LingerTime>1</LingerTime></Proxy>"
start_server -w 2
clip 10

nginx_start() {
	spawn nginx nginx -p "$TMP/nginx" -e "$TMP/nginx/error.log" -c "$TMP/nginx/nginx.conf"
	nginx=$spawned
	retry 10 listens "$other" || fail "nginx does not listen"
}
listens() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
to_nginx() {
	spawn "$1" ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy -flvflags no_duration_filesize \
	    -f flv "rtmp://127.0.0.1:$other/live/$2"
}
is_waiting() {
	ctl edge list -j | is_true --arg s "$1" '[.[] | select(.stream == $s) | .state == "waiting"] | any'
}

taken() {
	[[ -n $(ss -Hltn "sport = :$1") ]]
}

# nginx-rtmp: the player waits, then it comes
nginx_start
play_ffmpeg cam "$TMP/nginx.md5" -t 8
player=$spawned
retry 10 is_waiting cam || fail "the name does not wait at nginx"
to_nginx source cam
await "$spawned" 40
await "$player" 20
stop "$nginx"
same_media "$TMP/ref.md5" "$TMP/nginx.md5"
note "nginx: $(grep -vc '^#' "$TMP/nginx.md5") packets of $(grep -vc '^#' "$TMP/ref.md5")"

# it comes back while a viewer waits
nginx_start
to_nginx again cam2
bench_start watcher play --no-verify -W 1 -d 14 "$(url cam2)"
watcher=$spawned
wait_event edge.up '.stream == "cam2"' >/dev/null
stop "$nginx"
wait_event edge.lost '.stream == "cam2"' >/dev/null
nginx_start
to_nginx third cam2
wait_event edge.route '.stream == "cam2"' 15 >/dev/null
await "$watcher" 40
expect "viewers that were closed" "$(jq '.players.closed_by_server' "$TMP/watcher.json")" -eq 0
expect "frames" "$(jq .frames "$TMP/watcher.json")" -gt 100
stop "$nginx"

# FFmpeg as a server takes one connection: nothing else may want one
none_fetched() {
	ctl edge list -j | is_true 'length == 0'
}
retry 20 none_fetched || fail "still fetched: $(ctl edge list)"
spawn ffserver ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy -flvflags no_duration_filesize \
    -f flv -listen 1 -timeout 30 "rtmp://127.0.0.1:$other/live/fromff"
retry 10 taken "$other" || fail "FFmpeg does not listen"
play_ffmpeg fromff "$TMP/ff.md5" -t 7
player=$spawned
wait_event edge.up '.stream == "fromff"' 20 >/dev/null
await "$player" 40
same_media "$TMP/ref.md5" "$TMP/ff.md5"
note "ffmpeg: $(grep -vc '^#' "$TMP/ff.md5") packets"
stop_server
