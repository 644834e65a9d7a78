"""What holds for every message: round trips both ways, no other exception, bounded memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitcoin_handshake.errors import LocalProtocolError, WireError
from bitcoin_handshake.messages import (
    REGISTRY,
    Addr,
    AddrEntry,
    AddrV2,
    Headers,
    Message,
    decode,
    netaddr_from_key,
)
from bitcoin_handshake.messages.base import HASH, HASHES
from bitcoin_handshake.wire import serialize_compact_size
from fuzz import fuzz_messages
from fuzz.run import corpus
from tests.message_literals import ALL, GENESIS_HEADER
from tests.strategies import MESSAGES

MSG_TYPES = sorted(REGISTRY)
LITERALS = {
    msg_type: [data for message, data in ALL if message.msg_type == msg_type] for msg_type in MSG_TYPES
}

FEWER = settings(max_examples=50)  # these run once per message; fuzz/ goes further

COUNTS = [serialize_compact_size(value) for value in (0, 1, 252, 253, 1000, 0xFFFF, 0x10000, 0x02000000)]
BAD_COUNTS = [b"\xfd\x01\x00", b"\xff" + b"\xff" * 8, b"\xfe\xff\xff\x00\x00", b"\xfd", b"\xff\x00"]


def check(msg_type: str, payload: bytes) -> None:
    """Bytes are refused with a `WireError`, or they are kept exactly."""
    try:
        message = decode(msg_type, payload)
    except WireError as error:
        str(error)
        return
    assert message.serialize() == payload
    assert decode(msg_type, message.serialize()) == message
    json.dumps(message.to_json())


def test_there_is_a_strategy_for_every_message() -> None:
    assert sorted(MESSAGES) == MSG_TYPES


@pytest.mark.parametrize("msg_type", MSG_TYPES)
def test_what_is_written_reads_back_equal(msg_type: str) -> None:
    @FEWER
    @given(MESSAGES[msg_type])
    def round_trip(message: Message) -> None:
        data = message.serialize()
        assert decode(msg_type, data) == message
        assert decode(msg_type, data).serialize() == data
        json.dumps(message.to_json())

    round_trip()


@pytest.mark.parametrize("msg_type", MSG_TYPES)
def test_any_bytes_are_kept_or_refused(msg_type: str) -> None:
    @FEWER
    @given(st.binary(max_size=400))
    def any_bytes(payload: bytes) -> None:
        check(msg_type, payload)

    any_bytes()


@pytest.mark.parametrize("msg_type", MSG_TYPES)
def test_damaged_messages_are_kept_or_refused(msg_type: str) -> None:
    pieces = st.sampled_from([*COUNTS, *BAD_COUNTS]) | st.binary(max_size=3)

    @FEWER
    @given(st.sampled_from(LITERALS[msg_type]), st.integers(0, 400), st.integers(0, 9), pieces)
    def damaged(data: bytes, at: int, removed: int, inserted: bytes) -> None:
        check(msg_type, data[:at] + inserted + data[at + removed :])

    damaged()


def with_short_fields(record: Any) -> Iterator[Any]:
    """Give copies of a message, in each of which a field of fixed length has one byte less."""
    if isinstance(record, tuple):
        for index, entry in enumerate(record):
            for short in with_short_fields(entry):
                yield (*record[:index], short, *record[index + 1 :])
        return
    if not is_dataclass(record) or isinstance(record, type):
        return
    for each in fields(record):
        value = getattr(record, each.name)
        if isinstance(value, bytes) and (each.metadata == HASH or each.name in ("hash", "ip")):
            yield replace(record, **{each.name: value[:-1]})
        elif isinstance(value, tuple) and each.metadata == HASHES:
            yield from (
                replace(record, **{each.name: (*value[:index], hash_[:-1], *value[index + 1 :])})
                for index, hash_ in enumerate(value)
            )
        else:
            for short in with_short_fields(value):
                yield replace(record, **{each.name: short})


@pytest.mark.parametrize("msg_type", MSG_TYPES)
def test_a_field_of_a_wrong_length_is_never_written(msg_type: str) -> None:
    for message, _ in ALL:
        if message.msg_type == msg_type:
            for short in with_short_fields(message):
                with pytest.raises(LocalProtocolError):
                    short.serialize()


def test_wrong_lengths_are_tried_where_there_are_hashes() -> None:
    tried = {message.msg_type for message, _ in ALL if list(with_short_fields(message))}
    assert len(tried) == 25
    with pytest.raises(LocalProtocolError):
        Headers.from_headers([replace(GENESIS_HEADER, merkle_root=bytes(33))])
    with pytest.raises(LocalProtocolError):
        Addr.from_entries([AddrEntry(1, 1, bytes(4), 8333)])


def test_fuzzing_begins_with_every_message() -> None:
    begins = set()
    for data in corpus("messages"):
        msg_type = fuzz_messages.MSG_TYPES[data[0] % len(fuzz_messages.MSG_TYPES)]
        assert data[1:] in LITERALS[msg_type]
        begins.add(msg_type)
        fuzz_messages.one_input(data)
    assert sorted(begins) == MSG_TYPES


@pytest.mark.parametrize("msg_type", ["addr", "addrv2"])
def test_keys_agree_with_entries(msg_type: str) -> None:
    @FEWER
    @given(MESSAGES[msg_type])
    def agree(message: Message) -> None:
        assert isinstance(message, (Addr, AddrV2))
        usable = [entry.netaddr for entry in message.entries() if entry.netaddr is not None]
        assert [netaddr_from_key(key) for key in list(message.keys())] == usable

    agree()


# The smallest entries there are, so many of them that they fill about 400,000 bytes.
HEAVIEST = {
    "block": bytes(80) + b"\xfd\x40\x9c" + bytes(10 * 40_000),
    "tx": bytes(4) + b"\xfd\x10\x27" + bytes(41 * 10_000) + b"\x00" + bytes(4),
    "pkgtxns": b"\x01" + bytes(4) + b"\x01" + bytes(41) + b"\xfd\x40\x9c" + bytes(9 * 40_000 + 4),
    "inv": b"\xfd\x10\x27" + bytes(36 * 10_000),
    "headers": b"\xfd\xd0\x07" + bytes(81 * 2000),
    "getblocktxn": bytes(32) + b"\xfe\x00\x00\x01\x00" + bytes(0x10000),
    "cmpctblock": bytes(88) + b"\xfd\xff\xff" + bytes(6 * 0xFFFF) + b"\x00",
    "merkleblock": bytes(84) + b"\xfd\x10\x27" + bytes(32 * 10_000) + b"\x00",
    "reconcildiff": b"\x01\xfd\x00\x40" + bytes(4 * 0x4000),
    "addrv2": b"\xfd\xe8\x03" + bytes(9 * 1000),
    "addr": b"\xfd\xe8\x03" + bytes(30 * 1000),
}


@pytest.mark.parametrize("msg_type", HEAVIEST)
def test_memory_is_a_small_multiple_of_the_message(msg_type: str) -> None:
    payload = HEAVIEST[msg_type]
    decode(msg_type, LITERALS[msg_type][0])  # imports what it needs
    tracemalloc.start()
    try:
        message = decode(msg_type, payload)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert message.serialize() == payload
    assert peak < 50 * len(payload)


@pytest.mark.parametrize("msg_type", MSG_TYPES)
@pytest.mark.parametrize("count", [b"\xfe\x00\x00\x00\x02", b"\xfd\xff\xff", b"\xfe\xff\xff\xff\xff"])
def test_a_count_alone_takes_no_memory(msg_type: str, count: bytes) -> None:
    starts = {0, 1, 4, 5, 28, 32, 33, 36, 65, 80, 84, 88}
    tracemalloc.start()
    try:
        for start in sorted(starts):
            try:
                decode(msg_type, bytes(start) + count + bytes(60))
            except WireError:
                continue
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 100_000


MAX_SAFE = 2**53 - 1


def _bounded(digits: str) -> int:
    number = int(digits)
    assert -MAX_SAFE <= number <= MAX_SAFE
    return number


@given(st.sampled_from(sorted(REGISTRY)), st.binary(max_size=300))
@settings(max_examples=1000)
def test_no_number_of_any_payload_is_beyond_what_json_readers_keep(msg_type: str, payload: bytes) -> None:
    try:
        fields_of = decode(msg_type, payload).to_json()
    except WireError:
        return
    json.loads(json.dumps(fields_of), parse_int=_bounded)


@pytest.mark.parametrize("byte", [0x00, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("msg_type", sorted(REGISTRY))
def test_no_extreme_number_is_beyond_what_json_readers_keep(msg_type: str, byte: int) -> None:
    for length in range(120):
        try:
            fields_of = decode(msg_type, bytes([byte]) * length).to_json()
        except WireError:
            continue
        json.loads(json.dumps(fields_of), parse_int=_bounded)


def test_a_number_beyond_is_null_and_its_digits_are_beside_it() -> None:
    fields_of = decode("feefilter", bytes(7) + b"\x80").to_json()
    assert fields_of["fee_rate"] is None
    assert fields_of["fee_rate_text"] == "-9223372036854775808"
