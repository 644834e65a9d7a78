"""Bytes that cannot be read as the field or message that they should be."""

from __future__ import annotations

from dataclasses import dataclass

from bitcoin_handshake.codes import FailureCode
from bitcoin_handshake.errors.peer import PeerError

__all__ = [
    "BadEncoding",
    "FieldTooLong",
    "NonMinimalCompactSize",
    "TrailingBytes",
    "Truncated",
    "WireError",
]


class WireError(PeerError):
    """Bytes that cannot be read as the field or message that they should be."""


@dataclass(kw_only=True, eq=False, repr=False)
class Truncated(WireError):
    """A field needs more bytes than the message has left."""

    code = FailureCode.WIRE_TRUNCATED

    needed: int
    available: int
    field: str = ""

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.needed} bytes needed, {self.available} left"


@dataclass(kw_only=True, eq=False, repr=False)
class TrailingBytes(WireError):
    """Bytes remain after the last field of a message that has an exact length."""

    code = FailureCode.WIRE_TRAILING_BYTES

    count: int

    def __str__(self) -> str:
        return f"{self.count} bytes behind the last field"


@dataclass(kw_only=True, eq=False, repr=False)
class NonMinimalCompactSize(WireError):
    """A CompactSize is written longer than its value needs."""

    code = FailureCode.WIRE_NON_MINIMAL_COMPACT_SIZE

    value: int
    length: int
    field: str = ""

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}CompactSize {self.value} written in {self.length} bytes"


@dataclass(kw_only=True, eq=False, repr=False)
class FieldTooLong(WireError):
    """A length or count is over the limit of its field."""

    code = FailureCode.WIRE_FIELD_TOO_LONG

    length: int
    limit: int
    field: str = ""

    def __str__(self) -> str:
        return f"{self.field or 'field'}: {self.length} is over the limit of {self.limit}"


@dataclass(kw_only=True, eq=False, repr=False)
class BadEncoding(WireError):
    """A field holds a value that its format does not have."""

    code = FailureCode.WIRE_BAD_ENCODING

    field: str
    why: str

    def __str__(self) -> str:
        return f"{self.field}: {self.why}"
