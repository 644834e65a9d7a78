"""A proxy that does what a test says, on loopback."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from socket import SO_LINGER, SOL_SOCKET

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SOCKS_OK = bytes.fromhex("05000001000000000000")


@asynccontextmanager
async def served(act: Act, path: str | None = None) -> AsyncIterator[str]:
    """Serve every connection by `act`; yield `host:port`. What `act` leaves open is closed at the end.

    Args:
        act: Serves one connection.
        path: A Unix socket to listen on in place of a port.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await act(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the streams of Python 3.11 call a cancelled task an error
        finally:
            tasks.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    if path is None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        place = "{}:{}".format(*server.sockets[0].getsockname())
    else:
        server = await asyncio.start_unix_server(serve, path)
        place = f"unix:{path}"
    try:
        yield place
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def says(*steps: bytes | int | str) -> Act:
    """Read that many bytes, send those, or `hang`, `reset`; then close."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step in steps:
            if isinstance(step, int):
                await reader.readexactly(step)
            elif isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step == "line":
                await reader.readline()
            elif step == "hang":
                await asyncio.get_running_loop().create_future()
            else:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))

    return act


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until they end."""
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Connect to a node and carry the bytes of both sides."""
    node_reader, node_writer = await asyncio.open_connection(host, port)
    try:
        await asyncio.gather(pump(reader, node_writer), pump(node_reader, writer))
    finally:
        node_writer.close()
        with suppress(OSError):
            await node_writer.wait_closed()


class SocksServer:
    """A SOCKS5 proxy that connects to one node, whatever it is asked for.

    Attributes:
        requests: User name and destination of each request, as they came.
    """

    def __init__(self, host: str, port: int, *, reply: bytes = SOCKS_OK, resolved: bytes = b"") -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self._node = (host, port)
        self._reply = reply
        self._resolved = resolved

    async def act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        user = b""
        writer.write(b"\x05\x02" if 2 in methods else b"\x05\x00")
        if 2 in methods:
            user = await reader.readexactly((await reader.readexactly(2))[1])
            await reader.readexactly((await reader.readexactly(1))[0])
            writer.write(b"\x01\x00")
        _, command, _, kind = await reader.readexactly(4)
        length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        self.requests.append((user, await reader.readexactly(length)))
        await reader.readexactly(2)
        if command == 0xF0:
            writer.write(self._resolved or b"\x05\x07\x00\x01" + bytes(6))
            return
        writer.write(self._reply)
        await relay(reader, writer, *self._node)


class SamServer:
    """A SAM bridge whose every destination is one node.

    Attributes:
        sessions: IDs of the sessions created.
        streams: Session and name of each stream that was connected.
        answers: Lines in place of the healthy ones, by the first two words of the request.
    """

    def __init__(self, host: str, port: int, answers: dict[str, bytes] | None = None) -> None:
        self.sessions: list[str] = []
        self.streams: list[str] = []
        self.answers = answers or {}
        self.controls: list[asyncio.StreamWriter] = []
        self._node = (host, port)

    async def act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        while line := (await reader.readline()).decode():
            topic = " ".join(line.split()[:2])
            pairs = dict(pair.split("=", 1) for pair in line.split()[2:] if "=" in pair)
            if topic == "SESSION CREATE":
                self.sessions.append(pairs["ID"])
                self.controls.append(writer)
            is_known = pairs.get("ID") in self.sessions
            healthy = {
                "HELLO VERSION": b"HELLO REPLY RESULT=OK VERSION=3.1\n",
                "SESSION CREATE": b"SESSION STATUS RESULT=OK DESTINATION=abc\n",
                "NAMING LOOKUP": b"NAMING REPLY RESULT=OK NAME=x VALUE=AAAA\n",
                "STREAM CONNECT": b"STREAM STATUS RESULT=OK\n"
                if is_known
                else b"STREAM STATUS RESULT=INVALID_ID\n",
            }
            answer = self.answers.get(topic, healthy[topic])
            writer.write(answer)
            await writer.drain()
            if topic == "STREAM CONNECT" and answer.endswith(b"=OK\n"):
                self.streams.append(pairs["ID"])
                await relay(reader, writer, *self._node)
                return
