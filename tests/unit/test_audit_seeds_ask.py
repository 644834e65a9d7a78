"""Questions to a real server, and its answers as facts."""

from __future__ import annotations

import pytest

from bitcoin_handshake.audit.seeds.ask import Answer, ask_all, check_signed
from bitcoin_handshake.audit.seeds.dnssec import ROOT_ANCHORS
from bitcoin_handshake.audit.seeds.questions import questions_for
from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.resolver.servers import Server
from bitcoin_handshake.simulate.dns import DnsServer
from bitcoin_handshake.simulate.zone import DnsBehaviour

pytestmark = pytest.mark.asyncio

SEED = "seed.example"


async def _answers(behaviour: DnsBehaviour, addresses: list[str], timeout_s: float = 5.0) -> list[Answer]:
    seed = DnsServer(SEED, addresses, behaviour=behaviour, ttl_s=77)
    host, port = await seed.start()
    try:
        questions = questions_for([SEED], [Server.from_text(f"{host}:{port}")])
        return await ask_all(questions, timeout_s=timeout_s)
    finally:
        await seed.close()


async def test_answers_are_facts() -> None:
    answers = await _answers(DnsBehaviour.ANSWER, ["127.1.0.1", "::1"])
    assert [(answer.question.name, answer.question.rdtype) for answer in answers] == [
        (SEED, "A"), (SEED, "AAAA"), (f"x9.{SEED}", "A"), (f"x9.{SEED}", "AAAA"),
    ]  # fmt: skip
    assert [list(answer.addresses) for answer in answers] == [["127.1.0.1"], ["::1"]] * 2
    first = answers[0].to_json()
    assert (first["ttl_s"], first["rcode"], first["protocol"], first["filter"]) == (
        77,
        "NOERROR",
        "udp",
        None,
    )
    assert answers[2].to_json()["filter"] == "x9"


async def test_failures_are_facts_too() -> None:
    [first, *_] = await _answers(DnsBehaviour.NXDOMAIN, [])
    assert (first.rcode, first.addresses, first.ttl_s) == ("NXDOMAIN", [], None)


async def test_the_signatures_of_a_server_that_goes_away() -> None:
    [first, *_] = await _answers(DnsBehaviour.ANSWER, ["127.1.0.1"])
    assert (await check_signed(first, ROOT_ANCHORS, timeout_s=0.05)).state == "unknown"


async def test_one_server_that_answers_is_enough() -> None:
    seed = DnsServer(SEED, ["127.1.0.1"])
    host, port = await seed.start()
    works = Server.from_text(f"{host}:{port}")
    gone = Server.from_text(f"tls://127.0.0.1:{port}")
    try:
        answers = await ask_all(questions_for([SEED], [works, gone]), timeout_s=5.0)
        assert [answer.rcode for answer in answers] == ["NOERROR", None] * 4
        assert str(answers[1].code).startswith("resolve.")
        with pytest.raises(EnvironmentFailure, match=r"no DNS server answers \(tls://127.0.0.1"):
            await ask_all(questions_for([SEED], [gone]), timeout_s=5.0)
    finally:
        await seed.close()


async def test_a_server_that_never_answers_is_said_once() -> None:
    with pytest.raises(EnvironmentFailure, match="no answer from the DNS server in time"):
        await _answers(DnsBehaviour.SILENT, [], timeout_s=0.05)
