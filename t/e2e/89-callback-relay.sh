#!/bin/bash
# A callback answers about a publish with an rtmp:// URL: the stream is published here, and
# sent there bit for bit, under the name of the URL or its own; it ends there with its end here.
# timeout: 60
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/callback.sh"
start_receiver

use_server there
start_server -w 1
there=$PORT

use_server here
PORT=$(free_port)
callbacks named "<Format>nginx-rtmp</Format><OnPublish>$HTTP/to/rtmp:++127.0.0.1:$there+live+copy</OnPublish>"
callbacks own "<OnPublish>$HTTP/to/rtmp:++127.0.0.1:$there+live</OnPublish>"
callbacks loop "<OnPublish>$HTTP/to/rtmp:++127.0.0.1:$PORT+own+x</OnPublish>"
start_server -w 2

bench_start a publish -d 0 -r 300K "rtmp://$HOST:$PORT/named/secret"
a=$spawned
bench_start b publish -d 0 -r 300K "rtmp://$HOST:$PORT/own/mine"
wait_event callback.relay '.app == "named" and .started' >/dev/null
here=$PORT
use_server there
PORT=$there
for name in copy mine; do
	wait_event publish.start ".stream == \"$name\"" >/dev/null
	bench_start "v-$name" play -n 2 -d 3 "$(url "$name")"
	players+=("$spawned")
done
use_server here
PORT=$here
bench_start local play -n 2 -d 3 "rtmp://$HOST:$PORT/named/secret"
players+=("$spawned")
for p in "${players[@]}"; do
	await "$p" || fail "a player failed"
done
clean v-copy
clean v-mine
clean local

# it would come back here: it is published, and not sent
bench_start c publish -d 0 -r 100K "rtmp://$HOST:$PORT/loop/x"
wait_event push.refused '.app == "loop" and .reason == "loop"' >/dev/null
wait_event stream.start '.app == "loop"' >/dev/null

# its name is taken: nothing is sent a second time
bench_start d publish -d 2 -r 100K "rtmp://$HOST:$PORT/named/secret"
await "$spawned" && fail "a taken name was granted"
expect "orders" "$(count_event callback.relay '.app == "named"')" -eq 1

stop "$a"
use_server there
wait_event publish.stop '.stream == "copy"' >/dev/null
stop_server
use_server here
stop_server
