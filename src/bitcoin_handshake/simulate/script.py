"""One simulated peer's side of one connection, without any socket.

Owns what a behaviour is made of: `Script`, the interface that `node` and the tests drive;
`Scripted`, which runs a generator of steps as a script; `Shaped`, which cuts and delays what
another script sends. Has no socket and no clock; randomness comes from the node's seeded source.

How to drive a script, always in this order:

    script.receive_data(data, now=now)      # or receive_eof, or handle_timeout at `deadline`
    write(script.data_to_send())
    if script.end: close or reset, once everything is written
    arm a timer for script.deadline

What is written between two deadlines belongs into one segment; a deadline separates segments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import Protocol, assert_never

from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.conversation.steps import (
    CLOSE,
    WAIT,
    Delay,
    Inbox,
    Pause,
    Say,
    Send,
    Step,
    Steps,
)
from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message

__all__ = [
    "End",
    "NodeFacts",
    "Peer",
    "Script",
    "Scripted",
    "Shaped",
]

MAX_KEPT_PAYLOAD = 1024
"""What a client can make a script hold: MAX_INBOX_COUNT (64) messages of that many bytes (a `version` has
355 at most); longer payloads are counted, further messages dropped."""
MAX_RAW_BYTES = 64 * 1024
MAX_QUEUED_BYTES = 64 * 1024
"""What a client can make a slow peer queue for it, by pings for example, before it hangs up."""
LIFETIME_S = 600.0
"""How long a scripted peer holds a connection: longer than any client waits for a handshake."""


class End(Enum):
    """How a peer ends a connection."""

    CLOSE = auto()  # FIN, after everything was written
    RESET = auto()  # RST


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a behaviour knows of the node that it plays.

    Attributes:
        params: The chain that the node is on.
        netaddr: Where it listens.
        random: Its source of nonces and the like, seeded by the network.
        time_unix: Its clock, whole seconds since the Unix epoch.
        own_nonces: Nonces of the outbound connections of this process, which Core compares
            those of its callers with.
        neighbours: All nodes of the network.
        delay_s: How long `slow` waits before it sends.
        drip_s: Seconds between two bytes of `drip`.
        banned: Hosts whose connections it closes at once; what it learns while it runs.
    """

    params: ChainParams
    netaddr: NetAddr
    random: Random
    time_unix: Callable[[], int]
    own_nonces: Container[int] = ()
    neighbours: Sequence[NetAddr] = ()
    delay_s: float = 1.0
    drip_s: float = 5.0
    banned: set[str] = field(default_factory=set)


class Script(Protocol):
    """A peer's side of one connection; see the module's docstring for how to drive it.

    Attributes:
        deadline: When to call `handle_timeout`, monotonic seconds; None for never.
        end: How to end the connection, once what waits is written; None while it goes on.
    """

    @property
    def deadline(self) -> float | None: ...

    @property
    def end(self) -> End | None: ...

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the client, in any segmentation. Never raises."""

    def receive_eof(self, *, now: float) -> None:
        """The client closed its side."""

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed."""

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""


class Peer(Inbox):
    """What a generator of steps works with: the inbox, and the means to write messages.

    Args:
        node: The node that it plays.
        is_raw: Whether it takes bytes as they come instead of messages.
    """

    __slots__ = ("_is_deaf", "_is_raw", "_raw", "_transport", "node")

    def __init__(self, node: NodeFacts, *, is_raw: bool = False) -> None:
        super().__init__()
        self.node = node
        self._is_raw = is_raw
        self._is_deaf = False
        self._raw = b""
        self._transport = V1Transport(node.params.magic, max_kept_payload=MAX_KEPT_PAYLOAD)

    def frame(self, msg_type: str, payload: bytes = b"") -> bytes:
        """Write a whole message of the node's chain."""
        return serialize_message(self.node.params.magic, msg_type, payload)

    def frames(self, messages: Iterable[tuple[str, bytes]]) -> bytes:
        """Write some messages, one behind the other."""
        return b"".join(self.frame(msg_type, payload) for msg_type, payload in messages)

    @property
    def idle_step(self) -> Step:
        """Core hangs up on a wrong magic, on a key of v2 for one."""
        return CLOSE if self._is_deaf else WAIT

    def data(self) -> Generator[Step, None, bytes]:
        """Wait for bytes, and take what is there (raw peers)."""
        while not self._raw:
            yield WAIT
        data, self._raw = self._raw, b""
        return data

    def feed(self, data: bytes) -> None:
        """Take bytes from the client."""
        if self._is_raw:
            self._raw += data[: MAX_RAW_BYTES - len(self._raw)]
            return
        if self._is_deaf:
            return
        self._transport.receive_data(data)
        try:
            while (message := self._transport.next_message()) is not None:
                self.add(message)
        except PeerError:
            self._is_deaf = True


class Scripted:
    """A script that runs a generator of steps.

    After the last step the peer keeps silent, and reads and forgets what comes, until the
    client closes or LIFETIME_S is over.

    Args:
        steps: The generator.
        peer: What it works with.
        now: Time of the connection, monotonic seconds.
    """

    __slots__ = ("_is_done", "_outgoing", "_peer", "_steps", "_until", "_wake_at", "end")

    def __init__(self, steps: Steps, peer: Peer, *, now: float) -> None:
        self._steps = steps
        self._peer = peer
        self._outgoing: list[bytes] = []
        self._until = now + LIFETIME_S
        self._wake_at: float | None = None
        self._is_done = False
        self.end: End | None = None
        self._advance(now)

    @property
    def deadline(self) -> float | None:
        """When the next step is due, or the connection too old."""
        return self._until if self._wake_at is None else min(self._wake_at, self._until)

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the client, in any segmentation. Never raises."""
        if self._is_done:
            return
        self._peer.feed(data)
        if self._wake_at is None:
            self._advance(now)

    def receive_eof(self, *, now: float) -> None:
        """The client closed its side: so do we."""
        self._finish(End.CLOSE)

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed."""
        if now >= self._until:
            self._finish(End.CLOSE)
        elif self._wake_at is not None and now >= self._wake_at:
            self._wake_at = None
            self._advance(now)

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def _advance(self, now: float) -> None:
        for step in self._steps:
            match step:
                case Send(data=data):
                    self._outgoing.append(data)
                case Say(msg_type=msg_type, payload=payload):
                    self._outgoing.append(self._peer.frame(msg_type, payload))
                case Delay(seconds):
                    self._wake_at = now + seconds
                    return
                case Pause.WAIT:
                    return
                case Pause.CLOSE:
                    self._finish(End.CLOSE)
                    return
                case Pause.RESET:
                    self._finish(End.RESET)
                    return
                case _ as never:
                    assert_never(never)
        self._is_done = True

    def _finish(self, end: End) -> None:
        if self.end is None:
            self.end = end
        self._is_done = True
        self._wake_at = None
        self._steps.close()


class Shaped:
    """A script that cuts and delays what another one sends.

    Args:
        inner: The script whose output is shaped.
        cut: Cuts the bytes of one write into segments.
        delay_s: Seconds before each segment.
    """

    __slots__ = ("_cut", "_delay_s", "_due_at", "_inner", "_outgoing", "_queue", "_queued", "_torn")

    def __init__(
        self, inner: Script, cut: Callable[[bytes], Iterable[bytes]], *, delay_s: float, now: float
    ) -> None:
        self._inner = inner
        self._cut = cut
        self._delay_s = delay_s
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._due_at: float | None = None
        self._outgoing = b""
        self._torn = False
        self._collect(now)

    @property
    def deadline(self) -> float | None:
        """When the next segment is due, or the inner script wants to be called."""
        inner = self._inner.deadline
        if self._due_at is None or inner is None:
            return inner if self._due_at is None else self._due_at
        return min(inner, self._due_at)

    @property
    def end(self) -> End | None:
        """The inner script's end, once all it wrote went out."""
        if self._torn:
            return End.CLOSE
        return None if self._queue or self._outgoing else self._inner.end

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the client, in any segmentation. Never raises."""
        self._inner.receive_data(data, now=now)
        self._collect(now)

    def receive_eof(self, *, now: float) -> None:
        """The client closed its side: what is queued is forgotten."""
        self._inner.receive_eof(now=now)
        self._torn = True

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed."""
        inner_deadline = self._inner.deadline
        if inner_deadline is not None and now >= inner_deadline:
            self._inner.handle_timeout(now=now)
        if self._due_at is not None and now >= self._due_at:
            segment = self._queue.popleft()
            self._queued -= len(segment)
            self._outgoing += segment
            self._due_at = now + self._delay_s if self._queue else None
        self._collect(now)

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        data, self._outgoing = self._outgoing, b""
        return data

    def _collect(self, now: float) -> None:
        data = self._inner.data_to_send()
        if not data:
            return
        self._queued += len(data)
        if self._queued > MAX_QUEUED_BYTES:
            self._torn = True
            return
        self._queue.extend(self._cut(data))
        if self._due_at is None:
            self._due_at = now + self._delay_s
