#!/bin/bash
# The same sessions at nginx with its rtmp module, and here with the format nginx-rtmp: their
# callbacks are the same, byte by byte but for ids, ports and times.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/callback.sh"
PATH=$PATH:/usr/sbin
need nginx ffmpeg rtmpdump ss
module=$(find /usr/lib/nginx/modules /usr/share/nginx/modules -name ngx_rtmp_module.so 2>/dev/null | head -n 1)
[[ -n $module ]] || skip "nginx has no rtmp module"
start_receiver
make_media

events='publish play publish_done play_done update'
elements='<Format>nginx-rtmp</Format><UpdateTime>1</UpdateTime>'
for e in $events connect disconnect; do
	name=$(sed -E 's/(^|_)(.)/\U\2/g' <<<"$e")
	elements+="<On$name>$HTTP/allow/sluice/$e</On$name>"
done
callbacks live "$elements"
start_server -w 1
ours=$PORT

nginx_port=$(free_port)
{
	echo "load_module $module; daemon off; master_process off; pid $TMP/nginx.pid;"
	echo "error_log $TMP/nginx.log info; events {}"
	echo "rtmp { server { listen 127.0.0.1:$nginx_port;"
	echo "on_connect $HTTP/allow/nginx/connect; on_disconnect $HTTP/allow/nginx/disconnect;"
	echo "application live { live on; notify_update_timeout 1s;"
	for e in $events; do
		echo "on_$e $HTTP/allow/nginx/$e;"
	done
	echo '} } }'
} >"$TMP/nginx.conf"
spawn nginx nginx -c "$TMP/nginx.conf" -p "$TMP" -e "$TMP/nginx.log"
nginx_up() { # without a connection: nginx tells of each
	ss -Hltn "sport = :$nginx_port" | grep -q .
}
retry 10 nginx_up || fail "nginx does not start: $(tail -n 3 "$TMP/nginx.log")"

# heard SERVER CALL NAME: it has told the receiver
heard() {
	has_requests ".path == \"/allow/$1/${2%%_p*}\" and .call == \"$2\" and .name == \"$3\"" 1
}

# session SERVER PORT NAME ENCODED: publish it, and play it in two ways
session() {
	local pub ff dump
	spawn "pub-$1-$4" ffmpeg -nostdin -v warning -re -stream_loop -1 -i "$MEDIA" -c copy \
	    -f flv "rtmp://127.0.0.1:$2/live/$3?key=s3cr\$t-%41&x=1"
	pub=$spawned
	retry 10 heard "$1" publish "$4" || fail "$1: publish of $3"
	spawn "play-$1-$4" ffmpeg -nostdin -v warning -i "rtmp://127.0.0.1:$2/live/$3?who=me" \
	    -t 60 -c copy -f null -
	ff=$spawned
	spawn "dump-$1-$4" rtmpdump -q -v -r "rtmp://127.0.0.1:$2/live?a=1&b=%3C2" -y "$3?u=v" \
	    -W http://swf.example/x.swf -p 'http://page.example/é?q=1&r' -o /dev/null
	dump=$spawned
	two() {
		[[ $(requests ".path == \"/allow/$1/update\" and .call == \"update_play\" and .name == \"$2\"" |
		    jq -r .clientid | sort -u | wc -l) -ge 2 ]]
	}
	retry 20 two "$1" "$4" || fail "$1: updates of both players of $3"
	retry 20 heard "$1" update_publish "$4" || fail "$1: updates of $3"
	stop "$ff"
	stop "$dump"
	stop "$pub"
}

# what is the same of each must be, what cannot be is taken out
told() { # SERVER
	jq -r "select(.path | startswith(\"/allow/$1/\")) |
	    .method + \" \" + .headers[\"Content-Type\"] + \" \" + .body" "$REQUESTS" |
	    sed -E -e "s/127\.0\.0\.1:[0-9]+/SERVER/g" -e 's/clientid=[0-9]+/clientid=N/' \
		-e 's/(epoch|time|timestamp)=[0-9]+/\1=N/g' | sort -u
}

hard="a!'()*,;:@[]^_{}|~<>+\$"
hard_coded="a!'()*,%3B:@[]%5E_%7B%7D%7C~%3C%3E%2B\$"
for server in nginx sluice; do
	port=$nginx_port
	[[ $server == nginx ]] || port=$ours
	session $server "$port" cam cam
	session $server "$port" "$hard" "$hard_coded"
	all_gone() { has_requests ".path == \"/allow/$1/disconnect\" and .call == \"disconnect\"" 6; }
	retry 15 all_gone $server || fail "$server: ends of six clients"
done
told nginx >"$TMP/nginx.told"
told sluice >"$TMP/sluice.told"
expect "kinds of news" "$(wc -l <"$TMP/nginx.told")" -ge 18
diff "$TMP/nginx.told" "$TMP/sluice.told" || fail "nginx (<) tells it in other words"
for server in nginx sluice; do
	for e in publish play publish_done play_done update_publish update_play connect disconnect; do
		expect "$e of $server" "$(grep -c "call=$e\(&\|\$\)" "$TMP/$server.told")" -ge 1
	done
done
note "$(wc -l <"$TMP/sluice.told") different requests, the same of both"
stop_server
