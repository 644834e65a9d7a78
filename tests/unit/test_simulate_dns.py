"""The simulated seed on real sockets: UDP, TCP, and clients that dawdle or flood."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bitcoin_handshake.errors import (
    BadAnswer,
    CnameLoop,
    NameNotFound,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.resolver import Resolver, resolve
from bitcoin_handshake.resolver.message import RecordType, build_query, encode_name
from bitcoin_handshake.simulate.dns import (
    MAX_TCP_CONNECTIONS,
    MAX_TCP_QUERY_LEN,
    DnsServer,
)
from bitcoin_handshake.simulate.zone import DnsBehaviour, SeedNode
from tests.scripted_dns import framed, on_both_loops

ZONE = "seed.example"
QUERY = build_query(encode_name(ZONE), RecordType.A, query_id=7)


@asynccontextmanager
async def _serving(
    behaviour: DnsBehaviour = DnsBehaviour.ANSWER,
    addresses: tuple[SeedNode | str, ...] = ("127.0.0.1", SeedNode("::1", 0x809)),
    *,
    tcp_idle_s: float = 20.0,
) -> AsyncIterator[tuple[DnsServer, Resolver]]:
    server = DnsServer(ZONE, addresses, behaviour=behaviour, tcp_idle_s=tcp_idle_s)
    host, port = await server.start()
    try:
        yield server, Resolver(host, port)
    finally:
        await server.close()


@on_both_loops
async def test_is_resolved_over_udp() -> None:
    async with _serving() as (server, resolver):
        resolution = await resolve(ZONE, resolver=resolver)
        assert [each.host for each in resolution.addresses] == ["127.0.0.1", "::1"]
        assert not any(facts.via_tcp for facts in resolution.queries)
        assert server.zone.queries == 2
        filtered = await resolve(f"x809.{ZONE}", resolver=resolver)
        assert [each.host for each in filtered.addresses] == ["::1"]


@on_both_loops
async def test_is_resolved_over_tcp_where_it_must() -> None:
    addresses = tuple(f"127.1.{n >> 8}.{n & 255}" for n in range(1000))
    async with _serving(addresses=addresses) as (_, resolver):
        resolution = await resolve(ZONE, resolver=resolver)
        assert [each.host for each in resolution.addresses] == list(addresses)
        assert resolution.queries[0].via_tcp


HOSTILE = {
    DnsBehaviour.NXDOMAIN: NameNotFound,
    DnsBehaviour.SERVFAIL: ServerFailure,
    DnsBehaviour.REFUSED: ResolveRefused,
    DnsBehaviour.SILENT: ResolveTimeout,
    DnsBehaviour.TRUNCATED_NO_TCP: ResolveRefused,
    DnsBehaviour.TRUNCATED_SILENT_TCP: ResolveTimeout,
    DnsBehaviour.WRONG_NAME: BadAnswer,
    DnsBehaviour.CNAME_LOOP: CnameLoop,
}


def test_every_hostile_behaviour_has_its_failure() -> None:
    assert set(DnsBehaviour) - HOSTILE.keys() == {DnsBehaviour.ANSWER, DnsBehaviour.THOUSANDS}


@pytest.mark.parametrize("behaviour", HOSTILE)
@on_both_loops
async def test_every_hostile_behaviour_ends_as_documented(behaviour: DnsBehaviour) -> None:
    async with _serving(behaviour) as (_, resolver):
        with pytest.raises(ResolveFailed) as caught:
            await resolve(ZONE, resolver=resolver, timeout_s=0.15)
        assert type(caught.value) is HOSTILE[behaviour]


@on_both_loops
async def test_thousands_are_resolved() -> None:
    async with _serving(DnsBehaviour.THOUSANDS) as (_, resolver):
        resolution = await resolve(ZONE, resolver=resolver)
    assert len(resolution.addresses) == 4002


@on_both_loops
async def test_listens_on_the_same_port_of_both() -> None:
    async with _serving() as (server, resolver):
        reader, writer = await asyncio.open_connection(resolver.host, resolver.port)
        writer.write(framed(QUERY) + framed(QUERY)[:5])
        length = int.from_bytes(await reader.readexactly(2), "big")
        first = await reader.readexactly(length)
        writer.write(framed(QUERY)[5:])
        assert await reader.readexactly(2 + length) == framed(first)
        assert first == server.zone.answer(QUERY, over_tcp=True)
        writer.close()


@on_both_loops
async def test_a_port_that_is_taken_is_an_error() -> None:
    async with _serving() as (_, resolver):
        with pytest.raises(OSError, match="in use"):
            await DnsServer(ZONE, []).start(resolver.host, resolver.port)


@on_both_loops
async def test_a_port_that_is_taken_for_tcp_only_is_an_error_and_leaves_nothing_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            await DnsServer(ZONE, []).start("127.0.0.1", port)
        await asyncio.sleep(0)
        with socket.socket(type=socket.SOCK_DGRAM) as again:
            again.bind(("127.0.0.1", port))


@on_both_loops
async def test_another_port_is_tried_where_one_is_taken_for_tcp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []
    server = DnsServer(ZONE, ["127.0.0.1"])
    listen = server._listen

    async def busy_once(host: str, port: int) -> int:
        tried.append(port)
        if len(tried) == 1:
            raise OSError(errno.EADDRINUSE, "taken")
        return await listen(host, port)

    monkeypatch.setattr(server, "_listen", busy_once)
    try:
        _, port = await server.start()
    finally:
        await server.close()
    # More than two where the system gave UDP a port that somebody has for TCP.
    assert (tried[:2], port > 0) == ([0, 0], True)


@on_both_loops
async def test_listens_on_ipv6() -> None:
    server = DnsServer(ZONE, ["127.0.0.1"])
    host, port = await server.start("::1")
    try:
        resolution = await resolve(ZONE, resolver=f"[{host}]:{port}")
    finally:
        await server.close()
    assert [each.host for each in resolution.addresses] == ["127.0.0.1"]


@on_both_loops
async def test_an_idle_connection_is_closed() -> None:
    async with _serving(tcp_idle_s=0.05) as (server, resolver):
        reader, writer = await asyncio.open_connection(resolver.host, resolver.port)
        writer.write(framed(QUERY)[:10])
        with pytest.raises((EOFError, ConnectionResetError)):
            await reader.readexactly(1)
        writer.close()
        assert server.connections == 0


@on_both_loops
async def test_too_long_a_question_ends_the_connection() -> None:
    async with _serving() as (_, resolver), asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(resolver.host, resolver.port)
        writer.write((MAX_TCP_QUERY_LEN + 1).to_bytes(2, "big"))
        with pytest.raises((EOFError, ConnectionResetError)):
            await reader.readexactly(1)
        writer.close()


@on_both_loops
async def test_connections_are_counted_and_limited() -> None:
    async with _serving() as (server, resolver):
        address = (resolver.host, resolver.port)
        streams = [await asyncio.open_connection(*address) for _ in range(MAX_TCP_CONNECTIONS)]
        while server.connections < MAX_TCP_CONNECTIONS:
            await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection(*address)
        with pytest.raises((EOFError, ConnectionResetError)):
            await reader.readexactly(1)
        assert server.connections == MAX_TCP_CONNECTIONS
        writer.close()
        for _, other in streams:
            other.close()
        while server.connections:
            await asyncio.sleep(0)


@on_both_loops
async def test_a_client_that_asks_and_does_not_read_is_not_answered_further() -> None:
    """A thousand questions of 40 bytes would be 64 MB of answers."""
    async with _serving(DnsBehaviour.THOUSANDS) as (server, resolver):
        reader, writer = await asyncio.open_connection(resolver.host, resolver.port, limit=1)
        writer.write(framed(QUERY) * 1000)
        last = -1
        while server.zone.queries != last:
            last = server.zone.queries
            for _ in range(50):
                await asyncio.sleep(0)
        assert 0 < server.zone.queries < 500
        for _ in range(5):  # and goes on when it reads
            length = int.from_bytes(await reader.readexactly(2), "big")
            await reader.readexactly(length)
        before = server.zone.queries
        async with asyncio.timeout(20):
            while server.zone.queries == before:
                length = int.from_bytes(await reader.readexactly(2), "big")
                await reader.readexactly(length)
        writer.transport.abort()


@on_both_loops
async def test_questions_are_not_read_while_answers_are_not() -> None:
    async with _serving(DnsBehaviour.THOUSANDS) as (_, resolver):
        _, writer = await asyncio.open_connection(resolver.host, resolver.port, limit=1)
        writer.write(framed(QUERY) * 500_000)  # 21 MB, more than the system's buffers hold
        unread = -1
        while writer.transport.get_write_buffer_size() != unread:
            unread = writer.transport.get_write_buffer_size()
            for _ in range(50):
                await asyncio.sleep(0)
        assert unread > 0
        writer.transport.abort()


@on_both_loops
async def test_closing_drops_connections() -> None:
    async with _serving() as (server, resolver):
        reader, writer = await asyncio.open_connection(resolver.host, resolver.port)
        while not server.connections:
            await asyncio.sleep(0)
        await server.close()
        with pytest.raises((EOFError, ConnectionResetError)):
            await reader.readexactly(1)
        writer.close()
        with pytest.raises(ResolveRefused):
            await resolve(ZONE, resolver=resolver, timeout_s=20)
