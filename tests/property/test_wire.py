"""CompactSize and byte strings: round trips, and no exception but the documented ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.errors import WireError
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_var_bytes

WIDTHS = st.sampled_from([8, 16, 32, 64])
VALUES = WIDTHS.flatmap(lambda bits: st.integers(0, (1 << bits) - 1))


@given(VALUES, st.binary(max_size=9))
def test_compact_size_round_trip(value: int, behind: bytes) -> None:
    reader = Reader(serialize_compact_size(value) + behind)
    assert reader.compact_size(limit=None) == value
    assert reader.rest() == behind


@given(st.binary(max_size=12))
def test_whatever_compact_size_is_accepted_comes_out_the_same(data: bytes) -> None:
    reader = Reader(data)
    try:
        value = reader.compact_size(limit=None)
    except WireError:
        return
    assert serialize_compact_size(value) == data[: reader.pos]


@given(st.binary(max_size=70_000))
def test_var_bytes_round_trip(data: bytes) -> None:
    reader = Reader(serialize_var_bytes(data))
    assert reader.var_bytes() == data
    assert reader.remaining == 0


@given(
    st.binary(max_size=40),
    st.lists(st.sampled_from(["u8", "u16", "u32", "u64", "compact_size", "var_bytes"])),
)
def test_any_reads_stay_inside_or_raise_a_wire_error(data: bytes, reads: list[str]) -> None:
    reader = Reader(data)
    for method in reads:
        try:
            getattr(reader, method)()
        except WireError:
            break
        finally:
            assert 0 <= reader.pos <= reader.end == len(data)
