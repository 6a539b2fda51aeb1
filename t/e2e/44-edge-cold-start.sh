#!/bin/bash
# A thousand players arrive at once at an edge with two workers, on a stream that it
# does not have yet: the origin sees one connection more for the media, and one of each
# worker that tells it of its clients; nobody misses a frame.
# timeout: 120
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
use_server origin
VHOST_XML='<TrustedEdges>local</TrustedEdges>'
start_server -w 2
origin=$PORT
bench_start source publish -r 1000000 -d 40 "rtmp://127.0.0.1:$origin/live/cold"
wait_event publish.start >/dev/null
before=$(counter clients.accepted)
use_server edge
VHOST_XML="<Proxy><Mode>remote</Mode><Anonymous>true</Anonymous><RouteTable><RouteEntry>*:*;127.0.0.1:$origin</RouteEntry></RouteTable></Proxy>"
start_server -w 2
bench players play -n 1000 -R 1000 -d 12 "$(url cold)"
clean players
use_server origin
expect "connections that the origin accepted" "$(counter clients.accepted)" -eq $((before + 3))
expect "clients that the origin knows of" "$(events client.connect '.edge != null' | wc -l)" -eq 1000
expect "players at the origin" "$(count_event play.start)" -eq 1
use_server edge
expect "workers that tell of clients" "$(count_event edge.tree)" -eq 2
expect "streams fetched" "$(counter pulls)" -eq 1
note "waited_ms: $(events edge.up | jq .waited_ms)"
note "$(result players '"frames \(.frames), gaps \(.gaps), first picture p99 \(.first_picture_ms.p99) ms"')"
stop_server
use_server origin
stop_server
