"""The lines of one connection, made as things happen.

Owns what a line says and how much text a connection may take. Does no I/O: lines go to a
`TranscriptSink`. `transcript.session` tells it what happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never

from bitcoin_handshake import messages
from bitcoin_handshake.errors import PeerError, SelfConnection, WireError
from bitcoin_handshake.handshake import Action, Handshake
from bitcoin_handshake.messages.base import UnknownMessage
from bitcoin_handshake.protocol import HEADER_LEN
from bitcoin_handshake.records import rfc3339
from bitcoin_handshake.session import (
    Event,
    HandshakeCompleted,
    MessageReceived,
    MessageSent,
    PeerFailed,
    Session,
)
from bitcoin_handshake.transcript.format import (
    MAX_TRANSCRIPT_BYTES,
    RAW_PIECE_BYTES,
    TRANSCRIPT_VERSION,
    action_name,
    line_of,
)
from bitcoin_handshake.transcript.sink import ConnectionFacts, TranscriptSink
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD, ReceivedMessage, Transport
from bitcoin_handshake.transport.events import TransportEventKind
from bitcoin_handshake.transport.v1 import serialize_message

__all__ = ["Recorder", "decoded_fields"]

MAX_KEPT_TAIL = HEADER_LEN + MAX_KEPT_PAYLOAD
"""Bytes kept of what never became a message: v1 hashes longer payloads as they pass."""
MAX_FIELDS_CHARACTERS = 512 * 1024
"""Decoded fields that take more text than this are left out of a line: the payload has them."""
_FACTS = ("received", "expected", "chain", "length", "limit", "packet_index", "protocol_version", "minimum")
"""Attributes of failures that say what was wrong, where they have them."""


@dataclass(slots=True)
class _Omitted:
    """What was counted since the last line."""

    at: float = 0.0
    offset: int = 0
    messages: int = 0
    bad_versions: int = 0
    skipped: int = 0
    decoys: int = 0


class Recorder:
    """Makes the lines of one connection.

    Once the text is longer than `limit`, or the sink cannot follow, messages that change nothing
    (neither the state nor the anomalies) are counted in `omitted` lines. What changes something
    can happen a dozen times in a connection, so that the text ends, and the verdict is the same
    in a replay.

    Args:
        facts: What the first line says.
        sink: Where the lines go.
        transport: Of the session; its own events are taken where it has any.
        started: When the connect began: the zero point of the times.
        limit: Characters of text.
    """

    __slots__ = (
        "_chunk",
        "_chunk_start",
        "_facts",
        "_fed",
        "_is_truncated",
        "_limit",
        "_next_transport_event",
        "_now",
        "_number",
        "_offset",
        "_omitted",
        "_sink",
        "_size",
        "_started",
        "_tail",
        "_transport",
        "_transport_name",
    )

    def __init__(
        self,
        facts: ConnectionFacts,
        sink: TranscriptSink,
        transport: Transport,
        *,
        started: float,
        limit: int = MAX_TRANSCRIPT_BYTES,
    ) -> None:
        self._facts = facts
        self._sink = sink
        self._transport = transport
        self._transport_name = transport.name
        self._next_transport_event = getattr(transport, "next_transport_event", None)
        self._started = started
        self._limit = limit
        self._size = 0
        self._now = started
        self._number = 0
        self._omitted: _Omitted | None = None
        self._is_truncated = False
        self._fed = 0
        self._offset = 0
        self._chunk = b""
        self._chunk_start = 0
        self._tail = b""

    @property
    def is_full(self) -> bool:
        """Whether messages that change nothing are only counted from here on."""
        if self._size > self._limit or not self._sink.has_room:
            self._is_truncated = True
        return self._is_truncated

    # --- first and last line ----------------------------------------------------------------

    def begin(
        self,
        handshake: Handshake,
        *,
        now: float,
        deadline: float,
        first_byte_by: float | None,
        linger_s: float,
        ping_nonce: int,
    ) -> None:
        """Write the first line; the arguments are those of the session."""
        facts = self._facts
        started = rfc3339(facts.started_unix)
        self._number = self._sink.begin(f"{started} {facts.address}")
        self._now = now
        secrets: dict[str, Any] = {} if facts.secrets is None else {"secrets": facts.secrets.to_json()}
        self._put(
            "connection",
            transcript=TRANSCRIPT_VERSION,
            chain=facts.chain.chain.value,
            magic=facts.chain.magic.hex(),
            address=facts.address,
            transport=self._transport_name,
            initiating=facts.initiating,
            started=started,
            connected_ms=self._ms(now),
            deadline_ms=self._ms(deadline),
            first_byte_ms=None if first_byte_by is None else self._ms(first_byte_by),
            linger_ms=round(linger_s * 1000, 3),
            ping_nonce=f"{ping_nonce:016x}",
            own_nonces=[f"{nonce:016x}" for nonce in facts.own_nonces],
            protocol_version=handshake.protocol_version,
            version=handshake.version.hex(),
            **secrets,
        )

    def verdict(self, session: Session) -> None:
        """Write the last line."""
        error = session.error
        self._put(
            "verdict",
            is_last=True,
            outcome=session.outcome.value,
            phase=None if error is None or error.phase is None else error.phase.value,
            code=None if error is None else error.code.value,
            reason=None if error is None else str(error),
            anomalies=[code.value for code in session.handshake.anomalies],
            messages=session.messages_received,
            bytes_received=session.bytes_received,
            truncated=self._is_truncated,
        )

    # --- bytes ------------------------------------------------------------------------------

    def read(self, data: bytes, now: float) -> None:
        """Take note of bytes before they are parsed."""
        self._now = now
        self._chunk = data
        self._chunk_start = self._fed
        self._fed += len(data)
        self._raw("read", data)

    def took(self) -> None:
        """Take note that a message, or what is below messages, was parsed up to here."""
        self._offset = self._transport.consumed
        self._tail = b""

    def end_of_read(self, *, has_failed: bool) -> None:
        """Keep what was read and has not become a message, as far as a replay needs it."""
        if self._transport_name == "v1":
            pos = max(0, self._offset - self._chunk_start)
            self._tail += self._chunk[pos : pos + MAX_KEPT_TAIL - len(self._tail)]
        elif not has_failed and self._transport.consumed > self._offset:
            # Decoys beyond MAX_TRANSPORT_EVENTS in one read: the transport tells of no more.
            self._offset = self._transport.consumed
            self._omission(self._now)
            self._is_truncated = True
        self._chunk = b""

    def tail(self, now: float) -> None:
        """Write down what never became a message; v2's is encrypted, and only counted."""
        self._now = now
        size = self._fed - self._offset
        if size > 0:
            data = self._tail.hex() if self._transport_name == "v1" else None
            self._put("bytes", at=now, offset=self._fed, size=size, data=data)

    def written(self, data: bytes) -> None:
        """Take note of bytes that are about to be written."""
        self._raw("write", data)

    def _raw(self, event: str, data: bytes) -> None:
        if self._facts.secrets is None or not data or self.is_full:
            return
        for start in range(0, len(data), RAW_PIECE_BYTES):
            self._put(event, at=self._now, data=data[start : start + RAW_PIECE_BYTES].hex())

    # --- what happens -----------------------------------------------------------------------

    def transport_events(self, now: float, *, until: TransportEventKind | None = None) -> None:
        """Write down what happened below the messages, up to the first of a kind, if one is named."""
        if self._next_transport_event is None:
            return
        while (event := self._next_transport_event()) is not None:
            self._offset = event.offset
            if event.kind is TransportEventKind.DECOY and self.is_full:
                self._omission(now).decoys += 1
            else:
                self._put("transport", at=now, kind=event.kind.value, offset=event.offset, size=event.size)
            if event.kind is until:
                return

    def omit(self, now: float, message: ReceivedMessage, action: Action | None) -> None:
        """Count a message that changed nothing."""
        omitted = self._omission(now)
        if message.anomaly is not None:
            omitted.skipped += 1
        elif action is Action.TAKE_VERSION:
            omitted.bad_versions += 1
        else:
            omitted.messages += 1

    def event(self, event: Event, session: Session, new_anomalies: int, *, is_callers: bool) -> None:
        """Write down an event of the session.

        Args:
            event: What happened.
            session: Where.
            new_anomalies: Index of the first anomaly that is new with it.
            is_callers: Whether a message sent was the caller's idea and not the session's.
        """
        match event:
            case MessageReceived(at=at, message=message, action=action):
                self._received(at, message, action, session, new_anomalies)
            case MessageSent(at=at, msg_type=msg_type, payload=payload):
                self._sent(at, msg_type, payload, is_callers=is_callers)
            case HandshakeCompleted(at=at):
                self._put("completed", at=at)
            case PeerFailed(at=at, error=error):
                self._failed(at, error)
            case _ as never:
                assert_never(never)

    def happened(self, event: str, now: float) -> None:
        """Write a line that says nothing but what and when."""
        self._put(event, at=now)

    def _received(
        self, at: float, message: ReceivedMessage, action: Action | None, session: Session, new_anomalies: int
    ) -> None:
        handshake = session.handshake
        payload = message.payload
        record: dict[str, Any] = {
            "direction": "received",
            "msg_type": message.msg_type,
            "size": message.size,
            "header": message.header.hex() or None,
            "payload": None if payload is None else payload.hex(),
            "offset": self._offset,
            "skipped": message.anomaly,
            "action": action_name(action),
            "state": handshake.state.name.lower(),
            "anomalies": [code.value for code in handshake.anomalies[new_anomalies:]],
        }
        if action is Action.TAKE_VERSION and isinstance(handshake.error, SelfConnection):
            record["own_nonce"] = True
        readable = None if message.anomaly is not None else payload
        self._put("message", at=at, **record, **decoded_fields(message.msg_type, readable))

    def _sent(self, at: float, msg_type: str, payload: bytes, *, is_callers: bool) -> None:
        header = None
        if self._transport_name == "v1":
            header = serialize_message(self._facts.chain.magic, msg_type, payload)[:HEADER_LEN].hex()
        record: dict[str, Any] = {
            "direction": "sent",
            "msg_type": msg_type,
            "size": len(payload),
            "header": header,
            "payload": payload.hex(),
        }
        if is_callers:
            record["by"] = "caller"
        self._put("message", at=at, **record, **decoded_fields(msg_type, payload))

    def _failed(self, at: float, error: PeerError) -> None:
        self._put(
            "failed",
            at=at,
            code=error.code.value,
            phase=None if error.phase is None else error.phase.value,
            offset=self._transport.consumed,
            reason=str(error),
            facts={name: _json_fact(getattr(error, name)) for name in _FACTS if hasattr(error, name)},
        )

    # --- lines ------------------------------------------------------------------------------

    def _omission(self, now: float) -> _Omitted:
        if self._omitted is None:
            self._omitted = _Omitted()
        self._omitted.at = now
        self._omitted.offset = self._offset
        return self._omitted

    def _put(self, event: str, *, at: float | None = None, is_last: bool = False, **fields: Any) -> None:
        omitted = self._omitted
        if omitted is not None:
            self._omitted = None
            self._put_omitted(omitted)
        record: dict[str, Any] = {"event": event, "connection": self._number}
        if at is not None:
            record["at_ms"] = self._ms(at)
        record.update(fields)
        line = line_of(record)
        self._size += len(line)
        self._sink.write(self._number, line, is_last=is_last)

    def _put_omitted(self, omitted: _Omitted) -> None:
        self._put(
            "omitted",
            at=omitted.at,
            offset=omitted.offset,
            messages=omitted.messages,
            bad_versions=omitted.bad_versions,
            skipped=omitted.skipped,
            decoys=omitted.decoys,
        )

    def _ms(self, at: float) -> float:
        return round((at - self._started) * 1000, 3)


def decoded_fields(
    msg_type: str, payload: bytes | None, *, limit: int | None = MAX_FIELDS_CHARACTERS
) -> dict[str, Any]:
    """Return `fields`, and `error` where the payload is not that of its type.

    Args:
        msg_type: Type of the message.
        payload: Its payload, or None where there is none to read.
        limit: Characters of text from which on `fields` is None all the same; None for any number.
    """
    if payload is None:
        return {"fields": None}
    try:
        message = messages.decode(msg_type, payload)
    except WireError as error:
        return {"fields": None, "error": {"code": error.code.value, "reason": str(error)}}
    if isinstance(message, UnknownMessage):
        return {"fields": None}
    fields = message.to_json()
    if limit is not None and len(payload) > limit // 32 and len(line_of(fields)) > limit:
        return {"fields": None}
    return {"fields": fields}


def _json_fact(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value
