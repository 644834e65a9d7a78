"""The v1 transport: a 24-byte header before every payload, nothing encrypted.

Owns framing: magic, message type, length, checksum. Does not know what a message means.

Rules, as Core's `V1Transport` in `net.cpp` has them:

* A wrong magic or a length over MAX_PROTOCOL_MESSAGE_LENGTH kills the stream; there is no
  resynchronisation. The magic is judged at its fourth byte, so that an answer in HTTP or TLS
  that is shorter than a header is recognised too.
* A wrong checksum or an illegal message type costs only the message, after its payload went by.
* Payloads over `max_kept_payload` are hashed as they pass and counted, not kept: what a peer
  can make us hold is that limit and one header.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from types import MappingProxyType

from bitcoin_handshake.chain import KNOWN_MAGICS
from bitcoin_handshake.errors import (
    AnomalyCode,
    BadMagic,
    MessageTooLarge,
    OtherChain,
    PeerError,
    Phase,
)
from bitcoin_handshake.protocol import (
    HEADER_LEN,
    MAGIC_LEN,
    MAX_PROTOCOL_MESSAGE_LENGTH,
    MSG_TYPE_LEN,
    MsgType,
)
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD, ReceivedMessage
from bitcoin_handshake.transport.foreign import PEEK_LEN, foreign_at_end, foreign_in_v1

__all__ = ["V1Transport", "serialize_message"]

_HEADER = Struct("<4s12sI4s")
_EMPTY_CHECKSUM = sha256(sha256(b"").digest()).digest()[:4]

# Looking a type up among the known ones costs 30 ns; checking and decoding it 900 ns.
_KNOWN_TYPES = MappingProxyType(
    {member.value.encode().ljust(MSG_TYPE_LEN, b"\0"): member.value for member in MsgType}
)


def serialize_message(magic: bytes, msg_type: str, payload: bytes) -> bytes:
    """Write a whole v1 message.

    Args:
        magic: MAGIC_LEN (4) bytes in wire order.
        msg_type: At most MSG_TYPE_LEN (12) ASCII characters.
        payload: Any bytes.

    Returns:
        HEADER_LEN (24) bytes and the payload.
    """
    if not payload:
        return _empty_message(magic, msg_type)
    checksum = sha256(sha256(payload).digest()).digest()[:4]
    return _HEADER.pack(magic, msg_type.encode("ascii"), len(payload), checksum) + payload


@lru_cache(maxsize=256)  # three of them answer every `version`
def _empty_message(magic: bytes, msg_type: str) -> bytes:
    return _HEADER.pack(magic, msg_type.encode("ascii"), 0, _EMPTY_CHECKSUM)


def _is_legal_type(raw: bytes) -> bool:
    """Tell whether 12 bytes are printable ASCII padded with NUL on the right.

    Spec:
        Core, `CMessageHeader::IsMessageTypeValid` in `protocol.cpp`.
    """
    name = raw.rstrip(b"\0")
    return all(0x20 <= byte <= 0x7E for byte in name)


class V1Transport:
    """One end of a v1 connection; see `transport.base.Transport` for the interface.

    Args:
        magic: MAGIC_LEN (4) bytes in wire order.
        max_kept_payload: Payloads over this many bytes are not kept.
    """

    __slots__ = (
        "_buffer",
        "_empty_messages",
        "_error",
        "_magic",
        "_max_kept_payload",
        "_outgoing",
        "_pos",
        "_skim",
        "consumed",
    )

    name = "v1"
    phase: Phase | None = None

    def __init__(self, magic: bytes, *, max_kept_payload: int = MAX_KEPT_PAYLOAD) -> None:
        self._magic = magic
        self._empty_messages = _empty_messages(magic)
        self._max_kept_payload = min(max_kept_payload, MAX_PROTOCOL_MESSAGE_LENGTH)
        self._buffer: bytes | bytearray = b""
        self._pos = 0
        self._outgoing: list[bytes] = []
        self._skim: _Skim | None = None
        self._error: PeerError | None = None
        self.consumed = 0

    @property
    def buffered(self) -> int:
        """Bytes held now, waiting for more."""
        return len(self._buffer) - self._pos

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, in any segmentation."""
        if len(self._buffer) == self._pos:
            # The usual case, one read that holds whole messages, is parsed where it lies.
            self._buffer = data
        elif isinstance(self._buffer, bytearray):
            del self._buffer[: self._pos]
            self._buffer += data
        else:
            self._buffer = bytearray(self._buffer[self._pos :])
            self._buffer += data
        self._pos = 0

    def next_message(self) -> ReceivedMessage | None:
        """Return the next whole message, or None where more bytes are needed.

        Raises:
            BadMagic: The next four bytes are not the magic; a subclass says whose they are.
            MessageTooLarge: The next header announces too long a payload.
        """
        if self._skim is not None:
            return self._continue_skim(self._skim)
        if self._error is not None:
            raise self._error
        buffer = self._buffer
        start = self._pos
        end = start + HEADER_LEN
        header = bytes(buffer[start:end])
        # Three of the four messages of a healthy handshake are empty and the same from every
        # peer: one look-up takes a fifth of what reading the header takes (bench/forms.py).
        empty = self._empty_messages.get(header)
        if empty is not None:
            self._pos = end
            self.consumed += HEADER_LEN
            return empty
        if not header.startswith(self._magic):
            self._check_magic(header)
            self._let_go()
            return None
        if len(header) < HEADER_LEN:
            self._let_go()
            return None
        _, raw_type, length, checksum = _HEADER.unpack(header)
        if length > self._max_kept_payload:
            return self._begin_skim(_Skim(header, raw_type, length, checksum))
        stop = end + length
        if stop > len(buffer):
            self._let_go()
            return None
        payload = bytes(buffer[end:stop])
        self._pos = stop
        self.consumed += HEADER_LEN + length
        is_intact = sha256(sha256(payload).digest()).digest()[:4] == checksum
        return _deliver(header, raw_type, payload, length, is_intact=is_intact)

    def send_message(self, msg_type: str, payload: bytes) -> None:
        """Queue a message."""
        if payload:
            self._outgoing.append(serialize_message(self._magic, msg_type, payload))
        else:
            self._outgoing.append(_empty_message(self._magic, msg_type))

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        if not self._outgoing:
            return b""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def foreign_at_end(self) -> BadMagic | None:
        """Name the service that spoke where a node should have; None where nothing says so."""
        if self.consumed or self._skim is not None:
            return None
        head = bytes(self._buffer[self._pos : self._pos + PEEK_LEN])
        error = None if head.startswith(self._magic) else foreign_at_end(head, self._magic)
        if error is not None:
            self.consumed = self.buffered
        return error

    def _let_go(self) -> None:
        """Keep no more than what is unread: a read of 256 KiB may end in one byte of a message."""
        if self._pos:
            self._buffer = self._buffer[self._pos :]
            self._pos = 0

    def _begin_skim(self, skim: _Skim) -> ReceivedMessage | None:
        if skim.length > MAX_PROTOCOL_MESSAGE_LENGTH:
            self.consumed += HEADER_LEN
            self._error = MessageTooLarge(length=skim.length, limit=MAX_PROTOCOL_MESSAGE_LENGTH)
            raise self._error
        self._pos += HEADER_LEN
        self._skim = skim
        return self._continue_skim(skim)

    def _continue_skim(self, skim: _Skim) -> ReceivedMessage | None:
        buffer = self._buffer
        stop = min(len(buffer), self._pos + skim.missing)
        with memoryview(buffer)[self._pos : stop] as passing:
            skim.hash.update(passing)
        skim.missing -= stop - self._pos
        self._pos = stop
        if skim.missing:
            self._buffer = b""
            self._pos = 0
            return None
        self._skim = None
        self.consumed += HEADER_LEN + skim.length
        is_intact = sha256(skim.hash.digest()).digest()[:4] == skim.checksum
        return _deliver(skim.header, skim.raw_type, None, skim.length, is_intact=is_intact)

    def _check_magic(self, header: bytes) -> None:
        """Fail where the first MAGIC_LEN bytes, all there, are not the magic."""
        if len(header) < MAGIC_LEN:
            return
        head = bytes(self._buffer[self._pos : self._pos + PEEK_LEN])
        error = _whose_magic(head, self._magic)
        if error is not None:
            self.consumed += MAGIC_LEN
            self._error = error
            raise error


class _Skim:
    """A long payload that is hashed as it passes."""

    __slots__ = ("checksum", "hash", "header", "length", "missing", "raw_type")

    def __init__(self, header: bytes, raw_type: bytes, length: int, checksum: bytes) -> None:
        self.header = header
        self.raw_type = raw_type
        self.length = length
        self.missing = length
        self.checksum = checksum
        self.hash = hashlib.sha256()


def _deliver(
    header: bytes, raw_type: bytes, payload: bytes | None, size: int, *, is_intact: bool
) -> ReceivedMessage:
    msg_type = _KNOWN_TYPES.get(raw_type)
    if msg_type is None:
        if not _is_legal_type(raw_type):
            printable = raw_type.rstrip(b"\0").decode("latin-1").encode("unicode_escape").decode("ascii")
            return ReceivedMessage(printable, payload, size, AnomalyCode.BAD_MSG_TYPE, header)
        msg_type = raw_type.rstrip(b"\0").decode("ascii")
    anomaly = None if is_intact else AnomalyCode.BAD_CHECKSUM
    return ReceivedMessage(msg_type, payload, size, anomaly, header)


@lru_cache(maxsize=16)
def _empty_messages(magic: bytes) -> dict[bytes, ReceivedMessage]:
    """Return every known message without a payload, by its header."""
    messages = {}
    for raw_type, msg_type in _KNOWN_TYPES.items():
        header = _HEADER.pack(magic, raw_type, 0, _EMPTY_CHECKSUM)
        messages[header] = ReceivedMessage(msg_type, b"", 0, None, header)
    return messages


def _whose_magic(head: bytes, expected: bytes) -> BadMagic | None:
    """Say what speaks there, from the bytes that should have begun with the magic."""
    received = head[:MAGIC_LEN]
    if chain := KNOWN_MAGICS.get(received):
        return OtherChain(received=received, expected=expected, chain=chain)
    return foreign_in_v1(head, expected)
