"""The answer of a DNS server: any bytes end in a reply or in a documented error."""

from __future__ import annotations

from bitcoin_handshake.resolver.message import (
    MalformedMessage,
    NotOurAnswer,
    RecordType,
    build_query,
    encode_name,
    name_text,
    read_reply,
)

_NAME = encode_name("seed.example")
_QUERIES = [build_query(_NAME, rdtype, query_id=0) for rdtype in (RecordType.A, RecordType.AAAA)]


def one_input(data: bytes) -> None:
    """Read the bytes as they are, and behind a right header and question."""
    for query in _QUERIES:
        question = query[12 : 12 + len(_NAME) + 4]
        for message in (data, query[:2] + data, query[:2] + data[:10] + question + data[10:]):
            try:
                reply = read_reply(query, message)
            except (MalformedMessage, NotOurAnswer):
                continue
            for owner in (*reply.addresses, *reply.aliases):
                assert len(owner) <= 255
                assert name_text(owner).isprintable()
