#!/usr/bin/env python3
"""packets.py FILE: in the network namespace where it runs, a line into FILE for each IP
packet that goes out over any interface, "address protocol port"; of TCP only those that
begin a connection.  Until it is ended."""
import ipaddress
import socket
import sys

ETH_P_ALL, OUTGOING = 3, 4


def seen(kind, b):
    """The receiver of a packet, or None."""
    if kind == 0x0800 and len(b) >= 24:
        proto, to, at = b[9], b[16:20], (b[0] & 15) * 4
    elif kind == 0x86dd and len(b) >= 44:
        proto, to, at = b[6], b[24:40], 40
    else:
        return None
    if proto == 6 and (len(b) < at + 14 or b[at + 13] & 0x12 != 2):
        return None
    port = int.from_bytes(b[at + 2:at + 4], "big") if proto in (6, 17) else 0
    return f"{ipaddress.ip_address(to)} {proto} {port}"


def main():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    with open(sys.argv[1], "a", encoding="ascii", buffering=1) as out:
        while True:
            b, (_, kind, direction, _, _) = s.recvfrom(128)
            line = seen(kind, b) if direction == OUTGOING else None
            if line:
                print(line, file=out)


main()
