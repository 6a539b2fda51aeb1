#!/bin/bash
# Malformed input of every kind closes that connection, with its reason in the log
# and as a counter, and does nothing else: a player beside it loses no frame, no
# worker is restarted, memory does not grow.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
APP_XML='<Client><HandshakeTimeout>2</HandshakeTimeout><CommandTimeout>3</CommandTimeout></Client>'
start_server -w 2
pids_before=$(workers | sort | xargs)

bench_start pub publish -d 0 -r 1M "$(url cam)"
wait_event publish.start >/dev/null
bench_start player play -n 4 -d 0 "$(url cam)"
player=$spawned
watched() {
	[[ $(readers cam .total) -eq 4 ]]
}
retry 10 watched || fail "not all play"

memory() { # kB of all workers
	local pid
	for pid in $(workers); do
		sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
	done | paste -sd+ | bc
}
memory_before=$(memory)

# Time-outs run beside the rest.
echo "open
limit 20000
wait type=closed" >"$TMP/silent"
echo "open
raw 03
zeros 1536
sleep 4000" >"$TMP/half"
echo "open
hello
limit 20000
wait type=closed" >"$TMP/mute"
echo "$GREET
limit 20000
wait type=closed" >"$TMP/idle"
late=()
for name in silent half mute idle; do
	probe_start $name "$TMP/$name"
	late+=("$spawned")
done

closed() { # REASON
	counter "closed.$1"
}

# refused NAME REASON: the connection of the script from stdin is closed with
# this reason, and not by a time-out
refused() {
	local before
	before=$(closed "$2")
	{
		cat
		echo "limit 1500"
		echo "wait type=closed"
	} | probe "$1"
	retry 2 one_more "$2" "$before" ||
	    fail "$1: not closed as $2: $(tail -n 2 "$LOG")"
}
one_more() {
	[[ $(closed "$1") -eq $(($2 + 1)) ]]
}

# What is not RTMP at all.
refused version handshake-version <<<'open
raw 05
zeros 100'
refused rtmpe handshake-version <<<'open
raw 06
zeros 1536'
refused tls tls <<<'open
raw 16030100c8010000c40303'
refused http http <<<'open
text GET\x20/live\x20HTTP/1.1\x0d\x0a\x0d\x0a'
refused rtmpt http <<<'open
text POST\x20/open/1\x20HTTP/1.1\x0d\x0a'

# Chunk streams.
after_hello() { # NAME REASON
	{ echo open; echo hello; cat; } | refused "$@"
}
after_hello type3-first chunk-invalid <<<'raw c3'
after_hello type2-first chunk-invalid <<<'raw 83000000'
# a new header inside a message of 500 bytes
after_hello header-inside chunk-invalid <<<'head 3 20 0 0 500
zeros 128
head 3 20 0 0 400'
after_hello chunk-0 chunk-size <<<'msg 2 1 0 0 4 00000000'
after_hello chunk-top-bit chunk-size <<<'msg 2 1 0 0 4 80000000'
after_hello short-control message-invalid <<<'msg 2 1 0 0 2 0000'
after_hello long-control message-size <<<'head 2 4 0 0 65'
many_chunk_streams() {
	local i
	echo -n "raw "
	for ((i = 0; i < 256; i++)); do
		printf '00%02x0000000000010800000000aa' $i
	done
	for ((i = 320; i < 1100; i++)); do
		printf '01%02x%02x0000000000010800000000aa' $(((i - 64) % 256)) $(((i - 64) / 256))
	done
	echo
}

# Messages and commands.
after_hello command-16M message-size <<<'head 3 20 0 0 16777215'
after_hello command-65537 message-size <<<'head 3 20 0 0 65537'
after_hello empty-command command-invalid <<<'msg 3 20 0 0 0'
after_hello cut-string command-invalid <<<'msg 3 20 0 0 5 0200076300'
after_hello number-first command-invalid <<<'msg 3 20 0 0 9 003ff0000000000000'
after_hello no-object command-invalid <<<'cmd 0 connect 1'
after_hello deep command-invalid <<<"cmd 0 connect 1 { app s:live a $(printf '{ a %.0s' {1..100}) n:1 $(printf '} %.0s' {1..101})"
after_hello order command-order <<<'cmd 0 createStream 1 null'
greeted() { # NAME REASON
	{ echo "$GREET"; cat; } | refused "$@"
}
many_chunk_streams | greeted many chunk-streams
greeted connect-again command-order <<<'cmd 0 connect 3 { app s:live }'
greeted no-stream command-order <<<'cmd 7 publish 3 null s:x s:live'
greeted no-stream-play command-order <<<'cmd 7 play 3 null s:x'
greeted publish-number command-invalid <<<'cmd 1 publish 3 null n:5'
greeted play-and-publish command-order <<<'cmd 1 play 3 null s:x
wait code=NetStream.Play.Start
cmd 1 publish 4 null s:x s:live'
# streams of one connection: the newest is refused, the rest stays
{
	echo "$GREET"
	for n in {2..20}; do
		echo "cmd 0 createStream $((n + 10)) null"
	done
	echo "wait name=_error code=NetConnection.Call.Failed"
	echo "ping 3"
	echo "wait event=7"
} | probe many-streams
expect "streams of one connection" "$(got many-streams '.name == "_result" and
    .txn > 10')" -eq 15

# Publishers.
publishing() { # NAME REASON
	{
		echo "$GREET"
		echo "cmd 1 publish 3 null s:$1 s:live"
		echo "wait code=NetStream.Publish.Start"
		cat
	} | refused "$@"
}
publishing aggregate-garbage message-invalid <<<'msg 5 22 1 10 30 ff'
publishing message-5M message-size <<<'head 6 9 1 0 5000000'
publishing message-16M message-size <<<'head 6 9 1 0 16777215'
publishing unfinished input-limit <<<'chunk 700000
head 6 9 1 0 1400000
zeros 700000
head 7 9 1 0 1400000
zeros 700000
head 8 9 1 0 1400000
zeros 700000'
# media of nobody passes by and takes no memory
probe nobody <<<"$GREET
head 6 9 1 0 16777215
zeros 65536
read 100"
# empty media, an unknown codec, garbage as metadata: all of it is passed on
probe odd-media <<<"$GREET
cmd 1 publish 3 null s:odd s:live
wait code=NetStream.Publish.Start
msg 6 9 1 0 0
msg 4 8 1 0 0
msg 6 9 1 10 1 ff
msg 5 18 1 10 30 ffffffff
msg 5 15 1 10 3 000200
msg 6 9 1 20 100 1700000000
msg 4 8 1 4294967295 10 af01
msg 4 8 1 0 10 af01
cmd 1 closeStream 0 null
ping 1
wait event=7"

# Cut at many places, and bytes at random.
session='data 1 0 s:@setDataFrame s:onMetaData { width n:64 }
msg 6 9 1 0 30 1700000000
msg 6 9 1 0 2000 1701000000'
for ((cut = 1; cut < 700; cut += 1 + cut / 6)); do
	echo "open
hello
hold
cmd 0 connect 1 { app s:live tcUrl s:rtmp://h/live }
cmd 0 createStream 2 null
cmd 1 publish 3 null s:cut$cut s:live
$session
cut $cut
release
read 20
close"
done | probe cuts
for n in 1 2 700 1535 1536 1537 2000 3072; do
	echo "open
raw 03
zeros $n
close"
done | probe cut-handshake
{
	for n in {1..200}; do
		echo "open"
		echo "random $n 4000"
		echo "read 5"
		[[ $((n % 3)) -ne 0 ]] && echo close || echo reset
	done
} | probe random
{
	for n in {1..100}; do
		echo "open"
		echo "hello"
		echo "random $n 3000"
		echo "read 5"
	done
} | probe random-chunks
before=$(closed handshake-ended)
for n in {1..20}; do
	echo "open
close"
done | probe scan
scanned() {
	[[ $(closed handshake-ended) -ge $((before + 20)) ]]
}
retry 5 scanned || fail "peers that end at once are not counted"
expect "log lines of peers that end at once" \
    "$(count_event client.close '.reason == "handshake-ended"')" -eq 0

for pid in "${late[@]}"; do
	await "$pid" || fail "a time-out was not obeyed"
done
expect "handshake time-outs" "$(closed handshake-timeout)" -ge 2
expect "command time-outs" "$(closed command-timeout)" -ge 2

# Nothing happened to the others.
only_ours() {
	[[ $(ctl server status -j | jq .clients) -eq 5 ]]
}
retry 10 only_ours || fail "clients are left: $(ctl client list)"
expect "connections closed" "$(counter clients.closed)" -eq $(($(counter clients.accepted) - 5))
kill -INT "$player"
await "$player" || note "the player ended with status $?"
clean player
expect "workers" "$(workers | sort | xargs)" = "$pids_before"
memory_after=$(memory)
note "memory of the workers: $memory_before kB before, $memory_after kB after"
[[ ${SANITIZE:-no} != no ]] ||
    expect "growth of memory, kB" $((memory_after - memory_before)) -lt 65536
while read -r reason n; do
	expect "log lines with reason $reason" \
	    "$(count_event client.close ".reason == \"$reason\"")" -eq "$n"
done < <(ctl server status -j | jq -r '.counters | to_entries[] | select((.key |
    startswith("closed.")) and .value > 0 and .key != "closed.handshake-ended") |
    "\(.key | sub("closed."; "")) \(.value)"')
stop_server
