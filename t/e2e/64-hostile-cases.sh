#!/bin/bash
# Every case of hostile_cases.c and hostile_matrix.c: the processes stay, a
# publisher and players beside them never notice, memory and CPU time are
# bounded, the attacker is answered or closed in its time, and the counter of
# the case's reason rises by one, as does its line in the log.
# timeout: 180
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
HOSTILE=$top_builddir/hostile
[[ -x $HOSTILE ]] || skip "hostile is not built"
SERVER_XML='<ResourceLimits><InputMemory>32M</InputMemory><ArenaSize>256M</ArenaSize></ResourceLimits>'
APP_XML='<Client><HandshakeTimeout>3</HandshakeTimeout><CommandTimeout>8</CommandTimeout>
<StallTime>5</StallTime><MaxInput>4M</MaxInput></Client>
<StreamManager><Live><GraceTime>1</GraceTime></Live></StreamManager>'
start_server -w 2

bench_start pub publish -d 0 -r 1M "$(url cam)"
publisher=$spawned
wait_event publish.start >/dev/null
bench_start player play -n 4 -d 0 "$(url cam)"
player=$spawned
watched() {
	[[ $(readers cam .total) -eq 4 ]]
}
retry 10 watched || fail "not all play"

sanitized=0
[[ ${SANITIZE:-no} == no ]] || sanitized=1
began=$(now_ms)
# HOSTILE_CASES: only these, by name
# shellcheck disable=SC2086
HOSTILE_SCALE=$((TIME_SCALE * (1 + 3 * sanitized))) HOSTILE_MEMORY=$((1 - sanitized)) \
    "$HOSTILE" "$HOST" "$PORT" "$CTL" "$RUN" "$MASTER" ${HOSTILE_CASES:-} \
    >"$TMP/cases.json" 2>"$TMP/cases.out"
status=$?
count=$(wc -l <"$TMP/cases.json")
note "$count cases in $(($(now_ms) - began)) ms"
jq -r '"# \(.case) \(.ms) ms, \(.cpu_ms) ms of CPU: \(.why)"' \
    < <(jq -c 'select(.ok | not)' "$TMP/cases.json")

# What the counters say of a case the log says of its connection.
jq -Rc 'try fromjson catch empty | select(.event == "client.close") |
    {(.addr): .reason}' <"$LOG" | jq -sc add >"$TMP/reasons.json"
wrong=$(jq -r --slurpfile reasons "$TMP/reasons.json" '
    select(.ok and (.counter | startswith("closed.")) and
	.counter != "closed.handshake-ended") |
    (.counter | ltrimstr("closed.")) as $want |
    ($reasons[0][.addr] // "nothing") as $got | select($got != $want) |
    "\(.case): \($got) in the log, not \($want)"' "$TMP/cases.json")
[[ -z $wrong ]] || fail "$wrong"

# The innocent have not noticed.
left() {
	[[ $(ctl server status -j | jq .clients) -eq 5 ]]
}
retry 10 left || fail "clients are left: $(ctl client list)"
# at most their input memory, the arena, and what they began with
for pid in $(workers); do
	peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
	note "worker $pid used $peak kB at most"
	[[ $sanitized == 1 ]] || expect "memory of a worker, kB" "$peak" -lt $(((32 + 256 + 16) * 1024))
done
alive "$publisher" || fail "the publisher has ended"
kill -INT "$player"
await "$player" || note "the player ended with status $?"
clean player
note "delay of the players, ms: $(result player '.delay_live_ms | tojson')"
is_true ".delay_live_ms.max < 2000 * $((TIME_SCALE * (1 + 3 * sanitized)))" "$TMP/player.json" ||
    fail "the players have waited"

failed=$(jq -r 'select(.ok | not) | .case' "$TMP/cases.json" | xargs)
[[ -z $failed ]] || fail "cases failed: $failed"
expect "exit status of hostile" "$status" -eq 0
[[ -n ${HOSTILE_CASES:-} ]] || expect "named cases" "$count" -ge 120
stop_server
