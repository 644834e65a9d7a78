"""filterload, filteradd, filterclear, merkleblock."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import FieldTooLong, Truncated, WireError
from bitcoin_handshake.messages import FilterAdd, FilterLoad, MerkleBlock, Message
from tests.helpers import shared_vectors
from tests.message_literals import BLOOM, GENESIS, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), BLOOM, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), BLOOM, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


TAIL = bytes.fromhex("32000000 00000000 00")  # 50 functions


def test_filterload_at_its_limits() -> None:
    most = FilterLoad.deserialize(b"\xfd\xa0\x8c" + bytes(36_000) + TAIL)
    assert len(most.filter) == 36_000
    assert most.hash_functions == 50
    with pytest.raises(FieldTooLong):
        FilterLoad.deserialize(b"\xfd\xa1\x8c" + bytes(36_001) + TAIL)
    with pytest.raises(FieldTooLong):
        FilterLoad.deserialize(b"\x00\x33" + TAIL[1:])


def test_filteradd_at_its_limit() -> None:
    assert len(FilterAdd.deserialize(b"\xfd\x08\x02" + bytes(520)).data) == 520
    with pytest.raises(FieldTooLong):
        FilterAdd.deserialize(b"\xfd\x09\x02" + bytes(521))


def test_a_count_of_hashes_is_not_believed() -> None:
    with pytest.raises(Truncated):
        MerkleBlock.deserialize(bytes.fromhex(GENESIS) + bytes(4) + b"\xfe\x00\x00\x00\x02" + bytes(99))


def test_official_filters() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    loads = [case for case in cases if case["command"] == "filterload"]
    for case in loads:
        payload = bytes.fromhex(case["payload_hex"])
        message, fields = FilterLoad.deserialize(payload), case["fields"]
        assert message.serialize() == payload
        assert message.filter.hex() == fields["filter_hex"]
        assert (message.hash_functions, message.tweak, message.flags) == (
            fields["hash_funcs"],
            fields["tweak"],
            fields["flags"],
        )
    assert len(loads) == 3


def test_official_merkleblock() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    (case,) = (case for case in cases if case["command"] == "merkleblock")
    payload, fields = bytes.fromhex(case["payload_hex"]), case["fields"]
    message = MerkleBlock.deserialize(payload)
    assert message.serialize() == payload
    assert message.header.to_json()["hash"] == fields["block_hash"]
    assert message.total_transactions == fields["total_transactions"]
    assert len(message.hashes) == fields["hashes"]
    assert message.flag_bytes.hex() == fields["flag_bytes"]
