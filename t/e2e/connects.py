#!/usr/bin/env python3
"""connects.py ADDRESS PORT FILE [answer]: takes RTMP connections and writes "app tcUrl"
of the connect command into FILE.  With "answer" the client hears that it may go on, and
FILE has "app tcUrl play NAME", or publish, when it has asked for a stream."""
import os
import socket
import struct
import sys
import threading


class Commands:
    """What a client sends, as lists of AMF0 values."""

    def __init__(self, c):
        self.c, self.size, self.streams = c, 128, {}

    def read(self, n):
        b = b""
        while len(b) < n:
            more = self.c.recv(n - len(b))
            if not more:
                raise EOFError
            b += more
        return b

    def header(self):
        """Basic and message header of a chunk; returns its chunk stream."""
        first = self.read(1)[0]
        form, ids = first >> 6, first & 63
        if ids < 2:
            ids = 64 + int.from_bytes(self.read(ids + 1), "little")
        s = self.streams.setdefault(ids, {"body": b"", "long": False})
        if form < 3:
            h = self.read((11, 7, 3)[form])
            s["long"] = h[:3] == b"\xff\xff\xff"
            if form < 2:
                s["len"], s["kind"] = int.from_bytes(h[3:6], "big"), h[6]
        if s["long"]:
            self.read(4)
        return s

    def message(self):
        while True:
            s = self.header()
            s["body"] += self.read(min(self.size, s["len"] - len(s["body"])))
            if len(s["body"]) == s["len"]:
                body, s["body"] = s["body"], b""
                return s["kind"], body

    def __iter__(self):
        while True:
            kind, body = self.message()
            if kind == 1:
                self.size = int.from_bytes(body, "big")
            elif kind == 20:
                yield values(body)


def text(b, at):
    n = struct.unpack_from(">H", b, at)[0]
    return b[at + 2:at + 2 + n].decode(), at + 2 + n


def value(b, at):
    """An AMF0 value of b and where the next one begins."""
    kind, at = b[at], at + 1
    if kind == 0:
        return struct.unpack_from(">d", b, at)[0], at + 8
    if kind == 1:
        return b[at] != 0, at + 1
    if kind == 2:
        return text(b, at)
    if kind in (3, 8):
        o = {}
        at += 4 if kind == 8 else 0
        while b[at:at + 3] != b"\0\0\x09":
            name, at = text(b, at)
            o[name], at = value(b, at)
        return o, at + 3
    if kind in (5, 6):
        return None, at
    raise ValueError(f"AMF0 type {kind}")


def values(body):
    found, at = [], 0
    while at < len(body):
        v, at = value(body, at)
        found.append(v)
    return found


def amf(v):
    if v is None:
        return b"\x05"
    if isinstance(v, str):
        return b"\x02" + struct.pack(">H", len(v)) + v.encode()
    if isinstance(v, dict):
        names = b"".join(amf(n)[1:] + amf(x) for n, x in v.items())
        return b"\x03" + names + b"\0\0\x09"
    return b"\0" + struct.pack(">d", v)


def answer(c, *what):
    body = b"".join(amf(v) for v in what)
    chunks = [body[i:i + 128] for i in range(0, len(body), 128)]
    head = b"\x03\0\0\0" + len(body).to_bytes(3, "big") + b"\x14" + bytes(4)
    c.sendall(head + b"\xc3".join(chunks))


def write(out, line):
    with open(out + ".part", "w", encoding="utf-8") as f:
        f.write(line)
    os.rename(out + ".part", out)


def client(c, out, answers):
    said = ""
    commands = Commands(c)
    try:
        commands.read(1537)
        c.sendall(b"\x03" + bytes(1536) + bytes(1536))
        commands.read(1536)
        for name, txn, *rest in commands:
            if name == "connect":
                said = rest[0]["app"] + " " + rest[0]["tcUrl"]
                if not answers:
                    write(out, said)
                    continue
                answer(c, "_result", txn, {"fmsVer": "FMS/3,5,7,7009"}, {
                    "level": "status", "code": "NetConnection.Connect.Success"})
            elif name == "createStream" and answers:
                answer(c, "_result", txn, None, 1)
            elif name in ("play", "publish") and answers:
                write(out, f"{said} {name} {rest[1]}")
    except (EOFError, OSError):
        pass


def main():
    address, port, out = sys.argv[1:4]
    six = ":" in address
    s = socket.create_server((address, int(port)), dualstack_ipv6=six,
                             family=socket.AF_INET6 if six else socket.AF_INET)
    with open(out + ".listens", "w", encoding="ascii"):
        pass
    while True:
        c, _ = s.accept()
        threading.Thread(target=client, args=(c, out, len(sys.argv) > 4), daemon=True).start()


main()
