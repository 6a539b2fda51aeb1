#!/bin/bash
# A process of a script that has been taken over says what it likes: it gets no more
# connections than a script may have, and the server goes on.
# timeout: 90
. "${top_srcdir:-$(dirname "$0")/../..}/t/lib.sh"
. "$top_srcdir/t/rtmp.sh"
mkdir -p "$TMP/apps/live" "$TMP/bin"
echo 'application.onConnect = function () { return true; };' >"$TMP/apps/live/main.asc"
cp "$top_builddir/sluice-worker" "$TMP/bin"
cat >"$TMP/bin/sluice-script" <<'EOF'
#!/usr/bin/env python3
import json, os, socket, sys
s = socket.socket(fileno=3)
s.setblocking(True)
def say(**m):
    s.send(json.dumps(m).encode())
def hear():
    return json.loads(s.recv(65536))
json.loads(s.recv(65536))
say(t="ready")
while hear()["t"] != "start":
    pass
said = []
for n in range(30000):
    say(t="nc_open", inst="_definst_", nc=n + 1, url="rtmp://localhost/live", auto=False, args=[])
    while len(said) <= n:
        m = hear()
        if m["t"] == "nc":
            said.append((m["code"], m["text"]))
        elif m["t"] == "connect":
            say(t="accept", inst="_definst_", client=m["client"])
with open(os.path.dirname(sys.argv[0]) + "/said", "w") as f:
    json.dump({"up": sum(c.endswith(".Success") for c, _ in said), "last": said[-1]}, f)
while True:
    m = hear()
    if m["t"] == "quit":
        break
    if m["t"] == "ping":
        say(t="pong", n=m["n"])
EOF
chmod 755 "$TMP/bin/sluice-script"
chmod 777 "$TMP/bin"
chmod -R a+rX "$TMP/apps"
VHOST_XML="<AppsDir>$TMP/apps</AppsDir>"
export SLUICE_LIBEXECDIR=$TMP/bin
start_server -w 1
bench_start publisher publish -d 0 -r 500K "rtmp://$HOST:$PORT/live/one"
publisher=$spawned
retry 60 test -s "$TMP/bin/said" || fail "the process has not said all: $(tail -3 "$LOG")"
expect "connections" "$(jq .up "$TMP/bin/said")" -eq 20000
expect "the others" "$(jq '.last[1] | test("too many connections")' "$TMP/bin/said" | grep -c true)" -eq 1
stop "$publisher"
stop_server
