"""The v1 framing: what ends a stream, what costs a message, what is held, what is counted."""

from __future__ import annotations

import json
import tracemalloc
from hashlib import sha256

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import (
    AnomalyCode,
    BadMagic,
    FailureCode,
    MessageTooLarge,
    OtherChain,
    PeerError,
)
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD, ReceivedMessage, Transport
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.helpers import chunked, shared_vectors

MAINNET = bytes.fromhex("f9beb4d9")
PING = bytes.fromhex("f9beb4d970696e670000000000000000080000003b5a75130807060504030201")
VERACK = bytes.fromhex("f9beb4d976657261636b000000000000000000005df6e0e2")
LIMIT = 4_000_000
HEADER_LEN = 24


def _header(length: int, checksum: bytes = bytes(4), raw_type: bytes = b"ping") -> bytes:
    return MAINNET + raw_type.ljust(12, b"\0") + length.to_bytes(4, "little") + checksum


def _checksum(payload: bytes) -> bytes:
    return sha256(sha256(payload).digest()).digest()[:4]


def _fed(*pieces: bytes, max_kept_payload: int = MAX_KEPT_PAYLOAD) -> V1Transport:
    transport = V1Transport(MAINNET, max_kept_payload=max_kept_payload)
    for piece in pieces:
        transport.receive_data(piece)
    return transport


def _drain(transport: V1Transport) -> list[ReceivedMessage]:
    messages = []
    while (message := transport.next_message()) is not None:
        messages.append(message)
    return messages


def _facts(message: ReceivedMessage | None) -> tuple[str, bytes | None, int, AnomalyCode | None]:
    assert message is not None
    return message.msg_type, message.payload, message.size, message.anomaly


def _error(transport: V1Transport) -> PeerError:
    with pytest.raises(PeerError) as caught:
        transport.next_message()
    return caught.value


def test_writes_what_is_written_by_hand() -> None:
    assert serialize_message(MAINNET, "ping", bytes.fromhex("0807060504030201")) == PING
    assert serialize_message(MAINNET, "verack", b"") == VERACK
    assert serialize_message(b"abcd", "verack", b"") == b"abcd" + VERACK[4:]


def test_data_to_send_is_handed_out_once() -> None:
    transport: Transport = V1Transport(MAINNET)
    assert transport.data_to_send() == b""
    transport.send_message("ping", bytes.fromhex("0807060504030201"))
    transport.send_message("verack", b"")
    assert transport.data_to_send() == PING + VERACK
    assert transport.data_to_send() == b""


def test_reads_what_is_written_by_hand() -> None:
    transport = _fed(PING + VERACK)
    assert _facts(transport.next_message()) == ("ping", PING[24:], 8, None)
    assert transport.consumed == len(PING)
    assert transport.buffered == len(VERACK)
    assert _facts(transport.next_message()) == ("verack", b"", 0, None)
    assert transport.next_message() is None
    assert (transport.consumed, transport.buffered) == (len(PING + VERACK), 0)


def test_is_v1_and_has_no_phase_of_its_own() -> None:
    transport = V1Transport(MAINNET)
    assert (transport.name, transport.phase) == ("v1", None)


def test_every_framing_case_ends_as_in_core() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["framing_cases"]
    reactions = {
        "pong with the same nonce": ("ping", None),
        "disconnect": FailureCode.V1_BAD_MAGIC,
        "disconnect as soon as the header is complete": FailureCode.V1_MESSAGE_TOO_LARGE,
        "accepted: node waits for 4000000 payload bytes": "waits",
    }
    anomalies = {
        "wrong checksum": ("ping", AnomalyCode.BAD_CHECKSUM),
        "NUL inside the command": ("p\\x00ng", AnomalyCode.BAD_MSG_TYPE),
        "control byte in the command": ("ping\\x1f", AnomalyCode.BAD_MSG_TYPE),
        "byte 0x7f in the command": ("ping\\x7f", AnomalyCode.BAD_MSG_TYPE),
    }
    for case in cases:
        transport = _fed(bytes.fromhex(case["message_hex"]))
        seen: object
        try:
            message = transport.next_message()
            seen = "waits" if message is None else (message.msg_type, message.anomaly)
        except PeerError as error:
            seen = error.code
        assert seen == (anomalies.get(case["name"]) or reactions[case["reaction"]]), case["name"]
        if case["name"] in anomalies:
            assert case["reaction"] == "message dropped, connection kept"
            transport.receive_data(PING)
            assert _facts(transport.next_message()) == ("ping", PING[24:], 8, None)
    assert len(cases) == 8


@pytest.mark.parametrize(
    ("raw_type", "shown", "anomaly"),
    [
        (b"ping", "ping", None),
        (b"twelve_chars", "twelve_chars", None),
        (b"no\\slash ~", "no\\slash ~", None),
        (b"", "", None),
        (b"\0ping", "\\x00ping", AnomalyCode.BAD_MSG_TYPE),
        (b"\xff\x1b[31m", "\\xff\\x1b[31m", AnomalyCode.BAD_MSG_TYPE),
        (b"a\nb", "a\\nb", AnomalyCode.BAD_MSG_TYPE),
    ],
)
def test_illegal_types_are_shown_as_text(raw_type: bytes, shown: str, anomaly: AnomalyCode | None) -> None:
    transport = _fed(_header(2, _checksum(b"hi"), raw_type) + b"hi")
    assert _facts(transport.next_message()) == (shown, b"hi", 2, anomaly)


def test_empty_payload_with_another_checksum_is_an_anomaly() -> None:
    transport = _fed(VERACK[:20] + b"\x5d\xf6\xe0\xe3")
    assert _facts(transport.next_message()) == ("verack", b"", 0, AnomalyCode.BAD_CHECKSUM)


def test_an_unknown_empty_message_is_delivered() -> None:
    transport = _fed(_header(0, _checksum(b""), b"nonsense"))
    assert _facts(transport.next_message()) == ("nonsense", b"", 0, None)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"HTTP", FailureCode.FOREIGN_HTTP),
        (b"SSH-", FailureCode.FOREIGN_SSH),
        (b"\x15\x03\x01\x00", FailureCode.FOREIGN_TLS),
        (b"\x16\x03\x03\x00", FailureCode.FOREIGN_TLS),
        (b"\x16\x03\x05\x00", FailureCode.V1_BAD_MAGIC),
        (MAINNET[:3] + b"\xd8", FailureCode.V1_BAD_MAGIC),
        (bytes.fromhex("fabfb5da"), FailureCode.V1_OTHER_CHAIN),
        (bytes.fromhex("fbc0b6db"), FailureCode.V1_OTHER_CHAIN),
        (bytes.fromhex("e3e1f3e8"), FailureCode.V1_OTHER_CHAIN),
    ],
)
def test_the_fourth_byte_judges_the_magic(first: bytes, code: FailureCode) -> None:
    transport = _fed(first[:3])
    assert transport.next_message() is None
    transport.receive_data(first[3:])
    assert _error(transport).code is code
    assert transport.consumed == 4
    transport.receive_data(PING)
    assert _error(transport).code is code, "there is no resynchronisation"


def test_the_magic_is_judged_behind_a_message_too() -> None:
    transport = _fed(PING + b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert _facts(transport.next_message())[0] == "ping"
    assert _error(transport).code is FailureCode.FOREIGN_HTTP
    assert transport.consumed == len(PING) + 4


def test_other_chains_are_named() -> None:
    error = _error(_fed(CHAINS[Chain.TESTNET4].magic))
    assert isinstance(error, OtherChain)
    assert "testnet4" in str(error)
    assert "f9beb4d9" in str(_error(_fed(b"\0\0\0\0")))
    assert isinstance(error, BadMagic)


def test_4_000_001_bytes_are_refused_at_the_last_byte_of_the_header() -> None:
    transport = _fed(_header(LIMIT + 1)[:-1])
    assert transport.next_message() is None
    transport.receive_data(bytes(2))
    error = _error(transport)
    assert isinstance(error, MessageTooLarge)
    assert (error.length, error.limit) == (LIMIT + 1, LIMIT)
    assert transport.consumed == HEADER_LEN
    assert _error(transport) is error


def test_4_000_001_bytes_are_refused_however_much_is_kept() -> None:
    transport = _fed(_header(LIMIT + 1), max_kept_payload=2**32)
    assert _error(transport).code is FailureCode.V1_MESSAGE_TOO_LARGE
    assert _fed(_header(LIMIT), max_kept_payload=2**32).next_message() is None


def test_4_000_000_bytes_are_hashed_and_not_kept() -> None:
    payload = bytes(LIMIT)
    transport = _fed(_header(LIMIT, _checksum(payload)))
    assert transport.next_message() is None
    for start in range(0, LIMIT, 100_000):
        assert transport.next_message() is None
        transport.receive_data(payload[start : start + 100_000])
        assert transport.buffered <= 100_000
    assert _facts(transport.next_message()) == ("ping", None, LIMIT, None)
    assert (transport.consumed, transport.buffered) == (HEADER_LEN + LIMIT, 0)


@pytest.mark.parametrize("size", [99, 100, 101, 5000])
@pytest.mark.parametrize("intact", [True, False])
@pytest.mark.parametrize("cuts", [(), (24,), (23, 25), range(0, 6000, 7)], ids=str)
def test_payloads_over_the_limit_pass_in_any_segmentation(
    size: int, intact: bool, cuts: tuple[int, ...]
) -> None:
    payload = bytes(i % 251 for i in range(size))
    checksum = _checksum(payload) if intact else b"\0\0\0\1"
    stream = VERACK + _header(size, checksum, b"block") + payload + PING
    transport = V1Transport(MAINNET, max_kept_payload=100)
    messages = []
    for piece in chunked(stream, cuts):
        transport.receive_data(piece)
        messages += [_facts(message) for message in _drain(transport)]
    assert messages == [
        ("verack", b"", 0, None),
        ("block", payload if size <= 100 else None, size, None if intact else AnomalyCode.BAD_CHECKSUM),
        ("ping", PING[24:], 8, None),
    ]
    assert transport.consumed == len(stream)


def test_an_illegal_type_is_noted_on_a_payload_that_is_not_kept() -> None:
    transport = _fed(_header(5, _checksum(b"hello"), b"\xfe") + b"hello", max_kept_payload=4)
    assert _facts(transport.next_message()) == ("\\xfe", None, 5, AnomalyCode.BAD_MSG_TYPE)


def test_consumed_grows_only_by_whole_messages() -> None:
    transport = V1Transport(MAINNET)
    for index, byte in enumerate(PING):
        assert transport.next_message() is None
        assert (transport.consumed, transport.buffered) == (0, index)
        transport.receive_data(bytes((byte,)))
    assert transport.next_message() is not None
    assert (transport.consumed, transport.buffered) == (len(PING), 0)


def _bytes_held_after(transport: V1Transport, pieces: list[bytes]) -> int:
    """Feed the pieces and forget them; give what is still allocated because of them."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        while pieces:
            transport.receive_data(bytes(bytearray(pieces.pop())))
            while transport.next_message() is not None:
                pass
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("left", [0, 1, 23, 30])
def test_a_read_of_many_messages_is_not_held_for_the_few_bytes_at_its_end(left: int) -> None:
    """A full read of 256 KiB held for each of 4,096 connections would be 1 GiB, counted as nothing."""
    transport = V1Transport(MAINNET)
    held = _bytes_held_after(transport, [PING * 8191 + PING[:left]])
    assert transport.buffered == left
    assert held < 4096
    transport.receive_data(PING[left:])
    assert _facts(transport.next_message()) == ("ping", PING[24:], 8, None)


def test_what_passes_of_a_large_payload_is_not_held() -> None:
    transport = V1Transport(MAINNET)
    held = _bytes_held_after(transport, [_header(LIMIT) + bytes(200_000)])
    assert transport.buffered == 0
    assert held < 4096


def test_drips_hold_no_more_than_what_came() -> None:
    transport = V1Transport(MAINNET)
    stream = PING * 40 + _header(MAX_KEPT_PAYLOAD) + bytes(2000)
    held = _bytes_held_after(transport, [bytes((byte,)) for byte in reversed(stream)])
    assert transport.buffered == HEADER_LEN + 2000
    assert held < 8192


def test_a_lie_about_the_length_allocates_nothing() -> None:
    held = _bytes_held_after(V1Transport(MAINNET), [_header(LIMIT) + b"x"])
    assert held < 4096


def test_the_header_goes_with_the_message() -> None:
    transport = _fed(PING + VERACK + _header(3, bytes(4)) + b"bad", max_kept_payload=8)
    assert [message.header for message in _drain(transport)] == [PING[:24], VERACK, _header(3, bytes(4))]
    skimmed = _fed(_header(9) + bytes(9), max_kept_payload=8).next_message()
    assert skimmed is not None
    assert skimmed.header == _header(9)


def test_a_message_says_what_it_is() -> None:
    assert repr(ReceivedMessage("ping", b"", 0)) == "ReceivedMessage('ping', 0 bytes, anomaly=None)"
