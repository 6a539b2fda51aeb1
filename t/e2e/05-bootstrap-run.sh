#!/bin/bash
# ./bootstrap run ends in a playable test card; Ctrl-C ends all of it, with 0;
# a second one on the same port says so, with 78.
# sanitized: no
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
need ffmpeg
[[ $top_builddir -ef $top_srcdir/build ]] ||
    skip "only in the build directory of bootstrap"
PORT=$(free_port)

# start DIRECTORY: bootstrap run, as from a terminal (SIGINT not ignored)
start() {
	spawn "$1" env --default-signal=INT SLUICE_RUN_DIR="$TMP/$1" \
	    "$top_srcdir/bootstrap" run -p "$PORT" -w 2
}

running() {
	alive "$first" || fail "bootstrap ended"
	grep -q 'Stream Key  mystream' "$TMP/first.out"
}

start first
first=$spawned
retry 60 running || fail "bootstrap did not say how to use it"
grep -q "rtmp://.*:$PORT/live/demo" "$TMP/first.out" || fail "no address to play"

HOST=127.0.0.1
play_ffmpeg demo "$TMP/card.md5" -t 3
await "$spawned" || fail "the test card cannot be played"
expect "frames" "$(grep -c '^0' "$TMP/card.md5")" -gt 60
expect "audio" "$(grep -c '^1' "$TMP/card.md5")" -gt 100

start second
await "$spawned" 60
expect "status of the second on the port" "$?" -eq 78
grep -q "$PORT" "$TMP/second.out" || fail "the second does not name the port"

kill -INT "$first"
await "$first"
expect "status after Ctrl-C" "$?" -eq 0
expect "processes left" "$(descendants | wc -l)" -eq 0
