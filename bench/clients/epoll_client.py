"""The floor: a bare epoll loop that sends fixed bytes and looks for `verack`. Not a client to use.

    python bench/clients/epoll_client.py FILE CONCURRENCY

FILE holds a `host:port` a line. Prints how many answered.
"""

from __future__ import annotations

import select
import socket
import sys
from hashlib import sha256
from struct import Struct

MAGIC = bytes.fromhex("fabfb5da")
PAYLOAD = Struct("<iQq52xQB13sib").pack(70016, 0, 1_700_000_000, 7, 13, b"/fixed:0.1.0/", 0, 0)
CHECKSUM = sha256(sha256(PAYLOAD).digest()).digest()[:4]
VERSION = MAGIC + b"version".ljust(12, b"\0") + len(PAYLOAD).to_bytes(4, "little") + CHECKSUM + PAYLOAD
VERACK = MAGIC + b"verack".ljust(12, b"\0") + bytes(4) + bytes.fromhex("5df6e0e2")


def main() -> None:
    with open(sys.argv[1]) as lines:
        addresses = [(host, int(port)) for host, port in (line.strip().split(":") for line in lines)]
    concurrency = int(sys.argv[2])
    epoll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    received: dict[int, bytes] = {}
    answered = started = done = 0
    while done < len(addresses):
        while started < len(addresses) and len(sockets) < concurrency:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            sock.connect_ex(addresses[started])
            started += 1
            sockets[sock.fileno()] = sock
            received[sock.fileno()] = b""
            epoll.register(sock.fileno(), select.EPOLLOUT)
        for fd, mask in epoll.poll():
            sock = sockets[fd]
            if mask & select.EPOLLOUT:
                sock.send(VERSION)
                epoll.modify(fd, select.EPOLLIN)
                continue
            data = sock.recv(65536)
            received[fd] += data
            if b"verack" in received[fd]:
                sock.send(VERACK)
                answered += 1
            elif data:
                continue
            sock.close()
            del sockets[fd], received[fd]
            done += 1
    print(answered)


if __name__ == "__main__":
    main()
