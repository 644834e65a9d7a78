"""What most people would write: asyncio streams, a task a connection. Sends fixed bytes.

    python bench/clients/streams_client.py FILE CONCURRENCY

FILE holds a `host:port` a line. Prints how many answered.
"""

from __future__ import annotations

import asyncio
import sys

from bench.clients.epoll_client import VERACK, VERSION


async def shake(host: str, port: int, slots: asyncio.Semaphore) -> bool:
    async with slots:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(VERSION)
            while True:
                header = await reader.readexactly(24)
                await reader.readexactly(int.from_bytes(header[16:20], "little"))
                if header[4:10] == b"verack":
                    writer.write(VERACK)
                    await writer.drain()
                    return True
        finally:
            writer.close()
            await writer.wait_closed()


async def main() -> None:
    slots = asyncio.Semaphore(int(sys.argv[2]))
    with open(sys.argv[1]) as lines:
        addresses = [line.strip().split(":") for line in lines]
    answers = await asyncio.gather(*(shake(host, int(port), slots) for host, port in addresses))
    print(sum(answers))


if __name__ == "__main__":
    asyncio.run(main())
