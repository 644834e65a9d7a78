"""A DNS server on loopback that answers exactly what a test tells it to, right or wrong."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import cast

import pytest
import uvloop

from bitcoin_handshake.resolver import Resolver

A, NS, CNAME, SOA, AAAA, OPT = 1, 2, 5, 6, 28, 41
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
QUESTION = b"\xc0\x0c"  # a pointer to the name in the question

UdpScript = Callable[[bytes], Sequence[bytes]]
TcpScript = Callable[[bytes], bytes | None]


def on_both_loops(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """Run a test on the standard event loop and on uvloop: their datagrams fail in ways of their own."""

    @functools.wraps(test)
    def run(loop_factory: Callable[[], asyncio.AbstractEventLoop], **arguments: object) -> None:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(test(**arguments))

    signature = inspect.signature(test)
    extra = inspect.Parameter("loop_factory", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]  # read by pytest
        parameters=[extra, *signature.parameters.values()]
    )
    loops = [asyncio.new_event_loop, uvloop.new_event_loop]
    both = pytest.mark.parametrize("loop_factory", loops, ids=["asyncio", "uvloop"])
    decorated: Callable[..., None] = both(run)
    return decorated


def wire_name(name: str) -> bytes:
    """Write a name without compression."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner: bytes, rdtype: int, data: bytes, *, ttl: int = 60, rdclass: int = 1) -> bytes:
    """Write a resource record."""
    return owner + struct.pack(">HHIH", rdtype, rdclass, ttl, len(data)) + data


def address(text: str, owner: bytes = QUESTION, *, ttl: int = 60) -> bytes:
    """Write an A or AAAA record."""
    packed = ip_address(text).packed
    return record(owner, A if len(packed) == 4 else AAAA, packed, ttl=ttl)


def alias(target: bytes, owner: bytes = QUESTION, *, ttl: int = 60) -> bytes:
    """Write a CNAME record."""
    return record(owner, CNAME, target, ttl=ttl)


def question_of(query: bytes) -> bytes:
    """The question section of a query."""
    end = 12
    while query[end]:
        end += 1 + query[end]
    return query[12 : end + 5]


def rdtype_of(query: bytes) -> int:
    """The type that a query asks for."""
    return int.from_bytes(question_of(query)[-4:-2], "big")


def name_of(query: bytes) -> bytes:
    """The name that a query asks for, as it stands there."""
    return question_of(query)[:-4]


def has_edns(query: bytes) -> bool:
    """Whether a query has an OPT record."""
    return query[11] == 1


def answer(
    query: bytes,
    answers: Sequence[bytes] = (),
    authority: Sequence[bytes] = (),
    additional: Sequence[bytes] = (),
    *,
    flags: int = AA,
    rcode: int = 0,
    question: bytes | None = None,
    query_id: bytes | None = None,
) -> bytes:
    """Write an answer to a query, right unless a keyword makes it wrong."""
    section = question_of(query) if question is None else question
    header = struct.pack(
        ">HHHHH", QR | RD | flags | rcode, int(bool(section)), len(answers), len(authority), len(additional)
    )
    body = b"".join([*answers, *authority, *additional])
    return (query[:2] if query_id is None else query_id) + header + section + body


def framed(message: bytes) -> bytes:
    """Put TCP's length before a message."""
    return len(message).to_bytes(2, "big") + message


def by_type(**answers: Sequence[str]) -> UdpScript:
    """Answer truthfully: `by_type(A=["127.0.0.1"])`; what is not named has no records."""

    def script(query: bytes) -> list[bytes]:
        texts = answers.get({A: "A", AAAA: "AAAA"}[rdtype_of(query)], ())
        return [answer(query, [address(text) for text in texts])]

    return script


@dataclass
class ScriptedDns:
    """What a scripted server was asked, and where it is.

    Attributes:
        resolver: Its address.
        script: What it answers over UDP.
        udp_queries: What came over UDP.
        tcp_queries: What came over TCP, without its length.
        closed: How many connections the client has closed.
    """

    resolver: Resolver
    script: UdpScript
    udp_queries: list[bytes] = field(default_factory=list)
    tcp_queries: list[bytes] = field(default_factory=list)
    closed: int = 0
    udp: asyncio.DatagramTransport | None = None
    client: tuple[str, int] | None = None

    def speak(self, message: bytes) -> None:
        """Send a datagram to whoever asked last over UDP."""
        assert self.udp is not None
        self.udp.sendto(message, self.client)


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: ScriptedDns) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.server.udp = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.server.udp_queries.append(data)
        self.server.client = addr
        for reply in self.server.script(data):
            self.server.speak(reply)


class _Tcp(asyncio.Protocol):
    def __init__(self, script: TcpScript, server: ScriptedDns) -> None:
        self.script = script
        self.server = server
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.closed += 1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) < 2 or len(self.buffer) < 2 + int.from_bytes(self.buffer[:2], "big"):
            return
        query, self.buffer = self.buffer[2:], b""
        self.server.tcp_queries.append(query)
        reply = self.script(query)
        if reply is not None:
            assert self.transport is not None
            self.transport.write(reply)
            self.transport.close()


@contextlib.asynccontextmanager
async def scripted_dns(
    udp: UdpScript,
    tcp: TcpScript | None = None,
    *,
    tcp_protocol: Callable[[], asyncio.Protocol] | None = None,
) -> AsyncIterator[ScriptedDns]:
    """Run a server on a free port of loopback.

    Args:
        udp: The datagrams to send for one that came.
        tcp: The bytes to send before closing, for a question over TCP; None to send nothing and
            leave the connection open. Without a script nothing listens on TCP.
        tcp_protocol: What to do with a connection over TCP instead.
    """
    loop = asyncio.get_running_loop()
    server = ScriptedDns(Resolver("127.0.0.1", 1), udp)
    for _ in range(20):
        transport, _protocol = await loop.create_datagram_endpoint(
            lambda: _Udp(server), local_addr=("127.0.0.1", 0)
        )
        port = transport.get_extra_info("sockname")[1]
        listener = None
        try:
            if tcp is not None:
                tcp_protocol = functools.partial(_Tcp, tcp, server)
            if tcp_protocol is not None:
                listener = await loop.create_server(tcp_protocol, "127.0.0.1", port)
        except OSError:  # the port is taken for TCP
            transport.close()
            continue
        break
    server.resolver = Resolver("127.0.0.1", port)
    try:
        yield server
    finally:
        transport.close()
        if listener is not None:
            listener.close()


def silent(query: bytes) -> list[bytes]:
    """Answer nothing."""
    return []
