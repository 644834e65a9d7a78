"""DNS messages: literal bytes, and what is wrong with them."""

from __future__ import annotations

import struct

import pytest

from bitcoin_handshake.resolver.message import (
    MalformedMessage,
    NotOurAnswer,
    Rcode,
    RecordType,
    build_query,
    encode_name,
    name_text,
    read_name,
    read_reply,
)
from tests.scripted_dns import (
    NS,
    OPT,
    QUESTION,
    RA,
    TC,
    address,
    alias,
    answer,
    record,
    wire_name,
)

NAME = encode_name("seed.example")
QUERY = build_query(NAME, RecordType.A, query_id=0xBEEF)
QUERY6 = build_query(NAME, RecordType.AAAA, query_id=0xBEEF)
ONE = bytes((127, 0, 0, 1))


def test_writes_a_query_as_the_rfcs_have_it() -> None:
    assert (
        bytes.fromhex(
            "beef 0100 0001 0000 0000 0001"  # id, recursion desired, one question, one additional record
            "04 73656564 07 6578616d706c65 00 0001 0001"  # seed.example A IN
            "00 0029 04d0 00000000 0000"  # OPT: 1232 bytes, version 0
        )
        == QUERY
    )
    plain = build_query(NAME, RecordType.AAAA, query_id=1, edns=False)
    assert plain == bytes.fromhex("0001 0100 0001 0000 0000 0000 04 73656564 07 6578616d706c65 00 001c 0001")


def test_names_have_a_text_form() -> None:
    assert encode_name("Seed.Example.") == NAME
    assert name_text(NAME) == "seed.example"
    assert name_text(b"\0") == "."
    assert name_text(b"\x05a.\\\x1b\xff\0") == "a\\046\\092\\027\\255"


def test_reads_addresses_in_order_with_their_ttl() -> None:
    reply = read_reply(QUERY, answer(QUERY, [address("127.0.0.2", ttl=5), address("127.0.0.1")]))
    assert reply.addresses == {NAME: [(bytes((127, 0, 0, 2)), 5), (ONE, 60)]}
    assert (reply.rcode, reply.truncated, reply.referral, reply.aliases) == (0, False, False, {})
    assert reply.size == 30 + 2 * 16


def test_reads_ipv6_addresses() -> None:
    reply = read_reply(QUERY6, answer(QUERY6, [address("::1"), address("127.0.0.1")]))
    assert reply.addresses == {NAME: [(bytes(15) + b"\x01", 60)]}


def test_reads_aliases_compressed_and_not() -> None:
    pool = b"\x04pool" + b"\xc0\x11"  # pool.example: a pointer into the question
    message = answer(QUERY, [alias(pool), address("127.0.0.1", wire_name("pool.example"))])
    reply = read_reply(QUERY, message)
    assert reply.aliases == {NAME: (encode_name("pool.example"), 60)}
    assert list(reply.addresses) == [encode_name("pool.example")]


def test_names_compare_without_case() -> None:
    question = wire_name("SEED.Example") + bytes.fromhex("00010001")
    reply = read_reply(
        QUERY, answer(QUERY, [address("127.0.0.1", wire_name("sEED.example"))], question=question)
    )
    assert list(reply.addresses) == [NAME]


def test_records_of_other_classes_and_types_are_passed_over() -> None:
    records = [
        record(QUESTION, 1, ONE, rdclass=3),
        record(QUESTION, 16, b"\x03abc"),
        record(QUESTION, 46, bytes(40)),
        address("127.0.0.1"),
    ]
    assert read_reply(QUERY, answer(QUERY, records)).addresses == {NAME: [(ONE, 60)]}


def test_a_ttl_with_the_upper_bit_is_zero() -> None:
    reply = read_reply(QUERY, answer(QUERY, [address("127.0.0.1", ttl=0x80000000)]))
    assert reply.addresses[NAME] == [(ONE, 0)]


def test_edns_adds_the_upper_bits_of_the_code() -> None:
    opt = record(b"\0", OPT, b"", rdclass=1232, ttl=1 << 24)
    reply = read_reply(QUERY, answer(QUERY, [], [], [opt]))
    assert reply.rcode == Rcode.BADVERS


def test_unknown_codes_have_a_name() -> None:
    assert Rcode.text(2) == "SERVFAIL"
    assert Rcode.text(4095) == "RCODE4095"


@pytest.mark.parametrize(
    ("flags", "answers", "expected"),
    [(0, [], True), (RA, [], False), (0x0400, [], False), (0, [address("127.0.0.1")], False)],
)
def test_a_referral_is_recognized(flags: int, answers: list[bytes], expected: bool) -> None:
    servers = [record(wire_name("example"), NS, wire_name("ns.example"))]
    assert read_reply(QUERY, answer(QUERY, answers, servers, flags=flags)).referral is expected


def test_name_servers_in_the_additional_section_are_no_referral() -> None:
    servers = [record(wire_name("example"), NS, wire_name("ns.example"))]
    assert not read_reply(QUERY, answer(QUERY, [], [], servers, flags=0)).referral


@pytest.mark.parametrize("rcode", [1, 2, 4, 5])
def test_an_error_may_come_without_the_question(rcode: int) -> None:
    assert read_reply(QUERY, answer(QUERY, question=b"", rcode=rcode)).rcode == rcode


@pytest.mark.parametrize("length", range(12))
def test_less_than_a_header_is_no_answer(length: int) -> None:
    with pytest.raises(NotOurAnswer):
        read_reply(QUERY, answer(QUERY)[:length])


@pytest.mark.parametrize(
    "message",
    [
        answer(QUERY, query_id=b"\xbe\xee"),
        QUERY,  # an echo of the question
        answer(QUERY, flags=0x2000),  # another opcode
    ],
)
def test_what_is_no_answer_is_told_from_what_is_malformed(message: bytes) -> None:
    with pytest.raises(NotOurAnswer):
        read_reply(QUERY, message)


_LONG = b"\x3f" + b"a" * 63
_TOO_LONG_BY_A_POINTER = _LONG * 3 + b"\x3a" + b"b" * 58 + QUESTION
_MALFORMED = {
    "another question": answer(QUERY, question=wire_name("other.example") + bytes.fromhex("00010001")),
    "another type": answer(QUERY, question=NAME + bytes.fromhex("001c0001")),
    "another class": answer(QUERY, question=NAME + bytes.fromhex("00010003")),
    "no question": answer(QUERY, question=b""),
    "fewer records than announced": answer(QUERY, [address("127.0.0.1"), b""]),
    "an end inside a record": answer(QUERY, [address("127.0.0.1")])[:-1],
    "an end inside a record's head": answer(QUERY, [QUESTION + bytes(5)]),
    "an address of 3 bytes": answer(QUERY, [record(QUESTION, 1, b"abc")]),
    "an address of 16 bytes": answer(QUERY, [record(QUESTION, 1, bytes(16))]),
    "a pointer to itself": answer(QUERY, [address("127.0.0.1", b"\xc0\x1e")]),
    "a pointer forwards": answer(QUERY, [address("127.0.0.1", b"\xc0\x40")]),
    "a loop of two pointers": answer(QUERY, [address("127.0.0.1", b"\x01a\xc0\x20")]),
    "half a pointer": answer(QUERY, [b"\xc0"]),
    "an unknown kind of label": answer(QUERY, [address("127.0.0.1", b"\x41a\0")]),
    "a label past the end": answer(QUERY, [b"\x3fabc"]),
    "a name of 257 bytes": answer(QUERY, [address("127.0.0.1", _LONG * 4 + b"\0")]),
    "a name of 264 bytes by a pointer": answer(QUERY, [address("127.0.0.1", _TOO_LONG_BY_A_POINTER)]),
    "an alias longer than its name": answer(QUERY, [alias(wire_name("a") + b"x")]),
    "an alias shorter than its name": answer(QUERY, [record(QUESTION, 5, b"\x05abc")]),
}


@pytest.mark.parametrize("message", _MALFORMED.values(), ids=_MALFORMED.keys())
def test_malformed_messages_are_malformed(message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        read_reply(QUERY, message)


OPT_RECORD = record(b"\0", OPT, b"", rdclass=1232)


@pytest.mark.parametrize(
    ("authority", "additional"),
    [
        ([b"\x01"], []),
        ([], [b""]),  # the count of the query repeated, and no record
        ([], [OPT_RECORD, record(QUESTION, 16, b"\x03abc")]),
        ([], [record(b"\0", OPT, bytes.fromhex("fde9 0002 0000"), rdclass=1232)]),
    ],
)
def test_what_follows_the_answer_section_does_not_spoil_it(
    authority: list[bytes], additional: list[bytes]
) -> None:
    reply = read_reply(QUERY, answer(QUERY, [address("127.0.0.1")], authority, additional))
    assert reply.addresses == {NAME: [(ONE, 60)]}


def test_a_truncated_message_keeps_what_is_whole() -> None:
    message = answer(QUERY, [address("127.0.0.1"), address("127.0.0.2"), address("127.0.0.3")], flags=TC)
    reply = read_reply(QUERY, message[:-10])
    assert reply.truncated
    assert [packed[3] for packed, _ in reply.addresses[NAME]] == [1, 2]


def test_the_longest_name_is_read() -> None:
    name = _LONG * 3 + b"\x3d" + b"b" * 61 + b"\0"
    assert len(name) == 255
    assert read_name(name, 0, {}) == (name, 255)
    with pytest.raises(MalformedMessage):
        read_name(_LONG * 3 + b"\x3e" + b"b" * 62 + b"\0", 0, {})


def test_pointers_to_pointers_are_followed_backwards() -> None:
    message = b"\x01a\0" + b"\x01b\xc0\x00" + b"\x01c\xc0\x03" + b"\xc0\x07"
    known: dict[int, bytes] = {}
    assert read_name(message, 11, known) == (b"\x01c\x01b\x01a\0", 13)
    assert read_name(message, 7, known) == (b"\x01c\x01b\x01a\0", 11)
    names = {0: b"\x01a\0", 3: b"\x01b\x01a\0", 7: b"\x01c\x01b\x01a\0"}
    pointers = {5: names[0], 9: names[3], 11: names[7]}
    assert known == {**names, **pointers}


def test_each_label_is_walked_once_however_many_names_point_there() -> None:
    """5,000 names with 127 labels each, of pointers alone, would be 635,000 steps."""
    chain = b"\x01a" * 126 + b"\0"
    known: dict[int, bytes] = {}
    names = [read_name(chain + struct.pack(">H", 0xC000 | 2 * n), len(chain), known)[0] for n in range(126)]
    assert [len(name) for name in names] == [253 - 2 * n for n in range(126)]
    assert set(known) == {*range(0, 252, 2), len(chain)}


def test_a_whole_tcp_answer_is_read() -> None:
    records = [address(f"127.1.{n >> 8}.{n & 255}") for n in range(4000)]
    assert len(read_reply(QUERY, answer(QUERY, records)).addresses[NAME]) == 4000


def test_a_label_may_hold_a_zero_byte() -> None:
    name = b"\x02\x00a\x07example\0"
    query = build_query(name, RecordType.A, query_id=1)
    assert read_reply(query, answer(query, [address("127.0.0.1")])).addresses == {name: [(ONE, 60)]}
