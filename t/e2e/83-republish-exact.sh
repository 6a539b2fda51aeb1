#!/bin/bash
# The name that a script republishes under is the same stream bit for bit, and takes no
# segment of the arena: H.264 with B-frames and AAC from FFmpeg, read by FFmpeg by both names.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
need ffmpeg
mkdir -p "$TMP/apps/live"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
cat >"$TMP/apps/live/main.asc" <<'END'
application.onPublish = function (client, s) {
	trace(s.name + " in " + application.name);
	if (application.name != "live/_definst_")
		return;
	var nc = new NetConnection();
	nc.connect("rtmp://localhost/live/second");
	var ns = new NetStream(nc);
	ns.attach(s);
	ns.publish(s.name, "live");
};
END
start_server -w 1
clip 12
play_ffmpeg cam "$TMP/first.md5"
pids=("$spawned")
# it waits for the second name; one worker has both names of the ring
spawn second ffmpeg -v error -i "rtmp://$HOST:$PORT/live/second/cam" -c copy -f framemd5 -y "$TMP/second.md5"
pids+=("$spawned")
publish_once cam
publisher=$spawned
wait_event play.start '.stream == "cam"' >/dev/null
retry 10 more_events play.start 1 || fail "the player of the second name did not start"
# one stream in the tables, with the readers of both names
expect "live streams" "$(ctl stream list -j | jq length)" -eq 1
expect "readers" "$(readers cam .total)" -eq 2
note "segments: $(ctl stream list -j | jq -c '.[0].ring')"
await "$publisher" 60 || fail "the publisher failed"
for pid in "${pids[@]}"; do
	await "$pid" || fail "a player failed"
done
same_media "$TMP/ref.md5" "$TMP/first.md5" all
same_media "$TMP/ref.md5" "$TMP/second.md5" end
stop_server
