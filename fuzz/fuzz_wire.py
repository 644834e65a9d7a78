"""The bounded cursor: any run of reads over any bytes ends in a value or in a WireError."""

from __future__ import annotations

from bitcoin_handshake.errors import WireError
from bitcoin_handshake.wire import Reader, serialize_compact_size


def one_input(data: bytes) -> None:
    """Read CompactSizes and byte strings to the end; never beyond it."""
    reader = Reader(data)
    try:
        while reader.remaining:
            start = reader.pos
            value = reader.compact_size("value", limit=None)
            assert serialize_compact_size(value) == data[start : reader.pos]
            field = reader.var_bytes("field", limit=len(data))
            assert len(field) <= len(data)
    except WireError:
        assert 0 <= reader.pos <= len(data)
