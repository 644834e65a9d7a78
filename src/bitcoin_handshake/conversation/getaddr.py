"""Ask for addresses: `getaddr`, and the `addr` and `addrv2` messages that answer it.

Rules (Core's `net_processing.cpp`, `ProcessMessage` and `MaybeSendAddr`):

* A node answers once per connection, with at most 23 % of its table and at most 1,000 entries. Core
  up to 0.20 sends up to 2,500 in up to three messages.
* Core up to 22 may announce itself unasked, in a message of its own; addresses of others are passed
  on in messages of at most 10 entries. A message of up to MAX_ANNOUNCED (10) entries is kept and is not the
  answer.
* Core from 23 on answers at once, earlier versions after a delay with a mean of 30 seconds.
* A node that knows no address sends no message at all.
* A message of over MAX_ADDR_TO_SEND (1,000) entries makes Core hang up. It is left out here, as an
  anomaly.

The conversation ends `settle_s` after the last message of the answer, `wait_s` after the question,
or when one of the limits below is reached. Payloads are handed out as they came: a crawl decodes
1,000 entries per node, and does it where it wants to.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bitcoin_handshake.conversation.base import NOTHING, Messages
from bitcoin_handshake.errors import AnomalyCode, PeerError, PeerTimeout, Phase, WireError
from bitcoin_handshake.protocol import MAX_ADDR_TO_SEND, MsgType
from bitcoin_handshake.records import Features
from bitcoin_handshake.transport.base import ReceivedMessage
from bitcoin_handshake.wire import Reader

__all__ = [
    "DEFAULT_SETTLE_S",
    "DEFAULT_WAIT_S",
    "MAX_ANNOUNCED",
    "MAX_ANSWER_BYTES",
    "MAX_ANSWER_ENTRIES",
    "MAX_ANSWER_MESSAGES",
    "AddressAnswer",
    "GetAddr",
]

DEFAULT_WAIT_S = 60.0
"""86 % of the answers of Core up to 22 come in this time."""
DEFAULT_SETTLE_S = 0.5
"""The messages of one answer are written at once; so much later the next one is not part of it."""
MAX_ANNOUNCED = 10
MAX_ANSWER_ENTRIES = 10_000
"""Four times what Core up to 0.20 sends; entries after these are not read."""
MAX_ANSWER_MESSAGES = 1000
MAX_ANSWER_BYTES = 1024 * 1024
"""Payload bytes kept: 10,000 entries of the longest usual kind (onion v3, 50 bytes) are half of it."""

_ADDR = MsgType.ADDR.value
_ADDRV2 = MsgType.ADDRV2.value
_QUESTION: Messages = ((MsgType.GETADDR.value, b""),)
_MIN_ENTRY_LEN = {_ADDR: 30, _ADDRV2: 9}
"""Bytes of the shortest entry of each: an `addrv2` one has time 4, services 1, id 1, length 1, port 2."""


@dataclass(slots=True)
class AddressAnswer:
    """What a peer told when it was asked for addresses.

    Attributes:
        messages: Type (`addr` or `addrv2`) and payload of each message, announcements included, in
            the order received. A payload has at most 64 KiB and announces at most 1,000 entries; its
            entries are not decoded and may be malformed.
        entries: The number of entries that these messages announce.
        size: Bytes of the payloads.
        announcements: How many of the messages hold at most MAX_ANNOUNCED (10) entries.
        is_answered: Whether a longer message came: the answer.
        is_truncated: Whether a limit ended the conversation.
        rejected: Messages left out: over 1,000 entries, over 64 KiB, or too short for their entries.
        answer_ms: Milliseconds from the question to the first message of the answer, or None.
        error: Why the conversation ended, where the peer ended it, or where no entry came in time.
    """

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    entries: int = 0
    size: int = 0
    announcements: int = 0
    is_answered: bool = False
    is_truncated: bool = False
    rejected: int = 0
    answer_ms: float | None = None
    error: PeerError | None = None


class GetAddr:
    """Ask a peer for addresses, and collect what it tells.

    Args:
        wait_s: Seconds to wait for the answer, from the end of the handshake.
        settle_s: Seconds to wait for more messages after one of the answer; with 0 the first
            message of over 10 entries ends the conversation.
    """

    __slots__ = (
        "_asked_at",
        "_until",
        "anomalies",
        "deadline",
        "finished",
        "progress",
        "result",
        "settle_s",
        "wait_s",
    )

    phase = Phase.GETADDR

    def __init__(self, *, wait_s: float = DEFAULT_WAIT_S, settle_s: float = DEFAULT_SETTLE_S) -> None:
        self.wait_s = wait_s
        self.settle_s = settle_s
        self.deadline: float | None = None
        self.finished = False
        self.anomalies: tuple[AnomalyCode, ...] = ()
        self.progress = 0
        self.result = AddressAnswer()
        self._asked_at = 0.0
        self._until = 0.0

    @property
    def error(self) -> PeerError | None:
        """Why it failed, or None."""
        return self.result.error

    @property
    def buffered(self) -> int:
        """Bytes of the payloads kept."""
        return self.result.size

    def start(self, features: Features, *, common_version: int, now: float) -> Messages:
        """Send `getaddr`."""
        self._asked_at = now
        self.deadline = self._until = now + self.wait_s
        return _QUESTION

    def receive(self, message: ReceivedMessage, *, now: float) -> Messages:
        """Keep a message of addresses."""
        min_entry_len = _MIN_ENTRY_LEN.get(message.msg_type)
        if min_entry_len is None:
            return NOTHING
        self.progress += 1
        result = self.result
        payload = message.payload
        count = _announced(payload, min_entry_len)
        if payload is None or count is None:
            result.rejected += 1
            self.anomalies = (AnomalyCode.MALFORMED,)
        elif result.entries + count > MAX_ANSWER_ENTRIES or result.size + len(payload) > MAX_ANSWER_BYTES:
            self._end(is_truncated=True)
            return NOTHING
        else:
            self._keep(message.msg_type, payload, count, now)
        if self.progress >= MAX_ANSWER_MESSAGES:
            self._end(is_truncated=True)
        return NOTHING

    def handle_timeout(self, *, now: float) -> Messages:
        """End: well where the peer told anything."""
        result = self.result
        if not result.entries:
            result.error = PeerTimeout(
                phase=Phase.GETADDR,
                waited_s=round(now - self._asked_at, 3),
                bytes_received=result.size,
            )
        self._end()
        return NOTHING

    def close(self, error: PeerError | None) -> None:
        """Note why the connection ended; after an answer a peer may close it as it likes."""
        if not self.finished:
            if not self.result.is_answered:
                self.result.error = error
            self._end()

    def _keep(self, msg_type: str, payload: bytes, count: int, now: float) -> None:
        result = self.result
        result.messages.append((msg_type, payload))
        result.entries += count
        result.size += len(payload)
        if count <= MAX_ANNOUNCED:
            result.announcements += 1
            if not result.is_answered:
                return
        elif not result.is_answered:
            result.is_answered = True
            result.answer_ms = round((now - self._asked_at) * 1000, 3)
        if self.settle_s <= 0:
            self._end()
        else:
            self.deadline = min(self._until, now + self.settle_s)

    def _end(self, *, is_truncated: bool = False) -> None:
        self.finished = True
        self.deadline = None
        self.result.is_truncated |= is_truncated


def _announced(payload: bytes | None, min_entry_len: int) -> int | None:
    """Read how many entries a message announces; None where it cannot hold them, or too many."""
    if payload is None:
        return None
    reader = Reader(payload)
    try:
        return reader.count("entries", entry_len=min_entry_len, limit=MAX_ADDR_TO_SEND)
    except WireError:
        return None
