"""What a simulated DNS seed answers: the bytes of a query in, the bytes of an answer out.

Owns one zone as clients see it: A and AAAA of its nodes, names like `x9.ZONE` that ask for nodes
with these service bits, truncation, EDNS(0). Behaviours make it lie or fail in one way each.
No sockets: `simulate.dns` has them. Records are packed once and sent many times: packing 25 of
them with a DNS library costs 300 to 745 us.

Sources: RFC 1035; RFC 2308 (the SOA record with negative answers); RFC 6891 (EDNS). The filter
prefixes of Bitcoin's seeds are lower-case hex without leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.protocol import ServiceFlags
from bitcoin_handshake.resolver.message import (
    EDNS_UDP_LEN,
    HEADER,
    RECORD,
    MalformedMessage,
    Rcode,
    RecordType,
    encode_name,
    name_text,
    read_name,
)
from bitcoin_handshake.targets import check_name

__all__ = ["MAX_TCP_ANSWER_LEN", "DnsBehaviour", "SeedNode", "Zone"]

MAX_TCP_ANSWER_LEN = 65535
MIN_UDP_ANSWER_LEN = 512
MAX_FILTERS = 64
"""Filters packed and kept; more are answered all the same, and packed each time."""
THOUSANDS = 4000

_FILTER = re.compile(r"x([1-9a-f][0-9a-f]{0,15})").fullmatch
_OWNER = b"\xc0\x0c"  # a pointer to the name in the question, which begins behind the header
_DEFAULT_SERVICES = int(ServiceFlags.NODE_NETWORK | ServiceFlags.NODE_WITNESS)

_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_AUTHORITATIVE: Final = 0x0400
_TRUNCATED: Final = 0x0200
_RECURSION_DESIRED: Final = 0x0100
_CLASS_IN: Final = 1
_CLASS_ANY: Final = 255


class DnsBehaviour(StrEnum):
    """What the seed does."""

    ANSWER = "answer"  # serves its nodes, as a seed should
    NXDOMAIN = "nxdomain"  # says that no name exists
    SERVFAIL = "servfail"  # says that it failed
    REFUSED = "refused"  # says that it will not
    SILENT = "silent"  # takes every question, over TCP too, and never answers
    TRUNCATED_NO_TCP = "truncated-no-tcp"  # empty truncated answers, and nothing listens on TCP
    TRUNCATED_SILENT_TCP = "truncated-silent-tcp"  # likewise, and TCP takes the question only
    THOUSANDS = "thousands"  # THOUSANDS (4000) more addresses of 127.0.0.0/8 behind its nodes
    WRONG_NAME = "wrong-name"  # its records belong to another name
    CNAME_LOOP = "cname-loop"  # two names that are aliases of each other


@dataclass(frozen=True, slots=True)
class SeedNode:
    """A node that the seed knows.

    Attributes:
        host: IPv4 or IPv6 address.
        services: Its service bits, for the filters; NETWORK and WITNESS if nothing else is said.
    """

    host: str
    services: int = _DEFAULT_SERVICES


@dataclass(frozen=True, slots=True)
class _Question:
    """A query that could be read, with what its answer must repeat.

    Attributes:
        query_id: As it came.
        flags: As they came.
        section: The question section's bytes, spelled as they came.
        name: Lower-case text.
        rdtype: The type asked for.
        rdclass: The class asked for.
        udp_len: What the client takes over UDP in bytes; 0 without EDNS.
        edns_version: 0 is the only one there is.
    """

    query_id: int
    flags: int
    section: bytes
    name: str
    rdtype: int
    rdclass: int
    udp_len: int
    edns_version: int


class _Refused(Exception):
    """A query that gets nothing but a response code."""

    def __init__(self, rcode: Rcode) -> None:
        self.rcode = rcode


class Zone:
    """The seed's zone, ready to answer.

    Attributes:
        name: The seed's name, lower case, without trailing dot.
        behaviour: What it does.
        queries: How many questions have come.
    """

    def __init__(self, name: str, nodes: Sequence[SeedNode], *, behaviour: DnsBehaviour, ttl_s: int) -> None:
        """Take the nodes in.

        Args:
            name: DNS name.
            nodes: In the order of the answers.
            behaviour: What the seed does.
            ttl_s: How long its answers may be kept.

        Raises:
            InputError: The name is no DNS name, or a node's host is no IP address.
        """
        self.name = check_name(name)
        self.behaviour = behaviour
        self.queries = 0
        self._ttl_s = ttl_s
        self._nodes = [(NetAddr.from_text(node.host, 0), node.services) for node in nodes]
        self._packed: dict[tuple[int, int], list[bytes]] = {}

    def answer(self, query: bytes, *, over_tcp: bool) -> bytes | None:
        """Answer one query.

        Args:
            query: As it arrived, any bytes.
            over_tcp: The answer may have 65,535 bytes, whatever the client says.

        Returns:
            The whole answer without TCP's length; None where none is due: an answer instead of
            a question, less than a header, or the behaviour is silence.
        """
        if len(query) < HEADER.size or query[2] & 0x80:
            return None
        self.queries += 1
        try:
            question = _read_question(query)
        except _Refused as refused:
            return _bare_answer(query, refused.rcode)
        except MalformedMessage:
            return _bare_answer(query, Rcode.FORMERR)
        if self._is_silent(over_tcp=over_tcp):
            return None
        rcode, answers, authority = self._judge(question)
        if rcode is Rcode.BADVERS:
            return _assemble(question, rcode, [], [], MIN_UDP_ANSWER_LEN)
        if self._truncates(over_tcp=over_tcp):
            return _assemble(question, rcode, [], [], MAX_TCP_ANSWER_LEN, truncated=True)
        limit = min(max(question.udp_len, MIN_UDP_ANSWER_LEN), EDNS_UDP_LEN)
        return _assemble(question, rcode, answers, authority, MAX_TCP_ANSWER_LEN if over_tcp else limit)

    def _is_silent(self, *, over_tcp: bool) -> bool:
        if self.behaviour is DnsBehaviour.TRUNCATED_SILENT_TCP:
            return over_tcp
        return self.behaviour is DnsBehaviour.SILENT

    def _truncates(self, *, over_tcp: bool) -> bool:
        cuts = (DnsBehaviour.TRUNCATED_NO_TCP, DnsBehaviour.TRUNCATED_SILENT_TCP)
        return self.behaviour in cuts and not over_tcp

    def _judge(self, question: _Question) -> tuple[Rcode, list[bytes], list[bytes]]:
        """Response code, answer records, authority records."""
        if question.edns_version:
            return Rcode.BADVERS, [], []
        match self.behaviour:
            case DnsBehaviour.NXDOMAIN:
                return Rcode.NXDOMAIN, [], [self._soa()]
            case DnsBehaviour.SERVFAIL:
                return Rcode.SERVFAIL, [], []
            case DnsBehaviour.REFUSED:
                return Rcode.REFUSED, [], []
            case DnsBehaviour.CNAME_LOOP:
                return Rcode.NOERROR, self._loop_of_aliases(), []
        is_inside = question.name == self.name or question.name.endswith("." + self.name)
        if not is_inside or question.rdclass not in (_CLASS_IN, _CLASS_ANY):
            return Rcode.REFUSED, [], []
        mask = self._mask_of(question.name)
        if mask is None:
            return Rcode.NXDOMAIN, [], [self._soa()]
        answers = self._answers(mask, question)
        return Rcode.NOERROR, answers, [] if answers else [self._soa()]

    def _mask_of(self, name: str) -> int | None:
        """The service bits that a name asks for; None where there is no such name."""
        if name == self.name:
            return 0
        match = _FILTER(name.removesuffix("." + self.name))
        return int(match.group(1), 16) if match else None

    def _answers(self, mask: int, question: _Question) -> list[bytes]:
        match question.rdtype:
            case RecordType.A | RecordType.AAAA:
                return self._records(mask, question.rdtype)
            case RecordType.ANY:
                return self._records(mask, RecordType.A) + self._records(mask, RecordType.AAAA)
            case RecordType.SOA if not mask:
                return [self._soa()]
        return []

    def _records(self, mask: int, rdtype: int) -> list[bytes]:
        """The packed records of the nodes that have these service bits."""
        packed = self._packed.get((mask, rdtype))
        if packed is None:
            network = Network.IPV4 if rdtype == RecordType.A else Network.IPV6
            owner = encode_name("elsewhere.invalid") if self._lies_about_the_name() else _OWNER
            packed = [
                self._record(owner, rdtype, netaddr.packed)
                for netaddr, services in self._nodes
                if netaddr.network is network and services & mask == mask
            ]
            if self.behaviour is DnsBehaviour.THOUSANDS and rdtype == RecordType.A:
                extra = (bytes((127, 200, n >> 8, n & 255)) for n in range(THOUSANDS))
                packed += [self._record(owner, rdtype, address) for address in extra]
            if len(self._packed) < MAX_FILTERS:
                self._packed[mask, rdtype] = packed
        return packed

    def _lies_about_the_name(self) -> bool:
        return self.behaviour is DnsBehaviour.WRONG_NAME

    def _record(self, owner: bytes, rdtype: int, data: bytes) -> bytes:
        return owner + RECORD.pack(rdtype, _CLASS_IN, self._ttl_s, len(data)) + data

    def _soa(self) -> bytes:
        zone = encode_name(self.name)
        hostmaster = b"\x0ahostmaster" + zone
        # serial, refresh, retry, expire, and for how long a negative answer may be kept
        numbers = b"".join(value.to_bytes(4, "big") for value in (1, 3600, 600, 86400, self._ttl_s))
        return self._record(zone, RecordType.SOA, zone + hostmaster + numbers)

    def _loop_of_aliases(self) -> list[bytes]:
        there = encode_name(f"there.{self.name}")
        return [
            self._record(_OWNER, RecordType.CNAME, there),
            self._record(there, RecordType.CNAME, _OWNER),
        ]


def _read_question(query: bytes) -> _Question:
    """Read a query of one question and, maybe, EDNS.

    Raises:
        MalformedMessage: It is none.
        _Refused: It is none that anybody answers.
    """
    query_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(query)
    if flags & _OPCODE:
        raise _Refused(Rcode.NOTIMP)
    if questions != 1:
        raise _Refused(Rcode.FORMERR)
    known: dict[int, bytes] = {}
    name, offset = read_name(query, HEADER.size, known)
    end = offset + 4
    if end > len(query):
        raise MalformedMessage("the question runs past the end")
    udp_len = version = 0
    position = end
    for _ in range(answers + authorities + additionals):
        _, position = read_name(query, position, known)
        if position + RECORD.size > len(query):
            raise MalformedMessage("a record runs past the end")
        rdtype, rdclass, ttl, length = RECORD.unpack_from(query, position)
        position += RECORD.size + length
        if rdtype == RecordType.OPT:
            if udp_len:
                raise MalformedMessage("EDNS twice")
            udp_len, version = max(rdclass, MIN_UDP_ANSWER_LEN), ttl >> 16 & 0xFF
    return _Question(
        query_id=query_id,
        flags=flags,
        section=query[HEADER.size : end],
        name=name_text(name),
        rdtype=int.from_bytes(query[offset : offset + 2], "big"),
        rdclass=int.from_bytes(query[offset + 2 : end], "big"),
        udp_len=udp_len,
        edns_version=version,
    )


def _bare_answer(query: bytes, rcode: Rcode) -> bytes:
    """An answer to a query that could not be read: its header only."""
    query_id, flags, *_ = HEADER.unpack_from(query)
    return HEADER.pack(query_id, _RESPONSE | flags & (_OPCODE | _RECURSION_DESIRED) | rcode, 0, 0, 0, 0)


def _assemble(
    question: _Question,
    rcode: Rcode,
    answers: list[bytes],
    authority: list[bytes],
    limit: int,
    *,
    truncated: bool = False,
) -> bytes:
    """Put an answer together, with as many records as fit into `limit` bytes, and TC if not all do."""
    opt = b""
    if question.udp_len:
        opt = b"\0" + RECORD.pack(RecordType.OPT, EDNS_UDP_LEN, rcode >> 4 << 24, 0)
    room = limit - HEADER.size - len(question.section) - len(opt)
    body = b"".join(answers)
    if len(body) > room:
        truncated = limit < MAX_TCP_ANSWER_LEN  # over TCP there is no larger answer to ask for
        answers = _fitting(answers, room)
        body = b"".join(answers)
    extra = b"".join(authority)
    if len(body) + len(extra) > room:
        authority, extra = [], b""
    flags = _RESPONSE | question.flags & _RECURSION_DESIRED | rcode & 0xF
    if rcode in (Rcode.NOERROR, Rcode.NXDOMAIN):
        flags |= _AUTHORITATIVE
    if truncated:
        flags |= _TRUNCATED
    header = HEADER.pack(question.query_id, flags, 1, len(answers), len(authority), int(bool(opt)))
    return header + question.section + body + extra + opt


def _fitting(records: list[bytes], room: int) -> list[bytes]:
    """The first records that fit, whole ones only."""
    for count, record in enumerate(records):
        room -= len(record)
        if room < 0:
            return records[:count]
    return records
