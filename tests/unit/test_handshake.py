"""The negotiation: every state with every message, and what the exchange yields."""

from __future__ import annotations

import struct

import pytest

from bitcoin_handshake.errors import AnomalyCode, FailureCode, Phase
from bitcoin_handshake.handshake import (
    MAX_SENDCMPCT_KEPT,
    OTHERWISE,
    TABLE,
    Action,
    Handshake,
    LocalVersion,
    State,
)
from bitcoin_handshake.messages.handshake import V1Address, Version
from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct
from bitcoin_handshake.protocol import MsgType

NONCE = 0x0102030405060708
PEER_NONCE = 0x1112131415161718
UNKNOWN = "nonsense"
ALL_TYPES = [*(member.value for member in MsgType), UNKNOWN, ""]
SENDCMPCT = bytes.fromhex("000200000000000000")
SENDTXRCNCL = bytes.fromhex("010000000807060504030201")
NEGOTIATION = [("wtxidrelay", b""), ("sendaddrv2", b""), ("verack", b"")]


def _ours(**changes: int) -> bytes:
    return LocalVersion(user_agent=b"/test:1/", **changes).serialize(
        nonce=NONCE,
        time_unix=1_700_000_000,
        ip=bytes.fromhex("00000000000000000000ffff01020304"),
        port=8333,
    )


def _version(
    protocol_version: int = 70016,
    *,
    nonce: int = PEER_NONCE,
    trailing: bytes = b"",
    timestamp: int = 1_700_000_001,
    start_height: int = 800_000,
) -> bytes:
    addresses = (V1Address(), V1Address())
    return Version(
        protocol_version, 9, timestamp, *addresses, nonce, b"/peer:1/", start_height, 1, trailing
    ).serialize()


def _initiator(*, common: int = 70016) -> Handshake:
    handshake = Handshake(
        _ours(protocol_version=common), initiating=True, protocol_version=common, own_nonces={NONCE}
    )
    handshake.replies.clear()
    return handshake


def _in_state(state: State) -> Handshake:
    handshake = _initiator()
    if state is State.FAILED:
        handshake.receive("version", _version(31799))
    elif state is not State.AWAIT_VERSION:
        handshake.receive("version", _version())
        if state is State.COMPLETE:
            handshake.receive("verack", b"")
    handshake.replies.clear()
    assert handshake.state is state
    return handshake


# What Core does, written out: state, message -> next state, anomaly. Everything that is not listed
# leaves the state alone and notes nothing (before `version`: BEFORE_VERSION).
LISTED = {
    (State.AWAIT_VERSION, "reject"): (State.AWAIT_VERSION, None),
    (State.AWAIT_VERSION, "version"): (State.AWAIT_VERACK, None),
    (State.AWAIT_VERACK, "verack"): (State.COMPLETE, None),
    (State.AWAIT_VERACK, "version"): (State.AWAIT_VERACK, AnomalyCode.DUPLICATE_VERSION),
    (State.COMPLETE, "version"): (State.COMPLETE, AnomalyCode.DUPLICATE_VERSION),
    (State.COMPLETE, "verack"): (State.COMPLETE, AnomalyCode.DUPLICATE_VERACK),
    (State.COMPLETE, "wtxidrelay"): (State.COMPLETE, AnomalyCode.LATE_FEATURE),
    (State.COMPLETE, "sendaddrv2"): (State.COMPLETE, AnomalyCode.LATE_FEATURE),
    (State.COMPLETE, "sendtxrcncl"): (State.COMPLETE, AnomalyCode.LATE_FEATURE),
    (State.COMPLETE, "feature"): (State.COMPLETE, AnomalyCode.LATE_FEATURE),
}
PAYLOADS = {
    "version": _version(),
    "sendcmpct": SENDCMPCT,
    "sendtxrcncl": SENDTXRCNCL,
    "feefilter": bytes(8),
    "ping": bytes(8),
    "reject": bytes(3),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("msg_type", ALL_TYPES)
def test_every_message_in_every_state(state: State, msg_type: str) -> None:
    handshake = _in_state(state)
    before = list(handshake.anomalies)
    action = handshake.receive(msg_type, PAYLOADS.get(msg_type, b""))
    default = AnomalyCode.BEFORE_VERSION if state is State.AWAIT_VERSION else None
    next_state, anomaly = LISTED.get((state, msg_type), (state, default))
    assert handshake.state is next_state
    assert handshake.anomalies == (before if anomaly is None else [anomaly])
    assert action is TABLE[state].get(msg_type, OTHERWISE[state])
    expected = {
        (State.AWAIT_VERSION, "version"): NEGOTIATION,
        (State.AWAIT_VERACK, "ping"): [("pong", bytes(8))],
        (State.COMPLETE, "ping"): [("pong", bytes(8))],
    }
    assert handshake.replies == expected.get((state, msg_type), [])


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("msg_type", ALL_TYPES)
@pytest.mark.parametrize(
    "payload", [None, b"", b"\1", bytes(11), b"\xff" * 400], ids=["none", "0", "1", "11", "400"]
)
def test_no_payload_makes_anything_raise(state: State, msg_type: str, payload: bytes | None) -> None:
    handshake = _in_state(state)
    assert handshake.receive(msg_type, payload) in Action
    assert handshake.state >= state


def test_the_table_names_every_state() -> None:
    assert set(TABLE) == set(OTHERWISE) == set(State)


def test_the_initiator_speaks_first_and_the_responder_does_not() -> None:
    initiator = Handshake(_ours(), initiating=True)
    assert [msg_type for msg_type, _ in initiator.replies] == ["version"]
    assert initiator.replies[0][1] == _ours()
    assert Handshake(_ours(), initiating=False).replies == []


def test_the_responder_answers_with_its_own_version() -> None:
    responder = Handshake(_ours(), initiating=False)
    responder.receive("version", _version())
    assert responder.replies == [("version", _ours()), *NEGOTIATION]


def test_our_version_is_what_the_protocol_says() -> None:
    expected = (
        struct.pack("<iQq", 70016, 0, 1_700_000_000)
        + bytes(8)
        + bytes.fromhex("00000000000000000000ffff01020304208d")
        + bytes(26)
        + NONCE.to_bytes(8, "little")
        + b"\x08/test:1/"
        + bytes(5)
    )
    assert _ours() == expected
    assert Version.deserialize(expected).serialize() == expected


def test_our_version_carries_every_field() -> None:
    read = Version.deserialize(_ours(protocol_version=-5, services=2**64 - 1, start_height=-1, relay=1))
    assert (read.protocol_version, read.services, read.start_height, read.relay) == (-5, 2**64 - 1, -1, 1)
    assert read.addr_from == V1Address(2**64 - 1)
    assert read.nonce == NONCE


@pytest.mark.parametrize(
    ("protocol_version", "features"),
    [(31800, False), (60000, False), (70015, False), (70016, True), (70017, True), (2**31 - 1, True)],
)
def test_features_are_offered_from_70016_on(protocol_version: int, features: bool) -> None:
    handshake = _initiator()
    handshake.receive("version", _version(protocol_version))
    assert handshake.replies == (NEGOTIATION if features else [("verack", b"")])
    assert handshake.common_version == min(70016, protocol_version)


def test_features_are_not_offered_below_70016_of_our_own() -> None:
    handshake = _initiator(common=70015)
    handshake.receive("version", _version(70016))
    assert handshake.replies == [("verack", b"")]
    assert handshake.common_version == 70015


@pytest.mark.parametrize("protocol_version", [31799, 209, 0, -1, -(2**31)])
def test_a_version_below_31800_is_fatal(protocol_version: int) -> None:
    handshake = _initiator()
    handshake.receive("version", _version(protocol_version))
    assert handshake.state is State.FAILED
    assert handshake.error is not None
    assert handshake.error.code is FailureCode.HANDSHAKE_VERSION_TOO_OLD
    assert str(protocol_version) in str(handshake.error)
    assert handshake.error.phase is Phase.VERSION
    assert handshake.replies == []
    assert handshake.peer_version is not None, "a fact once learned is kept"


@pytest.mark.parametrize("length", [46, 60, 79, 82])
def test_a_version_that_is_old_and_damaged_is_old(length: int) -> None:
    """Core reads the number and addr_recv, hangs up, and never meets the damage."""
    handshake = _initiator()
    handshake.receive("version", _version(300)[:length])
    assert handshake.error is not None
    assert handshake.error.code is FailureCode.HANDSHAKE_VERSION_TOO_OLD


@pytest.mark.parametrize("length", [46, 80, 89, 93, 94])
def test_short_forms_are_accepted(length: int) -> None:
    handshake = _initiator()
    handshake.receive("version", _version(31800)[:length])
    assert handshake.state is State.AWAIT_VERACK
    assert handshake.anomalies == []
    assert handshake.replies == [("verack", b"")]


@pytest.mark.parametrize(
    "payload", [None, b"", _version()[:45], _version()[:60], _version()[:88], _version(0)[:45]]
)
def test_a_version_that_does_not_parse_is_skipped(payload: bytes | None) -> None:
    handshake = _initiator()
    handshake.receive("version", payload)
    assert handshake.phase is Phase.VERSION
    assert handshake.bad_version is not None
    assert (handshake.error, handshake.peer_version, handshake.replies) == (None, None, [])
    handshake.receive("version", _version())
    assert handshake.state is State.AWAIT_VERACK
    assert handshake.anomalies == [AnomalyCode.BAD_VERSION_MESSAGE]


def test_a_version_too_long_to_keep_is_not_called_empty() -> None:
    handshake = _initiator()
    handshake.receive("version", None)
    assert str(handshake.bad_version) == "payload: longer than any version, and not kept"


def test_a_nonce_of_ours_is_a_connection_to_ourselves() -> None:
    handshake = _initiator()
    handshake.receive("version", _version(nonce=NONCE))
    assert handshake.error is not None
    assert handshake.error.code is FailureCode.HANDSHAKE_SELF_CONNECTION
    assert handshake.replies == []


def test_a_nonce_that_was_left_out_is_not_ours() -> None:
    handshake = Handshake(_ours(), initiating=True, own_nonces={NONCE, 0, 1})
    handshake.receive("version", _version()[:46])
    assert handshake.state is State.AWAIT_VERACK


def test_trailing_bytes_of_version_are_kept_and_noted() -> None:
    handshake = _initiator()
    handshake.receive("version", _version(trailing=b"more"))
    assert handshake.anomalies == [AnomalyCode.TRAILING_BYTES]
    assert handshake.peer_version is not None
    assert handshake.peer_version.trailing == b"more"


@pytest.mark.parametrize("msg_type", ["verack", "wtxidrelay", "sendaddrv2", "sendheaders"])
def test_trailing_bytes_of_empty_messages_are_noted(msg_type: str) -> None:
    handshake = _in_state(State.AWAIT_VERACK)
    handshake.receive(msg_type, b"x")
    assert handshake.anomalies == [AnomalyCode.TRAILING_BYTES]


@pytest.mark.parametrize("msg_type", ["verack", "wtxidrelay", "sendaddrv2"])
def test_payloads_too_large_to_keep_are_trailing_bytes(msg_type: str) -> None:
    handshake = _in_state(State.AWAIT_VERACK)
    handshake.receive(msg_type, None)
    assert handshake.anomalies == [AnomalyCode.TRAILING_BYTES]


@pytest.mark.parametrize(
    ("msg_type", "payload"), [("sendcmpct", SENDCMPCT), ("feefilter", bytes(8)), ("sendtxrcncl", SENDTXRCNCL)]
)
def test_trailing_bytes_of_announcements_are_noted(msg_type: str, payload: bytes) -> None:
    handshake = _in_state(State.AWAIT_VERACK)
    handshake.receive(msg_type, payload)
    assert handshake.anomalies == []
    handshake.receive(msg_type, payload + b"x")
    assert handshake.anomalies == [AnomalyCode.TRAILING_BYTES]


@pytest.mark.parametrize("msg_type", ["sendcmpct", "feefilter", "sendtxrcncl", "ping"])
@pytest.mark.parametrize("length", [1, 7])
def test_announcements_that_do_not_parse_are_noted(msg_type: str, length: int) -> None:
    handshake = _in_state(State.AWAIT_VERACK)
    handshake.receive(msg_type, bytes(length))
    assert handshake.anomalies == [AnomalyCode.MALFORMED]
    assert handshake.replies == []
    features = handshake.features
    assert (features.sendcmpct, features.feefilter, features.sendtxrcncl) == ((), None, None)


def test_what_is_announced_is_kept() -> None:
    handshake = _in_state(State.AWAIT_VERACK)
    for msg_type, payload in (
        ("wtxidrelay", b""),
        ("sendaddrv2", b""),
        ("sendtxrcncl", SENDTXRCNCL),
        ("verack", b""),
        ("sendcmpct", SENDCMPCT),
        ("sendcmpct", b"\1" + SENDCMPCT[1:]),
        ("sendheaders", b""),
        ("feefilter", (1000).to_bytes(8, "little")),
    ):
        handshake.receive(msg_type, payload)
    features = handshake.features
    assert (features.wtxidrelay, features.sendaddrv2, features.sendheaders) == (True, True, True)
    assert features.sendtxrcncl is not None
    assert (features.sendtxrcncl.version, features.sendtxrcncl.salt) == (1, 0x0102030405060708)
    assert features.sendcmpct == (SendCmpct(0, 2), SendCmpct(1, 2))
    assert features.feefilter == FeeFilter(1000)
    assert handshake.anomalies == []


@pytest.mark.parametrize("msg_type", ["wtxidrelay", "sendaddrv2", "sendtxrcncl"])
def test_what_comes_outside_the_window_is_not_announced(msg_type: str) -> None:
    for state in (State.AWAIT_VERSION, State.COMPLETE):
        handshake = _in_state(state)
        handshake.receive(msg_type, PAYLOADS.get(msg_type, b""))
        features = handshake.features
        assert (features.wtxidrelay, features.sendaddrv2, features.sendtxrcncl) == (False, False, None)


def test_a_flood_of_sendcmpct_is_not_kept() -> None:
    handshake = _in_state(State.COMPLETE)
    for _ in range(1000):
        handshake.receive("sendcmpct", SENDCMPCT)
    assert len(handshake.features.sendcmpct) == MAX_SENDCMPCT_KEPT


@pytest.mark.parametrize(("protocol_version", "answered"), [(60000, False), (60001, True), (70016, True)])
def test_pings_are_answered_above_60000(protocol_version: int, answered: bool) -> None:
    handshake = _initiator()
    handshake.receive("version", _version(protocol_version))
    handshake.replies.clear()
    handshake.receive("ping", b"\x01\x02\x03\x04\x05\x06\x07\x08rest")
    assert handshake.replies == ([("pong", b"\1\2\3\4\5\6\7\x08")] if answered else [])


def test_a_ping_without_a_nonce_asks_for_nothing() -> None:
    handshake = _in_state(State.AWAIT_VERACK)
    handshake.receive("ping", b"")
    assert (handshake.replies, handshake.anomalies) == ([], [])


def test_each_anomaly_is_noted_once_and_in_order() -> None:
    handshake = _initiator()
    for msg_type, payload in (
        ("verack", b""),
        ("ping", bytes(8)),
        ("version", b""),
        ("version", _version()),
        ("version", _version(31799, nonce=NONCE)),
        ("verack", b""),
        ("verack", b""),
        ("sendaddrv2", b""),
        ("verack", b""),
    ):
        handshake.receive(msg_type, payload)
    assert handshake.state is State.COMPLETE
    assert handshake.anomalies == [
        AnomalyCode.BEFORE_VERSION,
        AnomalyCode.BAD_VERSION_MESSAGE,
        AnomalyCode.DUPLICATE_VERSION,
        AnomalyCode.DUPLICATE_VERACK,
        AnomalyCode.LATE_FEATURE,
    ]
    assert handshake.peer_version is not None
    assert handshake.peer_version.protocol_version == 70016


def test_messages_after_version_are_counted() -> None:
    handshake = _initiator()
    handshake.receive("ping", bytes(8))
    handshake.receive("version", _version())
    assert handshake.messages_after_version == 0
    handshake.receive(UNKNOWN, None)
    handshake.receive("version", _version())
    assert handshake.messages_after_version == 2


def test_the_phase_follows_the_version() -> None:
    handshake = _initiator()
    phases = [handshake.phase]
    for payload in (b"", _version()):
        handshake.receive("version", payload)
        phases.append(handshake.phase)
    assert phases == [Phase.VERSION, Phase.VERSION, Phase.VERACK]


@pytest.mark.parametrize(
    ("timestamp", "start_height", "is_noted"),
    [
        (-1, 0, True),
        (0, 0, False),
        (2**32 - 1, 0, False),
        (2**32, 0, True),
        (-(2**63), 0, True),
        (0, -1, False),
        (0, -2, True),
    ],
)
def test_a_version_with_a_number_that_makes_no_sense_is_an_anomaly(
    timestamp: int, start_height: int, is_noted: bool
) -> None:
    handshake = Handshake(_ours(), initiating=True)
    handshake.receive("version", _version(timestamp=timestamp, start_height=start_height))
    assert handshake.anomalies == ([AnomalyCode.IMPLAUSIBLE_VALUE] if is_noted else [])


@pytest.mark.parametrize(
    ("msg_type", "payload", "is_noted"),
    [
        ("feefilter", (21_000_000 * 10**8).to_bytes(8, "little"), False),
        ("feefilter", (21_000_000 * 10**8 + 1).to_bytes(8, "little"), True),
        ("feefilter", b"\xff" * 8, True),
        ("sendcmpct", b"\0" + (2**32 - 1).to_bytes(8, "little"), False),
        ("sendcmpct", b"\0" + (2**32).to_bytes(8, "little"), True),
    ],
)
def test_an_announcement_that_makes_no_sense_is_an_anomaly(
    msg_type: str, payload: bytes, is_noted: bool
) -> None:
    handshake = Handshake(_ours(), initiating=True)
    handshake.receive("version", _version())
    handshake.receive(msg_type, payload)
    assert handshake.anomalies == ([AnomalyCode.IMPLAUSIBLE_VALUE] if is_noted else [])
