#!/usr/bin/env python3
"""calls.py serve PORT FILE: an RTMP server that lets clients in, or not, as they ask in
their connect, and answers calls; a line of JSON in FILE tells of each.
calls.py connect PORT APP [WORD]: what a client is told to its connect, with the argument
WORD, as a line of JSON.
calls.py calls PORT APP N: N calls at once, with arguments of all types of AMF0 and AMF3
in turn; each has to come back as it was, in order."""
import json
import socket
import struct
import sys
import threading
import time

from rtmp_client import Commands, amf, greet, message, shake_hands, value

OBJECT_END = b"\0\0\x09"


def text(s):
    return struct.pack(">H", len(s)) + s


def double(d):
    return struct.pack(">d", d)


# One value of each type, as it stands on the wire (AMF 0 specification, 2; AMF 3, 3).
AMF0 = {
    "number": b"\x00" + double(-1.5e300),
    "nan": b"\x00" + b"\x7f\xf8\0\0\0\0\0\x01",
    "boolean": b"\x01\x01",
    "string": b"\x02" + text("\u00e4\u4e16\U0001f600".encode()),
    "object": b"\x03" + text(b"a") + b"\x05" + text(b"b") + b"\x00" + double(7) + OBJECT_END,
    "null": b"\x05",
    "undefined": b"\x06",
    "reference": b"\x07\0\0",
    "ecma array": b"\x08\0\0\0\x05" + text(b"0") + b"\x02" + text(b"x") + OBJECT_END,
    "strict array": b"\x0a\0\0\0\x02" + b"\x05" + b"\x01\0",
    "date": b"\x0b" + double(1764086400000) + b"\0\x3c",
    "long string": b"\x0c\0\0\x13\x88" + b"l" * 5000,
    "xml": b"\x0f\0\0\0\x04" + b"<a/>",
    "typed object": b"\x10" + text(b"org.example.T") + text(b"p") + b"\x01\x01" + OBJECT_END,
}
AMF3 = {
    "undefined": b"\x00", "null": b"\x01", "false": b"\x02", "true": b"\x03",
    "integer": b"\x04\xff\xff\xff\xff",
    "double": b"\x05" + double(0.1),
    "string": b"\x06\x07abc",
    "xml document": b"\x07\x09<a/>",
    "date": b"\x08\x01" + double(1764086400000),
    "array": b"\x09\x05\x03k\x04\x01\x01\x06\x03v\x04\x7f",
    "object": b"\x0a\x0b\x01\x03a\x04\x05\x01",
    "typed object": b"\x0a\x13\x03T\x03p\x04\x05",
    "xml": b"\x0b\x09<b/>",
    "byte array": b"\x0c\x09\0\xff\0\x01",
    "vector of int": b"\x0d\x05\0\0\0\0\x01\xff\xff\xff\xff",
    "vector of uint": b"\x0e\x03\x01\xff\xff\xff\xff",
    "vector of double": b"\x0f\x03\0" + double(2.5),
    "vector of objects": b"\x10\x03\0\x01\x04\x01",
    "dictionary": b"\x11\x03\0\x04\x01\x06\x03v",
}


def samples():
    """(type of the message, name, arguments)"""
    found = [(20, name, v) for name, v in AMF0.items()]
    found += [(17, "3 " + name, b"\x11" + v) for name, v in AMF3.items()]
    found.append((20, "all", b"".join(AMF0.values())))
    found.append((17, "3 all", b"".join(b"\x11" + v for v in AMF3.values())))
    found.append((17, "none", b""))
    return found


def body_of(kind, name, txn, rest):
    return (b"\0" if kind == 17 else b"") + amf(name) + amf(float(txn)) + rest


def parse(kind, body):
    """Name, transaction, and what stands behind the command object."""
    at = 1 if kind == 17 and body[:1] == b"\0" else 0
    name, at = value(body, at)
    txn, at = value(body, at)
    return name, txn, body[at:]


def behind_object(rest):
    _, at = value(rest, 0)
    return rest[at:]


REFUSAL = {
    "level": "error", "code": "NetConnection.Connect.Rejected", "description": "not today",
    "application": {"why": "tenth", "n": 10.0, "deep": {"ok": True, "nothing": None}},
    "ex": {"code": 302.0, "redirect": "rtmp://other.example/app"},
}


def line(what):
    """JSON, whole numbers without a fraction."""
    return json.dumps(json.loads(json.dumps(what), parse_float=lambda f: int(float(f)) if float(f).is_integer() else float(f)))


class Server:
    def __init__(self, out):
        self.out, self.lock = out, threading.Lock()

    def tell(self, **what):
        with self.lock, open(self.out, "a", encoding="utf-8") as f:
            f.write(line(what) + "\n")

    def connect(self, c, txn, rest):
        o, at = value(rest, 0)
        args = []
        while at < len(rest):
            v, at = value(rest, at)
            args.append(v)
        self.tell(event="connect", object=o, args=args)
        if "refuse" in args:
            c.sendall(message(20, amf("_error") + amf(txn) + amf(None) + amf(REFUSAL)))
            return
        c.sendall(message(20, amf("_result") + amf(txn) + amf({"fmsVer": "FMS/3,5,7,7009"}) + amf({
            "level": "status", "code": "NetConnection.Connect.Success"})))
        if "call" in args:
            c.sendall(message(20, body_of(20, "hello", 77, amf(None) + amf("from above"))))
        if "kick" in args:
            time.sleep(1)
            c.sendall(message(20, body_of(20, "close", 0, amf(None))))

    def client(self, c):
        commands = Commands(c)
        try:
            greet(c, commands)
            for kind, body in commands.raw():
                name, txn, rest = parse(kind, body)
                if name == "connect":
                    self.connect(c, txn, rest)
                elif name == "echo":
                    c.sendall(message(kind, body_of(kind, "_result", txn, amf(None) + behind_object(rest))))
                elif name in ("_result", "_error"):
                    self.tell(event=name, txn=txn, value=value(rest, 1)[0])
                elif name != "createStream":
                    c.sendall(message(kind, body_of(kind, "_error", txn, amf(None) + amf({
                        "level": "error", "code": "NetConnection.Call.Failed", "description": name}))))
        except (EOFError, OSError):
            pass
        self.tell(event="gone")


def serve(port, out):
    s = socket.create_server(("127.0.0.1", int(port)))
    server = Server(out)
    server.tell(event="listens")
    while True:
        c, _ = s.accept()
        threading.Thread(target=server.client, args=(c,), daemon=True).start()


def enter(port, app, *args, encoding=3.0):
    c = socket.create_connection(("127.0.0.1", int(port)), 20)
    commands = Commands(c)
    shake_hands(c, commands)
    o = {"app": app, "flashVer": "LNX 11,2,202,644", "swfUrl": "http://example.org/p.swf",
         "tcUrl": f"rtmp://127.0.0.1:{port}/{app}", "pageUrl": "http://example.org/page?a=b",
         "objectEncoding": encoding, "own": {"list": "of mine"},
         "sluiceClient": "198.51.100.66:1", "sluiceNode": "", "sluiceVia": "0123456789abcdef"}
    c.sendall(message(20, amf("connect") + amf(1.0) + b"".join(amf(a) for a in (o,) + args)))
    it = commands.raw()
    kind, body = next(it)
    while parse(kind, body)[0] not in ("_result", "_error"):
        kind, body = next(it)
    name, txn, rest = parse(kind, body)
    return c, it, {"name": name, "txn": txn, "info": value(rest, value(rest, 0)[1])[0]}


def connect(port, app, *words):
    c, it, said = enter(port, app, *words, encoding=0.0)
    print(line(said), flush=True)
    try:
        for kind, body in it:
            name, txn, rest = parse(kind, body)
            print(line({"name": name, "args": [value(behind_object(rest), 0)[0]] if
                              len(behind_object(rest)) else []}), flush=True)
            if name == "hello":
                c.sendall(message(20, body_of(20, "_result", txn, amf(None) + amf("from below"))))
            if name == "close":
                return
    except (EOFError, OSError):
        print(line({"name": "end"}), flush=True)


def calls(port, app, count):
    c, it, said = enter(port, app)
    assert said["name"] == "_result", said
    all_samples, count = samples(), int(count)
    sent = [all_samples[i % len(all_samples)] for i in range(count)]

    def send():
        for i, (kind, _, args) in enumerate(sent):
            c.sendall(message(kind, body_of(kind, "echo", 100 + i, amf(None) + args)))
    threading.Thread(target=send, daemon=True).start()
    for i, (kind, what, args) in enumerate(sent):
        got_kind, body = next(it)
        want = body_of(kind, "_result", 100 + i, amf(None) + args)
        if (got_kind, body) != (kind, want):
            print(f"call {i}, {what}: type {got_kind} {body[:80]!r}, not {kind} {want[:80]!r}")
            return 1
    c.sendall(message(20, body_of(20, "nothing", 5, amf(None))))
    _, body = next(it)
    name, txn, rest = parse(20, body)
    assert (name, txn) == ("_error", 5.0), (name, txn)
    assert value(behind_object(rest), 0)[0]["description"] == "nothing"
    print(f"{count} calls, {len(all_samples)} kinds of arguments: all as they were, in order")
    return 0


sys.exit({"serve": serve, "connect": connect, "calls": calls}[sys.argv[1]](*sys.argv[2:]))
