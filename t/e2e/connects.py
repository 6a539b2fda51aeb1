#!/usr/bin/env python3
"""connects.py ADDRESS PORT FILE: takes RTMP connections, writes "app tcUrl" of the
connect command into FILE, and answers nothing after the handshake."""
import os
import socket
import struct
import sys
import threading


def read(c, n):
    b = b""
    while len(b) < n:
        more = c.recv(n - len(b))
        if not more:
            raise EOFError
        b += more
    return b


def strings(body):
    """Names and string values of the AMF0 objects, in a row."""
    found, at = [], 0
    while at < len(body):
        if at + 2 <= len(body):
            n = struct.unpack(">H", body[at:at + 2])[0]
            text = body[at + 2:at + 2 + n]
            if 0 < n <= 600 and len(text) == n and all(32 <= b < 127 for b in text):
                found.append(text.decode())
                at += 2 + n
                continue
        at += 1
    return found


def client(c, out):
    try:
        read(c, 1537)
        c.sendall(b"\x03" + bytes(1536) + bytes(1536))
        read(c, 1536)
        chunk, body, need = 128, b"", None
        while need is None or len(body) < need:
            first = read(c, 1)[0]
            fmt, ids = first >> 6, first & 63
            if fmt == 0:
                head = read(c, 11)
                length, kind = int.from_bytes(head[3:6], "big"), head[6]
                if kind != 20:
                    data = read(c, length)
                    if kind == 1:
                        chunk = int.from_bytes(data, "big")
                    continue
                need = length
            body += read(c, min(chunk, need - len(body)))
        words = strings(body)
        with open(out + ".part", "w", encoding="ascii") as f:
            f.write(words[words.index("app") + 1] + " " + words[words.index("tcUrl") + 1])
        os.rename(out + ".part", out)
        read(c, 1 << 20)
    except (EOFError, OSError):
        pass


def main():
    address, port, out = sys.argv[1:]
    six = ":" in address
    s = socket.create_server((address, int(port)), dualstack_ipv6=six,
                             family=socket.AF_INET6 if six else socket.AF_INET)
    with open(out + ".listens", "w", encoding="ascii"):
        pass
    while True:
        c, _ = s.accept()
        threading.Thread(target=client, args=(c, out), daemon=True).start()


main()
