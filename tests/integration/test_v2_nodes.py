"""v2 with nodes of other projects: btcd completes it, and a node of the v1 age closes without a byte."""

from __future__ import annotations

import itertools
import os
import socket
import time

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import Phase
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.v2 import V2Transport
from tests.integration.servers import Server

MAGIC = CHAINS[Chain.REGTEST].magic
TIMEOUT_S = 20.0

# btcd admits four v2 handshakes at once from one /24 and resets the next ones: each of ours comes
# from a /24 of loopback of its own.
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
