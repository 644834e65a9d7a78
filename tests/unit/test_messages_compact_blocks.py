"""cmpctblock, getblocktxn, blocktxn."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import FieldTooLong, LocalProtocolError, Truncated, WireError
from bitcoin_handshake.messages import (
    BlockTxn,
    CmpctBlock,
    GetBlockTxn,
    Message,
    PrefilledTransaction,
)
from tests.message_literals import (
    COMPACT_BLOCKS,
    EMPTY_TX,
    GENESIS,
    GENESIS_HEADER,
    HASH_A,
    assert_both_ways,
    name_of,
)


@pytest.mark.parametrize(("message", "data"), COMPACT_BLOCKS, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), COMPACT_BLOCKS, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


HEAD = bytes.fromhex(GENESIS) + bytes(8)


def test_65536_indexes_are_the_most() -> None:
    every = GetBlockTxn.deserialize(bytes(32) + b"\xfe\x00\x00\x01\x00" + bytes(65_536))
    assert every.indexes == tuple(range(65_536))
    with pytest.raises(FieldTooLong):
        GetBlockTxn.deserialize(bytes(32) + b"\xfe\x01\x00\x01\x00" + bytes(65_537))


@pytest.mark.parametrize(
    "distances", ["01 fe00000100", "02 fdffff 00", "03 00 fdfeff 00", "02 00 fe00000100"]
)
def test_an_index_over_65535_is_refused(distances: str) -> None:
    with pytest.raises(FieldTooLong):
        GetBlockTxn.deserialize(bytes(32) + bytes.fromhex(distances))


@pytest.mark.parametrize("distances", [("fe00000100",), ("fdffff", "00"), ("00", "fdfeff", "00")])
def test_a_prefilled_index_over_65535_is_refused(distances: tuple[str, ...]) -> None:
    prefilled = b"".join(bytes.fromhex(distance) + bytes(10) for distance in distances)
    with pytest.raises(FieldTooLong):
        CmpctBlock.deserialize(HEAD + b"\x00" + bytes((len(distances),)) + prefilled + bytes(4))


def test_a_compact_block_has_at_most_65535_transactions() -> None:
    short_ids = b"\xfd\xff\xff" + bytes(6 * 65_535)
    assert len(CmpctBlock.deserialize(HEAD + short_ids + b"\x00").short_ids) == 65_535
    with pytest.raises(FieldTooLong):
        CmpctBlock.deserialize(HEAD + short_ids + b"\x01\x00" + bytes(10))
    with pytest.raises(FieldTooLong):
        CmpctBlock.deserialize(HEAD + b"\xfe\x00\x00\x01\x00" + bytes(6 * 65_536))


def test_counts_are_not_believed() -> None:
    with pytest.raises(Truncated):
        CmpctBlock.deserialize(HEAD + b"\xfd\xff\xff" + bytes(100))
    with pytest.raises(Truncated):
        CmpctBlock.deserialize(HEAD + b"\x00\xfd\xff\xff" + bytes(100))
    with pytest.raises(Truncated):
        GetBlockTxn.deserialize(bytes(32) + b"\xfd\xff\xff" + bytes(100))
    with pytest.raises(Truncated):
        BlockTxn.deserialize(bytes(32) + b"\x0b" + bytes(109))


@pytest.mark.parametrize("indexes", [(1, 1), (2, 1), (-1,)])
def test_indexes_that_do_not_rise_cannot_be_written(indexes: tuple[int, ...]) -> None:
    with pytest.raises(LocalProtocolError):
        GetBlockTxn(HASH_A, indexes).serialize()
    prefilled = tuple(PrefilledTransaction(index, EMPTY_TX) for index in indexes)
    with pytest.raises(LocalProtocolError):
        CmpctBlock(GENESIS_HEADER, 0, (), prefilled).serialize()


def test_a_compact_block_in_the_form_for_machines() -> None:
    message = CmpctBlock(
        GENESIS_HEADER, 0xAB, (b"\x01\x02\x03\x04\x05\x06",), (PrefilledTransaction(3, EMPTY_TX),)
    )
    shown = message.to_json()
    assert shown["nonce"] == "00000000000000ab"
    assert shown["short_ids"] == ["060504030201"]
    assert shown["prefilled"] == [{"index": 3, "transaction": EMPTY_TX.to_json()}]
