"""The tree of exceptions: one failure, one class, one stable code, one sentence."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import Any

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.errors import AnomalyCode, BitcoinHandshakeError, FailureCode, Phase

CLASSES: list[type[BitcoinHandshakeError]] = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, BitcoinHandshakeError)
]

# Printed, stored and documented: append-only. A line may be added here, none changed or removed.
FAILURE_CODES = """
input.bad_target input.bad_option
resolve.failed resolve.nxdomain resolve.no_addresses resolve.servfail resolve.refused resolve.timeout
resolve.bad_answer resolve.cname_loop
connect.refused connect.unreachable connect.timeout connect.failed
peer.closed peer.reset peer.timeout peer.flood peer.rejected
v1.bad_magic v1.other_chain foreign.http foreign.tls foreign.ssh v1.message_too_large
foreign.ftp foreign.smtp foreign.imap foreign.pop3 foreign.mysql foreign.telnet foreign.vnc foreign.text
v2.no_garbage_terminator v2.authentication_failed v2.packet_too_large v2.looks_like_v1 v2.other_chain
wire.truncated wire.trailing_bytes wire.non_minimal_compact_size wire.field_too_long wire.bad_encoding
handshake.bad_version_message handshake.version_too_old handshake.self_connection
policy.not_routable policy.address_family policy.no_proxy
local.environment local.protocol internal
"""
ANOMALY_CODES = """
v1.bad_checksum v1.bad_msg_type v2.bad_msg_type handshake.bad_version_message handshake.before_version
handshake.duplicate_version handshake.duplicate_verack handshake.late_feature message.malformed
message.trailing_bytes message.wrong_pong message.implausible_value
"""
PHASES = "resolve connect proxy key garbage version_packet version verack getaddr"

FACTS: dict[str, Any] = {
    "what": "it broke",
    "text": "no such thing",
    "why": "a reason",
    "needed": 8,
    "available": 3,
    "field": "nonce",
    "count": 2,
    "value": 5,
    "length": 300,
    "limit": 256,
    "received": b"\x01\x02\x03\x04",
    "expected": b"\xf9\xbe\xb4\xd9",
    "chain": "Litecoin",
    "packet_index": 7,
    "garbage_received": 90,
    "protocol_version": 209,
    "minimum": 31800,
    "phase": Phase.VERACK,
    "bytes_received": 126,
    "retry_v1": True,
    "waited_s": 2.5,
    "messages": 9,
    "name": "seed.example",
    "server": "127.0.0.1:53",
    "block": "10.0.0.0/8 private-use",
    "network": "onion",
    "message": "version",
    "ccode": 17,
}


def _parameters(cls: type[BitcoinHandshakeError]) -> list[str]:
    """Names of what the class's own constructor takes; none where it is that of `Exception`."""
    return list(inspect.signature(cls).parameters) if inspect.isfunction(cls.__init__) else []


def _facts(cls: type[BitcoinHandshakeError]) -> dict[str, Any]:
    facts = FACTS | ({"received": 4111} if cls is errors.NoGarbageTerminator else {})
    return {name: facts[name] for name in _parameters(cls)}


def test_codes_are_append_only() -> None:
    assert {*FAILURE_CODES.split()} <= {code.value for code in FailureCode}
    assert {*ANOMALY_CODES.split()} <= {code.value for code in AnomalyCode}
    assert [phase.value for phase in Phase] == PHASES.split()


def test_every_failure_code_is_the_code_of_exactly_one_class() -> None:
    owners = Counter(
        vars(cls)["code"] for cls in CLASSES if "code" in vars(cls) and cls is not BitcoinHandshakeError
    )
    assert owners == Counter(FailureCode)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_builds_its_sentence_from_its_facts(cls: type[BitcoinHandshakeError]) -> None:
    error = cls(**_facts(cls))
    assert error.detail == str(error)
    assert isinstance(error.code, FailureCode)
    assert "\n" not in str(error)
    if "__str__" in vars(cls):
        assert str(error)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_fact_is_an_attribute(cls: type[BitcoinHandshakeError]) -> None:
    error = cls(**_facts(cls))
    assert {name: getattr(error, name) for name in _parameters(cls)} == _facts(cls)


def test_our_callers_mistakes_are_value_errors() -> None:
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.BadTarget, errors.InputError)


def test_what_a_peer_does_is_a_peer_error_and_what_we_do_is_not() -> None:
    theirs = {cls for cls in CLASSES if issubclass(cls, errors.PeerError)}
    assert theirs >= {
        errors.WireError,
        errors.V1TransportError,
        errors.V2TransportError,
        errors.HandshakeError,
    }
    assert theirs >= {errors.PeerClosed, errors.PeerReset, errors.PeerTimeout, errors.PeerFlood}
    ours = {errors.LocalProtocolError, errors.InternalError, errors.ConnectError, errors.Skipped}
    assert not theirs & ours


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.Truncated(needed=8, available=3, field="nonce"), "nonce: 8 bytes needed, 3 left"),
        (errors.Truncated(needed=1, available=0), "1 bytes needed, 0 left"),
        (
            errors.NonMinimalCompactSize(value=252, length=3, field="count"),
            "count: CompactSize 252 written in 3 bytes",
        ),
        (errors.FieldTooLong(length=257, limit=256), "field: 257 is over the limit of 256"),
        (
            errors.BadMagic(received=b"\x01\x02\x03\x04", expected=b"\xfa\xbf\xb5\xda"),
            "not the magic of this chain: 01020304 instead of fabfb5da",
        ),
        (
            errors.PeerClosed(phase=Phase.VERSION, bytes_received=0),
            "closed the connection without sending a byte (full, banned us, or another chain)",
        ),
        (
            errors.PeerReset(phase=Phase.VERACK, bytes_received=126),
            "reset the connection after 126 bytes, waiting for verack",
        ),
        (
            errors.PeerTimeout(phase=Phase.VERSION, waited_s=10.0, bytes_received=0),
            "no version in 10 s (nothing received)",
        ),
        (
            errors.PeerTimeout(phase=Phase.GARBAGE, waited_s=1.0, bytes_received=64),
            "no garbage terminator in 1 s (64 bytes received)",
        ),
        (
            errors.PeerTimeout(phase=Phase.VERSION_PACKET, waited_s=1.0, bytes_received=80),
            "no version packet in 1 s (80 bytes received)",
        ),
        (
            errors.PeerClosed(phase=Phase.GARBAGE, bytes_received=2953),
            "closed the connection after 2953 bytes, waiting for garbage terminator",
        ),
        (
            errors.PeerReset(phase=Phase.VERSION_PACKET, bytes_received=80),
            "reset the connection after 80 bytes, waiting for version packet",
        ),
        (
            errors.PeerFlood(phase=Phase.VERSION_PACKET, messages=0, bytes_received=1 << 26),
            "flooded us: 0 messages, 67108864 bytes and no version packet",
        ),
        (
            errors.NoGarbageTerminator(received=4111),
            "no garbage terminator in 4111 bytes: not a v2 node, or one of another chain",
        ),
        (
            errors.NameNotFound(name="seed.example", server="127.0.0.1:53", why="asked twice"),
            "no such name (NXDOMAIN) (from 127.0.0.1:53): asked twice",
        ),
    ],
)
def test_sentences_for_people(error: BitcoinHandshakeError, sentence: str) -> None:
    assert str(error) == sentence


def test_a_long_bad_target_is_shortened() -> None:
    error = errors.BadTarget("x" * 1_000_000, "too long")
    assert len(str(error)) < 120
    assert "..." in str(error)


def test_a_bad_target_shows_control_characters_escaped() -> None:
    assert "\x1b" not in str(errors.BadTarget("\x1b[31mred", "no"))
