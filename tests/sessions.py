"""What the tests of sessions share: two roles, messages written by hand, the captured sessions."""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.conversation.linger import linger_or_hang_up
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.messages.handshake import V1Address, Version
from bitcoin_handshake.session import Event, Session
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.helpers import own_vectors

MAGIC = CHAINS[Chain.REGTEST].magic
OUR_NONCE = 0x0102030405060708
PEER_NONCE = 0x1112131415161718
PING_NONCE = 0x2122232425262728
START = 1000.0
TIMEOUT_S = 10.0


def our_version(protocol_version: int = 70016, *, nonce: int = OUR_NONCE) -> bytes:
    """Payload of our own `version`."""
    local = LocalVersion(user_agent=b"/test:1/", protocol_version=protocol_version)
    return local.serialize(nonce=nonce, time_unix=1_700_000_000, ip=bytes(16), port=0)


def peer_version(
    protocol_version: int = 70016, *, nonce: int = PEER_NONCE, user_agent: bytes = b"/p/"
) -> bytes:
    """Payload of a peer's `version`, 86 bytes and the user agent."""
    version = Version(
        protocol_version, 9, 1_700_000_001, V1Address(), V1Address(), nonce, user_agent, 800_000, 1
    )
    return version.serialize()


def message(msg_type: str, payload: bytes = b"") -> bytes:
    """One whole message of regtest."""
    return serialize_message(MAGIC, msg_type, payload)


VERSION = message("version", peer_version())
VERACK = message("verack")


def new_session(
    *,
    initiating: bool = True,
    linger_s: float = 0.0,
    protocol_version: int = 70016,
    nonce: int = OUR_NONCE,
    own_nonces: Container[int] = (OUR_NONCE,),
    trace: bool = True,
) -> Session:
    """Begin a session in either role at START, with TIMEOUT_S (10 s) to its verdict."""
    return Session(
        V1Transport(MAGIC),
        Handshake(
            our_version(protocol_version, nonce=nonce),
            initiating=initiating,
            protocol_version=protocol_version,
            own_nonces=own_nonces,
        ),
        now=START,
        deadline=START + TIMEOUT_S,
        conversation=linger_or_hang_up(linger_s, ping_nonce=PING_NONCE),
        trace=trace,
    )


def drain_events(session: Session) -> list[Event]:
    """Take every event that waits."""
    events = []
    while (event := session.next_event()) is not None:
        events.append(event)
    return events


def captured_sessions() -> list[dict[str, Any]]:
    """Four whole conversations with one node of Core's line, by what the client announced."""
    sessions: list[dict[str, Any]] = json.loads(own_vectors("observed_v1_sessions.json").read_text())[
        "sessions"
    ]
    return sessions


def received_bytes(session: dict[str, Any]) -> list[bytes]:
    """The messages that the client of a captured session received, in order."""
    return [bytes.fromhex(each["message_hex"]) for each in session["messages"] if each["dir"] == "received"]


def captured_protocol_version(session: dict[str, Any]) -> int:
    """What the client of a captured session announced."""
    first = bytes.fromhex(session["messages"][0]["message_hex"])
    return int.from_bytes(first[24:28], "little", signed=True)
