#!/usr/bin/env python3
"""receiver.py FILE: what servers ask by HTTP, for tests.

Listens on a free port of 127.0.0.1, which it prints.  Every request is a line of
JSON in FILE: method, path, http (version), headers, body, at_once (requests that have
no answer yet, with this one).  The path says what is
answered, and the rest of it with what; so a configuration chooses:

	/allow/...	200, body "ok"
	/zero/...	200, body 0; /code/N/... 200, body {"code": N}
	/refuse/...	403, body: a text with controls and bytes
	/to/NAME	302, Location: NAME (+ stands for /)
	/status/N/...	that status
	/garbage/...	no HTTP
	/cut/...	half an answer
	/flood/...	200, and bytes until nobody takes them
	/hang/...	no answer
	/wait/N/...	200 when N of them are there at once, and not before
"""
import http.server
import json
import sys
import threading
import time

lock = threading.Condition()
waiting = open_now = 0


class Receiver(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def flood(self):
        self.send_response(200)
        self.end_headers()
        for _ in range(100000):
            self.wfile.write(b"0" * 4096)

    def together(self, n):
        global waiting
        with lock:
            waiting += 1
            lock.notify_all()
            enough = lock.wait_for(lambda: waiting >= n, 60)
        self.answer(200 if enough else 503, b"ok")

    def do_POST(self):
        global open_now
        with lock:
            open_now += 1
        try:
            self.serve()
        finally:
            with lock:
                open_now -= 1

    def serve(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size).decode("latin-1")
        with lock:
            print(json.dumps({"method": self.command, "path": self.path,
                              "http": self.request_version,
                              "headers": dict(self.headers.items()),
                              "body": body, "at_once": open_now}), file=out, flush=True)
        part = self.path.split("?")[0].split("/")[1:]
        kind, arg = part[0], part[1] if len(part) > 1 else ""
        self.close_connection = True
        try:
            if kind == "allow":
                self.answer(200, b"ok")
            elif kind == "zero":
                self.answer(200, b"0")
            elif kind == "code":
                self.answer(200, b'{"code": %d, "data": null}' % int(arg))
            elif kind == "refuse":
                self.answer(403, b"not\x01 \xff\r\n today")
            elif kind == "to":
                self.answer(302, headers=[("Location", arg.replace("+", "/"))])
            elif kind == "status":
                self.answer(int(arg), b"status " + arg.encode())
            elif kind == "garbage":
                self.wfile.write(b"\x03\x00\x01hello, this is no HTTP\n")
            elif kind == "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nok")
            elif kind == "flood":
                self.flood()
            elif kind == "hang":
                time.sleep(3600)
            elif kind == "wait":
                self.together(int(arg))
            else:
                self.answer(404, b"no such answer")
        except OSError:
            pass

    do_GET = do_POST


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


out = open(sys.argv[1], "a", encoding="utf-8")
server = Server(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
