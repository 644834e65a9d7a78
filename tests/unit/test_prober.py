"""One node from the dial to its record, against a peer that the test holds in its hand."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from time import time

import pytest

from bitcoin_handshake import __version__
from bitcoin_handshake.chain import CHAINS, Chain, custom_chain
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.errors import AnomalyCode, BadTarget, InputError, NotRoutable, Phase
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.messages.handshake import Version
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.prober import ProbeOptions, Prober, failed_result, probe_address, skipped_result
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.visit import MAX_RECORDED_MESSAGES, Visit
from tests.helpers import CHECKOUT, unavailable
from tests.sessions import VERACK, VERSION, message, peer_version

REGTEST = CHAINS[Chain.REGTEST]
NETADDR = NetAddr.from_text("203.0.113.7", 8333)


def _options(**changes: object) -> ProbeOptions:
    return ProbeOptions(**({"chain": REGTEST, "timeout_s": 60.0, "transport": TransportMode.V1} | changes))  # type: ignore[arg-type]  # by name


class _Peer(asyncio.Protocol):
    """Reads our `version`, says what `answer` makes of it, and closes where it is told to."""

    def __init__(self, answer: Callable[[bytes], bytes], *, close: bool, peers: list[_Peer]) -> None:
        self._answer = answer
        self._close = close
        self._received = b""
        self.transport: asyncio.Transport | None = None
        peers.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        is_first = len(self._received) < 24 + 86
        self._received += data
        if is_first and len(self._received) >= 24 + int.from_bytes(self._received[16:20], "little"):
            self.transport.write(self._answer(self._received[24:]))
            if self._close:
                self.transport.write_eof()


@contextlib.asynccontextmanager
async def _peer(answer: Callable[[bytes], bytes], *, close: bool = False) -> AsyncIterator[NetAddr]:
    """Listen as such a peer."""
    peers: list[_Peer] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: _Peer(answer, close=close, peers=peers), "127.0.0.1", 0
    )
    async with server:
        yield NetAddr.from_text(*server.sockets[0].getsockname()[:2])
        for peer in peers:
            if peer.transport is not None:
                peer.transport.abort()


async def _probed(answer: Callable[[bytes], bytes], *, close: bool = False, **options: object) -> ProbeResult:
    async with _peer(answer, close=close) as netaddr:
        return await probe_address(netaddr, options=_options(**options))


def _verdict(result: ProbeResult) -> str:
    return " ".join(str(each) for each in (result.outcome, result.phase, result.code) if each)


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout_s": 0.0},
        {"timeout_s": -1.0},
        {"timeout_s": float("inf")},
        {"timeout_s": float("nan")},
        {"linger_s": -0.1},
        {"linger_s": float("inf")},
        {"linger_s": float("nan")},
        {"user_agent": bytes(257)},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        _options(**changes)
    _options(timeout_s=0.001, linger_s=0.0, user_agent=bytes(256))


def test_we_call_ourselves_by_our_own_name() -> None:
    assert _options().user_agent == f"/bitcoin-handshake:{__version__}/".encode()
    assert ProbeOptions(chain=REGTEST).timeout_s == 10.0


@pytest.mark.asyncio
async def test_a_whole_record() -> None:
    seen: list[Version] = []

    def answer(payload: bytes) -> bytes:
        seen.append(Version.deserialize(payload))
        return VERSION + message("wtxidrelay") + VERACK + message("ping", bytes(8))

    before = time()
    async with _peer(answer) as netaddr:
        result = await probe_address(netaddr, options=_options(record_messages=True))
    after = time()
    assert _verdict(result) == "ok"
    assert (result.target, result.netaddr, result.chain) == (netaddr.to_text(), netaddr, "regtest")
    assert before <= result.timestamp <= after
    assert (result.transport, result.error, result.seeds) == ("v1", None, ())
    assert result.version == Version.deserialize(peer_version())
    assert result.features is not None
    assert (result.features.wtxidrelay, result.features.sendaddrv2) == (True, False)
    assert (result.features_closed, result.lingered) == (True, False)
    assert result.time_offset_s is not None
    assert 1_700_000_001 - after - 1 <= result.time_offset_s <= 1_700_000_001 - before + 1
    assert result.connect_ms is not None
    assert result.version_ms is not None
    assert result.verack_ms is not None
    assert 0 <= result.version_ms <= result.verack_ms
    assert (result.resolve_ms, result.ping_ms) == (None, None)
    assert result.bytes_received == len(VERSION + message("wtxidrelay") + VERACK)
    (ours,) = seen
    assert result.bytes_sent == 24 + len(ours.serialize()) + 3 * 24
    assert result.messages is not None
    # The read was judged as a whole, so `at` is the same for all of it; the order is what counts.
    assert [(each.is_sent, each.msg_type, each.size) for each in result.messages] == [
        (True, "version", len(ours.serialize())),
        (False, "version", 89),
        (True, "wtxidrelay", 0),
        (True, "sendaddrv2", 0),
        (True, "verack", 0),
        (False, "wtxidrelay", 0),
        (False, "verack", 0),
    ]
    times = [each.at_ms for each in result.messages]
    assert times == sorted(times)
    assert times[0] >= result.connect_ms
    assert (ours.protocol_version, ours.services, ours.start_height, ours.relay) == (70016, 0, 0, 0)
    assert ours.user_agent == _options().user_agent
    assert ours.addr_recv.netaddr == netaddr
    assert ours.addr_from is not None
    assert (ours.addr_from.ip, ours.addr_from.port) == (bytes(16), 0)
    assert before - 1 <= ours.timestamp <= after


@pytest.mark.asyncio
async def test_ipv6_is_dialled_and_named_in_our_version() -> None:
    with socket.socket(socket.AF_INET6) as listener:
        try:
            listener.bind(("::1", 0))
        except OSError:
            unavailable("this machine has no ::1")
        listener.listen()
        netaddr = NetAddr.from_text("::1", listener.getsockname()[1])
        probing = asyncio.create_task(probe_address(netaddr, options=_options()))
        listener.setblocking(False)
        peer, _ = await asyncio.get_running_loop().sock_accept(listener)
        with peer:
            ours = await asyncio.get_running_loop().sock_recv(peer, 4096)
            await asyncio.get_running_loop().sock_sendall(peer, VERSION + VERACK)
            assert _verdict(await probing) == "ok"
    assert Version.deserialize(ours[24:]).addr_recv.netaddr == netaddr


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("sent", "verdict"),
    [
        (b"", "failed version peer.closed"),
        (VERSION, "failed verack peer.closed"),
        (VERSION + VERACK[:-1], "failed verack peer.closed"),
        (VERSION + message("ping", bytes(8)), "partial verack peer.closed"),
        (VERSION + message("nonsense"), "partial verack peer.closed"),
        (VERSION + VERSION, "partial verack peer.closed"),
        (VERSION + message("nonsense") + b"HTTP", "partial verack foreign.http"),
        (VERACK + message("ping", bytes(8)), "failed version peer.closed"),
        (message("version", peer_version(31799)) + VERACK, "failed version handshake.version_too_old"),
        (message("version", b""), "failed version handshake.bad_version_message"),
        (b"\x16\x03\x01\x00", "failed version foreign.tls"),
    ],
)
async def test_outcomes(sent: bytes, verdict: str) -> None:
    result = await _probed(lambda _: sent, close=True)
    assert _verdict(result) == verdict
    assert (result.version is not None) == (sent[4:11] == b"version" and len(sent) > 24)


@pytest.mark.asyncio
async def test_nothing_listens_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        netaddr = NetAddr.from_text(*unused.getsockname())
        result = await probe_address(netaddr, options=_options())
    assert _verdict(result) == "failed connect connect.refused"
    assert (result.transport, result.version, result.features, result.connect_ms) == (None, None, None, None)


@pytest.mark.asyncio
async def test_an_echo_is_a_connection_to_ourselves() -> None:
    result = await _probed(lambda payload: message("version", payload) + VERACK)
    assert _verdict(result) == "failed version handshake.self_connection"


@pytest.mark.asyncio
async def test_the_nonce_of_another_open_connection_is_ours_too() -> None:
    payloads: list[bytes] = []
    arrived = asyncio.Event()

    def first(payload: bytes) -> bytes:
        payloads.append(payload)
        arrived.set()
        return b""

    results: list[ProbeResult] = []
    done = asyncio.Event()

    def take(result: ProbeResult) -> None:
        results.append(result)
        done.set()

    pool = DialPool()
    prober = Prober(pool, _options(), take)
    async with _peer(first) as silent, _peer(lambda _: message("version", payloads[0])) as reflector:
        prober.start(Visit(prober, "silent", silent))
        await arrived.wait()
        prober.start(Visit(prober, "reflector", reflector))
        await done.wait()
        assert len(prober.nonces) == 1, "that of the connection still open"
        pool.close()
    assert [(each.target, each.code) for each in results] == [("reflector", "handshake.self_connection")]


@pytest.mark.asyncio
async def test_every_connection_has_a_nonce_of_its_own() -> None:
    nonces = []

    def answer(payload: bytes) -> bytes:
        nonces.append(Version.deserialize(payload).nonce)
        return VERSION + VERACK

    async with _peer(answer) as netaddr:
        for _ in range(3):
            await probe_address(netaddr, options=_options())
    assert len(set(nonces)) == 3


@pytest.mark.asyncio
async def test_nonces_are_fresh_and_remembered() -> None:
    pool = DialPool()
    prober = Prober(pool, _options(), lambda _: None)
    nonces = [prober.fresh_nonce() for _ in range(1500)]
    assert len(set(nonces)) == 1500 == len(prober.nonces)
    assert max(nonces) > 2**60
    pool.close()


@pytest.mark.asyncio
async def test_lingering_sees_more() -> None:
    late = message("sendcmpct", bytes.fromhex("000200000000000000")) + message("feefilter", bytes(8))
    result = await _probed(lambda _: VERSION + VERACK + late, close=True, linger_s=60.0)
    assert _verdict(result) == "ok"
    assert (result.lingered, result.features_closed) == (True, True)
    assert result.features is not None
    assert len(result.features.sendcmpct) == 1
    assert result.features.feefilter is not None
    assert result.bytes_received == len(VERSION + VERACK + late)


@pytest.mark.asyncio
async def test_a_flood_fills_no_record() -> None:
    flood = VERSION + message("nonsense") * (2 * MAX_RECORDED_MESSAGES)
    result = await _probed(lambda _: flood, close=True, record_messages=True)
    assert _verdict(result) == "partial verack peer.closed"
    assert result.messages is not None
    assert len(result.messages) == MAX_RECORDED_MESSAGES


@pytest.mark.asyncio
async def test_anomalies_and_custom_chains() -> None:
    bad = bytearray(message("ping", bytes(8)))
    bad[20] ^= 1
    result = await _probed(lambda _: VERSION + bytes(bad) + VERACK)
    assert list(result.anomalies) == [AnomalyCode.BAD_CHECKSUM]
    custom = await _probed(lambda _: VERSION, chain=custom_chain(b"abcd"))
    assert (custom.chain, custom.code) == ("custom", "v1.other_chain")


def test_records_of_what_was_never_dialled() -> None:
    skipped = skipped_result("seed.test", REGTEST, NotRoutable(block="private"), NETADDR)
    assert _verdict(skipped) == "skipped policy.not_routable"
    assert (skipped.netaddr, skipped.target, skipped.chain) == (NETADDR, "seed.test", "regtest")
    failed = failed_result("a b", REGTEST, BadTarget(text="a b", why="white space inside"), None)
    assert _verdict(failed) == "failed input.bad_target"
    assert (failed.netaddr, failed.outcome) == (None, Outcome.FAILED)
    assert failed_result("x", REGTEST, BadTarget(text="x", why=""), Phase.RESOLVE).phase is Phase.RESOLVE


_STARVED = """
import asyncio, os, resource, sys
from bitcoin_handshake import Chain, NetAddr, probe
from bitcoin_handshake.measured import TransportMode
import bitcoin_handshake.survey
from bitcoin_handshake.errors import EnvironmentFailure

async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        pass
    for _ in range(int(sys.argv[1])):
        os.close(taken.pop())
    try:
        await probe(NetAddr.from_text("127.0.0.1", 1), transport=TransportMode.V1)
    except EnvironmentFailure as error:
        print(error.code, error)
    for each in taken:
        os.close(each)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("left", "words"), [(0, "cannot watch any connection"), (1, "cannot open a connection")]
)
def test_a_lack_of_descriptors_is_no_failure_of_the_node(left: int, words: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _STARVED, str(left)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": str(CHECKOUT / "src")},
    )
    assert run.stdout == f"local.environment {words}: Too many open files\n", run.stderr
