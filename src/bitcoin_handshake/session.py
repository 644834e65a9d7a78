"""One connection, from its first byte to the verdict, without any socket.

Owns the composition: a transport turns bytes into messages, the handshake table judges them, the
session hands out events, bytes to write and a deadline. It never touches a socket, a clock, a
random source or a log, and nothing that a peer sends makes it raise.

How to drive it, always in this order:

    session.receive_data(data, now=now)     # or receive_eof, or handle_timeout at `deadline`
    write(session.data_to_send())
    while (event := session.next_event()) is not None: ...
    arm a timer for session.deadline

The deadline moves: it may come nearer, or recede when the first byte has come.

Times are monotonic seconds; the zero point is the caller's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bitcoin_handshake.conversation.base import HANG_UP, Conversation, Messages
from bitcoin_handshake.conversation.linger import Linger
from bitcoin_handshake.errors import (
    BadVersionMessage,
    OtherChainV2,
    PeerClosed,
    PeerError,
    PeerFlood,
    PeerRejected,
    PeerReset,
    PeerTimeout,
    Phase,
    SelfConnection,
)
from bitcoin_handshake.handshake import Action, Handshake
from bitcoin_handshake.records import Outcome, user_agent_text
from bitcoin_handshake.transport.base import ReceivedMessage, Transport

__all__ = [
    "FLOOD_BYTES",
    "FLOOD_MESSAGES",
    "HANG_S",
    "MAX_CONVERSATION_BYTES",
    "MAX_HANDSHAKE_BYTES",
    "Event",
    "HandshakeCompleted",
    "MessageReceived",
    "MessageSent",
    "PeerFailed",
    "Session",
]

_TAKE_VERSION = Action.TAKE_VERSION
_COMPLETE = Action.COMPLETE
_KEY = Phase.KEY
_GARBAGE = Phase.GARBAGE

MAX_HANDSHAKE_BYTES = 64 * 1024 * 1024
"""A peer that sends more than this before the verdict is hung up on: sixteen messages of the
largest size. The longest handshake of a healthy node is under 1,000 bytes."""
MAX_CONVERSATION_BYTES = 64 * 1024 * 1024
"""A peer that sends more than this after the verdict is hung up on, too; the conversation ends with
a flood."""
FLOOD_MESSAGES = 1000
FLOOD_BYTES = 1024 * 1024
"""A peer without verdict at the deadline that sent more than either is called a flood."""
HANG_S = 5.0
"""A v2 peer that hangs up so many seconds after its key or later, in the midst of its garbage, has
hung until a limit of its own (Core: 60 s, btcd: 30 s): a healthy one ends its garbage at once."""


@dataclass(slots=True)
class MessageReceived:
    """A whole message arrived.

    Attributes:
        at: When, monotonic seconds.
        message: As the transport delivered it.
        action: What the handshake did with it; None where its framing was bad and it was skipped.
    """

    at: float
    message: ReceivedMessage
    action: Action | None


@dataclass(slots=True)
class MessageSent:
    """A message was handed to the transport."""

    at: float
    msg_type: str
    payload: bytes


@dataclass(slots=True)
class HandshakeCompleted:
    """A `verack` arrived after a valid `version`."""

    at: float


@dataclass(slots=True)
class PeerFailed:
    """The session ended without, or after, the verdict; no event follows."""

    at: float
    error: PeerError


Event = MessageReceived | MessageSent | HandshakeCompleted | PeerFailed


class Session:
    """One connection; see the module's docstring for how to drive it.

    Args:
        transport: What turns bytes into messages.
        handshake: The negotiation, not started yet.
        now: Time at which the connection was established.
        started: Time from which the deadline was counted, for the words of a timeout.
        deadline: Time by which the verdict must have come.
        first_byte_by: Time by which the peer must have sent a byte, where that is earlier; after
            it the error says `retry_v1`.
        conversation: What follows the verdict `ok`; the connection is closed when it is finished.
        trace: Whether to queue events at all; who reads only the attributes saves their cost.

    Attributes:
        deadline: When to call `handle_timeout`; None once finished.
        finished: Whether nothing more is read. The connection may be closed as soon as
            `data_to_send` is written.
        error: Why it failed, or None.
        key_at, garbage_at, version_packet_at: When a v2 peer's key was complete, its garbage ended,
            its version packet had come; None before, and on v1.
        version_at: When the peer's `version` was taken; None before.
        verack_at: When the verdict `ok` came; None before.
        messages_received: Whole messages so far, good or bad.
    """

    __slots__ = (
        "_events",
        "_fed",
        "_fed_limit",
        "_in_key_exchange",
        "_started",
        "_verdict_by",
        "conversation",
        "deadline",
        "error",
        "finished",
        "garbage_at",
        "handshake",
        "key_at",
        "messages_received",
        "transport",
        "verack_at",
        "version_at",
        "version_packet_at",
    )

    unread = b""
    next_protocol: None = None
    """Nothing follows a session on its connection."""

    def __init__(
        self,
        transport: Transport,
        handshake: Handshake,
        *,
        now: float,
        deadline: float,
        started: float | None = None,
        first_byte_by: float | None = None,
        conversation: Conversation = HANG_UP,
        trace: bool = True,
    ) -> None:
        self.transport = transport
        self.handshake = handshake
        self.deadline: float | None = deadline if first_byte_by is None else first_byte_by
        self.finished = False
        self.error: PeerError | None = None
        self.version_at: float | None = None
        self.verack_at: float | None = None
        self._in_key_exchange = transport.phase is not None
        self._verdict_by = deadline
        self.key_at: float | None = None
        self.garbage_at: float | None = None
        self.version_packet_at: float | None = None
        self.messages_received = 0
        self._events: deque[Event] | None = deque() if trace else None
        self._fed = 0
        self._fed_limit = MAX_HANDSHAKE_BYTES
        self.conversation = conversation
        self._started = now if started is None else started
        # In v2 nothing can be said before the peer's key has come: `_note_stages` says it then.
        if handshake.replies and not self._in_key_exchange:
            self._send_replies(now)

    @property
    def phase(self) -> Phase:
        """What the connection still waits for; after the handshake what the conversation says."""
        if self.verack_at is not None:
            return self.conversation.phase
        return self.transport.phase or self.handshake.phase

    @property
    def ping_ms(self) -> float | None:
        """Milliseconds between our `ping` and its `pong`; None before, and where no `ping` is sent."""
        conversation = self.conversation
        return conversation.ping_ms if isinstance(conversation, Linger) else None

    @property
    def is_complete(self) -> bool:
        """Whether the handshake completed."""
        return self.verack_at is not None

    @property
    def outcome(self) -> Outcome:
        """What has become of the peer so far: FAILED where nothing came yet; never SKIPPED."""
        if self.is_complete:
            return Outcome.OK
        if self.handshake.messages_after_version > 0 and not isinstance(self.error, SelfConnection):
            return Outcome.PARTIAL
        return Outcome.FAILED

    @property
    def bytes_received(self) -> int:
        """Bytes up to the one that completed the verdict, or the last message while we linger, or all."""
        if self.finished and (self.verack_at is not None or self._judged_by_bytes):
            return self.transport.consumed
        return self._fed

    @property
    def buffered(self) -> int:
        """Bytes of this peer that are held now."""
        return self.transport.buffered + self.conversation.buffered

    @property
    def is_flooding(self) -> bool:
        """Whether so many messages came that no more are read before the deadline is judged."""
        return self.messages_received > FLOOD_MESSAGES

    @property
    def _judged_by_bytes(self) -> bool:
        return not isinstance(
            self.error, (PeerClosed, PeerTimeout, PeerFlood, PeerRejected, OtherChainV2, BadVersionMessage)
        )

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the peer, in any segmentation."""
        if self.finished:
            return
        self._fed += len(data)
        transport = self.transport
        transport.receive_data(data)
        if self._in_key_exchange:
            self._note_stages(now)
        try:
            while (message := transport.next_message()) is not None:
                self._take(message, now)
                if self.finished:
                    break
        except PeerError as error:
            self._end(now, error)
        if self._fed > self._fed_limit:
            self._end(now, self._flood())

    def receive_eof(self, *, now: float, reset: bool = False) -> None:
        """The peer closed the connection, or reset it; all its bytes were fed before."""
        if self.finished:
            return
        kind = PeerReset if reset else PeerClosed
        if self.is_complete:
            self._end(now, kind(phase=self.phase, bytes_received=self._fed))
            return
        self._end(
            now,
            self._rejected()
            or self._bad_version()
            or self.transport.foreign_at_end()
            or self._other_chain(hung_for_s=HANG_S, now=now)
            or kind(
                phase=self.phase,
                bytes_received=self._fed,
                retry_v1=not self._fed and self._in_key_exchange,
            ),
        )

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed."""
        if self.finished:
            return
        if self.is_complete:
            self._go_on(self.conversation.handle_timeout(now=now), now)
            return
        self._end(
            now,
            self._rejected() or self._bad_version() or self.transport.foreign_at_end() or self._timeout(now),
        )

    def send_message(self, msg_type: str, payload: bytes, *, now: float) -> None:
        """Queue a message of the caller's own, after the handshake."""
        self.transport.send_message(msg_type, payload)
        if self._events is not None:
            self._events.append(MessageSent(now, msg_type, payload))

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        return self.transport.data_to_send()

    def next_event(self) -> Event | None:
        """Return the oldest event not handed out yet, or None."""
        return self._events.popleft() if self._events else None

    def _note_stages(self, now: float) -> None:
        """Note how far the key exchange has come with the bytes of this moment."""
        self.deadline = self._verdict_by
        phase = self.transport.phase
        if phase is _KEY:
            return
        if self.transport.name == "v1":
            self._in_key_exchange = False
            return
        if self.key_at is None:
            self.key_at = now
            if self.handshake.replies:
                self._send_replies(now)
        if phase is _GARBAGE:
            return
        if self.garbage_at is None:
            self.garbage_at = now
        if phase is None:
            self.version_packet_at = now
            self._in_key_exchange = False

    def _take(self, message: ReceivedMessage, now: float) -> None:
        self.messages_received += 1
        handshake = self.handshake
        anomaly = message.anomaly
        if anomaly is not None:
            handshake.note(anomaly)
            if self._events is not None:
                self._events.append(MessageReceived(now, message, None))
            return
        action = handshake.receive(message.msg_type, message.payload)
        if self._events is not None:
            self._events.append(MessageReceived(now, message, action))
        if handshake.replies:
            self._send_replies(now)
        if action is _TAKE_VERSION:
            if handshake.peer_version is not None:
                self.version_at = now
            if handshake.error is not None:
                self._end(now, handshake.error)
        elif action is _COMPLETE:
            self._complete(now)
        elif self.verack_at is not None:
            self._go_on(self.conversation.receive(message, now=now), now)

    def _complete(self, now: float) -> None:
        self.verack_at = now
        self._fed_limit = self._fed + MAX_CONVERSATION_BYTES
        if self._events is not None:
            self._events.append(HandshakeCompleted(now))
        conversation = self.conversation
        handshake = self.handshake
        said = conversation.start(handshake.features, common_version=handshake.common_version, now=now)
        self._go_on(said, now)

    def _go_on(self, said: Messages, now: float) -> None:
        """Send what the conversation says, and take over its end or its deadline."""
        for msg_type, payload in said:
            self.send_message(msg_type, payload, now=now)
        conversation = self.conversation
        for anomaly in conversation.anomalies:
            self.handshake.note(anomaly)
        self.finished = conversation.finished
        self.deadline = conversation.deadline

    def _send_replies(self, now: float) -> None:
        replies = self.handshake.replies
        for msg_type, payload in replies:
            self.transport.send_message(msg_type, payload)
            if self._events is not None:
                self._events.append(MessageSent(now, msg_type, payload))
        replies.clear()

    def _end(self, now: float, error: PeerError | None) -> None:
        if self.finished:
            return
        self.finished = True
        self.deadline = None
        if error is not None and error.phase is None:
            error.phase = self.phase
        if self.is_complete:
            self.conversation.close(error)
        elif error is not None:
            self.error = error
            if self._events is not None:
                self._events.append(PeerFailed(now, error))

    def _rejected(self) -> PeerError | None:
        reject = self.handshake.reject
        if reject is None:
            return None
        from bitcoin_handshake.messages.historical import REJECT_CODES

        return PeerRejected(
            phase=self.phase,
            message=user_agent_text(reject.message),
            ccode=reject.ccode,
            name=REJECT_CODES.get(reject.ccode, ""),
            why=user_agent_text(reject.reason),
        )

    def _bad_version(self) -> PeerError | None:
        bad = self.handshake.bad_version
        if bad is None or self.handshake.peer_version is not None:
            return None
        return BadVersionMessage(why=str(bad))

    def _other_chain(self, *, hung_for_s: float, now: float) -> OtherChainV2 | None:
        transport = self.transport
        if transport.phase is not _GARBAGE or not transport.buffered:
            return None
        if self.key_at is None or now - self.key_at < hung_for_s:
            return None
        return OtherChainV2(garbage_received=transport.buffered)

    def _flood(self) -> PeerFlood:
        return PeerFlood(phase=self.phase, messages=self.messages_received, bytes_received=self._fed)

    def _timeout(self, now: float) -> PeerError:
        if self.messages_received > FLOOD_MESSAGES or self._fed > FLOOD_BYTES:
            return self._flood()
        return self._other_chain(hung_for_s=0.0, now=now) or PeerTimeout(
            phase=self.phase,
            waited_s=round((self.deadline or now) - self._started, 3),
            bytes_received=self._fed,
            retry_v1=not self._fed and self._in_key_exchange,
        )
