"""Packed sets of numbers: literal bytes, round trip, size."""

from __future__ import annotations

import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.store.edges import pack_numbers, unpack_numbers


def test_the_form_of_narrow_and_wide_gaps() -> None:
    narrow = pack_numbers([1, 258, 259])
    assert (narrow[0], zlib.decompress(narrow[1:])) == (1, bytes((1, 1, 1, 0, 1, 0)))
    wide = pack_numbers([1, 70_001])
    assert (wide[0], zlib.decompress(wide[1:])) == (2, bytes.fromhex("01000000 70110100"))


@given(st.sets(st.integers(0, 2**32 - 1)) | st.sets(st.integers(0, 5000)))
def test_round_trip(numbers: set[int]) -> None:
    assert unpack_numbers(pack_numbers(sorted(numbers))) == sorted(numbers)


@pytest.mark.parametrize("packed", [b"\x01abc", b"\x03" + zlib.compress(b""), b"\x01" + zlib.compress(b"a")])
def test_damage_is_a_value_error(packed: bytes) -> None:
    with pytest.raises(ValueError, match="packed"):
        unpack_numbers(packed)


def test_25_million_edges_fit_into_100_megabytes() -> None:
    random = Random(1)
    sets = [sorted(random.sample(range(1, 250_001), 1000)) for _ in range(25)]
    assert sum(len(pack_numbers(numbers)) for numbers in sets) / 25_000 < 100e6 / 25e6
