"""What the simulated seed answers, byte for byte and as dnspython reads it."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.protocol import ServiceFlags
from bitcoin_handshake.simulate.zone import (
    MAX_FILTERS,
    MAX_TCP_ANSWER_LEN,
    THOUSANDS,
    DnsBehaviour,
    SeedNode,
    Zone,
)

ZONE = "seed.example"
NODES = [
    SeedNode("127.0.0.1"),
    SeedNode("127.0.0.2", 0x809),
    SeedNode("::1"),
    SeedNode("127.0.0.3", 0x408),
]


def _zone(behaviour: DnsBehaviour = DnsBehaviour.ANSWER, nodes: list[SeedNode] = NODES) -> Zone:
    return Zone(ZONE, nodes, behaviour=behaviour, ttl_s=60)


def _query(
    name: str = ZONE, rdtype: str = "A", rdclass: str = "IN", *, udp_len: int | None = None, version: int = 0
) -> bytes:
    edns = False if udp_len is None else version
    return dns.message.make_query(name, rdtype, rdclass, use_edns=edns, payload=udp_len or 0, id=7).to_wire()


def _ask(query: bytes, zone: Zone | None = None, *, over_tcp: bool = False) -> dns.message.Message:
    answer = (zone or _zone()).answer(query, over_tcp=over_tcp)
    assert answer is not None
    message = dns.message.from_wire(answer)
    assert message.id == 7
    assert message.flags & dns.flags.QR
    return message


def _texts(message: dns.message.Message) -> list[str]:
    return [rdata.to_text() for rrset in message.answer for rdata in rrset]


def test_the_bytes_of_an_answer() -> None:
    answer = Zone(ZONE, [SeedNode("127.0.0.1")], behaviour=DnsBehaviour.ANSWER, ttl_s=60).answer(
        _query(udp_len=4096), over_tcp=False
    )
    assert answer == bytes.fromhex(
        "0007 8500 0001 0001 0000 0001"  # an authoritative answer, recursion was desired
        "04 73656564 07 6578616d706c65 00 0001 0001"
        "c00c 0001 0001 0000003c 0004 7f000001"
        "00 0029 04d0 00000000 0000"
    )


def test_serves_both_families_in_order() -> None:
    assert _texts(_ask(_query())) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert _texts(_ask(_query(rdtype="AAAA"))) == ["::1"]
    assert len(_texts(_ask(_query(rdtype="ANY")))) == 4
    assert _texts(_ask(_query(rdtype="SOA"))) == [
        "seed.example. hostmaster.seed.example. 1 3600 600 86400 60"
    ]


def test_names_compare_without_case_and_come_back_as_spelled() -> None:
    answer = _zone().answer(_query("SeeD.ExamplE"), over_tcp=False)
    assert answer is not None
    assert b"\x04SeeD\x07ExamplE\x00" in answer
    assert len(_texts(dns.message.from_wire(answer))) == 3


@pytest.mark.parametrize(
    ("label", "hosts"),
    [
        ("x1", ["127.0.0.1", "127.0.0.2"]),
        ("X9", ["127.0.0.1", "127.0.0.2"]),
        ("x809", ["127.0.0.2"]),
        ("x408", ["127.0.0.3"]),
        ("x49", []),
        ("xffffffffffffffff", []),
    ],
)
def test_filters_by_service_bits(label: str, hosts: list[str]) -> None:
    message = _ask(_query(f"{label}.{ZONE}"))
    assert message.rcode() == dns.rcode.NOERROR
    assert _texts(message) == hosts
    assert [rrset.rdtype for rrset in message.authority] == ([] if hosts else [dns.rdatatype.SOA])


def test_a_bare_node_has_what_cores_seeds_ask_for() -> None:
    assert SeedNode("127.0.0.1").services == ServiceFlags.NODE_NETWORK | ServiceFlags.NODE_WITNESS == 9


@pytest.mark.parametrize("label", ["www", "x", "x09", "x0", "xg", "x10000000000000000", "a.x9", "9"])
def test_other_names_in_the_zone_do_not_exist(label: str) -> None:
    message = _ask(_query(f"{label}.{ZONE}"))
    assert message.rcode() == dns.rcode.NXDOMAIN
    assert message.flags & dns.flags.AA
    assert [rrset.name.to_text() for rrset in message.authority] == ["seed.example."]


def test_types_that_it_has_not_are_empty_answers() -> None:
    message = _ask(_query(rdtype="TXT"))
    assert (message.rcode(), _texts(message)) == (dns.rcode.NOERROR, [])
    assert [rrset.rdtype for rrset in message.authority] == [dns.rdatatype.SOA]


@pytest.mark.parametrize("name", ["other.example", "example", ".", "notseed.example", "seed.example.org"])
def test_other_zones_are_refused(name: str) -> None:
    message = _ask(_query(name))
    assert message.rcode() == dns.rcode.REFUSED
    assert not message.flags & dns.flags.AA


def test_other_classes_are_refused() -> None:
    assert _ask(_query(rdclass="CH")).rcode() == dns.rcode.REFUSED
    assert len(_texts(_ask(_query(rdclass="ANY")))) == 3


def test_an_unknown_edns_version_is_bad() -> None:
    message = _ask(_query(udp_len=1232, version=1))
    assert message.rcode() == dns.rcode.BADVERS
    assert message.edns == 0


@pytest.mark.parametrize(
    ("udp_len", "limit", "records"),
    [(None, 512, 30), (100, 512, 29), (512, 512, 29), (600, 600, 34), (1232, 1232, 74), (65535, 1232, 74)],
)
def test_truncates_over_udp_to_what_the_client_takes(udp_len: int | None, limit: int, records: int) -> None:
    zone = _zone(nodes=[SeedNode(f"127.0.1.{n}") for n in range(200)])
    query = _query(udp_len=udp_len)
    answer = zone.answer(query, over_tcp=False)
    assert answer is not None
    assert limit - 16 < len(answer) <= limit
    message = dns.message.from_wire(answer)
    assert message.flags & dns.flags.TC
    assert len(_texts(message)) == records
    full = _ask(query, zone, over_tcp=True)
    assert not full.flags & dns.flags.TC
    assert len(_texts(full)) == 200


def test_tcp_takes_as_many_as_a_message_holds() -> None:
    zone = _zone(nodes=[SeedNode(f"127.{n >> 8}.{n & 255}.1") for n in range(5000)])
    answer = zone.answer(_query(), over_tcp=True)
    assert answer is not None
    assert MAX_TCP_ANSWER_LEN - 16 < len(answer) <= MAX_TCP_ANSWER_LEN
    assert not dns.message.from_wire(answer).flags & dns.flags.TC


_EDNS = _query(udp_len=512)


@pytest.mark.parametrize(
    ("query", "rcode"),
    [
        (_query()[:-1], dns.rcode.FORMERR),  # ends inside the question
        (_query()[:12], dns.rcode.FORMERR),
        (_query()[:4] + b"\0\0" + _query()[6:], dns.rcode.FORMERR),  # no question
        (_query()[:4] + b"\0\2" + _query()[6:], dns.rcode.FORMERR),  # two questions
        (_query()[:2] + b"\x28\0" + _query()[4:], dns.rcode.NOTIMP),  # an update
        (_query()[:12] + b"\xc0\x0c\0\1\0\1", dns.rcode.FORMERR),  # a pointer to itself
        (_EDNS[:-3], dns.rcode.FORMERR),  # ends inside the OPT record
        (
            _query(udp_len=512)[:11] + b"\2" + _query(udp_len=512)[12:] + _query(udp_len=512)[-11:],
            dns.rcode.FORMERR,
        ),
    ],
)
def test_damaged_questions_get_a_code(query: bytes, rcode: dns.rcode.Rcode) -> None:
    answer = _zone().answer(query, over_tcp=False)
    assert answer is not None
    assert len(answer) == 12
    assert answer[:2] == b"\0\7"
    assert answer[3] & 0xF == rcode


@pytest.mark.parametrize("query", [b"", _query()[:11], b"\0\7\x80" + _query()[3:]])
def test_what_is_no_question_gets_nothing(query: bytes) -> None:
    """An answer to an answer would make two servers talk for ever."""
    zone = _zone()
    assert zone.answer(query, over_tcp=False) is None
    assert zone.queries == 0


@pytest.mark.parametrize(
    ("behaviour", "rcode"),
    [
        (DnsBehaviour.NXDOMAIN, dns.rcode.NXDOMAIN),
        (DnsBehaviour.SERVFAIL, dns.rcode.SERVFAIL),
        (DnsBehaviour.REFUSED, dns.rcode.REFUSED),
    ],
)
def test_behaviours_that_fail(behaviour: DnsBehaviour, rcode: dns.rcode.Rcode) -> None:
    message = _ask(_query(), _zone(behaviour))
    assert message.rcode() == rcode
    assert not message.answer


def test_a_silent_seed_counts_only() -> None:
    zone = _zone(DnsBehaviour.SILENT)
    assert zone.answer(_query(), over_tcp=False) is None
    assert zone.answer(_query(), over_tcp=True) is None
    assert zone.queries == 2


@pytest.mark.parametrize("behaviour", [DnsBehaviour.TRUNCATED_NO_TCP, DnsBehaviour.TRUNCATED_SILENT_TCP])
def test_a_truncating_seed(behaviour: DnsBehaviour) -> None:
    message = _ask(_query(), _zone(behaviour))
    assert message.flags & dns.flags.TC
    assert not message.answer
    silent = _zone(behaviour).answer(_query(), over_tcp=True) is None
    assert silent == (behaviour is DnsBehaviour.TRUNCATED_SILENT_TCP)


def test_a_seed_with_thousands() -> None:
    assert len(_texts(_ask(_query(), _zone(DnsBehaviour.THOUSANDS), over_tcp=True))) == THOUSANDS + 3
    assert _texts(_ask(_query(rdtype="AAAA"), _zone(DnsBehaviour.THOUSANDS), over_tcp=True)) == ["::1"]


def test_a_seed_that_answers_for_another_name() -> None:
    message = _ask(_query(), _zone(DnsBehaviour.WRONG_NAME))
    assert {rrset.name.to_text() for rrset in message.answer} == {"elsewhere.invalid."}


def test_a_seed_whose_aliases_go_round() -> None:
    message = _ask(_query(), _zone(DnsBehaviour.CNAME_LOOP))
    assert [(rrset.name.to_text(), rrset[0].to_text()) for rrset in message.answer] == [
        ("seed.example.", "there.seed.example."),
        ("there.seed.example.", "seed.example."),
    ]


def test_filters_beyond_those_kept_are_answered_too() -> None:
    zone = _zone()
    for mask in range(1, 200):
        hosts = [node.host for node in NODES if ":" not in node.host and node.services & mask == mask]
        assert _texts(_ask(_query(f"x{mask:x}.{ZONE}"), zone)) == hosts
    assert len(zone._packed) == MAX_FILTERS


def test_what_is_no_zone_or_no_address_is_rejected() -> None:
    with pytest.raises(InputError):
        Zone("1.2.3", [], behaviour=DnsBehaviour.ANSWER, ttl_s=60)
    with pytest.raises(InputError):
        _zone(nodes=[SeedNode("node.example")])
