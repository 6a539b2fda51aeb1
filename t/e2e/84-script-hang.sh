#!/bin/bash
# onPublish that never comes back, or eats all memory: the publisher is told where, within
# the limit; the process is back and knows the other streams, and is not told of that one again; who
# publishes it again is refused; the players of another application lose nothing.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
mkdir -p "$TMP/apps/a" "$TMP/apps/b"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
cat >"$TMP/apps/a/main.asc" <<'END'
application.onPublish = function (client, s) { trace("publish " + s.name); };
END
cat >"$TMP/apps/b/main.asc" <<'END'
application.onPublish = function (client, s) {
	var all = [];
	trace("publish " + s.name + " in " + application.name);
	if (/^spin/.test(s.name))
		while (true) {}
	if (s.name == "hog")
		for (;;) all.push("x" + all.length);
	if (s.name == "twice" && application.name == "b/_definst_") {
		var nc = new NetConnection();
		nc.connect("rtmp://localhost/b/second");
		var ns = new NetStream(nc);
		ns.attach(s);
		ns.publish("spinning");
	}
};
application.onUnpublish = function (client, s) { trace("unpublish " + s.name); };
END
chmod -R a+rX "$TMP/apps"
start_server -w 2

traced() {
	count_event script.trace ".trace == \"$1\""
}
has_traced() { # TEXT COUNT
	[[ $(traced "$1") -ge $2 ]]
}
# A publisher of b that sends nothing but waits for an answer.
publisher() { # NAME-OF-PROBE STREAM [LAST-STEP]
	probe "$1" <<EOF
limit 15000
open
hello
cmd 0 connect 1 { app s:b tcUrl s:rtmp://localhost/b flashVer s:probe }
wait name=_result txn=1
cmd 0 createStream 2 null
wait name=_result txn=2
cmd 1 publish 3 null s:$2 s:live
wait name=onStatus code=NetStream.Publish.Failed msid=1
${3:-}
EOF
}

bench_start a publish -d 0 -r 500K "rtmp://$HOST:$PORT/a/cam"
a=$spawned
bench_start other publish -d 0 -r 200K "rtmp://$HOST:$PORT/b/other"
other=$spawned
retry 10 has_traced "publish other in b/_definst_" 1 || fail "onPublish of other"
bench_start viewer play -n 4 -d 12 "rtmp://$HOST:$PORT/a/cam"
viewer=$spawned

# it hangs: the answer comes within the limit and a little, and names the place
publisher spin spin 'wait type=closed'
expect "the first answer" "$(got spin '.code == "NetStream.Publish.Start"')" -eq 1
expect "its level" "$(got spin '.code == "NetStream.Publish.Failed" and .args[1].level == "error"')" -eq 1
expect "what it is told: $(tail -n 2 "$TMP/spin.json")" \
    "$(got spin '.description == "main.asc:5: application.onPublish took longer than 5000 ms"')" -eq 1
wait_event script.blame '.stream == "spin" and .ended and .refused_ms == 60000' >/dev/null
wait_event stream.end '.stream == "spin" and .reason == "script-fault"' >/dev/null
retry 10 has_traced "publish other in b/_definst_" 2 || fail "the new process does not know the other stream"
# who comes again is refused at once, and the script does not hear of it
publisher again spin
expect "refused: $(tail -n 2 "$TMP/again.json")" \
    "$(got again '.description // "" | test("^main.asc:5: .*; refused for [0-9]+ s more$")')" -eq 1
expect "not granted" "$(got again '.code == "NetStream.Publish.Start"')" -eq 0
expect "told of it once" "$(traced "publish spin in b/_definst_")" -eq 1

ctl app show b -j | is_true '.fault.at == "main.asc:5" and .restarts == 1 and (.refused | length) == 1 and
	.refused[0].stream == "spin" and .refused[0].instance == "_definst_" and .refused[0].seconds_left > 30' ||
	fail "app show: $(ctl app show b -j)"
ctl app show b | grep -q '^_definst_ *spin .*main.asc:5: ' || fail "app show: $(ctl app show b)"

# it eats its memory
publisher hog hog 'wait type=closed'
expect "where: $(tail -n 2 "$TMP/hog.json")" \
    "$(got hog '.description == "main.asc:7: application.onPublish needs more memory than the script may have"')" -eq 1
wait_event script.exit '.status == 76' >/dev/null
retry 10 has_traced "publish other in b/_definst_" 3 || fail "not told after it ate its memory"

# a second name goes on, but the script is not told of it again
bench_start twice publish -d 0 -r 200K "rtmp://$HOST:$PORT/b/twice"
twice=$spawned
wait_event script.blame '.stream == "spinning" and .instance == "second" and (.ended | not)' 20 >/dev/null
retry 20 has_traced "publish twice in b/_definst_" 2 || fail "not told after the second name"
bench seen play -d 2 "rtmp://$HOST:$PORT/b/second/spinning"
clean seen
expect "told of it once" "$(traced "publish spinning in b/second")" -eq 1
stop "$twice"
retry 10 has_traced "unpublish twice" 1 || fail "onUnpublish"
expect "no end without a beginning" "$(traced "unpublish spinning")" -eq 0

# the script is mended: after a reload the name is free
sed -i '/while (true)/s/while.*/trace("mended");/' "$TMP/apps/b/main.asc"
ctl app reload b >"$TMP/reload" || fail "reload: $(cat "$TMP/reload")"
ctl app show b -j | is_true '.refused == []' || fail "names are still refused: $(ctl app show b -j)"
bench_start mended publish -d 0 -r 200K "rtmp://$HOST:$PORT/b/spin"
mended=$spawned
retry 10 has_traced mended 1 || fail "the mended script is not told"
stop "$mended"

expect "processes of b" "$(count_event script.run '.app == "b"')" -eq 5
expect "processes of a" "$(count_event script.run '.app == "a"')" -eq 1
await "$viewer" || fail "the viewers of a failed"
clean viewer
stop "$a"
stop "$other"
stop_server
