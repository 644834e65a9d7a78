"""Core's asmap: programs written by hand, and random maps against a plain table."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.asmap import MAX_ASMAP_LEN, Asmap
from bitcoin_handshake.errors import InputError

RETURN, JUMP, MATCH, DEFAULT = "0", "10", "110", "111"
ASN, MATCH_SIZES, JUMP_SIZES = range(15, 25), range(1, 9), range(5, 31)
Tree = int | tuple["Tree", "Tree"]


def _number(value: int, lowest: int, sizes: range) -> str:
    """Encode as `EncodeBits` of Core's asmap-tool does."""
    value -= lowest
    text = ""
    for size in sizes:
        if value >= 1 << size:
            value -= 1 << size
            text += "1"
        else:
            end = "0" if size != sizes[-1] else ""
            return f"{text}{end}{value:0{size}b}"
    raise AssertionError("too large")


def _returns(asn: int) -> str:
    return RETURN + _number(asn, 1, ASN)


def _packed(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[pos : pos + 8][::-1], 2) for pos in range(0, len(bits), 8))


def _v4(text: str) -> bytes:
    return bytes(10) + b"\xff\xff" + ip_address(text).packed


def test_one_answer_for_all() -> None:
    assert Asmap(_packed(_returns(64500))).lookup(_v4("1.2.3.4")) == 64500


def test_the_bits_of_a_number() -> None:
    # RETURN, then AS 1: a 0 for the smallest size, and 15 zeros.
    assert _packed(_returns(1)) == bytes(3)
    assert Asmap(bytes(3)).lookup(bytes(16)) == 1
    # AS 32769: one size larger (a 1), then a 0 and 16 zeros; lowest bit of each byte first.
    assert _packed(_returns(32769)) == b"\x02\x00\x00"
    assert Asmap(b"\x02\x00\x00").lookup(bytes(16)) == 32769


def test_a_jump_is_taken_where_the_bit_is_one() -> None:
    left, right = _returns(1), _returns(2)
    asmap = Asmap(_packed(JUMP + _number(len(left), 17, JUMP_SIZES) + left + right))
    assert asmap.lookup(bytes(16)) == 1
    assert asmap.lookup(b"\x80" + bytes(15)) == 2


def test_a_match_that_fails_gives_the_default() -> None:
    code = DEFAULT + _number(7, 1, ASN) + MATCH + _number(0b101, 2, MATCH_SIZES) + _returns(9)
    asmap = Asmap(_packed(code))  # the first two bits have to be 01
    assert [asmap.lookup(bytes([first << 6]) + bytes(15)) for first in range(4)] == [7, 9, 7, 7]


def test_no_default_is_no_system() -> None:
    asmap = Asmap(_packed(MATCH + _number(0b11, 2, MATCH_SIZES) + _returns(9)))
    assert asmap.lookup(bytes(16)) == 0


def _encode(tree: Tree) -> str:
    if isinstance(tree, int):
        return _returns(tree)
    left, right = map(_encode, tree)
    return JUMP + _number(len(left), 17, JUMP_SIZES) + left + right


def _expected(tree: Tree, address: bytes) -> int:
    bits = f"{int.from_bytes(address):0128b}"
    for bit in bits:
        if isinstance(tree, int):
            break
        tree = tree[int(bit)]
    assert isinstance(tree, int)
    return tree


trees = st.recursive(
    st.integers(1, 2**24), lambda inner: st.tuples(inner, inner), max_leaves=40
)  # fmt: skip


@given(trees, st.binary(min_size=16, max_size=16))
def test_random_maps(tree: Tree, address: bytes) -> None:
    assert Asmap(_packed(_encode(tree))).lookup(address) == _expected(tree, address)


@pytest.mark.parametrize(
    "bits",
    [
        "",
        RETURN,
        DEFAULT + _number(1, 1, ASN),
        DEFAULT + _number(1, 1, ASN) + _returns(2),
        DEFAULT + _number(1, 1, ASN) + DEFAULT + _number(1, 1, ASN) + _returns(2),
        _returns(1) + "1",
        _returns(1) + "0" * 8,
        JUMP + _number(17, 17, JUMP_SIZES) + _returns(1),
        JUMP + _number(18, 17, JUMP_SIZES) + _returns(1) + _returns(2),
        JUMP + _number(40000, 17, JUMP_SIZES) + _returns(1) + _returns(2),
        (MATCH + _number(0b11, 2, MATCH_SIZES)) * 2 + _returns(1),
        (MATCH + _number(0b100000000, 2, MATCH_SIZES)) * 17 + _returns(1),
    ],
)
def test_what_core_refuses_is_refused(bits: str) -> None:
    with pytest.raises(InputError, match="damaged, or not an asmap"):
        Asmap(_packed(bits))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_map_or_refused(data: bytes) -> None:
    try:
        asmap = Asmap(data)
    except InputError:
        return
    for first, second in pairwise((0, 1 << 127, (1 << 128) - 1)):
        assert asmap.lookup(first.to_bytes(16)) >= 0
        assert asmap.lookup(second.to_bytes(16)) >= 0


def test_a_huge_file_is_refused() -> None:
    with pytest.raises(InputError, match="at most"):
        Asmap(bytes(MAX_ASMAP_LEN + 1))
