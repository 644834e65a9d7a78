"""Reading and writing the primitive fields of the protocol.

Owns the bounded cursor (`Reader`) and CompactSize. Knows no message. Integers are
little-endian unless a name says otherwise. Nothing is allocated from an unchecked length: every
read is checked against what the buffer really holds.

Sources: Core's `serialize.h` (`ReadCompactSize`, `WriteCompactSize`, `MAX_SIZE`).
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

from bitcoin_handshake.errors import FieldTooLong, LocalProtocolError, NonMinimalCompactSize, Truncated
from bitcoin_handshake.protocol import MAX_SIZE

__all__ = ["Reader", "serialize_compact_size", "serialize_fixed", "serialize_var_bytes"]

_U16 = Struct("<H")
_U32 = Struct("<I")
_U64 = Struct("<Q")
_I32 = Struct("<i")
_I64 = Struct("<q")
_U16_BE = Struct(">H")
_FD = Struct("<BH")
_FE = Struct("<BI")
_FF = Struct("<BQ")


class Reader:
    """A cursor over one message's payload that never reads beyond its end.

    Attributes:
        data: The payload.
        pos: Offset of the next byte, 0 to `end`.
        end: Length of the payload in bytes.
    """

    __slots__ = ("data", "end", "pos")

    def __init__(self, data: bytes, pos: int = 0) -> None:
        self.data: Final = data
        self.pos = pos
        self.end: Final = len(data)

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self.end - self.pos

    def read(self, length: int, field: str = "") -> bytes:
        """Read exactly `length` bytes.

        Raises:
            Truncated: Fewer are left.
        """
        start = self.pos
        stop = start + length
        if stop > self.end:
            raise Truncated(needed=length, available=self.end - start, field=field)
        self.pos = stop
        return self.data[start:stop]

    def rest(self) -> bytes:
        """Read all that is left, possibly nothing."""
        start = self.pos
        self.pos = self.end
        return self.data[start:]

    def unpack(self, layout: Struct, field: str = "") -> tuple[Any, ...]:
        """Read a run of fixed fields.

        Raises:
            Truncated: Fewer than `layout.size` bytes are left.
        """
        start = self.pos
        stop = start + layout.size
        if stop > self.end:
            raise Truncated(needed=layout.size, available=self.end - start, field=field)
        self.pos = stop
        return layout.unpack_from(self.data, start)

    def u8(self, field: str = "") -> int:
        """Read one unsigned byte."""
        return self.read(1, field)[0]

    def u16(self, field: str = "") -> int:
        """Read an unsigned 16-bit integer."""
        return int(self.unpack(_U16, field)[0])

    def u16_be(self, field: str = "") -> int:
        """Read an unsigned big-endian 16-bit integer (ports)."""
        return int(self.unpack(_U16_BE, field)[0])

    def u32(self, field: str = "") -> int:
        """Read an unsigned 32-bit integer."""
        return int(self.unpack(_U32, field)[0])

    def u64(self, field: str = "") -> int:
        """Read an unsigned 64-bit integer."""
        return int(self.unpack(_U64, field)[0])

    def i32(self, field: str = "") -> int:
        """Read a signed 32-bit integer."""
        return int(self.unpack(_I32, field)[0])

    def i64(self, field: str = "") -> int:
        """Read a signed 64-bit integer."""
        return int(self.unpack(_I64, field)[0])

    def compact_size(self, field: str = "", *, limit: int | None = MAX_SIZE) -> int:
        """Read a CompactSize.

        Args:
            field: Name of the field, for the error.
            limit: Largest value allowed; None where the value is a 64-bit mask (the services of
                an `addrv2` entry).

        Raises:
            Truncated: The payload ends inside it.
            NonMinimalCompactSize: It is written longer than its value needs.
            FieldTooLong: The value is over `limit`.

        Spec:
            Core, `ReadCompactSize` in `serialize.h`.
        """
        first = self.u8(field)
        if first < 253:
            value = first
        elif first == 253:
            value = self.u16(field)
            if value < 253:
                raise NonMinimalCompactSize(value=value, length=3, field=field)
        elif first == 254:
            value = self.u32(field)
            if value < 0x10000:
                raise NonMinimalCompactSize(value=value, length=5, field=field)
        else:
            value = self.u64(field)
            if value < 0x100000000:
                raise NonMinimalCompactSize(value=value, length=9, field=field)
        if limit is not None and value > limit:
            raise FieldTooLong(length=value, limit=limit, field=field)
        return value

    def count(self, field: str = "", *, entry_len: int, limit: int = MAX_SIZE) -> int:
        """Read the CompactSize count of a list, before anything is made of the list.

        Args:
            field: Name of the list, for the error.
            entry_len: Length in bytes of the shortest entry that the list can have, 1 at least.
            limit: Largest count allowed.

        Raises:
            Truncated: So many entries cannot stand in the bytes that are left.
            NonMinimalCompactSize: The count is written longer than needed.
            FieldTooLong: The count is over `limit`.
        """
        value = self.compact_size(field, limit=limit)
        if value * entry_len > self.end - self.pos:
            raise Truncated(needed=value * entry_len, available=self.end - self.pos, field=field)
        return value

    def var_bytes(self, field: str = "", *, limit: int = MAX_SIZE) -> bytes:
        """Read a CompactSize length and that many bytes (a var_str, without any encoding).

        Raises:
            Truncated: Fewer bytes are left than the length says.
            NonMinimalCompactSize: The length is written longer than needed.
            FieldTooLong: The length is over `limit` bytes.
        """
        return self.read(self.compact_size(field, limit=limit), field)


def serialize_compact_size(value: int) -> bytes:
    """Write a CompactSize in its only allowed, shortest form.

    Args:
        value: 0 to 2**64 - 1.

    Returns:
        1, 3, 5 or 9 bytes.
    """
    if value < 253:
        return bytes((value,))
    if value <= 0xFFFF:
        return _FD.pack(253, value)
    if value <= 0xFFFFFFFF:
        return _FE.pack(254, value)
    return _FF.pack(255, value)


def serialize_fixed(data: bytes, length: int) -> bytes:
    """Write bytes whose length the layout fixes; `Struct` would pad and cut them without a word.

    Raises:
        LocalProtocolError: They are not `length` bytes.
    """
    if len(data) != length:
        raise LocalProtocolError(f"{len(data)} bytes where the layout has {length}")
    return data


def serialize_var_bytes(data: bytes) -> bytes:
    """Write a CompactSize length and the bytes."""
    return serialize_compact_size(len(data)) + data
