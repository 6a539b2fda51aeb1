"""What the RTMP programs of these tests share: commands and AMF0 of a connection."""
import struct


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
            if form == 0:
                s["msid"] = int.from_bytes(h[7:11], "little")
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

    def raw(self):
        """Type and payload of each command message."""
        while True:
            kind, body = self.message()
            if kind == 1:
                self.size = int.from_bytes(body, "big")
            elif kind in (17, 20):
                yield kind, body

    def __iter__(self):
        for kind, body in self.raw():
            if kind == 20:
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
    if kind == 10:
        n, found = struct.unpack_from(">I", b, at)[0], []
        at += 4
        for _ in range(n):
            v, at = value(b, at)
            found.append(v)
        return found, at
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
    if isinstance(v, bool):
        return b"\x01" + bytes([v])
    if isinstance(v, str):
        return b"\x02" + struct.pack(">H", len(v)) + v.encode()
    if isinstance(v, dict):
        names = b"".join(amf(n)[1:] + amf(x) for n, x in v.items())
        return b"\x03" + names + b"\0\0\x09"
    return b"\0" + struct.pack(">d", v)


def message(kind, body, msid=0):
    """A message in chunks of 128."""
    chunks = [body[i:i + 128] for i in range(0, len(body), 128)] or [b""]
    head = b"\x03\0\0\0" + len(body).to_bytes(3, "big") + bytes([kind]) + msid.to_bytes(4, "little")
    return head + b"\xc3".join(chunks)


def answer(c, *what):
    c.sendall(message(20, b"".join(amf(v) for v in what)))


def greet(c, commands):
    """The handshake of a server."""
    commands.read(1537)
    c.sendall(b"\x03" + bytes(1536) + bytes(1536))
    commands.read(1536)


def shake_hands(c, commands):
    """The handshake of a client."""
    c.sendall(b"\x03" + bytes(1536))
    commands.read(1 + 1536)
    c.sendall(bytes(1536))
    commands.read(1536)
