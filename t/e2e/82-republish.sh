#!/bin/bash
# A script republishes what is published into another instance of this server: no frame
# is lost and nothing is stored twice, with its trace in order; a statement that fails at top level
# is skipped; two streams at once; it ends with its source, and its name is nobody else's.
# timeout: 120
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq
mkdir -p "$TMP/apps/relay"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
# of the shape of what was written for other servers: the globals nc and ns are shared
cat >"$TMP/apps/relay/main.asc" <<'END'
application.onPublish = function (client, myStream) {
	trace(myStream.name + " comes into " + application.name);
	if (application.name == "relay/_definst_") {
		trace("to the second");
		nc = new NetConnection();
		nc.connect("rtmp://localhost/relay/second");
		ns = new NetStream(nc);
		ns.onStatus = function (info) {
			trace("push: " + info.code);
		}
		ns.setBufferTime(2);
		ns.attach(myStream);
		ns.publish(myStream.name, "live");
	}
}
ns.onStatus = function (info) {
	trace("never");
}
application.onUnpublish = function (client, myStream) {
	trace(myStream.name + " leaves " + application.name);
}
END
start_server -w 2
traced() {
	count_event script.trace ".trace == \"$1\""
}
has_traced() { # TEXT COUNT
	[[ $(traced "$1") -eq $2 ]]
}

bench_start one publish -d 0 -r 500K "rtmp://$HOST:$PORT/relay/one"
one=$spawned
retry 10 has_traced "push: NetStream.Publish.Start" 1 || fail "the push does not start"
wait_event script.error '.line == 16 and .called == "the top level of the script"' >/dev/null
retry 10 has_traced "one comes into relay/second" 1 || fail "onPublish of the second name"
expect "the first name" "$(traced 'one comes into relay/_definst_')" -eq 1
expect "streams that are stored" "$(count_event publish.start)" -eq 1
bench_start two publish -d 0 -r 500K "rtmp://$HOST:$PORT/relay/two"
two=$spawned
retry 10 has_traced "push: NetStream.Publish.Start" 2 || fail "the second stream"

# viewers of both names on both workers
for name in relay/one relay/second/one relay/second/two; do
	bench_start "v-${name//\//-}" play -n 4 -d 4 "rtmp://$HOST:$PORT/$name"
	viewers+=("$spawned")
done
for v in "${viewers[@]}"; do
	await "$v" || fail "a viewer failed"
done
for name in relay-one relay-second-one relay-second-two; do
	clean "v-$name" || fail "viewers of $name lost frames"
done

# somebody else cannot take the second name
bench_start thief publish -d 2 -r 100K "rtmp://$HOST:$PORT/relay/second/one"
await "$spawned" && fail "the second name was taken"
wait_event stream.refuse '.stream == "one"' >/dev/null

# the host dies: told again, and what it republished is taken over, not doubled
kill -9 "$(events script.run | jq -r .script_pid | tail -1)"
retry 10 has_traced "push: NetStream.Publish.Start" 4 || fail "not republished again"
expect "still two streams" "$(count_event publish.start)" -eq 2

stop "$one"
retry 30 has_traced "one leaves relay/second" 1 || fail "the second name does not end"
retry 30 has_traced "one leaves relay/_definst_" 1 || fail "onUnpublish of the first"
retry 30 has_traced "push: NetStream.Unpublish.Success" 1 || fail "the push does not end"
expect "two stays" "$(traced 'two leaves relay/second')" -eq 0
stop "$two"
expect "what was skipped" "$(traced never)" -eq 0
stop_server
