"""v2 with nodes of other projects: btcd completes it, those of the v1 age are asked again in v1."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable

import pytest

from bitcoin_handshake import visit
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import Phase
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.prober import ProbeOptions, probe_address
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.v2 import V2Transport
from bitcoin_handshake.visit import GarbageSource, fresh_keys
from tests.integration.servers import Server

MAGIC = CHAINS[Chain.REGTEST].magic
TIMEOUT_S = 20.0

# btcd admits four v2 handshakes at once from one /24, and forty in all, and resets the next ones: each
# of ours comes from a /24 of loopback of its own, and this file needs 32.
SOURCES = (f"127.0.{number}.1" for number in itertools.count(10))


def open_transport(*, garbage: bytes, decoys: tuple[bytes, ...], version_contents: bytes) -> V2Transport:
    private_key = b"\1" + os.urandom(31)
    return V2Transport(
        magic=MAGIC,
        initiating=True,
        keys=(private_key, ellswift.create(private_key, os.urandom(32))),
        garbage=garbage,
        decoys=decoys,
        version_contents=version_contents,
    )


def shake_hands(server: Server, transport: V2Transport) -> Session:
    """A session with the server, until it is finished or the server closes."""
    version = LocalVersion(user_agent=b"/bitcoin-handshake-test:0.1/").serialize(
        nonce=int.from_bytes(os.urandom(8), "little"), time_unix=int(time.time()), ip=bytes(16), port=0
    )
    now = time.monotonic()
    session = Session(transport, Handshake(version, initiating=True), now=now, deadline=now + TIMEOUT_S)
    source = (next(SOURCES), 0)
    with socket.create_connection((server.host, server.port), TIMEOUT_S, source) as peer:
        while not session.finished:
            if output := session.data_to_send():
                peer.sendall(output)
            data = peer.recv(65536)
            if not data:
                session.receive_eof(now=time.monotonic())
                break
            session.receive_data(data, now=time.monotonic())
    return session


# 4095 bytes, which BIP324 allows, btcd 0.26.2 refuses: it never compares the last 16 bytes it reads.
@pytest.mark.parametrize("garbage_len", [0, 100, 4094])
@pytest.mark.parametrize("decoys", [(), (b"", b"decoy" * 100)])
@pytest.mark.parametrize("version_contents", [b"", b"something of the future"])
def test_btcd_completes_v2(
    btcd_v2: Server, garbage_len: int, decoys: tuple[bytes, ...], version_contents: bytes
) -> None:
    transport = open_transport(
        garbage=os.urandom(garbage_len), decoys=decoys, version_contents=version_contents
    )
    session = shake_hands(btcd_v2, transport)
    assert session.error is None
    assert session.is_complete
    assert transport.garbage_received is not None
    assert transport.session_id is not None
    version = session.handshake.peer_version
    assert version is not None
    assert version.user_agent is not None
    assert b"btcd" in version.user_agent


def test_litecoind_closes_on_our_key_without_a_byte(litecoind: Server) -> None:
    transport = open_transport(garbage=b"g" * 100, decoys=(), version_contents=b"")
    session = shake_hands(litecoind, transport)
    assert not session.is_complete
    assert session.error is not None
    assert session.phase is Phase.KEY
    assert (transport.consumed, transport.buffered, transport.key_received) == (0, 0, False)


def test_btcd_completes_v2_many_times(btcd_v2: Server) -> None:
    for _ in range(16):
        private_key, encoded = fresh_keys()
        transport = V2Transport(
            magic=MAGIC, initiating=True, keys=(private_key, encoded), garbage=GarbageSource().draw()
        )
        session = shake_hands(btcd_v2, transport)
        assert (session.error, session.is_complete, transport.name) == (None, True, "v2")


async def probe(server: Server, transport: TransportMode, *, timeout_s: float = TIMEOUT_S) -> ProbeResult:
    options = ProbeOptions(chain=CHAINS[Chain.REGTEST], transport=transport, timeout_s=timeout_s)
    return await probe_address(NetAddr.from_text(server.host, server.port), options=options)


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", [TransportMode.AUTO, TransportMode.V2, TransportMode.BOTH])
async def test_btcd_is_measured_to_speak_v2(btcd_v2: Server, mode: TransportMode) -> None:
    result = await probe(btcd_v2, mode)
    assert (result.outcome, result.transport) == ("ok", "v2")
    assert (result.speaks_v2, result.claims_v2) == (True, True)
    assert result.v2 is not None
    assert result.v2.garbage_length is not None
    assert result.v2.session_id is not None
    v1 = result.on_transport("v1")
    assert (v1 is not None and v1.outcome == "ok") == (mode is TransportMode.BOTH)


# A node without v2 reads our key as a header of v1. btcd looks at bytes 16 to 19, the length, before
# it looks at the magic: over its limit it hangs up, below it waits for so many bytes in silence.
BTCD_LIMIT = 4_000_000
HANGS_UP = {"peer.closed", "peer.reset"}
"""A close becomes a reset where our garbage had not been read yet."""


def keys_with_length(is_wanted: Callable[[int], bool]) -> tuple[bytes, bytes]:
    """Keys whose encoding has such a number at bytes 16 to 19; one in 1,074 is a small one."""
    while True:
        private_key, encoded = fresh_keys()
        if is_wanted(int.from_bytes(encoded[16:20], "little")):
            return private_key, encoded


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("is_wanted", "codes"),
    [
        pytest.param(lambda length: length > 2**31, HANGS_UP, id="large"),
        pytest.param(lambda length: 10_000 < length < BTCD_LIMIT, {"peer.timeout"}, id="small"),
    ],
)
async def test_auto_falls_back_to_v1_with_btcd_without_v2(
    btcd: Server, monkeypatch: pytest.MonkeyPatch, is_wanted: Callable[[int], bool], codes: set[str]
) -> None:
    keys = keys_with_length(is_wanted)
    monkeypatch.setattr(visit, "fresh_keys", lambda: keys)
    result = await probe(btcd, TransportMode.AUTO, timeout_s=4.0)
    assert (result.outcome, result.transport) == ("ok", "v1")
    v2 = result.on_transport("v2")
    assert v2 is not None
    assert v2.code in codes
    # A limit of ours says nothing about v2.
    assert (result.speaks_v2, result.claims_v2) == (None if v2.code == "peer.timeout" else False, False)
    assert (v2.phase, v2.bytes_received) == (Phase.KEY, 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", [TransportMode.AUTO, TransportMode.BOTH])
async def test_v1_follows_with_litecoind(litecoind: Server, mode: TransportMode) -> None:
    for _ in range(10):
        result = await probe(litecoind, mode)
        assert (result.outcome, result.transport) == ("ok", "v1")
        assert (result.speaks_v2, result.claims_v2) == (False, False)
        v2 = result.on_transport("v2")
        assert v2 is not None
        assert v2.code in HANGS_UP
        assert v2.phase is Phase.KEY


@pytest.mark.asyncio
async def test_v2_alone_ends_with_litecoind_in_words_that_are_true(litecoind: Server) -> None:
    result = await probe(litecoind, TransportMode.V2)
    assert result.code in HANGS_UP
    assert (result.outcome, result.speaks_v2) == ("failed", None)
    assert "speaks v1 only, is full, or banned us" in (result.reason or "")
