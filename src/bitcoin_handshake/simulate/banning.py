"""A peer that counts garbage against the address it comes from, as bcoin does.

Owns the count and the ban; what it says while nothing is wrong is `core`'s, with bcoin's profile.

Rules, as bcoin 1.0.2 has them (`lib/net/parser.js`, `peer.js`, `pool.js`), checked by running it:

* Its `version` goes out on accept.
* The stream is read in pieces of 24 bytes. A piece that is no header (wrong magic, length over the
  limit) costs BAN_POINTS (10) and is answered by `reject`; the next 24 bytes are read as a header
  again.
* At BAN_SCORE (100) points of one connection the connection is closed, and so is, at once, every
  later one from the same address. The points end with the connection.
"""

from __future__ import annotations

from bitcoin_handshake.protocol import HEADER_LEN, MAX_PROTOCOL_MESSAGE_LENGTH, MsgType
from bitcoin_handshake.simulate.core import CorePeer
from bitcoin_handshake.simulate.profiles import BCOIN
from bitcoin_handshake.simulate.script import End, NodeFacts
from bitcoin_handshake.transport.v1 import serialize_message

__all__ = ["BAN_POINTS", "BAN_SCORE", "REJECT_PAYLOAD", "BanningPeer"]

BAN_POINTS = 10
BAN_SCORE = 100
REJECT_PAYLOAD = b"\0\x01\x15error parsing message"
"""Of no message, code 0x01 (malformed)."""


class BanningPeer:
    """One connection of such a node; see `script.Script`.

    Args:
        node: The node that it plays; `banned` is shared by all its connections.
        client: Host and port of the client, or None.
        now: Time of the connection, monotonic seconds.
    """

    __slots__ = ("_head", "_host", "_inner", "_node", "_passing", "_points", "_rejects", "end")

    def __init__(self, node: NodeFacts, *, client: tuple[str, int] | None, now: float) -> None:
        self._node = node
        self._host = client[0] if client else ""
        self._head = b""
        self._passing = 0  # bytes of payload that belong to the last header
        self._points = 0
        self._rejects: list[bytes] = []
        self._inner = CorePeer(node, BCOIN, client=client, now=now)
        self.end: End | None = None
        if self._host in node.banned:
            self._inner.data_to_send()
            self.end = End.CLOSE

    @property
    def deadline(self) -> float | None:
        """As bcoin's without a ban."""
        return self._inner.deadline

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the client, in any segmentation. Never raises."""
        while data and self.end is None:
            if self._passing:
                payload, data = data[: self._passing], data[self._passing :]
                self._passing -= len(payload)
                self._pass_on(payload, now)
                continue
            missing = HEADER_LEN - len(self._head)
            self._head += data[:missing]
            data = data[missing:]
            if len(self._head) == HEADER_LEN:
                self._judge(now)

    def receive_eof(self, *, now: float) -> None:
        """The client closed its side: so do we."""
        self.end = End.CLOSE

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed."""
        self._inner.handle_timeout(now=now)
        self.end = self.end or self._inner.end

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        data = self._inner.data_to_send() + b"".join(self._rejects)
        self._rejects.clear()
        return data

    def _judge(self, now: float) -> None:
        """Read 24 bytes as a header."""
        head, self._head = self._head, b""
        magic = self._node.params.magic
        size = int.from_bytes(head[16:20], "little")
        if head.startswith(magic) and size <= MAX_PROTOCOL_MESSAGE_LENGTH:
            self._passing = size
            self._pass_on(head, now)
            return
        self._points += BAN_POINTS
        self._rejects.append(serialize_message(magic, MsgType.REJECT.value, REJECT_PAYLOAD))
        if self._points >= BAN_SCORE:
            self._node.banned.add(self._host)
            self.end = End.CLOSE

    def _pass_on(self, data: bytes, now: float) -> None:
        self._inner.receive_data(data, now=now)
        self.end = self._inner.end
