"""The negotiation at the start of a connection, as one table.

Owns the states, the table (state x message -> action) and the facts that the exchange yields:
the peer's `version`, its features, the anomalies. Has no transport, no clock, no entropy.

Rules, as Core's `ProcessMessage` in `net_processing.cpp` has them:

* The initiator sends `version` first; the responder answers with its own.
* On the peer's `version`, both send `wtxidrelay` and `sendaddrv2` (common version 70016 or
  more), then `verack`.
* `verack` after `version` completes it. Anything may stand between the two.
* `reject` may come at any time; the first one is kept.
* What else comes before `version` is ignored; so is a second `version` or `verack`. A `version` that
  does not parse is skipped, and the wait goes on.
* A version below 31800 and a nonce of our own are fatal.
* `wtxidrelay`, `sendaddrv2`, `sendtxrcncl` and `feature` after `verack` make Core hang up; we
  record that and stay.

    AWAIT_VERSION --version--> AWAIT_VERACK --verack--> COMPLETE
          |
          +--version too old, own nonce--> FAILED
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import lru_cache
from struct import Struct
from types import MappingProxyType
from typing import TYPE_CHECKING

from bitcoin_handshake.errors import (
    AnomalyCode,
    BadEncoding,
    HandshakeError,
    Phase,
    SelfConnection,
    VersionTooOld,
    WireError,
)
from bitcoin_handshake.messages.handshake import SendTxRcncl, Version
from bitcoin_handshake.protocol import (
    BIP0031_VERSION,
    MIN_PEER_PROTO_VERSION,
    PROTOCOL_VERSION,
    WTXID_RELAY_VERSION,
    MsgType,
)
from bitcoin_handshake.records import Features
from bitcoin_handshake.wire import serialize_var_bytes

if TYPE_CHECKING:
    from bitcoin_handshake.messages.historical import Reject

__all__ = ["TABLE", "Action", "Handshake", "LocalVersion", "State"]

MAX_SENDCMPCT_KEPT = 4
"""Core before 24 sends `sendcmpct` twice; more than a few say nothing new."""


MAX_TIMESTAMP = 2**32 - 1
"""The last second that a block header can hold, in the year 2106."""
MIN_START_HEIGHT = -1
"""The height of an early Core that has no block yet."""
MAX_SENDCMPCT_VERSION = 2**32 - 1
"""Versions are counted: 1 and 2 so far."""
MAX_MONEY = 21_000_000 * 100_000_000
"""All satoshis; Core ignores a `feefilter` above it."""


class State(IntEnum):
    """Where the exchange stands."""

    AWAIT_VERSION = auto()  # a `version` that parses; ended by it, aborted by one that is fatal
    AWAIT_VERACK = auto()  # anything, until `verack`
    COMPLETE = auto()  # anything; nothing ends it
    FAILED = auto()  # nothing more is read


class Action(IntEnum):
    """What the table tells the handshake to do with a message."""

    TAKE_VERSION = auto()  # parse, judge, answer; on success AWAIT_VERACK
    COMPLETE = auto()  # the verdict: ok
    NOTE_WTXIDRELAY = auto()
    NOTE_SENDADDRV2 = auto()
    NOTE_SENDTXRCNCL = auto()
    NOTE_SENDHEADERS = auto()
    NOTE_SENDCMPCT = auto()
    NOTE_FEEFILTER = auto()
    ANSWER_PING = auto()
    NOTE_REJECT = auto()  # the peer says why it refuses a message of ours (BIP61)
    NOTE_EARLY = auto()  # anomaly: before `version`
    NOTE_DUPLICATE_VERSION = auto()
    NOTE_DUPLICATE_VERACK = auto()
    NOTE_LATE = auto()  # anomaly: negotiation after `verack`
    IGNORE = auto()  # known or not, nothing to do


_ANNOUNCEMENTS = {
    MsgType.SENDHEADERS.value: Action.NOTE_SENDHEADERS,
    MsgType.SENDCMPCT.value: Action.NOTE_SENDCMPCT,
    MsgType.FEEFILTER.value: Action.NOTE_FEEFILTER,
    MsgType.PING.value: Action.ANSWER_PING,
    MsgType.REJECT.value: Action.NOTE_REJECT,
}

TABLE = MappingProxyType(
    {
        State.AWAIT_VERSION: MappingProxyType(
            {MsgType.VERSION.value: Action.TAKE_VERSION, MsgType.REJECT.value: Action.NOTE_REJECT}
        ),
        State.AWAIT_VERACK: MappingProxyType(
            {
                MsgType.VERACK.value: Action.COMPLETE,
                MsgType.WTXIDRELAY.value: Action.NOTE_WTXIDRELAY,
                MsgType.SENDADDRV2.value: Action.NOTE_SENDADDRV2,
                MsgType.SENDTXRCNCL.value: Action.NOTE_SENDTXRCNCL,
                MsgType.VERSION.value: Action.NOTE_DUPLICATE_VERSION,
                **_ANNOUNCEMENTS,
            }
        ),
        State.COMPLETE: MappingProxyType(
            {
                MsgType.VERSION.value: Action.NOTE_DUPLICATE_VERSION,
                MsgType.VERACK.value: Action.NOTE_DUPLICATE_VERACK,
                MsgType.WTXIDRELAY.value: Action.NOTE_LATE,
                MsgType.SENDADDRV2.value: Action.NOTE_LATE,
                MsgType.SENDTXRCNCL.value: Action.NOTE_LATE,
                MsgType.FEATURE.value: Action.NOTE_LATE,
                **_ANNOUNCEMENTS,
            }
        ),
        State.FAILED: MappingProxyType({}),
    }
)
"""What each message does in each state; a type that is not listed gets `OTHERWISE`."""

# An attribute of an enum class costs 100 ns on Python 3.11, a name of the module 10.
_AWAIT_VERSION = State.AWAIT_VERSION
_AWAIT_VERACK = State.AWAIT_VERACK
_COMPLETED = State.COMPLETE
_TAKE_VERSION = Action.TAKE_VERSION
_COMPLETE = Action.COMPLETE
_NOTE_WTXIDRELAY = Action.NOTE_WTXIDRELAY
_NOTE_SENDADDRV2 = Action.NOTE_SENDADDRV2
_IGNORE = Action.IGNORE
_NEGOTIATION = ((MsgType.WTXIDRELAY.value, b""), (MsgType.SENDADDRV2.value, b""))
_VERSION = MsgType.VERSION.value
_VERACK = (MsgType.VERACK.value, b"")

OTHERWISE = MappingProxyType(
    {
        State.AWAIT_VERSION: Action.NOTE_EARLY,
        State.AWAIT_VERACK: Action.IGNORE,
        State.COMPLETE: Action.IGNORE,
        State.FAILED: Action.IGNORE,
    }
)


_VERSION_TO_NONCE = Struct("<iQqQ16s2sQ16s2sQ")


@lru_cache(maxsize=64)
def _version_tail(user_agent: bytes, start_height: int, relay: int) -> bytes:
    return serialize_var_bytes(user_agent) + start_height.to_bytes(4, "little", signed=True) + bytes((relay,))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalVersion:
    """What we say of ourselves in every `version`.

    Attributes:
        user_agent: At most 256 bytes.
        protocol_version, services, start_height, relay: Fields of the message; the defaults are
            those of a visitor who offers nothing and wants no transactions.
    """

    user_agent: bytes
    protocol_version: int = PROTOCOL_VERSION
    services: int = 0
    start_height: int = 0
    relay: int = 0

    def serialize(self, *, nonce: int, time_unix: int, ip: bytes, port: int) -> bytes:
        """Write the `version` of one connection; addr_from holds our services and zeros, as Core's.

        Args:
            nonce: 64 fresh random bits.
            time_unix: Our clock in whole seconds since the Unix epoch.
            ip: The peer's address as we see it, 16 bytes: IPv6, or IPv4 mapped into it.
            port: The peer's port.
        """
        # A fifth of what building a Version and serialising it takes (bench/forms.py).
        return _VERSION_TO_NONCE.pack(
            self.protocol_version,
            self.services,
            time_unix,
            0,
            ip,
            port.to_bytes(2),
            self.services,
            b"",
            b"",
            nonce,
        ) + _version_tail(self.user_agent, self.start_height, self.relay)


class Handshake:
    """The exchange of one connection, in either role.

    Args:
        version: Payload of our own `version`.
        protocol_version: The one that it announces.
        initiating: True for the side that connected, which speaks first.
        own_nonces: Nonces of our own connections; the initiator compares the peer's with all of
            its open ones, a responder with those of its outbound ones (Core, `CheckIncomingNonce`).

    Attributes:
        state: Where the exchange stands.
        peer_version: The peer's `version`, once one parsed.
        features: What the peer announced.
        anomalies: What the peer did wrong, each code once, in the order of first sight.
        messages_after_version: Messages that passed framing after a valid `version`.
        error: Why the exchange failed, or None.
        bad_version: Why the last `version` did not parse, or None.
        reject: The first `reject` of the peer, or None.
        replies: Messages to send, as (type, payload); whoever sends them clears the list.
    """

    __slots__ = (
        "_initiating",
        "_own_nonces",
        "_row",
        "anomalies",
        "bad_version",
        "error",
        "features",
        "messages_after_version",
        "peer_version",
        "protocol_version",
        "reject",
        "replies",
        "state",
        "version",
    )

    def __init__(
        self,
        version: bytes,
        *,
        initiating: bool,
        protocol_version: int = PROTOCOL_VERSION,
        own_nonces: Container[int] = (),
    ) -> None:
        self.version = version
        self.protocol_version = protocol_version
        self._initiating = initiating
        self._own_nonces = own_nonces
        self._enter(_AWAIT_VERSION)
        self.peer_version: Version | None = None
        self.features = Features()
        self.anomalies: list[AnomalyCode] = []
        self.messages_after_version = 0
        self.error: HandshakeError | None = None
        self.bad_version: WireError | None = None
        self.reject: Reject | None = None
        self.replies: list[tuple[str, bytes]] = []
        if initiating:
            self.replies.append((_VERSION, version))

    @property
    def phase(self) -> Phase:
        """What the exchange still waits for."""
        return Phase.VERSION if self.peer_version is None else Phase.VERACK

    @property
    def common_version(self) -> int:
        """The lower of both protocol versions; ours until the peer's is known."""
        peer = self.peer_version
        ours = self.protocol_version
        return ours if peer is None or peer.protocol_version > ours else peer.protocol_version

    def receive(self, msg_type: str, payload: bytes | None) -> Action:
        """Take one message that passed framing.

        Args:
            msg_type: Its type.
            payload: Its payload, or None where the transport did not keep it.

        Returns:
            What was done, from the table.
        """
        action = self._row.get(msg_type)
        if action is None:
            action = OTHERWISE[self.state]
        if self.peer_version is not None:
            self.messages_after_version += 1
        # The four that every healthy node sends come first; the rest is one look-up away.
        if action is _TAKE_VERSION:
            self._take_version(payload)
        elif action is _COMPLETE:
            self._enter(_COMPLETED)
            if payload != b"":
                self.note(AnomalyCode.TRAILING_BYTES)
        elif action is _NOTE_WTXIDRELAY:
            self.features.wtxidrelay = True
            if payload != b"":
                self.note(AnomalyCode.TRAILING_BYTES)
        elif action is _NOTE_SENDADDRV2:
            self.features.sendaddrv2 = True
            if payload != b"":
                self.note(AnomalyCode.TRAILING_BYTES)
        elif action is not _IGNORE:
            self._note(action, payload)
        return action

    def _enter(self, state: State) -> None:
        self.state = state
        self._row = TABLE[state]

    def note(self, code: AnomalyCode) -> None:
        """Record an anomaly, each code once."""
        if code not in self.anomalies:
            self.anomalies.append(code)

    def _note(self, action: Action, payload: bytes | None) -> None:
        anomaly = _ANOMALIES.get(action)
        if anomaly is not None:
            self.note(anomaly)
            return
        try:
            self._note_announcement(action, payload or b"")
        except WireError:
            self.note(AnomalyCode.MALFORMED)

    def _note_announcement(self, action: Action, payload: bytes) -> None:
        # Imported here: a handshake ends before most nodes announce anything, and the two modules take
        # 3 ms to import.
        from bitcoin_handshake.messages.keepalive import Ping
        from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct

        features = self.features
        match action:
            case Action.NOTE_SENDTXRCNCL:
                features.sendtxrcncl = SendTxRcncl.deserialize(payload)
                trailing = features.sendtxrcncl.trailing
            case Action.NOTE_SENDCMPCT:
                sendcmpct = SendCmpct.deserialize(payload)
                features.sendcmpct = (*features.sendcmpct, sendcmpct)[:MAX_SENDCMPCT_KEPT]
                trailing = sendcmpct.trailing
                if sendcmpct.version > MAX_SENDCMPCT_VERSION:
                    self.note(AnomalyCode.IMPLAUSIBLE_VALUE)
            case Action.NOTE_FEEFILTER:
                features.feefilter = FeeFilter.deserialize(payload)
                trailing = features.feefilter.trailing
                if not 0 <= features.feefilter.fee_rate <= MAX_MONEY:
                    self.note(AnomalyCode.IMPLAUSIBLE_VALUE)
            case Action.ANSWER_PING:
                ping = Ping.deserialize(payload)
                trailing = ping.trailing
                if ping.nonce is not None and self.common_version > BIP0031_VERSION:
                    self.replies.append((MsgType.PONG.value, payload[:8]))
            case Action.NOTE_REJECT:
                trailing = self._take_reject(payload)
            case _:
                features.sendheaders = True
                trailing = payload
        if trailing:
            self.note(AnomalyCode.TRAILING_BYTES)

    def _take_reject(self, payload: bytes) -> bytes:
        # Only peers of before Core 0.20 send it, and the module costs time to load.
        from bitcoin_handshake.messages.historical import Reject

        reject = Reject.deserialize(payload)
        if self.reject is None:
            self.reject = reject
        # A `reject` of a block or a transaction of another protocol version carries more data.
        return reject.trailing

    def _take_version(self, payload: bytes | None) -> None:
        try:
            if payload is None:
                raise BadEncoding(field="payload", why="longer than any version, and not kept")
            version = Version.deserialize(payload)
        except WireError as error:
            # Core reads the number first and hangs up on an old one before it meets the damage.
            number = int.from_bytes((payload or b"")[:4], "little", signed=True)
            if payload is not None and len(payload) >= 46 and number < MIN_PEER_PROTO_VERSION:
                self._fail(VersionTooOld(protocol_version=number, minimum=MIN_PEER_PROTO_VERSION))
                return
            self.bad_version = error
            self.note(AnomalyCode.BAD_VERSION_MESSAGE)
            return
        self.peer_version = version
        if version.protocol_version < MIN_PEER_PROTO_VERSION:
            self._fail(
                VersionTooOld(protocol_version=version.protocol_version, minimum=MIN_PEER_PROTO_VERSION)
            )
            return
        if version.nonce is not None and version.nonce in self._own_nonces:
            self._fail(SelfConnection())
            return
        if not 0 <= version.timestamp <= MAX_TIMESTAMP or (version.start_height or 0) < MIN_START_HEIGHT:
            self.note(AnomalyCode.IMPLAUSIBLE_VALUE)
        if version.trailing:
            self.note(AnomalyCode.TRAILING_BYTES)
        self._enter(_AWAIT_VERACK)
        self._answer_version()

    def _answer_version(self) -> None:
        if not self._initiating:
            self.replies.append((_VERSION, self.version))
        if self.common_version >= WTXID_RELAY_VERSION:
            self.replies += _NEGOTIATION
        self.replies.append(_VERACK)

    def _fail(self, error: HandshakeError) -> None:
        self._enter(State.FAILED)
        self.error = error


_ANOMALIES = MappingProxyType(
    {
        Action.NOTE_EARLY: AnomalyCode.BEFORE_VERSION,
        Action.NOTE_DUPLICATE_VERSION: AnomalyCode.DUPLICATE_VERSION,
        Action.NOTE_DUPLICATE_VERACK: AnomalyCode.DUPLICATE_VERACK,
        Action.NOTE_LATE: AnomalyCode.LATE_FEATURE,
    }
)
