"""Which connections a node gets in each mode, against listeners that treat each one differently.

Times are fractions of a second on real sockets; nothing here waits for a clock of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from time import monotonic

import pytest

from bitcoin_handshake import probe, probe_many
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.engine import pool as pool_module
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import EnvironmentFailure, PeerTimeout
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.simulate.script import End, Script
from bitcoin_handshake.transport import v2 as v2_module
from tests.simulated import node_facts, script_of

TIMEOUT_S = 1.0
PATIENCE_S = 20.0
REGTEST = CHAINS[Chain.REGTEST]


class Listener(asyncio.Protocol):
    """One connection, driven by the script of a behaviour."""

    def __init__(self, script: Script, on_data: Callable[[], None]) -> None:
        self._script = script
        self._on_data = on_data
        self.received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._on_data()
        if self._script.end is not None:
            return
        self._script.receive_data(data, now=monotonic())
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def _flush(self) -> None:
        assert self._transport is not None
        if data := self._script.data_to_send():
            self._transport.write(data)
        if self._script.end is End.CLOSE:
            self._transport.write_eof()
        elif self._script.end is End.RESET:
            self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            self._transport = None


class Node:
    """Connections that were accepted, each with the behaviour of its turn."""

    def __init__(self, *behaviours: str) -> None:
        self._behaviours = behaviours
        self.connections: list[Listener] = []
        self.on_data: Callable[[], None] = lambda: None
        self.netaddr: NetAddr
        self.server: asyncio.Server

    def accept(self) -> Listener:
        behaviour = self._behaviours[min(len(self.connections), len(self._behaviours) - 1)]
        self.connections.append(Listener(script_of(behaviour, node_facts()), self.on_data))
        return self.connections[-1]

    @property
    def spoken(self) -> list[str]:
        """What each connection was asked in."""
        return ["v1" if one.received.startswith(REGTEST.magic) else "v2" for one in self.connections]


@contextlib.asynccontextmanager
async def listening(*behaviours: str) -> AsyncIterator[Node]:
    node = Node(*behaviours)
    node.server = await asyncio.get_running_loop().create_server(node.accept, "127.0.0.1", 0)
    node.netaddr = NetAddr.from_text(*node.server.sockets[0].getsockname()[:2])
    async with node.server:
        yield node
        for connection in node.connections:
            connection.abort()


async def ask(
    node: Node, transport: str, *, timeout_s: float = PATIENCE_S, linger_s: float = 0.0
) -> ProbeResult:
    return await probe(
        node.netaddr, chain=REGTEST, transport=transport, timeout_s=timeout_s, linger_s=linger_s
    )


def words(result: ProbeResult) -> str:
    return " ".join(str(word) for word in (result.transport, result.outcome, result.code) if word)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("behaviours", "transport", "verdict", "spoken"),
    [
        # auto: v2 alone where anything came that was not v1.
        (("core",), "auto", "v2 ok", ["v2"]),
        (("v2-close-after-key", "core"), "auto", "v2 failed peer.closed", ["v2"]),
        (("v2-wrong-tag", "core"), "auto", "v2 failed v2.authentication_failed", ["v2"]),
        (("http", "core"), "auto", "v2 failed foreign.http", ["v2"]),
        # auto: once more, in v1, where nothing came or it was v1.
        (("core-v1",), "auto", "v1 ok", ["v2", "v1"]),
        (("resets", "core"), "auto", "v1 ok", ["v2", "v1"]),
        (("closes-at-once", "core"), "auto", "v1 ok", ["v2", "v1"]),
        (("speaks-first",), "auto", "v1 ok", ["v2", "v1"]),
        (("closes-at-once",), "auto", "v1 failed peer.closed", ["v2", "v1"]),
        (("core-v1", "no-verack-then-close"), "auto", "v1 partial peer.closed", ["v2", "v1"]),
        # One mode, one connection.
        (("core",), "v1", "v1 ok", ["v1"]),
        (("core-v1",), "v1", "v1 ok", ["v1"]),
        (("closes-at-once",), "v1", "v1 failed peer.closed", ["v1"]),
        (("core",), "v2", "v2 ok", ["v2"]),
        (("core-v1",), "v2", "v2 failed peer.closed", ["v2"]),
        (("speaks-first",), "v2", "v2 failed v2.looks_like_v1", ["v2"]),
        # both: always two.
        (("core",), "both", "v2 ok", ["v2", "v1"]),
        (("core-v1",), "both", "v1 ok", ["v2", "v1"]),
        (("v2-only",), "both", "v2 ok", ["v2", "v1"]),
        (("v2-wrong-tag", "core"), "both", "v1 ok", ["v2", "v1"]),
        (("v2-wrong-tag", "closes-at-once"), "both", "v2 failed v2.authentication_failed", ["v2", "v1"]),
        (("core", "no-verack-then-close"), "both", "v2 ok", ["v2", "v1"]),
    ],
    ids=str,
)
async def test_connections_of_a_node(
    behaviours: tuple[str, ...], transport: str, verdict: str, spoken: list[str]
) -> None:
    async with listening(*behaviours) as node:
        result = await ask(node, transport)
        assert words(result) == verdict
        await asyncio.sleep(0)
        # A listener that ended at once may not have been sent a byte yet.
        seen = [
            asked if one.received else "-" for asked, one in zip(node.spoken, node.connections, strict=True)
        ]
        assert len(seen) == len(spoken)
        assert all(one in ("-", wanted) for one, wanted in zip(seen, spoken, strict=True))
        assert (result.other is not None) == (len(spoken) == 2)


@pytest.mark.asyncio
async def test_silence_costs_v2_half_of_the_time_and_v1_the_rest() -> None:
    """The connect comes first: v2 ends in the middle of what it left, however long it took."""
    async with listening("silent") as node:
        result = await ask(node, "auto", timeout_s=TIMEOUT_S)
        assert words(result) == "v1 failed peer.timeout"
        assert node.spoken == ["v2", "v1"]
    v2 = result.on_transport("v2")
    assert v2 is not None
    assert isinstance(v2.error, PeerTimeout)
    assert isinstance(result.error, PeerTimeout)
    assert (v2.error.phase, v2.error.bytes_received) == ("key", 0)
    assert (result.error.phase, result.error.bytes_received) == ("version", 0)
    # Deadlines, not what a clock showed: a busy machine moves the first and never the last below its limit.
    assert 0.5 * TIMEOUT_S <= v2.error.waited_s < TIMEOUT_S <= result.error.waited_s


@pytest.mark.asyncio
async def test_silence_after_the_first_byte_has_all_the_time() -> None:
    async with listening("v2-drip-key") as node:
        result = await ask(node, "auto", timeout_s=TIMEOUT_S)
        assert (words(result), node.spoken) == ("v2 failed peer.timeout", ["v2"])
    assert result.reason is not None
    assert result.reason.startswith("no key in ")
    assert result.reason.endswith(" s (1 bytes received); --transport both asks in v1 too")


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["speaks-first", "bans-on-garbage", "libbitcoin"])
async def test_a_node_that_speaks_first_is_asked_in_v1_at_once(name: str) -> None:
    """Two connections, and none of them ended by a deadline; no byte after the 64 of the key."""
    async with listening(name) as node:
        result = await ask(node, "auto")
        assert (words(result), len(node.connections)) == ("v1 ok", 2)
        assert len(node.connections[0].received) in (0, 64)
        assert result.other is not None
        assert result.other.code == "v2.looks_like_v1"
        assert result.speaks_v2 is False


@pytest.mark.asyncio
async def test_a_close_in_v1_after_v2_has_failed_may_be_a_ban() -> None:
    async with listening("closes-at-once") as node:
        result = await ask(node, "auto")
        assert words(result) == "v1 failed peer.closed"
        assert result.reason == (
            "closed the connection without sending a byte (full, banned us, or another chain); "
            "the v2 attempt before it may have led to a ban: try --transport v1"
        )


@pytest.mark.asyncio
async def test_a_silent_v1_node_that_answers_in_time_is_ok() -> None:
    """As btcd does with one key in a thousand."""
    async with listening("silent", "core-v1") as node:
        result = await ask(node, "auto", timeout_s=2.0)
        assert (words(result), node.spoken) == ("v1 ok", ["v2", "v1"])
        assert result.speaks_v2 is None, "a limit of ours ended the attempt in v2"


@pytest.mark.asyncio
async def test_both_gives_v2_half_of_the_time() -> None:
    async with listening("v2-drip-key", "core") as node:
        result = await ask(node, "both", timeout_s=TIMEOUT_S)
        assert words(result) == "v1 ok"
        v2 = result.on_transport("v2")
        assert v2 is not None
        assert (v2.code, v2.phase, v2.bytes_received) == ("peer.timeout", "key", 1)


@pytest.mark.asyncio
async def test_lingering_in_v2_takes_nothing_from_v1() -> None:
    async with listening("core") as node:
        result = await ask(node, "both", timeout_s=TIMEOUT_S, linger_s=TIMEOUT_S + 0.2)
        assert words(result) == "v2 ok"
        v1 = result.on_transport("v1")
        assert v1 is not None
        assert (v1.outcome, v1.ping_ms is not None) == ("ok", True)


@pytest.mark.asyncio
@pytest.mark.parametrize("transport", ["auto", "v2", "both"])
async def test_no_connection_ends_the_node_at_once(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dials = 0
    dial = Dialer.dial

    def count(self: Dialer, connection: Connection) -> None:
        nonlocal dials
        dials += 1
        dial(self, connection)

    monkeypatch.setattr(Dialer, "dial", count)
    async with listening("silent") as node:
        node.server.close()
        await node.server.wait_closed()
        result = await ask(node, transport)
    assert (result.code, result.phase, result.transport, result.other) == (
        "connect.refused",
        "connect",
        None,
        None,
    )
    assert dials == 1


@pytest.mark.asyncio
async def test_a_node_that_goes_away_keeps_the_verdict_of_v2() -> None:
    async with listening("resets") as node:
        node.on_data = node.server.close
        result = await ask(node, "auto")
    assert words(result) == "v2 failed peer.reset"
    assert result.other is not None
    assert (result.other.code, result.other.transport) == ("connect.refused", None)


def _out_of_ports(monkeypatch: pytest.MonkeyPatch, times: int) -> Callable[[], int]:
    """Let that many second dials fail for want of a port."""
    failures = 0
    dial = Dialer.dial

    def scarce(self: Dialer, connection: Connection) -> None:
        nonlocal failures
        if getattr(connection, "earlier", None) is not None and failures < times:
            failures += 1
            raise OutOfResources(errno.EADDRNOTAVAIL)
        dial(self, connection)

    monkeypatch.setattr(Dialer, "dial", scarce)
    return lambda: failures


@pytest.mark.asyncio
async def test_a_second_connection_waits_for_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = _out_of_ports(monkeypatch, 3)
    async with listening("core-v1") as node:
        assert words(await ask(node, "auto")) == "v1 ok"
        results = [
            result
            async for result in probe_many([node.netaddr.to_text()] * 5, chain=REGTEST, transport="auto")
        ]
    assert [words(result) for result in results] == ["v1 ok"] * 5
    assert failures() == 3


@pytest.mark.asyncio
async def test_waiting_for_a_port_takes_nothing_from_the_node_s_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _out_of_ports(monkeypatch, 1)
    monkeypatch.setattr(pool_module, "RETRY_S", 1.2 * TIMEOUT_S)
    async with listening("core-v1") as node:
        assert words(await ask(node, "auto", timeout_s=TIMEOUT_S)) == "v1 ok"


@pytest.mark.asyncio
async def test_without_any_port_the_verdict_of_v2_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    _out_of_ports(monkeypatch, 1_000_000)
    monkeypatch.setattr(pool_module, "SHORTAGE_LIMIT_S", 0.2)
    async with listening("core-v1") as node:
        target = node.netaddr.to_text()
        results = [
            result
            async for result in probe_many([target], chain=REGTEST, transport="auto", timeout_s=TIMEOUT_S)
        ]
    assert [words(result) for result in results] == ["v2 failed peer.closed"]
    assert results[0].other is None


def _without_libraries() -> None:
    raise EnvironmentFailure("the v2 transport needs the package btclib-secp256k1, which does not load")


@pytest.mark.asyncio
async def test_without_the_libraries_auto_speaks_v1_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(v2_module, "check_available", _without_libraries)
    async with listening("core") as node:
        target = node.netaddr.to_text()
        with caplog.at_level(logging.WARNING):
            results = [result async for result in probe_many([target] * 3, chain=REGTEST)]
        assert node.spoken == ["v1"] * 3
    assert [words(result) for result in results] == ["v1 ok"] * 3
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "v2 is off" in warnings[0]
    assert "btclib-secp256k1" in warnings[0]


@pytest.mark.asyncio
@pytest.mark.parametrize("transport", ["v2", "both"])
async def test_without_the_libraries_v2_cannot_be_asked_for(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v2_module, "check_available", _without_libraries)
    async with listening("core") as node:
        with pytest.raises(EnvironmentFailure, match="btclib-secp256k1"):
            await ask(node, transport)
        with pytest.raises(EnvironmentFailure, match="btclib-secp256k1"):
            _ = [
                one async for one in probe_many([node.netaddr.to_text()], chain=REGTEST, transport=transport)
            ]
        assert node.connections == []


@pytest.mark.asyncio
async def test_v1_alone_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v2_module, "check_available", _without_libraries)
    async with listening("core") as node:
        assert words(await ask(node, "v1")) == "v1 ok"
