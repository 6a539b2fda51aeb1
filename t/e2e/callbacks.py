#!/usr/bin/env python3
"""callbacks.py PROGRAM [dns]: sluice-callback alone, with this as its master and as whom it asks.

Answers cut at every byte are no answers, in each format; messages that are none are passed
over; a certificate that nobody has signed is not taken.  With dns: names are asked of port
53 here, which never answers; who has an address does not wait for them.  Prints what was tried; exit 1 if
something is otherwise.
"""
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

ALLOW, FAIL = "allow", "fail"
bad = 0


class Callback:
    def __init__(self, program):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.log, log = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        high = [os.dup2(s.fileno(), 20 + i) for i, s in enumerate((theirs, log))]

        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)
        self.process = subprocess.Popen([program], pass_fds=(3, 4, *high), preexec_fn=place)
        for fd in high:
            os.close(fd)
        theirs.close()
        log.close()
        threading.Thread(target=self.drain, daemon=True).start()
        self.sock.settimeout(20)
        self.answers, self.last = {}, 0
        self.tell(t="setup", server="vid-1", service="1")
        assert self.read()["t"] == "ready"

    def drain(self):
        while self.log.recv(65536):
            pass

    def tell(self, **message):
        self.sock.send(json.dumps(message).encode())

    def read(self):
        return json.loads(self.sock.recv(65536))

    def ask(self, url, form="json", event="on_publish", ms=5000):
        self.last += 1
        self.tell(t="ask", id=self.last, event=event, format=form, url=url, ms=ms,
                  vhost="_defaultVHost_", app="live", stream="cam", client=7, addr="127.0.0.1:1")
        return self.last

    def answer(self, number):
        while number not in self.answers:
            m = self.read()
            self.answers[m["id"]] = m
        return self.answers.pop(number)


def serve(answers, context=None):
    """A server that gives these answers, the path says which; returns its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)

    def one(c):
        try:
            if context:
                c = context.wrap_socket(c, server_side=True)
            head = b""
            while b"\r\n\r\n" not in head:
                more = c.recv(65536)
                if not more:
                    return
                head += more
            c.sendall(answers[int(head.split()[1].strip(b"/"))])
        except OSError:
            pass
        finally:
            c.close()

    def accept():
        while True:
            c, _ = listener.accept()
            threading.Thread(target=one, args=(c,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def expect(what, is_so, detail=""):
    global bad
    if not is_so:
        bad = 1
        print("FAIL:", what, detail)


def cut(callback):
    """Every beginning of good answers; with a length, and in chunks."""
    whole = {
        "json": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "nginx-rtmp": b"HTTP/1.1 302 Found\r\nLocation: public\r\nContent-Length: 3\r\n\r\nabc",
        "srs": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"5\r\n{\"cod\r\n6\r\ne\": 0}\r\n0\r\n\r\n"}
    n = 0
    for form, text in whole.items():
        port = serve([text[:i] for i in range(len(text) + 1)])
        asked = [callback.ask(f"http://127.0.0.1:{port}/{i}", form) for i in range(len(text) + 1)]
        for i, number in enumerate(asked):
            n += 1
            a = callback.answer(number)
            # of chunks the last byte says nothing: its line has ended
            all_came = i >= len(text) - (form == "srs")
            good = "rename" if form == "nginx-rtmp" else ALLOW
            expect(f"{form} cut at {i} of {len(text)}",
                   a["verdict"] == (good if all_came else FAIL), a)
    print(n, "answers cut")


def malformed(callback):
    good = {"t": "ask", "id": 1, "event": "on_play", "format": "json", "ms": 100,
            "url": "http://127.0.0.1:1/"}
    wrong = [b"", b"\0", b"{", b"[]", b"null", b"{}", b'{"t":1}', b'{"t":"ask"}',
             b'{"t":"no such"}', b'{"t":"ask","id":-1}', b"\xff" * 100, b"[" * 16000]
    for member, values in {
            "id": (0, -1, "1", None, 1e300), "event": ("on_x", 1, None), "format": ("xml", None),
            "ms": (0, -5, 10**9, "x"), "url": ("file:///etc/passwd", "ftp://h/", "", None, 7,
                                               "gopher://127.0.0.1:1/x")}.items():
        for v in values:
            wrong.append(json.dumps({**good, "id": 900000 + len(wrong), member: v}).encode())
    for w in wrong:
        if w:
            callback.sock.send(w)
    port = serve([b"HTTP/1.1 204 No\r\n\r\n"])
    expect("it works on", callback.answer(callback.ask(f"http://127.0.0.1:{port}/0"))["verdict"] == ALLOW)
    for n, a in callback.answers.items():
        expect("answer to a malformed message", a["verdict"] == FAIL, a)
    expect("answers to those that have a number", len(callback.answers) > 8, callback.answers)
    print(len(wrong), "malformed messages")


def certificate(callback):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", d + "/k",
                        "-out", d + "/c"], check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(d + "/c", d + "/k")
        port = serve([b"HTTP/1.1 204 No\r\n\r\n"], context)
        a = callback.answer(callback.ask(f"https://127.0.0.1:{port}/0"))
        expect("an unknown certificate", a["verdict"] == FAIL and "certificate" in a["text"], a)
        print("a certificate:", a["text"])


def silent_names(callback):
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    port = serve([b"HTTP/1.1 204 No\r\n\r\n"])
    lost = [callback.ask(f"http://nowhere{i}.example/x", ms=4000) for i in range(20)]
    for number in [callback.ask(f"http://127.0.0.1:{port}/0") for _ in range(50)]:
        expect("an address", callback.answer(number)["verdict"] == ALLOW)
    expect("names that failed before addresses were asked", not callback.answers)
    for number in lost:
        a = callback.answer(number)
        expect("a name", a["verdict"] == FAIL and a["text"] == "no answer in time", a)
    # its threads may still wait for the resolver
    expect("an address", callback.answer(callback.ask(f"http://127.0.0.1:{port}/0"))["verdict"] == ALLOW)
    expect("questions about names", len(names.recv(512)) > 12)
    print("a silent resolver")


c = Callback(sys.argv[1])
if sys.argv[2:] == ["dns"]:
    silent_names(c)
else:
    cut(c)
    malformed(c)
    certificate(c)
late = c.ask("http://127.0.0.1:1/x", ms=1)
expect("nobody listens", c.answer(late)["verdict"] == FAIL)
c.tell(t="quit")
expect("exit status", c.process.wait(20) == 0, c.process.returncode)
sys.exit(bad)
