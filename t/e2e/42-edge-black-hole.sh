#!/bin/bash
# The next server swallows every packet: cold streams start by the next route within
# RequestTimeout the first time, and at once afterwards, on every worker; when it is
# there again it is found in the background, used for what is new, and
# `edge rebalance` moves the rest without a gap.
# timeout: 150
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg
nets_make edge1=edge1.adobe.com edge2=edge2.adobe.com fms=fms.adobe.com viewer
APP_XML='<Publish><Allow>all</Allow></Publish>'
nets_server fms
edge_conf 'edge1.adobe.com:*;fms.adobe.com:1935'
nets_server edge2
edge_conf 'edge1.adobe.com:*;edge2.adobe.com:1935' 'edge1.adobe.com:*;fms.adobe.com:1935'
nets_server edge1
for s in a b c d e f g; do
	nets_publish fms "rtmp://fms.adobe.com/live/$s"
done

# cold STREAM: play it; ms from play to the first media at the edge in $waited
cold() {
	nets_play viewer "rtmp://edge1.adobe.com/live/$1" "$TMP/$1.md5"
	use_server edge1
	waited=$(wait_event edge.up ".stream == \"$1\"" 20 | jq .waited_ms)
	hop=$(events edge.up ".stream == \"$1\"" | tail -n 1 | jq -r .hop)
}

cold a
expect "a comes from" "$hop" = edge2.adobe.com:1935
note "through edge2: $waited ms"

nets_cut edge2
cold b
note "the first in the black hole: $waited ms"
expect "b comes from" "$hop" = fms.adobe.com:1935
expect "RequestTimeout was waited for, and little more" "$waited" -lt 3000
expect "the hop is known to be down" "$(count_event edge.hop_down '.hop == "edge2.adobe.com:1935"')" -ge 1
for s in c d e f; do
	cold $s
	note "$s: $waited ms"
	expect "$s comes from" "$hop" = fms.adobe.com:1935
	expect "$s starts at once" "$waited" -lt 1000
done
# the stream that was there moves as well
use_server edge1
retry 20 comes_from fms.adobe.com:1935 a || fail "a still comes from $(edge_hop a)"

nets_mend edge2
retry 40 has_event edge.hop_up '.hop == "edge2.adobe.com:1935"' ||
    fail "nobody found edge2 again"
cold g
expect "g comes from" "$hop" = edge2.adobe.com:1935
expect "b stays where it is" "$(edge_hop b)" = fms.adobe.com:1935
ctl edge rebalance || fail "edge rebalance"
for s in a b c d e f g; do
	retry 20 comes_from edge2.adobe.com:1935 $s || fail "$s comes from $(edge_hop $s)"
done
sleep 3
nets_stop_players
for s in a b c d e f g; do
	stats=$(recorded "$TMP/$s.md5")
	note "$s: $stats"
	[[ $stats == *"back=0 twice=0"* ]] || fail "$s: $stats"
	# 56 ms is the seam of the clip; only a was cut off
	[[ $s == a || $stats =~ " gap="(40|56)" " ]] || fail "$s has a gap: $stats"
done
expect "messages that were had and dropped" "$(counter pulls.duplicates)" -ge 1
for s in edge1 edge2 fms; do
	use_server $s
	stop_server
done
