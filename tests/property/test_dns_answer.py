"""Any bytes as a DNS answer; and what dnspython makes of the same messages."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.ipv4
import dns.ipv6
import dns.message
import dns.name
import dns.rdatatype
from hypothesis import example, given
from hypothesis import strategies as st

from bitcoin_handshake.resolver.message import (
    MalformedMessage,
    NotOurAnswer,
    RecordType,
    build_query,
    encode_name,
    name_text,
    read_reply,
)
from tests.scripted_dns import address, alias, answer, record, wire_name

QUERIES = [
    build_query(encode_name("seed.example"), rdtype, query_id=0x1234, edns=edns)
    for rdtype in (RecordType.A, RecordType.AAAA)
    for edns in (True, False)
]
_label = st.binary(min_size=1, max_size=63)
_name = st.builds(
    lambda labels: b"".join(bytes([len(label)]) + label for label in labels) + b"\0",
    st.lists(_label, max_size=3),
)
_owner = st.sampled_from([b"\xc0\x0c", b"\xc0\x11", wire_name("other.example"), b"\x01a\xc0\x0c"]) | _name
_record = st.one_of(
    st.builds(
        lambda owner, ip, ttl: address(str(ip), owner, ttl=ttl),
        _owner,
        st.ip_addresses(),
        st.integers(0, 0xFFFFFFFF),
    ),
    st.builds(lambda owner, target: alias(target, owner), _owner, _owner),
    st.builds(
        lambda owner, rdtype, data: record(owner, rdtype, data),
        _owner,
        st.integers(65280, 65534),
        st.binary(max_size=20),
    ),
)


@given(st.sampled_from(QUERIES), st.binary(max_size=400))
@example(QUERIES[0], QUERIES[0])
def test_any_bytes_end_in_a_reply_or_in_a_documented_error(query: bytes, message: bytes) -> None:
    for attempt in (message, query[:2] + b"\x84\x00" + message, answer(query, [message] * 3)):
        try:
            reply = read_reply(query, attempt)
        except (MalformedMessage, NotOurAnswer):
            continue
        assert reply.size == len(attempt)


@given(st.sampled_from(QUERIES), st.lists(_record, max_size=8), st.data())
def test_a_damaged_answer_ends_in_a_reply_or_in_a_documented_error(
    query: bytes, records: list[bytes], data: st.DataObject
) -> None:
    message = bytearray(answer(query, records))
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        reply = read_reply(query, bytes(message))
    except (MalformedMessage, NotOurAnswer):
        return
    lengths = {len(packed) for pairs in reply.addresses.values() for packed, _ in pairs}
    assert lengths <= {4} or lengths <= {16}


@given(st.sampled_from(QUERIES), st.lists(_record, max_size=8))
def test_dnspython_reads_the_same(query: bytes, records: list[bytes]) -> None:
    message = answer(query, records)
    try:
        theirs = dns.message.from_wire(message, one_rr_per_rrset=True)
    except dns.exception.DNSException:
        theirs = None
    try:
        ours = read_reply(query, message)
    except MalformedMessage:
        # A record of a type that we do not read may hide its damage from us, never the other way round.
        assert theirs is None
        return
    assert theirs is not None
    rdtype = int.from_bytes(query[12 + 14 : 12 + 16], "big")
    expected: dict[bytes, list[tuple[str, int]]] = {}
    for rrset in theirs.answer:
        if rrset.rdtype == rdtype:
            owner = rrset.name.canonicalize().to_wire()
            assert owner is not None
            expected.setdefault(owner, []).extend((rdata.to_text(), rrset.ttl) for rdata in rrset)
    found = {
        owner: [(_text(packed), ttl) for packed, ttl in pairs] for owner, pairs in ours.addresses.items()
    }
    assert found == expected


def _text(packed: bytes) -> str:
    return dns.ipv4.inet_ntoa(packed) if len(packed) == 4 else dns.ipv6.inet_ntoa(packed)


@given(st.sampled_from(QUERIES))
def test_dnspython_reads_our_questions(query: bytes) -> None:
    message = dns.message.from_wire(query)
    [question] = message.question
    assert question.name == dns.name.from_text("seed.example")
    assert question.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
    assert message.flags == dns.flags.RD
    assert (message.edns, message.payload) in ((0, 1232), (-1, 0))


@given(_name)
def test_every_name_has_a_printable_text(name: bytes) -> None:
    assert name_text(name).isprintable()
