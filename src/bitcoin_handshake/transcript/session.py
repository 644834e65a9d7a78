"""A session that writes down what it does.

Owns the order of the lines: what happened below a message, the message with what was made of it,
what was sent for it. Nothing else differs from a `Session`.
"""

from __future__ import annotations

from itertools import islice

from bitcoin_handshake.conversation.base import Conversation
from bitcoin_handshake.conversation.linger import linger_or_hang_up
from bitcoin_handshake.handshake import Action, Handshake
from bitcoin_handshake.session import MessageReceived, Session
from bitcoin_handshake.transcript.format import MAX_TRANSCRIPT_BYTES
from bitcoin_handshake.transcript.recorder import Recorder
from bitcoin_handshake.transcript.sink import ConnectionFacts, TranscriptSink
from bitcoin_handshake.transport.base import ReceivedMessage, Transport
from bitcoin_handshake.transport.events import TransportEventKind

__all__ = ["RecordedSession"]


class RecordedSession(Session):
    """A `Session` with a transcript; driven like any other, then closed with `finish`.

    Args:
        transport, handshake, now, started, deadline, first_byte_by: As for `Session`;
            a v2 transport must have been made with `trace`.
        dialled_at: When the connect began, the zero point of the transcript's times; None for
            `started`.
        linger_s: Seconds to go on listening after the verdict, 0 for not at all.
        ping_nonce: Nonce of the `ping` sent then.
        conversation: What follows the verdict instead.
        facts: What the first line says.
        sink: Where the lines go.
        limit: Characters of text after which messages that change nothing are only counted.
    """

    __slots__ = ("_is_taking", "_recorder", "_seen")

    def __init__(
        self,
        transport: Transport,
        handshake: Handshake,
        *,
        now: float,
        started: float,
        dialled_at: float | None = None,
        deadline: float,
        facts: ConnectionFacts,
        sink: TranscriptSink,
        first_byte_by: float | None = None,
        linger_s: float = 0.0,
        ping_nonce: int = 0,
        conversation: Conversation | None = None,
        limit: int = MAX_TRANSCRIPT_BYTES,
    ) -> None:
        self._is_taking = False
        self._seen = 0
        self._recorder = Recorder(
            facts, sink, transport, started=started if dialled_at is None else dialled_at, limit=limit
        )
        self._recorder.begin(
            handshake,
            now=now,
            deadline=deadline,
            first_byte_by=first_byte_by,
            linger_s=linger_s,
            ping_nonce=ping_nonce,
        )
        super().__init__(
            transport,
            handshake,
            now=now,
            started=started,
            deadline=deadline,
            first_byte_by=first_byte_by,
            conversation=conversation or linger_or_hang_up(linger_s, ping_nonce=ping_nonce),
        )
        self._record_events()

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the peer, and write down what they made happen."""
        if self.finished:
            return
        recorder = self._recorder
        self._skip_events()
        recorder.read(data, now)
        super().receive_data(data, now=now)
        recorder.transport_events(now)
        recorder.end_of_read(has_failed=self.error is not None)
        if self.error is not None and self.handshake.error is None:
            recorder.tail(now)
        self._record_events()

    def receive_eof(self, *, now: float, reset: bool = False) -> None:
        """Write down that the peer closed or reset the connection."""
        if not self.finished:
            self._begin_end("reset" if reset else "closed", now)
            super().receive_eof(now=now, reset=reset)
            self._record_events()

    def handle_timeout(self, *, now: float) -> None:
        """Write down that the deadline has passed."""
        if not self.finished:
            self._begin_end("timeout", now)
            super().handle_timeout(now=now)
            self._record_events()

    def send_message(self, msg_type: str, payload: bytes, *, now: float) -> None:
        """Queue a message of the caller's own, and write it down."""
        if self._is_taking:
            super().send_message(msg_type, payload, now=now)
            return
        self._skip_events()
        super().send_message(msg_type, payload, now=now)
        self._record_events(is_callers=True)

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        data = super().data_to_send()
        self._recorder.written(data)
        return data

    def finish(self) -> None:
        """Write the last line, the verdict; nothing may follow."""
        self._recorder.verdict(self)

    def _begin_end(self, event: str, now: float) -> None:
        self._skip_events()
        self._recorder.tail(now)
        self._recorder.happened(event, now)

    def _note_stages(self, now: float) -> None:
        is_first = self.key_at is None
        super()._note_stages(now)
        if is_first and self.key_at is not None:
            self._recorder.transport_events(now, until=TransportEventKind.KEY)
            self._record_events()

    def _take(self, message: ReceivedMessage, now: float) -> None:
        recorder = self._recorder
        recorder.transport_events(now)
        self._skip_events()
        before = self._standing()
        anomalies = len(self.handshake.anomalies)
        self._is_taking = True
        super()._take(message, now)
        self._is_taking = False
        recorder.took()
        if recorder.is_full and self._standing() == before:
            recorder.omit(now, message, self._action_taken())
            self._skip_events()
        else:
            self._record_events(new_anomalies=anomalies)

    def _standing(self) -> tuple[object, ...]:
        """Everything that a message can change and a verdict shows."""
        handshake = self.handshake
        return (
            handshake.state,
            len(handshake.anomalies),
            handshake.peer_version is None,
            handshake.reject is None,
            self.conversation.progress,
            self.error is None,
        )

    def _action_taken(self) -> Action | None:
        assert self._events is not None
        event = self._events[self._seen]
        return event.action if isinstance(event, MessageReceived) else None

    def _skip_events(self) -> None:
        assert self._events is not None
        self._seen = len(self._events)

    def _record_events(self, *, new_anomalies: int = 0, is_callers: bool = False) -> None:
        assert self._events is not None
        for event in islice(self._events, self._seen, None):
            self._recorder.event(event, self, new_anomalies, is_callers=is_callers)
        self._seen = len(self._events)
