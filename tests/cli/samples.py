"""Records of every kind, and a simulated network to run against."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st

from bitcoin_handshake.errors import (
    AnomalyCode,
    ConnectRefused,
    EnvironmentFailure,
    NotRoutable,
    OtherChainV2,
    PeerClosed,
    PeerTimeout,
    Phase,
)
from bitcoin_handshake.measured import V2Facts
from bitcoin_handshake.messages.handshake import SendTxRcncl, V1Address, Version
from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.records import Features, MessageTime, Outcome, ProbeResult
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork

US = V1Address(0, bytes(10) + b"\xff\xff\x7f\x01\x02\x03", 50123)
VERSION = Version(70016, 0xC09, 1_795_226_401, US, V1Address(0xC09), 0x0123, b"/Satoshi:28.1.0/", 850_000, 1)
NETADDR = NetAddr(Network.IPV4, "127.1.2.3", 18444)


def ok(user_agent: bytes = b"/Satoshi:28.1.0/") -> ProbeResult:
    """Make the record of a healthy node."""
    version = Version(70016, 0xC09, 1_795_226_401, US, V1Address(0xC09), 0x0123, user_agent, 850_000, 1)
    return ProbeResult(
        "seed.example", "regtest", Outcome.OK, 1_795_226_400.25, NETADDR, ("seed.example",),
        transport="v1", version=version, features=Features(True, True), features_closed=True,
        time_offset_s=1, resolve_ms=1.5, connect_ms=0.25, version_ms=2.0, verack_ms=3.125,
        bytes_sent=222, bytes_received=303,
    )  # fmt: skip


def refused() -> ProbeResult:
    """Make the record of a closed port."""
    return ProbeResult(
        "127.0.0.1:1", "mainnet", Outcome.FAILED, 0.0, NetAddr(Network.IPV4, "127.0.0.1", 1),
        error=ConnectRefused(), phase=Phase.CONNECT,
    )  # fmt: skip


SAMPLES = {
    "ok": ok(),
    "refused": refused(),
    "skipped": ProbeResult(
        "seed.example", "mainnet", Outcome.SKIPPED, 1.0, NetAddr(Network.IPV4, "10.0.0.1", 8333),
        ("seed.example", "other.example"), NotRoutable(block="private"),
    ),
    "partial": ProbeResult(
        "[2001:db8::1]:8333", "custom", Outcome.PARTIAL, 1_795_226_400.9999,
        NetAddr(Network.IPV6, "2001:db8::1", 8333),
        error=PeerTimeout(phase=Phase.VERACK, waited_s=10.0, bytes_received=126), phase=Phase.VERACK,
        transport="v1", version=Version(31800, 0, -(2**63), V1Address()), features=Features(),
        anomalies=[AnomalyCode.BAD_CHECKSUM, AnomalyCode.MALFORMED], bytes_sent=1, bytes_received=126,
    ),
    "everything": ProbeResult(
        "a", "testnet4", Outcome.OK, 1_795_226_400.0, NETADDR, transport="v1",
        version=Version(2**31 - 1, 2**64 - 1, 2**63 - 1, US, US, 2**64 - 1, b"\xff\x1b=", -(2**31), 0),
        features=Features(
            True, True, SendTxRcncl(1, 2**64 - 1), True,
            (SendCmpct(1, 2), SendCmpct(0, 1)), FeeFilter(1000),
        ),
        features_closed=True, lingered=True, ping_ms=1.0,
        messages=[MessageTime(True, "version", 102, 0.5), MessageTime(False, "ver,ack", 0, 1.0)],
    ),
    "v2": ProbeResult(
        "a", "regtest", Outcome.OK, 1_795_226_400.0, NETADDR, transport="v2", version=VERSION,
        features=Features(True, True), features_closed=True, connect_ms=0.5, version_ms=2.0, verack_ms=2.5,
        bytes_sent=400, bytes_received=500, v2=V2Facts(17, 2, b"\xab" * 32, 1.0, 1.5, 1.75),
    ),
    "v2 gone wrong": ProbeResult(
        "a", "regtest", Outcome.FAILED, 1_795_226_400.0, NETADDR, error=OtherChainV2(garbage_received=100),
        phase=Phase.GARBAGE, transport="v2", features=Features(), connect_ms=0.5, bytes_sent=400,
        bytes_received=164, v2=V2Facts(key_ms=1.0),
    ),
    "fell back": ProbeResult(
        "a", "regtest", Outcome.OK, 1_795_226_400.0, NETADDR, transport="v1",
        version=Version(70016, 0x409, 1_795_226_401, US, US, 1, b"/Satoshi:25.0.0/", 1, 1),
        features=Features(True, True), features_closed=True, connect_ms=0.5, version_ms=3.0, verack_ms=3.5,
        bytes_sent=222, bytes_received=198,
        other=ProbeResult(
            "a", "regtest", Outcome.FAILED, 1_795_226_399.0, NETADDR, phase=Phase.KEY, transport="v2",
            error=PeerClosed(phase=Phase.KEY, bytes_received=0, retry_v1=True), features=Features(),
            connect_ms=0.75, bytes_sent=1000, v2=V2Facts(),
        ),
    ),
}  # fmt: skip

_times = st.none() | st.floats(0, 1e7)
_addresses = st.builds(V1Address, st.integers(0, 2**64 - 1), st.binary(min_size=16, max_size=16), st.just(7))
_versions = st.builds(
    Version,
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(-(2**63), 2**63 - 1),
    _addresses,
    st.none() | _addresses,
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.binary(max_size=256),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.none() | st.integers(0, 255),
)
_features = st.builds(
    Features,
    st.booleans(),
    st.booleans(),
    st.none() | st.builds(SendTxRcncl, st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)),
    st.booleans(),
    st.lists(st.builds(SendCmpct, st.integers(0, 255), st.integers(0, 2**64 - 1)), max_size=4).map(tuple),
    st.none() | st.builds(FeeFilter, st.integers(-(2**63), 2**63 - 1)),
)


# The sentence of this one is its fact: any text.
_errors = st.none() | st.text(max_size=50).map(EnvironmentFailure)

_v2_facts = st.builds(
    V2Facts,
    st.none() | st.integers(0, 4095),
    st.integers(0, 1000),
    st.none() | st.binary(min_size=32, max_size=32),
    _times,
    _times,
    _times,
)
_others = st.builds(
    ProbeResult,
    target=st.just("a"),
    chain=st.just("regtest"),
    outcome=st.sampled_from(Outcome),
    timestamp=st.just(0.0),
    error=_errors,
    phase=st.none() | st.sampled_from(Phase),
    transport=st.sampled_from([None, "v1", "v2"]),
    version=st.none() | _versions,
    connect_ms=_times,
    version_ms=_times,
    verack_ms=_times,
    bytes_sent=st.integers(0, 2**40),
    bytes_received=st.integers(0, 2**40),
    v2=st.none() | _v2_facts,
)

results = st.builds(
    ProbeResult,
    target=st.text(max_size=30),
    chain=st.sampled_from(["mainnet", "custom"]),
    outcome=st.sampled_from(Outcome),
    timestamp=st.floats(0, 4e9),
    netaddr=st.sampled_from([None, NETADDR, NetAddr(Network.IPV6, "::1", 1)]),
    seeds=st.lists(st.text(min_size=1, max_size=9), max_size=2),
    error=_errors,
    phase=st.none() | st.sampled_from(Phase),
    transport=st.sampled_from([None, "v1", "v2"]),
    version=st.none() | _versions,
    features=st.none() | _features,
    features_closed=st.booleans(),
    lingered=st.booleans(),
    time_offset_s=st.none() | st.integers(),
    anomalies=st.lists(st.sampled_from(AnomalyCode), unique=True, max_size=3),
    resolve_ms=_times,
    connect_ms=_times,
    version_ms=_times,
    verack_ms=_times,
    ping_ms=_times,
    bytes_sent=st.integers(0, 2**40),
    bytes_received=st.integers(0, 2**40),
    messages=st.none()
    | st.lists(
        st.builds(
            MessageTime, st.booleans(), st.text(max_size=12), st.integers(0, 4_000_000), st.floats(0, 1e6)
        ),
        max_size=3,
    ),
    v2=st.none() | _v2_facts,
    other=st.none() | _others,
)
"""Every record that `ProbeResult` can hold, likely or not."""


@contextmanager
def simulated(behaviours: str, *, node_count: int = 1, seed: int = 0) -> Iterator[SimulatedNetwork]:
    """Run a network in a thread of its own, all on free ports."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    network = SimulatedNetwork(
        NetworkOptions(node_count=node_count, mix=parse_behaviours(behaviours), seed=seed, port=0)
    )
    try:
        asyncio.run_coroutine_threadsafe(network.start(), loop).result(30)
        yield network
        asyncio.run_coroutine_threadsafe(network.close(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def by_name(network: SimulatedNetwork, *more: str) -> list[str]:
    """Arguments that shake hands with every node of a network, by its seed's name."""
    return [*network.command().split()[1:], *more]
