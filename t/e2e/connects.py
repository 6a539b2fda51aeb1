#!/usr/bin/env python3
"""connects.py ADDRESS PORT FILE [answer]: takes RTMP connections and writes "app tcUrl"
of the connect command into FILE.  With "answer" the client hears that it may go on, and
FILE has "app tcUrl play NAME", or publish, when it has asked for a stream."""
import os
import socket
import sys
import threading

from rtmp_client import Commands, answer, greet


def write(out, line):
    with open(out + ".part", "w", encoding="utf-8") as f:
        f.write(line)
    os.rename(out + ".part", out)


def client(c, out, answers):
    said = ""
    commands = Commands(c)
    try:
        greet(c, commands)
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
