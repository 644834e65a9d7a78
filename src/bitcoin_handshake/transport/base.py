"""What a transport is: bytes on one side, messages on the other.

Owns the interface that v1 and v2 share and the value that passes through it. A transport does
not know what a message means, has no clock, no socket and no source of entropy.

Flow: `receive_data(bytes)` -> `next_message()` until it returns None;
`send_message(type, payload)` -> `data_to_send()`.
"""

from __future__ import annotations

from typing import Protocol

from bitcoin_handshake.errors import AnomalyCode, PeerError, Phase

__all__ = ["MAX_KEPT_PAYLOAD", "ReceivedMessage", "Transport"]

MAX_KEPT_PAYLOAD = 64 * 1024
"""Payloads over this many bytes are checked as they pass and counted, not kept, unless a
transport is told otherwise: no message of the handshake is longer than 400 bytes, and thousands
of connections share the memory."""


class ReceivedMessage:
    """One message as a transport delivers it.

    Attributes:
        msg_type: Type of the message; for one whose type is not legal, the bytes as escaped text.
        payload: The payload; None where it was longer than what the transport keeps.
        size: Length of the payload in bytes.
        anomaly: Why the message must be skipped (checksum, message type), or None.
        header: The v1 header as received, HEADER_LEN (24) bytes; empty on v2.
    """

    __slots__ = ("anomaly", "header", "msg_type", "payload", "size")

    def __init__(
        self,
        msg_type: str,
        payload: bytes | None,
        size: int,
        anomaly: AnomalyCode | None = None,
        header: bytes = b"",
    ) -> None:
        self.msg_type = msg_type
        self.payload = payload
        self.size = size
        self.anomaly = anomaly
        self.header = header

    def __repr__(self) -> str:
        return f"ReceivedMessage({self.msg_type!r}, {self.size} bytes, anomaly={self.anomaly})"


class Transport(Protocol):
    """One direction-agnostic end of a v1 or v2 connection.

    Attributes:
        name: `v1` or `v2`.
        phase: What the transport itself still waits for (KEY, GARBAGE, VERSION_PACKET), or None
            once messages can flow (v1: always None).
        consumed: Bytes received and used, up to the end of the last message returned, or of the
            bytes that completed a failure: what follows in the same read is not counted.
        buffered: Bytes held now, waiting for more.
    """

    name: str
    phase: Phase | None

    @property
    def consumed(self) -> int: ...

    @property
    def buffered(self) -> int: ...

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, in any segmentation. Never raises."""

    def next_message(self) -> ReceivedMessage | None:
        """Return the next whole message, or None where more bytes are needed.

        Raises:
            PeerError: The stream is dead (wrong magic, oversized, failed authentication).
        """

    def foreign_at_end(self) -> PeerError | None:
        """Name the service that sent a few bytes in a node's place; None where nothing says so."""

    def send_message(self, msg_type: str, payload: bytes) -> None:
        """Queue a message; a transport that is not ready yet keeps it until it is."""

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
