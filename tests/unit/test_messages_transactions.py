"""Transactions with and without witnesses, their ids, and what Core refuses."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import (
    BadEncoding,
    LocalProtocolError,
    NonMinimalCompactSize,
    Truncated,
    WireError,
)
from bitcoin_handshake.messages import Message, Transaction, Tx, TxInput, TxOutput
from bitcoin_handshake.messages.transactions import read_transactions, serialize_transactions
from bitcoin_handshake.wire import Reader
from tests.helpers import shared_vectors
from tests.message_literals import (
    EMPTY_TX,
    HASH_A,
    PLAIN_TX,
    SEGWIT_TX,
    TRANSACTIONS,
    A,
    assert_both_ways,
    name_of,
)


@pytest.mark.parametrize(("message", "data"), TRANSACTIONS, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), TRANSACTIONS, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


def official(name: str) -> tuple[bytes, dict[str, str]]:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    (case,) = (case for case in cases if case["name"] == name)
    return bytes.fromhex(case["payload_hex"]), case.get("fields") or {}


def test_official_transaction_without_witness() -> None:
    payload, fields = official("tx without witness")
    message = Tx.deserialize(payload)
    assert message.serialize() == payload
    assert message.transaction.txid == message.transaction.wtxid
    assert message.transaction.to_json()["txid"] == fields["txid"]


def test_bip143_transaction_with_witness() -> None:
    payload, _ = official("tx with witness")
    transaction = Tx.deserialize(payload).transaction
    assert transaction.serialize() == payload
    assert transaction.has_witness
    # Native P2WPKH example of BIP143: the ids that Core computes for it.
    assert transaction.to_json()["txid"] == (
        "e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609"
    )
    assert transaction.wtxid != transaction.txid


def test_without_witnesses_the_old_form_is_written() -> None:
    stripped = SEGWIT_TX.serialize(include_witness=False)
    assert Tx.deserialize(stripped).transaction == Transaction(
        SEGWIT_TX.version,
        tuple(TxInput(input_.prev_txid, input_.prev_index) for input_ in SEGWIT_TX.inputs),
        SEGWIT_TX.outputs,
        SEGWIT_TX.lock_time,
    )
    assert Tx.deserialize(stripped).transaction.txid == SEGWIT_TX.txid


def test_a_transaction_of_nothing_is_ten_bytes() -> None:
    assert Tx.deserialize(bytes(10)).transaction == Transaction(0, (), ())
    assert not EMPTY_TX.has_witness


def test_outputs_without_inputs_have_no_wire_form() -> None:
    with pytest.raises(LocalProtocolError):
        Transaction(1, (), (TxOutput(1),)).serialize()


INPUT = A + "00000000 00 ffffffff"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("01000000 00 02 01" + INPUT + "00 0100 00000000", "unknown bits in the flag"),
        ("01000000 00 03 01" + INPUT + "00 0100 00000000", "unknown bits beside the known one"),
        ("01000000 00 01 01" + INPUT + "00 00 00000000", "all stacks empty"),
        ("01000000 00 01 00 00 00000000", "witness form without inputs"),
    ],
)
def test_rejects_what_core_rejects(raw: str, why: str) -> None:
    with pytest.raises(BadEncoding):
        Tx.deserialize(bytes.fromhex(raw))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("01000000 fe00000002", id="inputs"),
        pytest.param("01000000 01" + INPUT + "fe00000002", id="outputs"),
        pytest.param("01000000 00 01 01" + INPUT + "00 fe00000002", id="witness items"),
        pytest.param("01000000 01" + A + "00000000 fe00000002", id="script"),
        pytest.param("01000000 00 01 01" + INPUT + "00 01 fe00000002", id="witness item"),
    ],
)
def test_a_count_or_length_is_not_believed(raw: str) -> None:
    with pytest.raises(Truncated):
        Tx.deserialize(bytes.fromhex(raw) + bytes(100))


def test_the_shortest_inputs_and_outputs_are_accepted() -> None:
    inputs = b"\x06" + bytes(41 * 6)
    assert len(Tx.deserialize(bytes(4) + inputs + b"\x00" + bytes(4)).transaction.inputs) == 6
    outputs = b"\x05" + bytes(9 * 5)
    message = Tx.deserialize(bytes(4) + b"\x01" + bytes(41) + outputs + bytes(4))
    assert len(message.transaction.outputs) == 5


def test_counts_must_be_minimal() -> None:
    with pytest.raises(NonMinimalCompactSize):
        Tx.deserialize(bytes.fromhex("01000000 fd0100" + INPUT + "00 00000000"))


def test_lists_of_transactions() -> None:
    data = serialize_transactions((PLAIN_TX, EMPTY_TX))
    assert read_transactions(Reader(data)) == (PLAIN_TX, EMPTY_TX)
    with pytest.raises(WireError):
        read_transactions(Reader(data), limit=1)


def test_a_transaction_in_the_form_for_machines() -> None:
    shown = SEGWIT_TX.to_json()
    assert shown["txid"] == SEGWIT_TX.txid[::-1].hex()
    assert shown["wtxid"] == SEGWIT_TX.wtxid[::-1].hex()
    assert shown["outputs"] == [{"value": -1, "script_pubkey": ""}]
    inputs = shown["inputs"]
    assert isinstance(inputs, list)
    assert inputs[0] == {
        "prev_txid": HASH_A[::-1].hex(),
        "prev_index": 0,
        "script_sig": "",
        "sequence": 0xFFFFFFFF,
        "witness": ["c0ffee"],
    }
