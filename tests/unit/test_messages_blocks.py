"""The block message."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import Truncated, WireError
from bitcoin_handshake.messages import Block, Message
from tests.helpers import shared_vectors
from tests.message_literals import BLOCKS, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), BLOCKS, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), BLOCKS, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


def test_official_blocks() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    blocks = [case for case in cases if case["command"] == "block"]
    for case in blocks:
        payload = bytes.fromhex(case["payload_hex"])
        block = Block.deserialize(payload)
        assert block.serialize() == payload
        assert block.header.to_json()["hash"] == case["fields"]["block_hash"]
        assert len(block.transactions) == case["fields"]["tx_count"]
        # One transaction: its id is the Merkle root.
        assert block.transactions[0].txid == block.header.merkle_root
        shown = block.to_json()
        assert isinstance(shown["transactions"], list)
        assert shown["transactions"][0]["txid"] == block.header.merkle_root[::-1].hex()
    assert len(blocks) == 2


def test_a_count_is_not_believed() -> None:
    with pytest.raises(Truncated):
        Block.deserialize(bytes(80) + b"\x0b" + bytes(109))
