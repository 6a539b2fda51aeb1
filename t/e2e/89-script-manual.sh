#!/bin/bash
# sluice-script(7) and what a script finds: each member that is there stands in the page, each that
# the page has is there, its events are those that are called, what is missing says so; its example runs.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need jq perl
PAGE=$top_srcdir/man/sluice-script.7
PRELUDE=$top_srcdir/script/prelude.js
mkdir -p "$TMP/apps/names" "$TMP/apps/live"

# names KIND: of the lists behind a comment `list: KIND`, one a line
names() {
	perl -ne '
		BEGIN { $kind = shift }
		$on = $1 eq $kind if /^\.\\" list: (.*)/;
		$on = 0 if /^\.El/;
		if ($on && s/^\.It Li //) {
			s/ Ns .*//;
			print "$_\n" for split /[ ,]+/, s/\n//r;
		}' "$1" "$PAGE"
}
# the lists of names as they are for a script
{
	echo "var page = {};"
	for kind in global application Client Stream NetConnection NetStream missing; do
		names "$kind" | sort >"$TMP/page-$kind"
		[[ -s $TMP/page-$kind ]] || fail "the page has no list of $kind"
		echo "page.$kind = $(jq -Rcs 'split("\n") | map(select(. != ""))' <"$TMP/page-$kind");"
	done
	cat <<'END'
function tell(kind, list) {
	list.forEach(function (name) { trace(kind + " " + name); });
}
/* all names that an object has by itself and by its prototypes, but those of every object */
function all(object) {
	var list = [];
	for (; object && object !== Object.prototype && object !== Function.prototype; object = Object.getPrototypeOf(object))
		list = list.concat(Object.getOwnPropertyNames(object));
	return list.filter(function (n) {
		return [ "_own", "constructor", "prototype", "arguments", "caller", "fileName" ].indexOf(n) < 0 && !(n in Object.prototype) && !(n in Function.prototype);
	});
}
function lookup(objects, path) {
	var at = path.split("."), found;
	if (at.length == 1)
		return { has: at[0] in this, value: this[at[0]] };
	objects[at[0]].forEach(function (o) {
		if (found === undefined && at[1] in o)
			found = { has: true, value: o[at[1]] };
	});
	return found || { has: false };
}
var global = this;
application.onPublish = function (client, stream) {
	var nc = new NetConnection();
	var objects = {
		application: [ application ], Client: [ client ], Stream: [ Stream, stream ],
		NetConnection: [ nc ], NetStream: [ new NetStream(nc) ]
	};
	Object.keys(objects).forEach(function (kind) {
		objects[kind].forEach(function (o) {
			tell("there", all(o).map(function (n) { return kind + "." + n; }));
		});
		page[kind].forEach(function (path) {
			if (!lookup.call(global, objects, path).has)
				trace("absent " + path);
		});
	});
	page.global.forEach(function (name) {
		if (typeof global[name] !== "function")
			trace("absent " + name);
	});
	page.missing.forEach(function (path) {
		var found = lookup.call(global, objects, path), text = "nothing is thrown";
		try {
			if (found.has)
				found.value();
		} catch (e) {
			text = String(e.message);
		}
		if (text != path + " is not supported by this server")
			trace("silent " + path + ": " + text);
	});
	statements(client, stream);
};
/* what the page says of values, limits and errors */
function statements(client, stream) {
	var nc = new NetConnection(), ns = new NetStream(nc), waits = 0;
	function is(text, right) {
		if (!right)
			trace("wrong " + text);
	}
	function fails(text, f, like) {
		try {
			f();
		} catch (e) {
			is(text + ": " + e.message, like.test(e.message));
			return;
		}
		trace("wrong " + text + ": nothing is thrown");
	}
	function unchanged(object, name) {
		var was = object[name];
		try {
			object[name] = "other";
		} catch (e) {}
		is(name + " can be changed", object[name] === was);
	}
	[ "name", "server", "hostname" ].forEach(function (n) { unchanged(application, n); });
	[ "id", "ip" ].forEach(function (n) { unchanged(client, n); });
	unchanged(stream, "name");
	unchanged(nc, "isConnected");
	unchanged(ns, "isPublishing");
	is("application.name", application.name === "names/_definst_");
	is("application.server", /^Sluice\/[0-9]/.test(application.server));
	is("application.hostname", application.hostname === "_defaultVHost_");
	is("application.clients", Array.isArray(application.clients) && application.clients.length === 1 &&
	    application.clients[0] === client);
	is("application.config", Object.keys(application.config).length === 0);
	is("Client.id", typeof client.id === "string");
	is("Client.ip", client.ip === "127.0.0.1");
	is("Client.protocol", client.protocol === "rtmp" && client.secure === false && client.protocolVersion === "1.0");
	is("Client.uri", /^rtmp:\/\/127.0.0.1:[0-9]+\/names$/.test(client.uri));
	is("Client.virtualKey", client.virtualKey === "");
	is("access", client.readAccess === "/" && client.writeAccess === "/");
	is("acceptConnection of one that is in", application.acceptConnection(client) === false);
	is("rejectConnection of one that is in", application.rejectConnection(client) === false);
	is("redirectConnection of one that is in", application.redirectConnection(client, "rtmp://x/y") === false);
	is("Stream.get", Stream.get("s") === stream && Stream.get("none") === Stream.get("none"));
	is("Stream.length", Stream.length("s") === 0);
	is("Stream", stream.type === "flv" && stream.time === 0 && stream.bufferTime === 2 && stream.publishQueryString === "");
	fails("new Stream", function () { new Stream(); }, /Stream.get/);
	fails("Stream.play of a recorded stream", function () { stream.play("x", 0); }, /recorded stream is not supported/);
	fails("Stream.play of another server", function () { stream.play("x", -1, -1, true, nc); }, /another server is not supported/);
	fails("Stream.setBufferTime", function () { stream.setBufferTime(3601); }, /0 to 3600/);
	fails("NetStream.setBufferTime", function () { ns.setBufferTime(-1); }, /0 to 3600/);
	is("NetStream.bufferTime", ns.bufferTime === 2 && (ns.setBufferTime(7), ns.bufferTime === 7));
	fails("NetStream.attach", function () { ns.attach("s"); }, /Stream/);
	fails("new NetStream", function () { new NetStream({}); }, /NetConnection/);
	fails("NetStream.publish", function () { ns.publish("x", "rewind"); }, /live, record or append/);
	fails("NetConnection.connect", function () { nc.connect("http://x"); }, /rtmp/);
	is("NetConnection", nc.objectEncoding === 0 && nc.autoReconnect === false && nc.isConnected === false);
	fails("load of a path", function () { load("/etc/passwd"); }, /without/);
	fails("load of what is not there", function () { load("none.asc"); }, /No such file/);
	fails("setInterval", function () { setInterval(1, 2); }, /first argument/);
	fails("what is sent is too large", function () {
		var s = "x";
		while (s.length < 70000)
			s += s;
		application.broadcastMsg(s);
	}, /larger than/);
	fails("too deep", function () {
		var a = [];
		for (var i = 0; i < 40; i++)
			a = [ a ];
		application.broadcastMsg("x", a);
	}, /nested/);
	nc.onStatus = function (info) {
		is("NetConnection.onStatus", this === nc && info.level === "status" && info.code === "NetConnection.Connect.Success");
		is("uri", nc.isConnected && /localhost/.test(nc.uri));
		nc.onStatus = null;
		nc.call("method", { onStatus: function (i) {
			is("NetConnection.call " + i.code, i.level === "error" && i.code === "NetConnection.Call.Failed");
			if (++waits == 3)
				trace("done");
		} });
	};
	nc.connect("rtmp://localhost/names/other");
	setTimeout(function (a, b) {
		is("arguments of setTimeout", a === 1 && b === "b" && arguments.length === 2);
		if (++waits == 3)
			trace("done");
	}, 10, 1, "b");
	var o = { n: 0, tick: function (by) {
		this.n += by;
		if (this.n < 6)
			return;
		clearInterval(o.id);
		is("setInterval of a method", this === o && this.n === 6);
		if (++waits == 3)
			trace("done");
	} };
	o.id = setInterval(o, "tick", 5, 2);
}
END
} >"$TMP/apps/names/main.asc"

# the example, with the other server where it is here
use_server backup
PORT=$(free_port)
start_server -w 1
backup=$PORT
use_server s
perl -ne '
	$on = 1 if /^\.\\" example: copies/;
	$on = 0 if /^\.Ed/;
	print if $on && !/^\./;
' "$PAGE" | sed "s|rtmp://backup.example.com/live|rtmp://$HOST:$backup/live|; s/\\\\e/\\\\/g" >"$TMP/apps/live/main.asc"
grep -q "$HOST:$backup" "$TMP/apps/live/main.asc" || fail "the example: $(cat "$TMP/apps/live/main.asc")"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
start_server -w 2

bench_start names publish -d 0 -r 100K "rtmp://$HOST:$PORT/names/s"
names=$spawned
wait_event script.trace '.trace == "done"' >/dev/null
stop "$names"
expect "errors" "$(events script.error)" = ""
traces() {
	events script.trace ".trace | startswith(\"$1 \")" | jq -r .trace | cut -d' ' -f2-
}
expect "in the page, but not there" "$(traces absent)" = ""
expect "missing without a word" "$(traces silent)" = ""
expect "statements that are not so" "$(traces wrong)" = ""
{ cat "$TMP"/page-*; names "events application"; } | sort -u >"$TMP/page"
traces there | sort -u >"$TMP/there"
expect "members that are there" "$(wc -l <"$TMP/there")" -gt 60
expect "there, but not in the page" "$(comm -13 "$TMP/page" "$TMP/there")" = ""
# globals that prelude.js makes
for name in $(sed -n '/hide(global, {/,/^\t});/s/^\t\t\([a-zA-Z]*\): function .*/\1/p' "$PRELUDE"); do
	grep -qx "$name" "$TMP/page-global" || fail "$name is not in the page"
done
# events: those of the page are called, those that are called are in the page
for kind in application Stream NetConnection NetStream; do
	names "events $kind"
done | sort >"$TMP/events"
expect "events in the page" "$(wc -l <"$TMP/events")" -ge 9
for path in $(cat "$TMP/events"); do
	grep -q "\"${path#*.}\"" "$PRELUDE" || fail "$path is never called"
done
for name in $(grep -oE '"on[A-Z][A-Za-z]*"' "$PRELUDE" | tr -d '"' | sort -u); do
	grep -qE "(Fn (application\\.)?|\\.)$name" "$PAGE" || fail "$name is called, and not in the page"
done

# the example: both copies play, and the other server may go away
bench_start cam publish -d 0 -r 300K "rtmp://$HOST:$PORT/live/cam"
cam=$spawned
started() { # URL-PATTERN COUNT
	[[ $(count_event script.trace ".trace | test(\"^cam to $1: NetStream.Publish.Start\$\")") -ge $2 ]]
}
retry 10 started "rtmp://localhost/live/all" 1 || fail "the second name"
retry 10 started "rtmp://$HOST:$backup/live" 1 || fail "the other server"
bench all play -d 2 "rtmp://$HOST:$PORT/live/all/cam"
clean all
use_server backup
bench there play -d 2 "$(url cam)"
clean there
stop_server
start_server -w 1
use_server s
retry 30 started "rtmp://$HOST:$backup/live" 2 || fail "it is not sent again"
use_server backup
bench again play -d 2 "$(url cam)"
clean again
use_server s
stop "$cam"
stop_server
use_server backup
stop_server
