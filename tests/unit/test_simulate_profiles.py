"""The healthy peers: what each says, as a client reads it."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import AnomalyCode
from bitcoin_handshake.messages.handshake import Version
from bitcoin_handshake.records import Features
from bitcoin_handshake.session import Session
from bitcoin_handshake.simulate.core import CORE, Profile, version_payload
from bitcoin_handshake.simulate.profiles import ANCIENT_FORMS, EXTREMES, OLDEST, hostile_user_agent
from tests.simulated import converse, initiator, node_facts, script_of


def _met(name: str) -> Session:
    session = initiator()
    converse(session, script_of(name))
    assert session.is_complete
    return session


def _version(name: str) -> Version:
    version = _met(name).handshake.peer_version
    assert version is not None
    return version


def _features(name: str) -> Features:
    return _met(name).handshake.features


@pytest.mark.parametrize(
    ("name", "protocol_version", "user_agent"),
    [
        ("core", 70016, b"/Satoshi:28.1.0/"),
        ("core-32", 70017, b"/Satoshi:32.0.0/"),
        ("core-0.20", 70015, b"/Satoshi:0.20.2/"),
        ("core-0.12", 70012, b"/Satoshi:0.12.1/"),
        ("core-0.8", 70001, b"/Satoshi:0.8.6/"),
        ("oldest", 31800, b""),
        ("btcd", 70016, b"/btcwire:0.5.0/btcd:0.26.2/"),
        ("speaks-first", 70015, b"/bcoin:2.2.0/"),
        ("libbitcoin", 70013, b"/libbitcoin:4.0.0/"),
    ],
)
def test_releases_say_who_they_are(name: str, protocol_version: int, user_agent: bytes) -> None:
    version = _version(name)
    assert (version.protocol_version, version.user_agent) == (protocol_version, user_agent)


def test_features_follow_the_release() -> None:
    assert _features("core").wtxidrelay
    assert _features("core").sendaddrv2
    assert not _features("core-0.20").wtxidrelay
    assert not _features("btcd").wtxidrelay
    assert _features("btcd").sendaddrv2
    assert _features("core-txrcncl").sendtxrcncl is not None


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("ancient-addr-recv", 46),
        ("ancient-nonce", 80),
        ("ancient-user-agent", 81),
        ("ancient-height", 85),
    ],
)
def test_ancient_forms_end_where_core_lets_them_end(name: str, length: int) -> None:
    assert len(_payload(ANCIENT_FORMS[name])) == length
    assert len(_payload(OLDEST)) == 86


def _payload(profile: Profile) -> bytes:
    return version_payload(node_facts(), profile, nonce=1)


@pytest.mark.parametrize("name", EXTREMES)
def test_extremes_are_read_as_they_were_written(name: str) -> None:
    profile, version = EXTREMES[name], _version(name)
    assert version.user_agent == profile.user_agent
    assert version.services == profile.services
    assert version.start_height == profile.start_height
    assert version.protocol_version == profile.protocol_version
    assert version.relay == profile.relay
    assert profile.timestamp is None or version.timestamp == profile.timestamp


def test_hostile_user_agent_is_of_the_longest_kind_and_harmful() -> None:
    raw = hostile_user_agent()
    assert len(raw) == 256
    assert raw.startswith(b"=")
    assert all(harm in raw for harm in (b"\x1b[", b"\n", b"\r", b"\0", b"<script>", b"\xe2\x80\xae"))
    with pytest.raises(UnicodeDecodeError):
        raw.decode()


def test_trailing_bytes_are_an_anomaly() -> None:
    assert AnomalyCode.TRAILING_BYTES in _met("trailing-bytes").handshake.anomalies


@pytest.mark.parametrize(
    ("name", "count"), [("core", 3), ("chatty", 201), ("unknown-messages", 32), ("large-message", 4)]
)
def test_messages_between_version_and_verack(name: str, count: int) -> None:
    """`verack` and all that came between it and `version`."""
    assert _met(name).handshake.messages_after_version == count


def test_one_segment_holds_everything() -> None:
    session = initiator()
    segments = converse(session, script_of("one-segment"))
    assert len(segments) == 1
    assert b"verack" in segments[0]
    assert segments[0].endswith((1000).to_bytes(8, "little"))


def test_core_says_everything_up_to_verack_in_one_segment() -> None:
    assert len(converse(initiator(), script_of("core"))) == 1
    assert CORE.user_agent == b"/Satoshi:28.1.0/"
