"""inv, getdata, notfound, mempool."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import FieldTooLong, Truncated, WireError
from bitcoin_handshake.messages import GetData, Inv, InvItem, Message, NotFound
from tests.message_literals import HASH_A, INVENTORY, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), INVENTORY, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), INVENTORY, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


@pytest.mark.parametrize("cls", [Inv, GetData, NotFound])
def test_50000_entries_are_the_most(cls: type[Inv]) -> None:
    most = cls.deserialize(b"\xfd\x50\xc3" + bytes(36 * 50_000))
    assert len(most.items) == 50_000
    with pytest.raises(FieldTooLong):
        cls.deserialize(b"\xfd\x51\xc3" + bytes(36 * 50_001))


def test_a_count_is_not_believed() -> None:
    with pytest.raises(Truncated):
        Inv.deserialize(b"\xfd\x50\xc3" + bytes(36 * 49_999 + 35))


def test_types_have_names_and_unknown_ones_stay() -> None:
    names = [
        InvItem(type_, HASH_A).to_json()["name"]
        for type_ in (0, 1, 2, 3, 4, 5, 6, 7, 8, 0x40000001, 0x40000002, 0xFFFFFFFF)
    ]
    assert names == [
        None,
        "TX",
        "BLOCK",
        "FILTERED_BLOCK",
        "CMPCT_BLOCK",
        "WTX",
        "PKGTXNS",
        "ANCPKGINFO",
        None,
        "WITNESS_TX",
        "WITNESS_BLOCK",
        None,
    ]
    assert InvItem(9, HASH_A).to_json() == {"type": 9, "name": None, "hash": HASH_A[::-1].hex()}
