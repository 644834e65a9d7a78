"""Core's conduct as a listener, message by message, against what a real Core 28.1 sent."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.messages.handshake import SendTxRcncl, Version
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.simulate.core import CORE, CORE_V1, FINAL_ALERT, CorePeer, Profile, version_payload
from bitcoin_handshake.simulate.profiles import BCOIN, BTCD, CORE_0_12, CORE_0_20, CORE_TXRCNCL, KNOTS
from bitcoin_handshake.simulate.script import End, NodeFacts
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.helpers import own_vectors
from tests.simulated import CLIENT_NONCE, REGTEST, START, local_version, node_facts

MAGIC = REGTEST.magic
TOO_LARGE = MAGIC + b"ping".ljust(12, b"\0") + (4_000_001).to_bytes(4, "little") + bytes(4)
OPENING = ["version", "wtxidrelay", "sendaddrv2", "verack"]


class Talk:
    """A client that says what a test wants and lists what the peer says."""

    def __init__(self, profile: Profile = CORE_V1, facts: NodeFacts | None = None) -> None:
        self.peer = CorePeer(facts or node_facts(), profile, client=None, now=START)
        self._reader = V1Transport(MAGIC)
        self.payloads: list[bytes] = []

    def heard(self) -> list[str]:
        self._reader.receive_data(self.peer.data_to_send())
        types = []
        while (message := self._reader.next_message()) is not None:
            types.append(message.msg_type)
            self.payloads.append(message.payload or b"")
        return types

    def say(self, *messages: str | tuple[str, bytes]) -> list[str]:
        for each in messages:
            msg_type, payload = (each, b"") if isinstance(each, str) else each
            self.peer.receive_data(serialize_message(MAGIC, msg_type, payload), now=START)
        return self.heard()

    def version(self, protocol_version: int = 70016, *, nonce: int = CLIENT_NONCE) -> list[str]:
        return self.say(("version", local_version(protocol_version, nonce=nonce)))

    def shake_hands(self, protocol_version: int = 70016) -> None:
        self.version(protocol_version)
        self.say("wtxidrelay", "sendaddrv2", "verack")


@pytest.mark.parametrize("index", range(4))
def test_says_what_a_real_core_said(index: int) -> None:
    """Same types in the same order, and the same bytes but for nonces, clock and user agent."""
    captured = json.loads(own_vectors("observed_v1_sessions.json").read_text())["sessions"][index]["messages"]
    peer = CorePeer(node_facts(), CORE, client=None, now=START)
    heard: list[tuple[str, bytes]] = []
    reader = V1Transport(MAGIC)
    for message in captured:
        if message["dir"] == "sent":
            peer.receive_data(bytes.fromhex(message["message_hex"]), now=START)
            reader.receive_data(peer.data_to_send())
            while (received := reader.next_message()) is not None:
                heard.append((received.msg_type, received.payload or b""))
    expected = [
        (each["command"], bytes.fromhex(each["message_hex"])[24:])
        for each in captured
        if each["dir"] == "received" and each["command"] != "getheaders"
    ]
    assert [msg_type for msg_type, _ in heard] == [msg_type for msg_type, _ in expected]
    for (msg_type, ours), (_, theirs) in zip(heard, expected, strict=True):
        if msg_type == "version":
            assert _comparable(ours) == _comparable(theirs)
        elif msg_type == "ping":
            assert len(ours) == len(theirs)
        else:
            assert ours == theirs


def _comparable(payload: bytes) -> tuple[object, ...]:
    version = Version.deserialize(payload)
    # The captured node had v2 on: without that bit its services are ours.
    assert version.addr_from is not None
    return (
        version.protocol_version,
        version.services & ~0x800,
        version.addr_recv,
        version.addr_from.ip,
        version.relay,
        version.trailing,
    )


def test_final_alert_is_168_bytes() -> None:
    assert len(FINAL_ALERT) == 168


def test_says_nothing_before_version_and_ignores_what_comes_then() -> None:
    talk = Talk()
    assert talk.heard() == []
    assert talk.say("verack", ("ping", bytes(8)), "getaddr", "nonsense") == []
    assert talk.version() == OPENING


def test_ignores_a_version_that_does_not_parse() -> None:
    talk = Talk()
    assert talk.say(("version", local_version()[:60])) == []
    assert talk.peer.end is None
    assert talk.version() == OPENING


@pytest.mark.parametrize("protocol_version", [31799, 0, -1])
def test_closes_without_a_word_on_an_old_version(protocol_version: int) -> None:
    talk = Talk()
    assert talk.version(protocol_version) == []
    assert talk.peer.end is End.CLOSE


def test_closes_on_a_nonce_of_its_own() -> None:
    talk = Talk(facts=node_facts(own_nonces={CLIENT_NONCE}))
    assert talk.version() == []
    assert talk.peer.end is End.CLOSE


@pytest.mark.parametrize(
    "data",
    [
        b"\xf9\xbe\xb4\xd9" + bytes(20),
        MAGIC + b"ping" + bytes(8) + (4_000_001).to_bytes(4, "little") + bytes(4),
    ],
    ids=["other magic", "too large"],
)
def test_closes_on_a_broken_stream(data: bytes) -> None:
    talk = Talk()
    talk.peer.receive_data(data, now=START)
    assert (talk.heard(), talk.peer.end) == ([], End.CLOSE)


def test_answers_no_ping_before_verack_and_every_one_after() -> None:
    talk = Talk()
    talk.version()
    assert talk.say(("ping", b"12345678")) == []
    assert talk.say("verack") == ["sendcmpct", "ping", "feefilter"]
    assert talk.say(("ping", b"abcdefgh")) == ["pong"]
    assert talk.payloads[-1] == b"abcdefgh"


@pytest.mark.parametrize("late", ["wtxidrelay", "sendaddrv2", "mempool", "filterload", "getcfilters"])
def test_closes_on_what_core_hangs_up_for_after_verack(late: str) -> None:
    talk = Talk()
    talk.shake_hands()
    assert (talk.say(late), talk.peer.end) == ([], End.CLOSE)


@pytest.mark.parametrize("ignored", ["version", "verack", "sendtxrcncl", "feature", "nonsense", "pong"])
def test_ignores_the_rest(ignored: str) -> None:
    talk = Talk()
    talk.shake_hands()
    assert (talk.say(ignored), talk.peer.end) == ([], None)


def test_offered_services_are_served() -> None:
    talk = Talk(KNOTS)
    talk.shake_hands()
    assert (talk.say("mempool"), talk.peer.end) == ([], None)


def test_answers_getheaders_with_none() -> None:
    talk = Talk()
    talk.shake_hands()
    assert talk.say("getheaders") == ["headers"]
    assert talk.payloads[-1] == b"\0"


def test_answers_getaddr_once_in_the_form_that_the_client_asked_for() -> None:
    neighbours = [NetAddr.from_text(f"127.1.0.{n}", 18444) for n in range(1, 5)]
    talk = Talk(facts=node_facts(neighbours=neighbours))
    talk.shake_hands()
    assert talk.say("getaddr", "getaddr") == ["addrv2"]
    plain = Talk(facts=node_facts(neighbours=neighbours))
    plain.version()
    plain.say("verack")
    assert plain.say("getaddr") == ["addr"]
    assert Talk().say("getaddr") == []


def test_releases_differ_in_what_they_say() -> None:
    talk = Talk(CORE_0_20)
    assert talk.version() == ["version", "verack"]
    assert talk.say("verack") == ["sendheaders", "sendcmpct", "sendcmpct", "ping", "feefilter"]
    talk = Talk(CORE_0_12)
    assert talk.version() == ["version", "verack", "alert"]
    assert talk.say("verack") == ["sendheaders", "ping"]


def test_reconciliation_comes_before_verack() -> None:
    talk = Talk(CORE_TXRCNCL)
    assert talk.version() == ["version", "wtxidrelay", "sendaddrv2", "sendtxrcncl", "verack"]
    assert SendTxRcncl.deserialize(talk.payloads[3]).version == 1


def test_speaks_first_where_the_profile_does() -> None:
    talk = Talk(BCOIN)
    assert talk.heard() == ["version"]
    assert talk.version() == ["verack"]


def test_btcd_refuses_known_messages_before_verack_and_ignores_unknown_ones() -> None:
    talk = Talk(BTCD)
    assert talk.version() == ["version", "sendaddrv2", "verack"]
    talk.say("wtxidrelay", "nonsense", "sendaddrv2")
    assert talk.peer.end is None
    talk.say(("ping", bytes(8)))
    assert talk.peer.end is End.CLOSE


def test_closes_after_60_seconds_without_a_handshake() -> None:
    talk = Talk()
    talk.version()
    assert talk.peer.deadline == START + 60
    talk.peer.handle_timeout(now=START + 60)
    assert talk.peer.end is End.CLOSE


def test_pings_every_two_minutes_and_gives_up_after_twenty() -> None:
    talk = Talk()
    talk.shake_hands()
    for tick in range(1, 10):
        assert talk.peer.deadline == START + 120 * tick
        talk.peer.handle_timeout(now=START + 120 * tick)
        assert talk.heard() == ["ping"]
    talk.peer.handle_timeout(now=START + 1200)
    assert talk.peer.end is End.CLOSE


def test_closes_when_the_client_does() -> None:
    talk = Talk()
    talk.peer.receive_eof(now=START)
    assert talk.peer.end is End.CLOSE


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (None, "[::]:0"),
        (("127.0.0.1", 5), "[::]:0"),
        (("::1", 5), "[::]:0"),
        (("10.1.2.3", 5), "[::]:0"),
        (("8.8.4.4", 5), "8.8.4.4:5"),
        (("2a00:1450::1", 5), "[2a00:1450::1]:5"),
    ],
)
def test_shows_the_client_its_address_only_where_it_is_routable(
    client: tuple[str, int] | None, expected: str
) -> None:
    payload = version_payload(node_facts(), CORE, nonce=1, client=client)
    assert Version.deserialize(payload).addr_recv.netaddr.to_text() == expected


def test_claims_v2_where_it_speaks_it() -> None:
    assert (CORE.services, CORE_V1.services) == (0xC09, 0x409)
