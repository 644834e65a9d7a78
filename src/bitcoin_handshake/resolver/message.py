"""DNS messages: writing a question, reading an answer that may be hostile.

Owns the wire form of DNS as far as A and AAAA look-ups need it: header, question, resource
records, EDNS(0), compressed names. Pure: bytes in, values out; no socket, no clock, no entropy.
Knows neither retransmission nor which server to believe (`resolver.query` does).

Written here rather than left to a library because the answer is a peer's: 4,000 records, which
one TCP answer can hold, take 3.5 ms to read (dnspython: 160 ms, during which nothing else runs),
and looking up a name costs no import. Tests compare it with dnspython.

Sources: RFC 1035 section 4; RFC 3596 (AAAA); RFC 6891 (EDNS); RFC 2181 section 8 (TTL).
"""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct

__all__ = [
    "EDNS_UDP_LEN",
    "HEADER",
    "MalformedMessage",
    "NotOurAnswer",
    "Rcode",
    "RecordType",
    "Reply",
    "build_query",
    "encode_name",
    "name_text",
    "read_name",
    "read_reply",
]

HEADER = Struct(">HHHHHH")
"""id, flags, and the number of entries in the question, answer, authority, additional section."""
RECORD = Struct(">HHIH")
"""type, class, TTL in seconds, length of the data in bytes; follows the owner's name."""
EDNS_UDP_LEN = 1232
"""The largest UDP answer that we take, in bytes: fits an IPv6 packet of 1280 (DNS flag day 2020)."""
MAX_NAME_WIRE_LEN = 255

FLAG_RESPONSE = 0x8000
FLAG_AUTHORITATIVE = 0x0400
FLAG_TRUNCATED = 0x0200
FLAG_RECURSION_DESIRED = 0x0100
FLAG_RECURSION_AVAILABLE = 0x0080
CLASS_IN = 1
_MAX_TTL = 0x7FFFFFFF


class RecordType(IntEnum):
    """The types that matter here, by their number."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    AAAA = 28
    OPT = 41
    ANY = 255


class Rcode(IntEnum):
    """Response codes, with the upper bits that EDNS adds."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    NOTAUTH = 9
    BADVERS = 16

    @classmethod
    def text(cls, rcode: int) -> str:
        """Name of a code, `RCODE17` and the like for an unknown one."""
        try:
            return cls(rcode).name
        except ValueError:
            return f"RCODE{rcode}"


class MalformedMessage(ValueError):
    """The bytes are no DNS message, or none that answers the question."""


class NotOurAnswer(ValueError):
    """A message that is no answer to the question asked: another id, or a question itself."""


@dataclass(slots=True)
class Reply:
    """What an answer says, as far as it is about addresses.

    Names are in wire form, lower case, without compression.

    Attributes:
        rcode: Response code, 0 to 4095.
        truncated: The TC bit: the answer did not fit.
        referral: No answer, but name servers to ask instead: the server does no recursion.
        addresses: Owner to its (4- or 16-byte address, TTL in seconds) pairs, of the type asked.
        aliases: Owner to (target, TTL in seconds), from CNAME records.
        size: Length of the message in bytes.
    """

    rcode: int
    truncated: bool
    referral: bool = False
    addresses: dict[bytes, list[tuple[bytes, int]]] = field(default_factory=dict)
    aliases: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    size: int = 0


def encode_name(name: str) -> bytes:
    """Write an ASCII name, checked before (`targets.check_name`), in wire form: 2 to 255 bytes."""
    labels = name.rstrip(".").lower().encode("ascii").split(b".")
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def name_text(name: bytes) -> str:
    """Write a wire-form name as text, bytes that are not printable ASCII as `\\DDD`."""
    labels = []
    offset = 0
    while length := name[offset]:
        label = name[offset + 1 : offset + 1 + length]
        labels.append("".join(chr(c) if 33 <= c <= 126 and c not in b".\\" else f"\\{c:03d}" for c in label))
        offset += 1 + length
    return ".".join(labels) or "."


def build_query(name: bytes, rdtype: int, *, query_id: int, edns: bool = True) -> bytes:
    """Write a recursive question for one name and type in class IN.

    Args:
        name: Wire form.
        rdtype: A `RecordType`.
        query_id: 0 to 65535, unpredictable.
        edns: Say that EDNS_UDP_LEN (1232) bytes are welcome over UDP.
    """
    header = HEADER.pack(query_id, FLAG_RECURSION_DESIRED, 1, 0, 0, int(edns))
    question = name + rdtype.to_bytes(2, "big") + CLASS_IN.to_bytes(2, "big")
    opt = b"\0" + RECORD.pack(RecordType.OPT, EDNS_UDP_LEN, 0, 0) if edns else b""
    return header + question + opt


def read_name(message: bytes, offset: int, known: dict[int, bytes]) -> tuple[bytes, int]:
    """Read a name that may be compressed.

    Args:
        message: The whole message.
        offset: Where the name begins.
        known: Names read before, by the offset of each label and pointer; filled here. Without
            it a message of 64 KiB could make us walk five thousand chains of 127 labels.

    Returns:
        The name in wire form and lower case, 1 to 255 bytes, and the offset behind it.

    Raises:
        MalformedMessage: It runs past the end, is longer than 255 bytes, or a pointer does not
            point backwards (which is what every loop needs).
    """
    labels = bytearray()
    visited: list[tuple[int, int]] = []
    behind = 0
    limit = offset
    try:
        while length := message[offset]:
            visited.append((offset, len(labels)))
            if length >= 0xC0:
                target = (length & 0x3F) << 8 | message[offset + 1]
                behind = behind or offset + 2
                if target >= limit:
                    raise MalformedMessage("a compression pointer that does not point backwards")
                if (suffix := known.get(target)) is not None:
                    labels += suffix
                    break
                offset = limit = target
                continue
            if length > 63:
                raise MalformedMessage("a label of an unknown kind")
            labels += message[offset : offset + 1 + length]
            offset += 1 + length
            if len(labels) >= MAX_NAME_WIRE_LEN:
                raise MalformedMessage("a name of more than 255 bytes")
        else:
            labels.append(0)
            behind = behind or offset + 1
    except IndexError:
        raise MalformedMessage("a name runs past the end") from None
    if len(labels) > MAX_NAME_WIRE_LEN:
        raise MalformedMessage("a name of more than 255 bytes")
    name = bytes(labels).lower()
    for position, start in visited:
        known[position] = name[start:]
    return name, behind


def read_reply(query: bytes, message: bytes) -> Reply:
    """Read what came back for a question.

    Args:
        query: The question as `build_query` wrote it.
        message: What arrived, at most 65,535 bytes.

    Returns:
        What it says. A truncated message (TC) may end anywhere: what is whole is kept. Damage
        after the answer section is passed over, as stub resolvers do.

    Raises:
        NotOurAnswer: Another id, or no answer at all: anybody can have sent it.
        MalformedMessage: Ours by its id, but no DNS message, or the answer to another question.
    """
    if len(message) < HEADER.size:
        raise NotOurAnswer(f"{len(message)} bytes, less than a header")
    query_id, flags, questions, answers, authorities, additionals = HEADER.unpack_from(message)
    if message[:2] != query[:2] or not flags & FLAG_RESPONSE or flags & 0x7800:
        raise NotOurAnswer(f"id {query_id:#06x}, flags {flags:#06x}: no answer to our question")
    reply = Reply(rcode=flags & 0xF, truncated=bool(flags & FLAG_TRUNCATED), size=len(message))
    question_end = _question_end(query)
    if not questions and reply.rcode:  # a server that could not read the question
        return reply
    if questions != 1 or message[12:question_end].lower() != query[12:question_end].lower():
        raise MalformedMessage("the answer to another question")
    rdtype = int.from_bytes(query[question_end - 4 : question_end - 2], "big")
    # The question's name is what nearly every record points to.
    known = {12: query[12 : question_end - 4].lower()}
    try:
        offset = _read_answers(message, question_end, answers, rdtype, known, reply)
    except MalformedMessage:
        if not reply.truncated:
            raise
    else:
        # Some servers repeat the query's record count of the additional section and leave the record out.
        with suppress(MalformedMessage):
            _read_rest(message, offset, authorities, additionals, known, reply)
    served = flags & (FLAG_AUTHORITATIVE | FLAG_RECURSION_AVAILABLE)
    reply.referral = reply.referral and not answers and not served
    return reply


def _question_end(query: bytes) -> int:
    """Offset behind the question of a query of ours, whose name is not compressed."""
    offset = HEADER.size
    while length := query[offset]:
        offset += 1 + length
    return offset + 5


def _read_record(
    message: bytes, offset: int, known: dict[int, bytes]
) -> tuple[bytes, int, int, int, int, int]:
    """Read one record's head: owner, type, class, TTL, and where its data begins and ends."""
    # 1.0 us instead of 1.9 for an owner that is a pointer to a name known already.
    if message[offset : offset + 1] == b"\xc0" and message[offset + 1 : offset + 2] == b"\x0c":
        owner, offset = known[12], offset + 2
    else:
        owner, offset = read_name(message, offset, known)
    try:
        rdtype, rdclass, ttl, length = RECORD.unpack_from(message, offset)
    except struct.error:
        raise MalformedMessage("a record runs past the end") from None
    start = offset + RECORD.size
    if start + length > len(message):
        raise MalformedMessage("a record's data runs past the end")
    return owner, rdtype, rdclass, ttl, start, start + length


def _read_answers(
    message: bytes, offset: int, count: int, rdtype: int, known: dict[int, bytes], reply: Reply
) -> int:
    """Read the answer section into `reply`, and return the offset behind it."""
    address_len = 4 if rdtype == RecordType.A else 16
    for _ in range(count):
        owner, type_, class_, ttl, start, end = _read_record(message, offset, known)
        offset = end
        if class_ != CLASS_IN:
            continue
        if ttl > _MAX_TTL:
            ttl = 0
        if type_ == rdtype:
            if end - start != address_len:
                raise MalformedMessage(f"an address of {end - start} bytes")
            reply.addresses.setdefault(owner, []).append((message[start:end], ttl))
        elif type_ == RecordType.CNAME:
            target, behind = read_name(message, start, known)
            if behind != end:
                raise MalformedMessage("a CNAME that is shorter or longer than its name")
            reply.aliases.setdefault(owner, (target, ttl))
    return offset


def _read_rest(
    message: bytes, offset: int, authorities: int, additionals: int, known: dict[int, bytes], reply: Reply
) -> None:
    """Look for name servers in the authority section, and for EDNS in the additional one."""
    for index in range(authorities + additionals):
        _, type_, _, ttl, _, offset = _read_record(message, offset, known)
        if type_ == RecordType.NS and index < authorities:
            reply.referral = True
        elif type_ == RecordType.OPT and index >= authorities:
            reply.rcode |= ttl >> 24 << 4  # RFC 6891, "OPT Record TTL Field Use"
