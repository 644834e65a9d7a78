"""A transport that delivers what a transcript holds.

Owns the feeding above a transport: messages, what happened below them, and how it failed. Bytes
of v1 that are there go through a real v1 transport inside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import Protocol

from bitcoin_handshake.errors import (
    AnomalyCode,
    AuthenticationFailed,
    BadMagic,
    FailureCode,
    ForeignProtocol,
    LooksLikeV1,
    NoGarbageTerminator,
    OtherChain,
    PacketTooLarge,
    PeerError,
    Phase,
    SelfConnection,
    SpeaksFtp,
    SpeaksHttp,
    SpeaksImap,
    SpeaksMysql,
    SpeaksPop3,
    SpeaksSmtp,
    SpeaksSsh,
    SpeaksTelnet,
    SpeaksText,
    SpeaksTls,
    SpeaksVnc,
)
from bitcoin_handshake.protocol import HEADER_LEN, MsgType
from bitcoin_handshake.transcript.format import Record
from bitcoin_handshake.transcript.reader import TranscriptLine
from bitcoin_handshake.transport.base import ReceivedMessage
from bitcoin_handshake.transport.events import TransportEvent, TransportEventKind
from bitcoin_handshake.transport.v1 import V1Transport

__all__ = ["FOREIGN_CODES", "MAX_REPLAY_BYTES", "V2_TRANSPORT_CODES", "Feed", "ScriptedTransport"]

MAX_REPLAY_BYTES = 256 * 1024 * 1024
"""Bytes that a replay stands for at most: four times what ends a handshake as a flood."""
MIN_MESSAGE_BYTES = 20
"""The shortest packet of v2; a message of v1 has 24."""

_FOREIGN: tuple[type[ForeignProtocol], ...] = (
    SpeaksHttp,
    SpeaksTls,
    SpeaksSsh,
    SpeaksFtp,
    SpeaksSmtp,
    SpeaksImap,
    SpeaksPop3,
    SpeaksMysql,
    SpeaksTelnet,
    SpeaksVnc,
    SpeaksText,
)
_MAGIC_TYPES: tuple[type[BadMagic], ...] = (BadMagic, *_FOREIGN)
_MAGIC_ERRORS = MappingProxyType({error.code.value: error for error in _MAGIC_TYPES})
_OTHER_ERRORS = (
    AuthenticationFailed,
    LooksLikeV1,
    NoGarbageTerminator,
    OtherChain,
    PacketTooLarge,
    SelfConnection,
)
FOREIGN_CODES = frozenset(error.code.value for error in _FOREIGN)
"""What a service is named by that speaks in the place of a node."""
V2_TRANSPORT_CODES = frozenset(_MAGIC_ERRORS) | {error.code.value for error in _OTHER_ERRORS}
"""What a v2 transport fails with; other failures come out of the session by themselves."""

_PHASES = MappingProxyType(
    {
        TransportEventKind.KEY: Phase.GARBAGE,
        TransportEventKind.GARBAGE: Phase.VERSION_PACKET,
        TransportEventKind.VERSION_PACKET: None,
        TransportEventKind.V1: None,
    }
)


class Room(Protocol):
    """The part of a sink that says whether messages are only counted."""

    has_room: bool


@dataclass(frozen=True, slots=True)
class Omitted:
    """Messages that were only counted; what they were is not known, only what they were not.

    Attributes:
        messages, bad_versions, skipped, decoys: How many of each kind.
    """

    messages: int
    bad_versions: int
    skipped: int
    decoys: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.messages + self.bad_versions + self.skipped + self.decoys


_Item = bytes | ReceivedMessage | TransportEvent | PeerError | Omitted


class ScriptedTransport:
    """See the module's docstring; `transport.base.Transport` is the interface.

    Args:
        name: `v1` or `v2`.
        inner: What parses the bytes that are there; None on v2.
        room: Told when messages follow that are only counted.
    """

    def __init__(self, name: str, inner: V1Transport | None, room: Room) -> None:
        self.name = name
        self.phase: Phase | None = Phase.KEY if name == "v2" else None
        self._inner = inner
        self._room = room
        self._items: deque[tuple[_Item, int]] = deque()
        self._counted: Iterator[ReceivedMessage] = iter(())
        self._last_skipped = AnomalyCode.BAD_CHECKSUM
        self._repeated = ReceivedMessage("", None, 0)
        self._events: deque[TransportEvent] = deque()
        self._base = 0
        self._fed = 0
        self._error: PeerError | None = None
        self._error_at_end: PeerError | None = None

    @property
    def fed(self) -> int:
        """Bytes fed so far."""
        return self._fed

    @property
    def consumed(self) -> int:
        """Bytes used, as `Transport` says."""
        return self._base + (0 if self._inner is None else self._inner.consumed)

    @property
    def buffered(self) -> int:
        """Bytes that were fed and not used."""
        return self._fed - self.consumed

    def stage(self, item: _Item, end: int) -> None:
        """Have something delivered with the next bytes.

        Args:
            item: Bytes for the transport inside, or what is delivered instead of bytes.
            end: Offset in the stream behind it.
        """
        self._items.append((item, end))

    def receive_data(self, data: bytes) -> None:
        """Take note of so many bytes; what they mean was staged."""
        self._fed += len(data)
        while self._items and isinstance(self._items[0][0], TransportEvent):
            self._begin(*self._items.popleft())

    def next_message(self) -> ReceivedMessage | None:
        """Return the next message, or None.

        Raises:
            PeerError: The one that was staged, or that the transport inside raises.
        """
        if self._error is not None:
            raise self._error
        while True:
            message = next(self._counted, None)
            if message is None and self._inner is not None:
                message = self._inner.next_message()
            if message is not None:
                return self._passed_on(message)
            if not self._items:
                return None
            message = self._begin(*self._items.popleft())
            if message is not None:
                return self._passed_on(message)

    def foreign_at_end(self) -> PeerError | None:
        """Name the service that spoke where a node should have; None where nothing says so."""
        if self._inner is not None:
            return self._inner.foreign_at_end()
        error = self._error_at_end
        if error is not None:
            self._base = error.offset or 0
        return error

    def fail_at_end(self, record: Record) -> None:
        """Have a v2 connection fail with what a line says, when no more bytes come.

        Raises:
            ValueError: Its facts are not there.
        """
        self._error_at_end = error = _transport_error(record)
        error.phase = self.phase
        error.offset = record["offset"]

    def next_transport_event(self) -> TransportEvent | None:
        """Return the next of what happened below the messages, or None."""
        return self._events.popleft() if self._events else None

    def send_message(self, msg_type: str, payload: bytes) -> None:
        """Drop it: nobody reads."""

    def data_to_send(self) -> bytes:
        """Return nothing."""
        return b""

    def _passed_on(self, message: ReceivedMessage) -> ReceivedMessage:
        if message.anomaly is not None:
            self._last_skipped = message.anomaly
        elif message.msg_type == MsgType.REJECT.value and message.payload is not None:
            # `reject` is valid before `version`, where any other message would be an anomaly.
            self._repeated = message
        return message

    def _begin(self, item: _Item, end: int) -> ReceivedMessage | None:
        """Begin with what was staged; return it where it is a message by itself."""
        if isinstance(item, bytes):
            assert self._inner is not None
            self._inner.receive_data(item)
            return None
        self._base += end - self.consumed
        match item:
            case ReceivedMessage():
                return item
            case TransportEvent():
                self.phase = _PHASES.get(item.kind, self.phase)
                self._events.append(item)
            case Omitted():
                self._room.has_room = False
                self._counted = self._expand(item, end)
            case _:
                item.phase = self.phase
                item.offset = end
                self._error = item
                raise item
        return None

    def _expand(self, omitted: Omitted, end: int) -> Iterator[ReceivedMessage]:
        """Give as many messages that change nothing; the first of their kind did, and is on record."""
        self._events.extend(repeat(TransportEvent(TransportEventKind.DECOY, end, 0), omitted.decoys))
        for _ in range(omitted.skipped):
            yield ReceivedMessage("", None, 0, self._last_skipped)
        for _ in range(omitted.bad_versions):
            yield ReceivedMessage(MsgType.VERSION.value, b"", 0)
        for _ in range(omitted.messages):
            yield self._repeated


class Feed:
    """What was read at one moment, put together from lines.

    Args:
        transport: Where it is staged.
    """

    def __init__(self, transport: ScriptedTransport) -> None:
        self._transport = transport
        self._end = transport.fed
        self._pieces: list[bytes] = []

    def data(self) -> bytes:
        """Return the bytes: the real ones where they are known, else zeros."""
        return b"".join(self._pieces)

    def add(self, line: TranscriptLine) -> None:
        """Stage what a line says that the peer did.

        Raises:
            ValueError: It cannot be; says why.
        """
        record = line.record
        match line.event:
            case "message":
                self._message(record)
            case "bytes":
                self._bytes(record)
            case "transport":
                kind = TransportEventKind(record["kind"])
                self._stage(TransportEvent(kind, record["offset"], record["size"]), record["offset"])
            case "omitted":
                self._omitted(record)
            case _:
                self._transport.stage(_transport_error(record), record["offset"])

    def _message(self, record: Record) -> None:
        payload = None if record["payload"] is None else bytes.fromhex(record["payload"])
        header = bytes.fromhex(record["header"] or "")
        skipped = None if record["skipped"] is None else AnomalyCode(record["skipped"])
        if self._transport.name == "v2" and not header:
            message = ReceivedMessage(record["msg_type"], payload, record["size"], skipped)
            self._stage(message, record["offset"])
            return
        if not header:
            raise ValueError("a message received over v1 has no 'header'")
        if payload is None:
            message = ReceivedMessage(record["msg_type"], None, record["size"], skipped, header)
            self._stage(message, self._end + HEADER_LEN + record["size"])
            return
        self._stage_bytes(header + payload, HEADER_LEN + record["size"])

    def _bytes(self, record: Record) -> None:
        size = record["size"]
        if self._transport.name == "v2":
            self._grow(self._end + size)
            return
        data = bytes.fromhex(record["data"] or "")
        if len(data) > size:
            raise ValueError(f"'data' has {len(data)} bytes, 'size' says {size}")
        self._stage_bytes(data, size)

    def _omitted(self, record: Record) -> None:
        omitted = Omitted(*(record[name] for name in ("messages", "bad_versions", "skipped", "decoys")))
        room = record["offset"] - self._end
        if omitted.total * MIN_MESSAGE_BYTES > room:
            raise ValueError(f"{omitted.total} messages do not fit into {room} bytes")
        self._stage(omitted, record["offset"])

    def _stage(self, item: _Item, end: int) -> None:
        self._grow(end)
        self._transport.stage(item, end)

    def _stage_bytes(self, data: bytes, size: int) -> None:
        self._grow(self._end + size, data)
        self._transport.stage(self._pieces[-1], self._end)

    def _grow(self, end: int, data: bytes = b"") -> None:
        if end < self._end:
            raise ValueError(f"'offset' {end} lies before {self._end}")
        if end > MAX_REPLAY_BYTES:
            raise ValueError(f"stands for more than {MAX_REPLAY_BYTES} bytes, the most that is replayed")
        self._pieces.append(data + bytes(end - self._end - len(data)))
        self._end = end


def _transport_error(record: Record) -> PeerError:
    """Make the failure of a v2 transport again.

    Raises:
        ValueError: Its facts are not there.
    """
    facts = record["facts"]
    try:
        match FailureCode(record["code"]):
            case FailureCode.V2_NO_GARBAGE_TERMINATOR:
                return NoGarbageTerminator(received=int(facts["received"]))
            case FailureCode.V2_AUTHENTICATION_FAILED:
                return AuthenticationFailed(packet_index=int(facts["packet_index"]))
            case FailureCode.V2_PACKET_TOO_LARGE:
                return PacketTooLarge(length=int(facts["length"]), limit=int(facts["limit"]))
            case FailureCode.V2_LOOKS_LIKE_V1:
                return LooksLikeV1()
            case FailureCode.HANDSHAKE_SELF_CONNECTION:
                return SelfConnection()
            case FailureCode.V1_OTHER_CHAIN:
                return OtherChain(
                    received=bytes.fromhex(facts["received"]),
                    expected=bytes.fromhex(facts["expected"]),
                    chain=str(facts["chain"]),
                )
            case code:
                return _MAGIC_ERRORS[code](
                    received=bytes.fromhex(facts["received"]), expected=bytes.fromhex(facts["expected"])
                )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise ValueError("'facts' do not belong to the 'code'") from None
