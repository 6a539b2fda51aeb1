#!/bin/bash
# What a hop adds to the delay, over 0 to 3 edges in one run: printed; every frame
# arrives over all of them.
# timeout: 90
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
use_server hop0
start_server -w 1
urls=("$(url cam)")
for n in 1 2 3; do
	above=$PORT
	use_server hop$n
	VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RouteTable><RouteEntry>*:*;127.0.0.1:$above</RouteEntry></RouteTable></Proxy>"
	start_server -w 1
	urls+=("$(url cam)")
done
use_server hop0
bench_start source publish -r 1000000 -d 40 "$(url cam)"
wait_event publish.start >/dev/null
bench hops hops -n 20 -d 10 "${urls[@]}"
for n in 0 1 2 3; do
	note "$n hops: $(jq -c --argjson n $n '.hops[$n] | {video: [.delay_video_ms.p50, .delay_video_ms.p99],
	    all: [.delay_live_ms.p50, .delay_live_ms.p99]}' "$TMP/hops.json")"
done
is_true '[.hops[] | .frames > 0 and .gaps == 0 and .missing == 0 and .bad == 0 and .order_errors == 0 and
    .ts_errors == 0 and .skips == 0] | length == 4 and all' "$TMP/hops.json" ||
    fail "a hop lost something: $(jq -c '[.hops[] | {url, frames, gaps, missing, bad, order_errors, ts_errors, skips}]' "$TMP/hops.json")"
for n in 3 2 1 0; do
	use_server hop$n
	stop_server
done
