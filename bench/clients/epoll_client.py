"""The floor: a bare epoll loop that sends fixed bytes and looks for `verack`. Not a client to use.

    python bench/clients/epoll_client.py FILE CONCURRENCY

FILE holds a `host:port` a line. Prints how many answered.
"""

from __future__ import annotations

import select
import socket
import sys

MAGIC = bytes.fromhex("fabfb5da")
VERSION = bytes.fromhex(
    "fabfb5da76657273696f6e00000000006100000046ee6f63801101000900000000000000b1c1006b00000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000001020304050607080b2f70726f62653a302e312f0000000001"
)
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
