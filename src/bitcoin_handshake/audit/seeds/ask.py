"""Puts the questions of an audit to the DNS servers, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from bitcoin_handshake.audit.seeds.questions import Question
from bitcoin_handshake.errors import EnvironmentFailure, ResolveFailed

if TYPE_CHECKING:
    import dns.message
    import dns.name

    from bitcoin_handshake.audit.seeds.dnssec import Anchors

__all__ = ["Answer", "Signatures", "ask_all", "check_signed"]

QUESTIONS_AT_ONCE = 8
MAX_ADDRESSES = 4096
"""Addresses of one answer that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a question.

    Attributes:
        question: It.
        rcode: Response code, `NOERROR` for one; None where no answer came.
        addresses: In the order of the answer, repeated ones too.
        ttl_s: The shortest of the records; None where there are none.
        elapsed_ms: From the question to the answer; None where none came.
        protocol: By which it came: `udp tcp tls https`; None where none came.
        was_truncated: Whether it did not fit into UDP.
        code: Failure code where no answer came.
        why: The failure in words.
    """

    question: Question
    rcode: str | None = None
    addresses: Sequence[str] = field(default=())
    ttl_s: int | None = None
    elapsed_ms: float | None = None
    protocol: str | None = None
    was_truncated: bool = False
    code: str | None = None
    why: str = ""

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON has them."""
        return {
            "name": self.question.name,
            "filter": None if not self.question.mask else self.question.label,
            "type": self.question.rdtype,
            "resolver": self.question.server.to_text(),
            "rcode": self.rcode,
            "addresses": list(self.addresses),
            "ttl_s": self.ttl_s,
            "elapsed_ms": None if self.elapsed_ms is None else round(self.elapsed_ms, 3),
            "protocol": self.protocol,
            "truncated": self.was_truncated,
            "code": self.code,
            "reason": self.why or None,
        }


@dataclass(frozen=True, slots=True)
class Signatures:
    """What DNSSEC says about a seed.

    Attributes:
        state: `none signed valid bogus unknown`.
        why: What that rests on.
    """

    state: str
    why: str


async def ask_all(questions: Sequence[Question], *, timeout_s: float) -> list[Answer]:
    """Put all questions, QUESTIONS_AT_ONCE (8) at a time; the first about each seed before all others.

    Returns:
        An answer for each, in their order.

    Raises:
        EnvironmentFailure: None of the first ones was answered at all: there is no connection, or the
            servers are the wrong ones. That is said once.
    """
    firsts = {question.seed: question for question in reversed(questions)}
    found = {answer.question: answer for answer in await _ask_these(list(firsts.values()), timeout_s)}
    if found and all(answer.rcode is None for answer in found.values()):
        reasons = {f"{answer.question.server.to_text()}: {answer.why}" for answer in found.values()}
        raise EnvironmentFailure(
            f"no DNS server answers ({'; '.join(sorted(reasons))}): is this machine connected? "
            "--resolver names another"
        )
    others = [question for question in questions if question not in found]
    found |= {answer.question: answer for answer in await _ask_these(others, timeout_s)}
    return [found[question] for question in questions]


async def _ask_these(questions: Sequence[Question], timeout_s: float) -> list[Answer]:
    room = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def put(question: Question) -> Answer:
        async with room:
            return await _put(question, timeout_s)

    return list(await asyncio.gather(*map(put, questions)))


async def _put(asked: Question, timeout_s: float) -> Answer:
    import dns.rcode
    import dns.rdatatype

    from bitcoin_handshake.resolver.exchange import exchange, question

    try:
        query = question(asked.name + ".", asked.rdtype)
        found = await exchange(query, asked.server, timeout_s=timeout_s, keeps_duplicates=True)
    except ResolveFailed as error:
        return Answer(question=asked, code=error.code, why=error.why or error.what)
    wanted = dns.rdatatype.from_text(asked.rdtype)
    rrsets = [rrset for rrset in found.response.answer if rrset.rdtype == wanted]
    addresses = [ip_address(record.address).compressed for rrset in rrsets for record in rrset]
    return Answer(
        question=asked,
        rcode=dns.rcode.to_text(found.response.rcode()),
        addresses=addresses[:MAX_ADDRESSES],
        ttl_s=min((rrset.ttl for rrset in rrsets), default=None),
        elapsed_ms=found.elapsed_ms,
        protocol=found.protocol,
        was_truncated=found.was_truncated,
    )


async def check_signed(answer: Answer, anchors: Anchors, *, timeout_s: float) -> Signatures:
    """Check the signatures of an answer that has addresses, by the server that gave it."""
    import dns.name

    from bitcoin_handshake.audit.seeds.dnssec import check_signatures
    from bitcoin_handshake.resolver.exchange import exchange, question

    asked = answer.question

    async def ask(name: dns.name.Name, rdtype: str) -> dns.message.Message:
        query = question(name, rdtype, with_dnssec=True)
        return (await exchange(query, asked.server, timeout_s=timeout_s)).response

    try:
        state, why = await check_signatures(dns.name.from_text(asked.name), asked.rdtype, ask, anchors)
    except ResolveFailed as error:
        return Signatures("unknown", error.why or error.what)
    return Signatures(state, why)
