#!/bin/bash
# A script sends one stream to two other servers. One of them is killed and comes
# back: it is sent to again, from a keyframe on, and nobody else notices. The process
# of the script is killed too: nothing is sent twice, no frame is lost. A connection
# that is not kept ends as it did on other servers: Failed, Rejected, BadName, Closed.
# timeout: 150
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
. "$top_srcdir/t/nets.sh"
need ffmpeg jq
nets_make newyork chicago losangeles client
clip 30
open='<Publish><Allow>all</Allow></Publish>'
APP_XML=$open
city() {
	use_server "$1"
	nets_server "$1" -w 1
}
# who connects with arguments is heard by the script there
mkdir -p "$TMP/losangeles/conf/_defaultRoot_/_defaultVHost_/applications/echo"
cat >"$TMP/losangeles/conf/_defaultRoot_/_defaultVHost_/applications/echo/main.asc" <<'END'
application.onConnect = function (client, text, number, object) {
	trace("heard " + text + " " + (number + 1) + " " + object.deep.er);
	return text == "friend";
};
Client.prototype.twice = function (number, object) {
	object.number = 2 * number;
	return object;
};
END
city chicago
city losangeles

mkdir -p "$TMP/apps/live" "$TMP/apps/once"
chmod -R a+rX "$TMP/apps"
cat >"$TMP/apps/live/main.asc" <<'END'
function send(city, stream) {
	var nc = new NetConnection(), ns;
	nc.autoReconnect = true;
	nc.onStatus = function (info) {
		trace(city + " nc " + info.code);
	};
	nc.connect("rtmp://" + city + "/live");
	ns = new NetStream(nc);
	ns.onStatus = function (info) {
		trace(city + " ns " + info.code);
	};
	ns.setBufferTime(2);
	ns.attach(stream);
	ns.publish(stream.name, "live");
}
application.onPublish = function (client, stream) {
	send("chicago", stream);
	send("losangeles", stream);
};
END
# what becomes of a connection that is not kept; its stream's name is the address
cat >"$TMP/apps/once/main.asc" <<'END'
function ask(nc, when) {
	nc.call("twice", { onResult: function (o) {
		trace(when + ": " + o.number + " " + o.text);
	} }, 21, { text: "kept" });
	nc.call("nothing", { onStatus: function (info) {
		trace(when + ": " + info.code);
	} });
	nc.call("twice", null, 1, {});
}
application.onPublish = function (client, stream) {
	var nc = new NetConnection(), ns = new NetStream(nc), name = stream.name;
	nc.onStatus = function (info) {
		trace(name + " nc " + info.code);
	};
	ns.onStatus = function (info) {
		trace(name + " ns " + info.code);
		if (name == "ended" && info.code == "NetStream.Publish.Start")
			ns.publish(false);
		if (name == "friend" && info.code == "NetStream.Publish.Start")
			ask(nc, "while it publishes");
	};
	if (name == "friend")
		ask(nc, "before it is up"); /* nobody is asked: it is closed */
	if (name == "friend" || name == "foe")
		nc.connect("rtmp://losangeles/echo", name, 41, { deep: { er: true } });
	else
		nc.connect(name == "nobody" ? "rtmp://losangeles:1936/live" :
		    name == "self" ? "rtmp://newyork/once" : "rtmp://losangeles/live");
	if (name == "friend")
		ask(nc, "at first");
	ns.attach(stream);
	ns.publish(name == "taken" ? "demo" : name);
};
END
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
use_server newyork
nets_server newyork -w 2
traced() {
	count_event script.trace ".trace == \"$1\""
}
has_traced() { # TEXT [COUNT]
	[[ $(traced "$1") -ge ${2:-1} ]]
}
live_at() {
	use_server "$1"
	[[ $(stream "$2" .state) == live ]]
}

# who plays waits for the stream
nets_play client rtmp://losangeles/live/demo "$TMP/losangeles.md5" -flush_packets 1
losangeles=$spawned
nets_play client rtmp://chicago/live/demo "$TMP/chicago.md5" -flush_packets 1
chicago=$spawned
nets_spawn client publisher ffmpeg -nostdin -v warning -re -i "$MEDIA" -c copy \
    -flvflags no_duration_filesize -f flv rtmp://newyork/live/demo
publisher=$spawned
for c in chicago losangeles; do
	retry 15 live_at "$c" demo || fail "not live at $c"
	use_server newyork
	retry 10 has_traced "$c ns NetStream.Publish.Start" || fail "$c: Publish.Start"
	expect "$c: connected once" "$(traced "$c nc NetConnection.Connect.Success")" -eq 1
done
expect "nobody is asked to play" "$(stream demo '.readers.total // 0')" -eq 0

# a server dies, and comes back
enough() { # FILE LINES
	[[ -e $1 && $(grep -vc '^#' "$1") -ge $2 ]]
}
retry 15 enough "$TMP/chicago.md5" 500 || fail "chicago gets nothing"
use_server chicago
mapfile -t all < <(children "$MASTER")
{ kill -KILL "$MASTER" "${all[@]}" && wait "$MASTER"; } 2>/dev/null
await "$chicago" 30
same_media "$TMP/ref.md5" "$TMP/chicago.md5" part
use_server newyork
retry 10 has_traced "chicago nc NetConnection.Connect.Closed" || fail "Closed is not told"
rm -rf "$TMP/chicago/run"
VHOST_XML=
city chicago
nets_play client rtmp://chicago/live/demo "$TMP/again.md5" -flush_packets 1
again=$spawned
retry 15 live_at chicago demo || fail "not live at chicago after its return"
use_server newyork
retry 5 has_traced "chicago ns NetStream.Publish.Start" 2 || fail "the return is not told"
expect "Closed once" "$(traced "chicago nc NetConnection.Connect.Closed")" -eq 1

# the script's process dies: what it sends is taken over
kill -9 "$(events script.run '.app == "live"' | jq -r .script_pid | tail -1)"
retry 15 has_traced "losangeles ns NetStream.Publish.Start" 2 || fail "not taken over"
retry 15 has_traced "chicago ns NetStream.Publish.Start" 3 || fail "not taken over"
expect "sent to losangeles once" "$(count_event push.up '.hop == "losangeles:1935"')" -eq 1
expect "sent to chicago twice" "$(count_event push.up '.hop == "chicago:1935"')" -eq 2

# connections that are not kept
for name in taken nobody self friend foe; do
	nets_spawn client "p-$name" "$BENCH" publish -d 3 -r 100K "rtmp://newyork/once/$name"
done
retry 15 has_traced "taken ns NetStream.Publish.BadName" || fail "BadName"
expect "taken: connected" "$(traced "taken nc NetConnection.Connect.Success")" -eq 1
retry 15 has_traced "nobody nc NetConnection.Connect.Failed" || fail "Failed"
retry 5 has_traced "nobody ns NetStream.Failed" || fail "its stream"
retry 15 has_traced "self nc NetConnection.Connect.Rejected" || fail "a loop"
retry 15 has_traced "friend ns NetStream.Publish.Start" || fail "with arguments"
retry 15 has_traced "foe nc NetConnection.Connect.Rejected" || fail "rejected by the script there"
retry 5 has_traced "foe ns NetStream.Failed" || fail "its stream"
for when in "at first" "while it publishes"; do
	retry 5 has_traced "$when: 42 kept" || fail "$when: no answer to a call"
	retry 5 has_traced "$when: NetConnection.Call.Failed" || fail "$when: no error of a call"
done
expect "a closed connection calls nobody" "$(traced "before it is up: 42 kept")" -eq 0
use_server losangeles
for name in friend foe; do
	wait_event script.trace ".trace == \"heard $name 42 true\"" >/dev/null
done
use_server newyork
nets_spawn client p-ended "$BENCH" publish -d 8 -r 100K rtmp://newyork/once/ended
retry 15 has_traced "ended ns NetStream.Unpublish.Success" || fail "publish(false)"
use_server losangeles
retry 10 has_event stream.end '.stream == "ended" and .reason == "unpublished"' ||
    fail "no goodbye"

# the end of the stream is told to all
await "$publisher" 60 || fail "the publisher failed"
await "$losangeles" || fail "the player at losangeles failed"
await "$again" || fail "the player at chicago failed"
NETS_PLAYERS=()
for c in chicago losangeles; do
	use_server "$c"
	wait_event stream.end '.stream == "demo" and .reason == "unpublished"' >/dev/null
done
use_server newyork
retry 5 has_traced "losangeles ns NetStream.Unpublish.Success" || fail "the end is not told"
same_media "$TMP/ref.md5" "$TMP/losangeles.md5" end
same_media "$TMP/ref.md5" "$TMP/again.md5" end
note "losangeles: $(recorded "$TMP/losangeles.md5")"
note "chicago after its return: $(recorded "$TMP/again.md5")"
expect "losangeles was never lost" "$(count_event push.lost '.hop == "losangeles:1935"')" -eq 0
for c in newyork chicago losangeles; do
	use_server "$c"
	stop_server
done
