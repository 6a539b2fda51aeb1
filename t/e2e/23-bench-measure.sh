#!/bin/bash
# sluice-bench as a measuring tool: what it says of a server's costs, of storms,
# of several addresses and of the bare sender is checked against what others
# counted.  No figure of time is asserted.
# sanitized: no
# timeout: 150
# alone: yes
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/load.sh"
need strace

# measured TAG OPTIONS: a measuring run; a machine that is too busy for it is no
# failure of the tool, which says so
measured() {
	local tag=$1 status=0
	shift
	"$BENCH" "$@" >"$TMP/$tag.out" 2>"$TMP/$tag.err" || status=$?
	[[ $status != 4 ]] || {
		grep -q 'no result: the load used' "$TMP/$tag.err" ||
		    fail "$tag: status 4 without a reason"
		skip "the machine is too busy: $(cat "$TMP/$tag.err")"
	}
	expect "status of $tag ($(cat "$TMP/$tag.err"))" "$status" -eq 0
}

is_listening() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# --- the bare sender: one send for each frame and player, both ways
for how in '' -u; do
	port=$(free_port) || fail "no free port"
	# shellcheck disable=SC2086 # no option, or one
	spawn "floor$how" "$BENCH" floor $how -d 0 -r 500K "rtmp://127.0.0.1:$port/live/s"
	floor=$spawned
	retry 5 is_listening "$port" || fail "the floor does not listen"
	measured "play$how" play -n 20 -d 4 -W 0.5 -p "$floor" \
	    "rtmp://127.0.0.1:$port/live/s"
	end_bench "$floor"
	expect_zero "play$how" gaps bad order_errors ts_errors skips players.failed
	expect_zero "floor$how" short_sends too_slow
	n=$(result "floor$how" .sends)
	got=$(result "play$how" .frames)
	note "floor $how: $n sends, $got frames"
	# the first send has all since the keyframe; the last may be unread
	expect "sends" "$n" -le "$((got + 20))"
	expect "sends" "$n" -ge "$((got * 3 / 4))"
	is_true <<<"$(result "play$how" .)" '.server.cpu_s >= 0 and
	    .server.pss_kb > 0 and .load.window_bytes > 1000000 and
	    .load.window_frames > 0 and .load.core > 0 and
	    .delay_video_ms.count + .delay_audio_ms.count == .delay_live_ms.count' ||
	    fail "the result lacks something: $(result "play$how" .)"
done

# strace agrees with its own count
port=$(free_port) || fail "no free port"
spawn floor "$BENCH" floor -d 0 -r 500K "rtmp://127.0.0.1:$port/live/s"
floor=$spawned
retry 5 is_listening "$port" || fail "the floor does not listen"
spawn viewers "$BENCH" play -n 10 -d 0 "rtmp://127.0.0.1:$port/live/s"
viewers=$spawned
sleep 1
timeout -s INT 2 strace -f -qq -e trace=sendto -p "$floor" -o "$TMP/trace" 2>/dev/null
end_bench "$viewers"
end_bench "$floor"
if strace -qq -o /dev/null true 2>/dev/null; then
	per_frame=$(grep -c sendto "$TMP/trace")
	note "$per_frame sends in 2 s of strace"
	# 73 frames in a second; 10 players
	expect "sends seen by strace" "$per_frame" -ge 500
	expect "sends seen by strace" "$per_frame" -le 1800
fi

# --- Sluice: costs of its workers, several processes, one of 4 looked at
start_server -w 2
publish_bench s -r 500K
publisher=$spawned
pids=$(workers | paste -sd,)
measured parts play -n 40 -P 2 -x 4 -d 5 -W 1 -p "$pids" "$(url s)"
expect_zero parts gaps bad players.failed
expect "players" "$(result parts .players.with_picture)" -eq 40
is_true <<<"$(result parts .)" '.load.processes == 2 and .load.looked_at == 0.25 and
    .load.window_bytes > 4000000 and .server.pss_kb > 0' ||
    fail "two processes: $(result parts .)"
# more processes than players: one without is not busy, whatever its short life
# cost (measured skips at status 4, so not by it)
"$BENCH" play -n 1 -P 3 -d 3 -W 0.5 -p "$pids" "$(url s)" >"$TMP/few.out" 2>"$TMP/few.err" ||
    fail "one player, three processes: $(cat "$TMP/few.err")"
expect "players" "$(result few .players.with_picture)" -eq 1
"$BENCH" play -p 1,x "$(url s)" 2>"$TMP/pids.err" && fail "-p 1,x was taken"
"$BENCH" play -d 2 -p $$ "$(url s)" 2>"$TMP/short.err" && fail "-d 2 was taken"
grep -q 'too short' "$TMP/short.err" || fail "the reason: $(cat "$TMP/short.err")"

# --- slow readers stand apart
measured slow play -n 10 -y 2 -Y 200K -d 9 -W 1 "$(url s)"
expect "ordinary players" "$(result slow .players.requested)" -eq 8
expect "slow players" "$(result slow .slow.players.requested)" -eq 2
expect_zero slow gaps skips slow.bad slow.order_errors
note "slow: $(result slow '.slow | "\(.bytes) bytes, skips \(.skips)"')"
expect "bytes of a slow one, of an ordinary one" \
    "$(result slow '.slow.bytes / 2 | floor')" -lt "$(result slow '.bytes / 8 | floor')"

# --- a storm: the server accepted just that many
before=$(counter clients.accepted)
measured storm storm -b 10 -n 60 -d 4 "$(url s)"
expect "connections" "$(($(counter clients.accepted) - before))" -eq 70
expect "of the storm" "$(result storm .first_picture_ms.count)" -eq 60
expect "before the storm" "$(result storm .running.players.with_picture)" -eq 10
expect_zero storm players.failed running.gaps running.skips
is_true <<<"$(result storm .)" '.connect_ms.count == 60 and
    .connect_ms.p99 <= .first_byte_ms.p99 and .first_byte_ms.p99 <= .first_picture_ms.p99' ||
    fail "times of the storm: $(result storm .)"

# --- one stream at two addresses
measured hops hops -n 5 -d 5 -W 1 "$(url s)" "rtmp://localhost:$PORT/live/s"
expect "hops" "$(result hops '.hops | length')" -eq 2
for i in 0 1; do
	expect "players of hop $i" "$(result hops ".hops[$i].players.with_picture")" -eq 5
	expect "delays of hop $i" "$(result hops ".hops[$i].delay_live_ms.count")" -gt 500
done
end_bench "$publisher"

# --- two servers in turn
port_a=$PORT
pids_a=$pids
use_server other
start_server -w 1
measured compare compare -N 2 -n 10 -r 300K -d 4 -W 0.5 \
    -p "$pids_a" -q "$(workers | paste -sd,)" \
    "rtmp://127.0.0.1:$port_a/live/c" "$(url c)"
expect "runs" "$(result compare '.runs | length')" -eq 4
expect "publishes of the second server" "$(count_event publish.start)" -eq 2
is_true <<<"$(result compare .)" '.figures.video_p50_ms |
    .ratio.min <= .ratio.median and .ratio.median <= .ratio.max and .a.min > 0' ||
    fail "ratios: $(result compare .figures)"
stop_server
use_server s
retry 15 no_segments || fail "segments are left"
stop_server
