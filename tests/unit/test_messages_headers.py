"""Block headers: hash and work; headers, getheaders, getblocks."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import FieldTooLong, NonMinimalCompactSize, Truncated, WireError
from bitcoin_handshake.messages import BlockHeader, GetBlocks, GetHeaders, Headers, Message
from bitcoin_handshake.wire import Reader
from tests.helpers import shared_vectors
from tests.message_literals import (
    GENESIS,
    GENESIS_HASH,
    GENESIS_HEADER,
    HEADERS,
    ODD_HEADER,
    assert_both_ways,
    name_of,
)


@pytest.mark.parametrize(("message", "data"), HEADERS, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), HEADERS, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


def with_bits(bits: int) -> BlockHeader:
    return BlockHeader(1, bytes(32), bytes(32), 0, bits, 0)


def test_hash_of_the_first_block() -> None:
    header = BlockHeader.read(Reader(bytes.fromhex(GENESIS)))
    assert header == GENESIS_HEADER
    assert header.hash[::-1].hex() == GENESIS_HASH


def test_work_of_the_first_block() -> None:
    # Core shows chainwork 0...0100010001 for it.
    assert GENESIS_HEADER.work == 0x0100010001
    assert with_bits(0x207FFFFF).work == 2  # regtest


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        # Core, src/test/arith_uint256_tests.cpp, bignum_SetCompact
        (0x00000000, 0),
        (0x00123456, 0),
        (0x01003456, 0),
        (0x02000056, 0),
        (0x03000000, 0),
        (0x04000000, 0),
        (0x00923456, 0),
        (0x01803456, 0),
        (0x02800056, 0),
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x04923456, 0),  # negative
        (0x05009234, 0x92340000),
        (0x20123456, 0x123456 << 232),
        (0xFF123456, 0),  # overflow
        (0x2100FFFF, 0xFFFF << 240),
        (0x21010000, 0),  # 2**256: the first that overflows
        (0x22000100, 0),
        (0x1D00FFFF, 0xFFFF << 208),
    ],
)
def test_compact_targets(bits: int, target: int) -> None:
    assert with_bits(bits).target == target
    assert with_bits(bits).work == ((1 << 256) // (target + 1) if target else 0)


def test_2000_headers_are_the_most() -> None:
    assert len(Headers.deserialize(b"\xfd\xd0\x07" + bytes(81 * 2000)).headers) == 2000
    with pytest.raises(FieldTooLong):
        Headers.deserialize(b"\xfd\xd1\x07" + bytes(81 * 2001))


def test_a_count_is_not_believed() -> None:
    with pytest.raises(Truncated):
        Headers.deserialize(b"\xfd\xd0\x07" + bytes(81 * 1999 + 80))
    with pytest.raises(Truncated):
        GetHeaders.deserialize(bytes(4) + b"\x65" + bytes(32 * 100 + 31))


def test_a_transaction_count_must_be_minimal() -> None:
    with pytest.raises(NonMinimalCompactSize):
        Headers.deserialize(b"\x01" + bytes(80) + b"\xfd\x01\x00")


def test_a_transaction_count_may_not_end_the_message_early() -> None:
    payload = b"\x02" + bytes(80) + b"\xfd\x00\x01" + bytes(80)
    with pytest.raises(Truncated):
        Headers.deserialize(payload)


@pytest.mark.parametrize("cls", [GetHeaders, GetBlocks])
def test_101_hashes_are_the_longest_locator(cls: type[GetHeaders]) -> None:
    assert len(cls.deserialize(bytes(4) + b"\x65" + bytes(32 * 102)).locator) == 101
    with pytest.raises(FieldTooLong):
        cls.deserialize(bytes(4) + b"\x66" + bytes(32 * 103))


def test_headers_and_counts_of_the_literals() -> None:
    plain, odd = (message for message, _ in HEADERS[2:4])
    assert isinstance(plain, Headers)
    assert isinstance(odd, Headers)
    assert plain.count == odd.count == 2
    assert plain.headers == odd.headers == (GENESIS_HEADER, ODD_HEADER)
    assert (plain.tx_counts, odd.tx_counts) == ((), (300, 0))
    assert odd.to_json() == {
        "headers": [GENESIS_HEADER.to_json(), ODD_HEADER.to_json()],
        "tx_counts": [300, 0],
        "trailing": "",
    }


def test_excess_bytes_are_kept() -> None:
    message = Headers.from_headers([GENESIS_HEADER], trailing=b"\x01\x02")
    assert message.trailing == b"\x01\x02"
    assert message.headers == (GENESIS_HEADER,)
    assert Headers.from_headers([GENESIS_HEADER], tx_counts=[1], trailing=b"\x01").trailing == b"\x01"


def test_one_count_for_each_header() -> None:
    with pytest.raises(ValueError, match="zip"):
        Headers.from_headers([GENESIS_HEADER], tx_counts=[1, 2])


def test_official_headers() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    for case in (case for case in cases if case["command"] == "headers" and "block_hashes" in case["fields"]):
        payload = bytes.fromhex(case["payload_hex"])
        message = Headers.deserialize(payload)
        assert message.serialize() == payload
        shown = [header.to_json() for header in message.headers]
        assert [header["hash"] for header in shown] == case["fields"]["block_hashes"]
        assert [header["prev_block"] for header in shown] == case["fields"]["previous"]
        return
    raise AssertionError("no official headers in the file")


def test_official_getheaders() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    (case,) = (case for case in cases if case["command"] == "getheaders")
    message = GetHeaders.deserialize(bytes.fromhex(case["payload_hex"]))
    shown = message.to_json()
    assert shown["locator"] == case["fields"]["locator"]
    assert shown["stop_hash"] == case["fields"]["stop"]
    assert shown["version"] == case["fields"]["version"]


def test_a_header_in_the_form_for_machines() -> None:
    assert GENESIS_HEADER.to_json() == {
        "hash": GENESIS_HASH,
        "version": 1,
        "prev_block": "00" * 32,
        "merkle_root": "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
        "timestamp": 1231006505,
        "bits": "1d00ffff",
        "nonce": 2083236893,
    }
