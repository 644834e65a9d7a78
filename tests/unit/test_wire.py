"""The bounded cursor and CompactSize, from literal bytes."""

from __future__ import annotations

import json
from struct import Struct
from typing import Any

import pytest

from bitcoin_handshake.errors import (
    FieldTooLong,
    LocalProtocolError,
    NonMinimalCompactSize,
    Truncated,
    WireError,
)
from bitcoin_handshake.protocol import MAX_SIZE
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed, serialize_var_bytes
from tests.helpers import own_vectors

CASES: list[dict[str, Any]] = json.loads(own_vectors("compactsize.json").read_text())["cases"]
VALID = [case for case in CASES if case["valid"]]
REJECTED = [case for case in CASES if not case["valid"]]
# What is wrong with a rejected case, by the first words of its reason.
ERRORS: dict[str, type[WireError]] = {
    "not minimal": NonMinimalCompactSize,
    "above": FieldTooLong,
    "truncated": Truncated,
}


def test_the_vectors_are_all_there() -> None:
    assert (len(VALID), len(REJECTED)) == (10, 9)


@pytest.mark.parametrize("case", VALID, ids=lambda case: case["hex"])
def test_compact_size_vectors_both_ways(case: dict[str, Any]) -> None:
    reader = Reader(bytes.fromhex(case["hex"]) + b"\xaa")
    assert reader.compact_size() == case["value"]
    assert reader.remaining == 1
    assert serialize_compact_size(case["value"]) == bytes.fromhex(case["hex"])


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: case["hex"])
def test_compact_size_vectors_that_are_rejected(case: dict[str, Any]) -> None:
    error = next(error for words, error in ERRORS.items() if case["reason"].startswith(words))
    with pytest.raises(error):
        Reader(bytes.fromhex(case["hex"])).compact_size()


@pytest.mark.parametrize(
    "case", [case for case in REJECTED if case["reason"].startswith("above")], ids=lambda case: case["hex"]
)
def test_compact_size_that_is_no_length_may_be_large(case: dict[str, Any]) -> None:
    assert Reader(bytes.fromhex(case["hex"])).compact_size(limit=None) == case["value"]
    assert serialize_compact_size(case["value"]) == bytes.fromhex(case["hex"])


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "80"),
        (252, "fc"),
        (253, "fdfd00"),
        (0xFFFF, "fdffff"),
        (0x10000, "fe00000100"),
        (0xFFFFFFFF, "feffffffff"),
        (0x100000000, "ff0000000001000000"),
        (2**64 - 1, "ffffffffffffffffff"),
    ],
)
def test_compact_size_literals(value: int, encoded: str) -> None:
    assert serialize_compact_size(value).hex() == encoded
    assert Reader(bytes.fromhex(encoded)).compact_size(limit=None) == value


@pytest.mark.parametrize("encoded", ["", "fd", "fd00", "fe", "fe000001", "ff", "ff00000000010000"])
def test_a_compact_size_that_ends_early_is_truncated(encoded: str) -> None:
    with pytest.raises(Truncated):
        Reader(bytes.fromhex(encoded)).compact_size("count")


def test_the_limit_itself_is_allowed() -> None:
    assert Reader(serialize_compact_size(MAX_SIZE)).compact_size() == MAX_SIZE
    with pytest.raises(FieldTooLong) as caught:
        Reader(b"\xfd\x01\x01").compact_size("user_agent", limit=256)
    assert (caught.value.length, caught.value.limit, caught.value.field) == (257, 256, "user_agent")


def test_var_bytes_both_ways() -> None:
    assert serialize_var_bytes(b"/Satoshi:28.1.0/").hex() == "102f5361746f7368693a32382e312e302f"
    reader = Reader(bytes.fromhex("102f5361746f7368693a32382e312e302fff"))
    assert reader.var_bytes() == b"/Satoshi:28.1.0/"
    assert reader.remaining == 1


def test_a_length_that_lies_allocates_nothing() -> None:
    with pytest.raises(Truncated) as caught:
        Reader(serialize_compact_size(MAX_SIZE) + b"abc").var_bytes("payload")
    assert (caught.value.needed, caught.value.available, caught.value.field) == (MAX_SIZE, 3, "payload")


INTEGERS = bytes.fromhex("fffefdfcfbfaf9f8")


@pytest.mark.parametrize(
    ("method", "value", "length"),
    [
        ("u8", 0xFF, 1),
        ("u16", 0xFEFF, 2),
        ("u16_be", 0xFFFE, 2),
        ("u32", 0xFCFDFEFF, 4),
        ("u64", 0xF8F9FAFBFCFDFEFF, 8),
        ("i32", 0xFCFDFEFF - (1 << 32), 4),
        ("i64", 0xF8F9FAFBFCFDFEFF - (1 << 64), 8),
    ],
)
def test_integers_and_their_ends(method: str, value: int, length: int) -> None:
    reader = Reader(INTEGERS)
    assert getattr(reader, method)("field") == value
    assert reader.pos == length
    short = Reader(INTEGERS[: length - 1])
    with pytest.raises(Truncated) as caught:
        getattr(short, method)("field")
    assert (caught.value.needed, caught.value.available) == (length, length - 1)
    assert caught.value.field == "field"
    assert short.pos == 0


def test_a_run_of_fields_is_read_at_once_or_not_at_all() -> None:
    layout = Struct("<iQ")
    reader = Reader(b"\xff\xff\xff\xff" + bytes(8) + b"x")
    assert reader.unpack(layout) == (-1, 0)
    with pytest.raises(Truncated):
        reader.unpack(layout, "again")
    assert reader.rest() == b"x"
    assert reader.rest() == b""
    assert reader.remaining == 0


def test_reading_may_begin_inside() -> None:
    reader = Reader(b"abcdef", 2)
    assert reader.read(3) == b"cde"
    assert reader.read(0) == b""
    with pytest.raises(Truncated):
        reader.read(2)


@pytest.mark.parametrize("entry_len", [1, 9, 41])
def test_a_count_must_fit_into_what_is_left(entry_len: int) -> None:
    reader = Reader(b"\x03" + bytes(3 * entry_len))
    assert reader.count("list", entry_len=entry_len) == 3
    assert reader.pos == 1
    with pytest.raises(Truncated) as caught:
        Reader(b"\x03" + bytes(3 * entry_len - 1)).count("list", entry_len=entry_len)
    assert (caught.value.needed, caught.value.available) == (3 * entry_len, 3 * entry_len - 1)
    assert caught.value.field == "list"


def test_a_count_has_the_limit_of_its_list() -> None:
    assert Reader(b"\x03" + bytes(3)).count(entry_len=1, limit=3) == 3
    with pytest.raises(FieldTooLong):
        Reader(b"\x03" + bytes(3)).count(entry_len=1, limit=2)
    with pytest.raises(FieldTooLong):
        Reader(b"\xfe\x01\x00\x00\x02" + bytes(9)).count(entry_len=1)


@pytest.mark.parametrize("data", [b"", b"abc", b"abcde"])
def test_bytes_of_a_fixed_length_have_it(data: bytes) -> None:
    assert serialize_fixed(b"abcd", 4) == b"abcd"
    with pytest.raises(LocalProtocolError, match=f"{len(data)} bytes where the layout has 4"):
        serialize_fixed(data, 4)
