#!/bin/bash
# Declared targets are added, changed and removed a hundred times while a stream is
# live, by sluicectl and by the file: the publisher keeps its connection, viewers here
# and at the other server lose no frame; what did not change is never interrupted.
# Keys are in nothing that is shown or logged. A faulty file changes nothing.
# timeout: 150
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
open='<Publish><Allow>all</Allow></Publish>'
use_server there
APP_XML=$open
start_server -w 1
there=$PORT
use_server here
app=$CONF/_defaultRoot_/_defaultVHost_/Application.xml
# targets ELEMENT...: they stand in the file
targets() {
	mkdir -p "$(dirname "$app")"
	echo "<Application>$open<Republish>$*</Republish></Application>" >"$app"
}
# shellcheck disable=SC2016 # ${...} is for the server
stays='<Target url="rtmp://localhost:'$there'/${app}" stream="stays_${stream}" if="cam*"/>'
targets "$stays"
start_server -w 2
there_url=rtmp://$HOST:$there
row() { # NAME-THERE FILTER
	ctl republish list -j | jq -r --arg n "$1" ".[] | select(.name == \$n) | $2"
}
is_up() {
	[[ $(row "$1" .state) == up ]]
}

bench_start pub publish -d 0 -r 500K "$(url cam)"
publisher=$spawned
retry 10 is_up stays_cam || fail "the target of the file is not up: $(ctl republish list)"
expect "not for others" "$(ctl republish list -j | jq length)" -eq 1
client=$(stream cam .publisher.client)
bench_start local play -n 4 -d 60 "$(url cam)"
viewers=("$spawned")
bench_start far play -n 2 -d 60 "$there_url/live/stays_cam"
viewers+=("$spawned")

# added and removed by sluicectl
for i in {1..34}; do
	id=$(ctl republish add live "$there_url/live" --name "added_$i" -j | jq .id) ||
	    fail "cannot be added"
	[[ $((i % 8)) != 1 ]] || retry 10 is_up "added_$i" || fail "added_$i is not up"
	ctl republish remove "$id" >/dev/null || fail "cannot be removed"
done
ctl republish remove "$id" >/dev/null 2>&1 && fail "removed twice"
expect "one is left" "$(ctl republish list -j | jq length)" -eq 1
# the file: another one beside, another name of it, another buffer, none
for i in {1..16}; do
	targets "$stays<Target url=\"$there_url/live\" stream=\"file_$i\"/>"
	ctl server reload >/dev/null || fail "reload"
	[[ $((i % 8)) != 1 ]] || retry 10 is_up "file_$i" || fail "file_$i is not up"
	up=$(row "file_$i" .since_s)
	targets "$stays<Target url=\"$there_url/live\" stream=\"file_$i\" buffer=\"7\"/>"
	ctl server reload >/dev/null || fail "reload"
	expect "its buffer" "$(row "file_$i" .buffer_ms)" -eq 7000
	[[ $(jq -n "$(row "file_$i" .since_s) >= $up") == true ]] || fail "it began anew"
	targets "$stays<Target url=\"$there_url/live\" stream=\"other_$i\"/>"
	ctl server reload >/dev/null || fail "reload"
	expect "the old one" -z "$(row "file_$i" .state)"
	targets "$stays"
	ctl server reload >/dev/null || fail "reload"
done
expect "one is left" "$(ctl republish list -j | jq length)" -eq 1

# a fault: what is wrong is said, and nothing changes
targets '<Target url="http://example.com/live"/>'
ctl server reload >"$TMP/reload.out" 2>&1 && fail "a faulty file was taken"
grep -q 'nothing was changed' "$TMP/reload.out" || fail "$(cat "$TMP/reload.out")"
is_up stays_cam || fail "a faulty file has ended a target"
ctl republish add nowhere/x "$there_url/live" >/dev/null 2>&1 && fail "no such application"
# shellcheck disable=SC2016
ctl republish add live 'rtmp://${stream}/live' >/dev/null 2>&1 && fail "a host of a stream's name"
targets "$stays"
ctl server reload >/dev/null || fail "reload"

# a key: beside the file that names it
echo '  geheim-0815-xyz  ' >"$(dirname "$app")/there.key"
# shellcheck disable=SC2016
targets "$stays"'<Target url="'"$there_url"'/live" stream="${key}?user=a" keyfile="there.key"/>' \
    '<Target url="'"$there_url"'/live" stream="x${key}" keyfile="missing.key"/>'
ctl server reload >/dev/null || fail "reload"
# shellcheck disable=SC2016
retry 10 is_up '${key}?user=a' || fail "the one with a key is not up: $(ctl republish list)"
# shellcheck disable=SC2016
expect "the one without" "$(row 'x${key}' .state)" = failed
# shellcheck disable=SC2016
[[ $(row 'x${key}' .error) == keyfile:* ]] || fail "its error: $(row 'x${key}' .error)"
use_server there
expect "named by its key" "$(stream geheim-0815-xyz .state)" = live
use_server here
ctl republish list >"$TMP/list.out"
ctl republish list -j >>"$TMP/list.out"
ctl client list -j >>"$TMP/list.out"
grep -l geheim "$LOG" "$TMP/list.out" "$TMP/here-sluice.out" && fail "the key is shown"

# who is named twice is not: the other server refuses, that is told, and tried again
id=$(ctl republish add live "$there_url/live" --name stays_cam -j | jq .id)
refused() {
	ctl republish list -j | is_true --argjson id "$id" \
	    '[.[] | select(.id == $id) | .state == "refused" and .code == "NetStream.Publish.BadName" and .retries > 0] | any'
}
retry 20 refused || fail "not refused: $(ctl republish list)"
# this server itself
own=$(ctl republish add live "rtmp://$HOST:$PORT/live" --name again -j | jq .id)
looped() {
	ctl republish list -j | is_true --argjson id "$own" \
	    '[.[] | select(.id == $id) | .state == "refused"] | any'
}
retry 10 looped || fail "a loop: $(ctl republish list)"
expect "no loop" "$(ctl stream list -j | jq length)" -eq 1

for v in "${viewers[@]}"; do
	await "$v" 90 || fail "a viewer failed"
done
clean local
clean far
expect "the publisher is the same" "$(stream cam .publisher.client)" = "$client"
expect "what stayed was sent once" "$(count_event push.lost)" -eq 0
note "orders: $(counter pushes), rules: $(count_event republish.add)"
stop "$publisher"
for s in here there; do
	use_server "$s"
	stop_server
done
