"""Peers that behave as Bitcoin Core does, in its releases, and their relatives.

Owns `Profile`, what one release or implementation says of itself and when, and `CorePeer`, a
`Script` in the responder's role on the same transport and handshake table as the initiator's.

Rules, as Core 28.1's `ProcessMessage` and `SendMessages` in `net_processing.cpp` have them:

* The client's first 16 bytes tell v1 from v2 (`v2_form.listen`).
* Nothing is said before the client's `version`; then version, wtxidrelay, sendaddrv2, verack
  (and alert) go out in one segment. Messages before `version` are ignored.
* A version below 31800, an own nonce, a wrong magic and a length over the limit close the
  connection without an answer; a `version` that does not parse is ignored.
* Between `version` and `verack` nothing is answered, not even a ping.
* After the client's `verack` come the announcements of the release, then a ping.
* A `wtxidrelay` or `sendaddrv2` after `verack` closes the connection; so does a request for a
  service that is not offered.
* `getaddr` is answered once. 60 s without a handshake, or 20 min without a byte, close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.handshake import Action, Handshake, State
from bitcoin_handshake.messages.handshake import V1Address, Version
from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.protocol import (
    BIP0031_VERSION,
    FEEFILTER_VERSION,
    PROTOCOL_VERSION,
    SENDHEADERS_VERSION,
    SHORT_IDS_BLOCKS_VERSION,
    MsgType,
    ServiceFlags,
)
from bitcoin_handshake.simulate.gossip import address_answer
from bitcoin_handshake.simulate.script import End, NodeFacts
from bitcoin_handshake.simulate.v2_form import MAX_KEPT_PAYLOAD, V2Form, listen
from bitcoin_handshake.transport.base import ReceivedMessage, Transport
from bitcoin_handshake.transport.v1 import V1Transport

__all__ = [
    "CORE",
    "CORE_V1",
    "FINAL_ALERT",
    "CorePeer",
    "Messages",
    "Profile",
    "VersionForm",
    "version_payload",
]

HANDSHAKE_TIMEOUT_S = 60.0
PING_INTERVAL_S = 120.0
INACTIVITY_TIMEOUT_S = 1200.0
MAX_ALERT_VERSION = 70012

CORE_SERVICES = (
    ServiceFlags.NODE_NETWORK | ServiceFlags.NODE_WITNESS | ServiceFlags.NODE_NETWORK_LIMITED
).value
"""What Core 28.1 offers with v2 switched off: 0x409."""
CORE_V2_SERVICES = CORE_SERVICES | ServiceFlags.NODE_P2P_V2.value
"""What Core 28.1 offers by default: 0xc09."""

FINAL_ALERT = bytes.fromhex(
    "60010000000000000000000000ffffff7f00000000ffffff7ffeffff7f01ffffff7f00000000ffffff7f00ffffff"
    "7f002f555247454e543a20416c657274206b657920636f6d70726f6d697365642c20757067726164652072657175"
    "6972656400463044"
    "0220653febd6410f470f6bae11cad19c48413becb1ac2c17f908fd0fd53bdc3abd52"
    "02206d0e9c96fe88d4a0f01ed9dedae2b6f9e00da94cad0fecaae66ecf689bf71b50"
)
"""The last alert, 168 bytes, signed with the key that it declares compromised; captured from
Core 28.1, which sends it to peers of 70012 and less."""

# Looking an enum's value up costs 50 ns, sixteen times per handshake.
_VERACK = MsgType.VERACK.value
_PING_TYPE = MsgType.PING.value
_ALERT = MsgType.ALERT.value
_GETHEADERS = MsgType.GETHEADERS.value
_HEADERS = MsgType.HEADERS.value
_GETADDR = MsgType.GETADDR.value
_NODE_BLOOM = ServiceFlags.NODE_BLOOM.value
_NODE_COMPACT_FILTERS = ServiceFlags.NODE_COMPACT_FILTERS.value

Messages = Iterable[tuple[str, bytes]]

_SENDHEADERS = (SENDHEADERS_VERSION, MsgType.SENDHEADERS.value, b"")
_SENDCMPCT_1 = (SHORT_IDS_BLOCKS_VERSION, MsgType.SENDCMPCT.value, SendCmpct(0, 1).serialize())
_SENDCMPCT_2 = (SHORT_IDS_BLOCKS_VERSION, MsgType.SENDCMPCT.value, SendCmpct(0, 2).serialize())
_PING = (0, MsgType.PING.value, b"")
_FEEFILTER = (FEEFILTER_VERSION, MsgType.FEEFILTER.value, FeeFilter(1000).serialize())

AFTER_VERACK_24 = (_SENDCMPCT_2, _PING, _FEEFILTER)
AFTER_VERACK_14 = (_SENDHEADERS, _SENDCMPCT_2, _SENDCMPCT_1, _PING, _FEEFILTER)
AFTER_VERACK_12 = (_SENDHEADERS, _PING)
AFTER_VERACK_OLD = (_PING,)

_BLOOM_REQUESTS = frozenset(
    {
        MsgType.MEMPOOL.value,
        MsgType.FILTERLOAD.value,
        MsgType.FILTERADD.value,
        MsgType.FILTERCLEAR.value,
    }
)
_FILTER_REQUESTS = frozenset(
    {MsgType.GETCFILTERS.value, MsgType.GETCFHEADERS.value, MsgType.GETCFCHECKPT.value}
)
_LATE_NEGOTIATION = frozenset({MsgType.WTXIDRELAY.value, MsgType.SENDADDRV2.value})
_BTCD_NEGOTIATION = frozenset({MsgType.VERACK.value, MsgType.SENDADDRV2.value})
_BTCD_IGNORES = frozenset(
    {MsgType.WTXIDRELAY.value, MsgType.SENDTXRCNCL.value, MsgType.FEATURE.value, MsgType.SENDPACKAGES.value}
)
_BTCD_REFUSES = frozenset(each.value for each in MsgType) - _BTCD_NEGOTIATION - _BTCD_IGNORES
_NO_HEADERS = b"\0"

VersionForm = Callable[[Version], bytes]


def _no_messages(_node: NodeFacts) -> Messages:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one release or implementation says, and when.

    Attributes:
        user_agent, protocol_version, services, start_height, relay, timestamp: Fields of its
            `version`; a timestamp of None is the node's clock.
        version_form: Writes the `version`, where it is not the plain form.
        omits: Messages of Core's opening that it does not send.
        between: Further messages that it sends between its `version` and `verack`.
        after_verack: (lowest common version, type, payload) of what follows the client's verack.
        eager: Sends these announcements with its `verack`, without waiting for the client's.
        final_alert: Whether it sends the final alert to peers of 70012 or less.
        speaks_first: Sends its `version` on accept.
        strict: Hangs up on known messages other than sendaddrv2 before verack, as btcd does.
        v2: How it speaks v2; None where it does not.
    """

    user_agent: bytes
    protocol_version: int = PROTOCOL_VERSION
    services: int = CORE_SERVICES
    start_height: int = 0
    relay: int = 1
    timestamp: int | None = None
    version_form: VersionForm | None = None
    omits: frozenset[str] = frozenset()
    between: Callable[[NodeFacts], Messages] = _no_messages
    after_verack: Sequence[tuple[int, str, bytes]] = AFTER_VERACK_24
    eager: bool = False
    final_alert: bool = True
    speaks_first: bool = False
    strict: bool = False
    v2: V2Form | None = None


CORE_V1 = Profile(user_agent=b"/Satoshi:28.1.0/")
"""Bitcoin Core 28.1 with its defaults, but v2 switched off."""
CORE = replace(CORE_V1, services=CORE_V2_SERVICES, v2=V2Form())
"""Bitcoin Core 28.1 with its defaults."""


@lru_cache(maxsize=4096)
def _address_of_client(host: str) -> bytes | None:
    address = ip_address(host)
    return NetAddr.from_text(host, 0).to_addrv1() if address.is_global else None


def _addr_recv(client: tuple[str, int] | None) -> V1Address:
    """Write the client's address, or zeros where Core would not show it."""
    if client is None or client[0].startswith("127."):
        return V1Address()
    ip = _address_of_client(client[0])
    return V1Address() if ip is None else V1Address(0, ip, client[1])


def version_payload(
    node: NodeFacts, profile: Profile, *, nonce: int, client: tuple[str, int] | None = None
) -> bytes:
    """Write the `version` of a peer with this profile.

    Args:
        node: The node that sends it.
        profile: What it says of itself.
        nonce: 64 random bits.
        client: Host and port of the client, which addr_recv shows if it is routable.
    """
    version = Version(
        profile.protocol_version,
        profile.services,
        node.time_unix() if profile.timestamp is None else profile.timestamp,
        _addr_recv(client),
        V1Address(profile.services),
        nonce,
        profile.user_agent,
        profile.start_height,
        profile.relay,
    )
    return version.serialize() if profile.version_form is None else profile.version_form(version)


class CorePeer:
    """One connection of a node that behaves as its profile says; see `script.Script`.

    Args:
        node: The node that it plays.
        profile: Which release or implementation.
        client: Host and port of the client, as the socket has it.
        now: Time of the connection, monotonic seconds.
        transport: What turns bytes into messages; unless it is given, v1, or what the client's first
            bytes ask for where the profile speaks v2.
    """

    _transport: Transport

    __slots__ = (
        "_answered_getaddr",
        "_handshake",
        "_last_received_at",
        "_node",
        "_profile",
        "_transport",
        "_undecided",
        "deadline",
        "end",
    )

    def __init__(
        self,
        node: NodeFacts,
        profile: Profile,
        *,
        client: tuple[str, int] | None,
        now: float,
        transport: Transport | None = None,
    ) -> None:
        self._node = node
        self._profile = profile
        self._undecided: bytes | None = None
        if transport is not None:
            self._transport = transport
        elif profile.v2 is not None:
            self._undecided = b""
        else:
            self._transport = V1Transport(node.params.magic, max_kept_payload=MAX_KEPT_PAYLOAD)
        nonce = node.random.getrandbits(64)
        self._handshake = Handshake(
            version_payload(node, profile, nonce=nonce, client=client),
            initiating=profile.speaks_first,
            protocol_version=profile.protocol_version,
            own_nonces=node.own_nonces,
        )
        self._answered_getaddr = False
        self._last_received_at = now
        self.deadline: float | None = now + HANDSHAKE_TIMEOUT_S
        self.end: End | None = None
        if profile.speaks_first:
            self._send_replies()

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the client, in any segmentation. Never raises."""
        self._last_received_at = now
        if self._undecided is not None:
            data = self._undecided + data
            if not self._decide(data):
                return
        transport = self._transport
        transport.receive_data(data)
        try:
            while self.end is None and (message := transport.next_message()) is not None:
                if message.anomaly is None:
                    self._take(message, now)
        except PeerError:
            self.end = End.CLOSE
            if transport.name == "v2":
                transport.data_to_send()  # Core drops what it queued when it hangs up

    def _decide(self, data: bytes) -> bool:
        """Choose the transport by all that the client sent, and tell whether that was possible."""
        assert self._profile.v2 is not None
        transport = listen(self._node, self._profile.v2, data)
        if transport is None:
            self._undecided = data
            return False
        self._transport = transport
        self._undecided = None
        return True

    def receive_eof(self, *, now: float) -> None:
        """The client closed its side: so do we."""
        self.end = End.CLOSE

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed: time for a ping, or to hang up."""
        silent_s = now - self._last_received_at
        if self._handshake.state is not State.COMPLETE or silent_s >= INACTIVITY_TIMEOUT_S:
            self.end = End.CLOSE
            return
        self._send_ping()
        self.deadline = now + PING_INTERVAL_S

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        return self._transport.data_to_send() if self._undecided is None else b""

    def _take(self, message: ReceivedMessage, now: float) -> None:
        handshake = self._handshake
        state = handshake.state
        msg_type = message.msg_type
        if state is State.AWAIT_VERACK:
            if self._profile.strict and msg_type in _BTCD_REFUSES:
                self.end = End.CLOSE
                return
            if msg_type == _PING_TYPE:
                return
        action = handshake.receive(msg_type, message.payload)
        if handshake.state is State.FAILED:
            self.end = End.CLOSE
        elif action is Action.TAKE_VERSION:
            if handshake.replies:
                self._send_opening()
        elif action is Action.COMPLETE:
            self.deadline = now + PING_INTERVAL_S
            if not self._profile.eager:
                self._announce()
        elif handshake.replies:
            self._send_replies()
        elif state is State.COMPLETE:
            self._serve(msg_type)

    def _send_replies(self) -> None:
        for msg_type, payload in self._handshake.replies:
            self._transport.send_message(msg_type, payload)
        self._handshake.replies.clear()

    def _send_opening(self) -> None:
        """Send what answers a `version`: up to `verack`, and the alert."""
        profile = self._profile
        send = self._transport.send_message
        for msg_type, payload in self._handshake.replies:
            if msg_type == _VERACK:
                for extra_type, extra_payload in profile.between(self._node):
                    send(extra_type, extra_payload)
            if msg_type not in profile.omits:
                send(msg_type, payload)
        self._handshake.replies.clear()
        if profile.final_alert and self._handshake.common_version <= MAX_ALERT_VERSION:
            send(_ALERT, FINAL_ALERT)
        if profile.eager:
            self._announce()

    def _announce(self) -> None:
        common_version = self._handshake.common_version
        for lowest, msg_type, payload in self._profile.after_verack:
            if msg_type == _PING_TYPE:
                self._send_ping()
            elif common_version >= lowest:
                self._transport.send_message(msg_type, payload)

    def _send_ping(self) -> None:
        has_nonce = self._handshake.common_version > BIP0031_VERSION
        payload = self._node.random.getrandbits(64).to_bytes(8, "little") if has_nonce else b""
        self._transport.send_message(_PING_TYPE, payload)

    def _serve(self, msg_type: str) -> None:
        """Answer, or hang up on, what a client asks for after the handshake."""
        services = self._profile.services
        if msg_type in _LATE_NEGOTIATION:
            self.end = End.CLOSE
        elif msg_type in _BLOOM_REQUESTS:
            if not services & _NODE_BLOOM:
                self.end = End.CLOSE
        elif msg_type in _FILTER_REQUESTS:
            if not services & _NODE_COMPACT_FILTERS:
                self.end = End.CLOSE
        elif msg_type == _GETHEADERS:
            self._transport.send_message(_HEADERS, _NO_HEADERS)
        elif msg_type == _GETADDR and not self._answered_getaddr:
            self._answered_getaddr = True
            answer = address_answer(self._node, is_v2=self._handshake.features.sendaddrv2)
            if answer is not None:
                self._transport.send_message(*answer)
