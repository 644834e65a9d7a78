"""The layout of a packet, and the buffer that cuts a received stream into its parts.

Owns what a peer can make us hold: garbage up to MAX_GARBAGE_LEN, one packet up to a limit that is
checked as soon as its length is known. Which part comes when is the business of `transport.v2`.

A packet is `encrypted length 3 || AEAD(header 1 || contents) || tag 16`.

Sources: BIP324, "Overall packet encryption and decryption pseudocode"; Core's `V2Transport`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bitcoin_handshake.errors import NoGarbageTerminator, PacketTooLarge
from bitcoin_handshake.transport.bip324.keys import GARBAGE_TERMINATOR_LEN

if TYPE_CHECKING:
    # Not imported here: it loads the cipher library, 16 ms that a run in v1 does not need.
    from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher

__all__ = [
    "EXPANSION",
    "HEADER_LEN",
    "IGNORE_BIT",
    "LENGTH_LEN",
    "MAX_GARBAGE_LEN",
    "TAG_LEN",
    "PacketBuffer",
]

LENGTH_LEN = 3
HEADER_LEN = 1
TAG_LEN = 16
EXPANSION = LENGTH_LEN + HEADER_LEN + TAG_LEN
"""What a packet is longer than its contents, in bytes: 20."""
IGNORE_BIT = 0x80
"""Bit of the header byte that marks a decoy; the others are reserved and ignored."""
MAX_GARBAGE_LEN = 4095
"""Upper limit of the garbage in bytes."""

_MAX_GARBAGE_AND_TERMINATOR = MAX_GARBAGE_LEN + GARBAGE_TERMINATOR_LEN

# Up to here a packet is copied out of the buffer, 0.1 us; two views of it cost 0.4 us to make and
# to release, and save the copy of a long one.
_MAX_COPIED_PACKET = 16 * 1024


class PacketBuffer:
    """Bytes received and not used yet.

    Args:
        max_contents: Longest contents of a packet accepted, in bytes.

    Attributes:
        consumed: Bytes used since the connection began.
    """

    __slots__ = ("_aad", "_data", "_max_contents", "_packet_len", "_pos", "_searched", "consumed")

    def __init__(self, max_contents: int) -> None:
        self._max_contents = max_contents
        self._data: bytes | bytearray = b""
        self._pos = 0
        self._searched = 0
        self._aad = b""
        self._packet_len = 0  # of the packet that comes in, in bytes; 0 before its length is known
        self.consumed = 0

    def __len__(self) -> int:
        return len(self._data) - self._pos

    def feed(self, data: bytes) -> None:
        """Append what was received."""
        if self._pos == len(self._data):
            # The usual case, one read that holds whole packets, is parsed where it lies.
            self._data = data
            self._pos = 0
            return
        self.drop_used()
        if isinstance(self._data, bytes):
            self._data = bytearray(self._data)
        self._data += data

    def peek(self, length: int) -> bytes:
        """Return the next `length` bytes, or as many as there are, and keep them."""
        return bytes(self._data[self._pos : self._pos + length])

    def take(self, length: int) -> bytes:
        """Return and use up the next `length` bytes, which are there."""
        start = self._pos
        self._pos = start + length
        self.consumed += length
        return bytes(self._data[start : self._pos])

    def take_garbage(self, terminator: bytes) -> int | None:
        """Use up the garbage and its terminator; the first packet will be checked over it.

        Args:
            terminator: GARBAGE_TERMINATOR_LEN (16) bytes.

        Returns:
            Length of the garbage in bytes, or None where the terminator may still come.

        Raises:
            NoGarbageTerminator: MAX_GARBAGE_LEN (4095) + 16 bytes went by without it.
        """
        start = self._pos
        # What was searched is not searched again but for the last 15 bytes, so that a terminator
        # in two reads is found and garbage in drips costs no quadratic time.
        found = self._data.find(terminator, start + self._searched, start + _MAX_GARBAGE_AND_TERMINATOR)
        if found >= 0:
            self._aad = self.take(found - start)
            self.take(GARBAGE_TERMINATOR_LEN)
            return found - start
        if len(self) >= _MAX_GARBAGE_AND_TERMINATOR:
            self.consumed += _MAX_GARBAGE_AND_TERMINATOR
            raise NoGarbageTerminator(received=_MAX_GARBAGE_AND_TERMINATOR)
        self._searched = max(0, len(self) - (GARBAGE_TERMINATOR_LEN - 1))
        return None

    def next_packet(self, cipher: BIP324Cipher) -> bytes | None:
        """Decrypt the next packet.

        Returns:
            The header byte and the contents, or None where bytes are missing.

        Raises:
            PacketTooLarge: Its contents are longer than `max_contents`.
            AuthenticationFailed: Its tag does not match.
        """
        start = self._pos
        data = self._data
        available = len(data) - start
        if not self._packet_len:
            if available < LENGTH_LEN:
                return None
            length = cipher.decrypt_length(data[start : start + LENGTH_LEN])
            if length > self._max_contents:
                self.consumed += LENGTH_LEN
                raise PacketTooLarge(length=length, limit=self._max_contents)
            self._packet_len = length + EXPANSION
        packet_len = self._packet_len
        if available < packet_len:
            return None
        self.consumed += packet_len
        self._pos = end = start + packet_len
        start += LENGTH_LEN
        if packet_len <= _MAX_COPIED_PACKET:
            plaintext = cipher.decrypt_packet(data[start:end], self._aad)
        else:
            # Both views are released here: the buffer must shrink even while an exception that
            # holds on to this frame is on its way.
            with memoryview(data) as view, view[start:end] as packet:
                plaintext = cipher.decrypt(packet, aad=self._aad)
        self._packet_len = 0
        self._aad = b""
        return plaintext

    def drop_used(self) -> None:
        """Give back the memory of what was used."""
        pos = self._pos
        if not pos:
            return
        self._pos = 0
        if pos == len(self._data):
            self._data = b""
        elif isinstance(self._data, bytes):
            self._data = self._data[pos:]
        else:
            del self._data[:pos]

    def clear(self) -> None:
        """Drop everything; `consumed` stays."""
        self._data = b""
        self._pos = 0
