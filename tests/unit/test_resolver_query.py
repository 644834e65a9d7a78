"""One question to DNS servers that behave, or fail in the ordinary ways."""

from __future__ import annotations

import asyncio

import pytest

from bitcoin_handshake.errors import (
    BadAnswer,
    FailureCode,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.resolver.message import RecordType, encode_name
from bitcoin_handshake.resolver.query import Exchange, Resolver, ask
from tests.scripted_dns import (
    TC,
    address,
    answer,
    by_type,
    framed,
    has_edns,
    on_both_loops,
    question_of,
    record,
    scripted_dns,
    silent,
)

NAME = encode_name("seed.example")
SHORT = 0.15
LONG = 20.0
"""A limit that a test which passes never waits for."""


async def _ask(*servers: Resolver, timeout_s: float = LONG, rdtype: RecordType = RecordType.A) -> Exchange:
    deadline = asyncio.get_running_loop().time() + timeout_s
    return await ask(NAME, rdtype, servers, deadline=deadline)


def _hosts(exchange: Exchange) -> list[str]:
    assert exchange.reply is not None
    return [".".join(map(str, packed)) for packed, _ in exchange.reply.addresses[NAME]]


def test_servers_have_a_text_form() -> None:
    assert Resolver("9.9.9.9").to_text() == "9.9.9.9:53"
    assert Resolver("::1", 5353).to_text() == "[::1]:5353"


@on_both_loops
async def test_an_answer_over_udp() -> None:
    async with scripted_dns(by_type(A=["127.0.0.1", "127.0.0.2"])) as server:
        exchange = await _ask(server.resolver)
    assert _hosts(exchange) == ["127.0.0.1", "127.0.0.2"]
    assert exchange.failure is None
    facts = exchange.facts
    assert (facts.server, facts.name, facts.rdtype) == (server.resolver.to_text(), "seed.example", "A")
    assert (facts.rcode, facts.truncated, facts.via_tcp, facts.edns) == ("NOERROR", False, False, True)
    assert (facts.answer_bytes, facts.records, facts.sends, facts.ignored) == (62, 2, 1, 0)
    assert facts.failure is None
    assert 0 < facts.elapsed_ms < LONG * 1000


@on_both_loops
async def test_each_question_has_an_id_of_its_own() -> None:
    async with scripted_dns(by_type()) as server:
        for _ in range(4):
            await _ask(server.resolver)
    assert len({query[:2] for query in server.udp_queries}) > 1


@on_both_loops
async def test_nxdomain_is_an_answer() -> None:
    async with scripted_dns(lambda query: [answer(query, rcode=3)]) as server:
        exchange = await _ask(server.resolver)
    assert exchange.reply is not None
    assert (exchange.failure, exchange.facts.rcode) == (None, "NXDOMAIN")


@pytest.mark.parametrize(
    ("rcode", "kind", "why"),
    [
        (2, ServerFailure, "it answered SERVFAIL"),
        (5, ResolveRefused, "it answered REFUSED"),
        (9, ResolveRefused, "it answered NOTAUTH"),
        (11, ServerFailure, "it answered RCODE11"),
    ],
)
@on_both_loops
async def test_error_codes_are_failures(rcode: int, kind: type[ResolveFailed], why: str) -> None:
    async with scripted_dns(lambda query: [answer(query, rcode=rcode)]) as server:
        exchange = await _ask(server.resolver)
    assert exchange.reply is None
    assert type(exchange.failure) is kind
    assert (exchange.failure.why, exchange.failure.name) == (why, "seed.example")
    assert exchange.failure.server == server.resolver.to_text()
    assert exchange.facts.failure is kind.code
    assert len(server.udp_queries) == 2


@on_both_loops
async def test_a_lost_question_is_asked_again() -> None:
    replies = [silent, by_type(A=["127.0.0.1"])]
    async with scripted_dns(lambda query: replies.pop(0)(query)) as server:
        exchange = await _ask(server.resolver, timeout_s=8 * SHORT)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert exchange.facts.sends == 2
    first, second = server.udp_queries
    assert (first[:2], question_of(first)) == (second[:2], question_of(second))


@on_both_loops
async def test_no_answer_ends_at_the_limit() -> None:
    start = asyncio.get_running_loop().time()
    async with scripted_dns(silent) as server:
        exchange = await _ask(server.resolver, timeout_s=SHORT)
    assert asyncio.get_running_loop().time() - start > 0.9 * SHORT
    assert type(exchange.failure) is ResolveTimeout
    assert exchange.failure.why.startswith("asked 4 times in 0.")
    assert len(server.udp_queries) == exchange.facts.sends == 4
    assert (exchange.facts.rcode, exchange.facts.failure) == (None, FailureCode.RESOLVE_TIMEOUT)


@on_both_loops
async def test_a_port_where_nothing_listens_fails_at_once() -> None:
    async with scripted_dns(silent) as server:
        pass
    exchange = await _ask(server.resolver)
    assert type(exchange.failure) is ResolveRefused
    assert exchange.failure.why.startswith("nothing listens there")


@on_both_loops
async def test_an_address_without_a_route_fails_at_once() -> None:
    exchange = await _ask(Resolver("fe80::1%lo"))
    assert isinstance(exchange.failure, ResolveFailed)
    assert exchange.failure.code in (FailureCode.RESOLVE_FAILED, FailureCode.RESOLVE_REFUSED)


@on_both_loops
async def test_another_server_is_asked_when_one_fails() -> None:
    async with (
        scripted_dns(lambda query: [answer(query, rcode=2)]) as broken,
        scripted_dns(by_type(A=["127.0.0.1"])) as good,
    ):
        exchange = await _ask(broken.resolver, good.resolver)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert exchange.facts.server == good.resolver.to_text()
    assert exchange.failure is None
    assert len(broken.udp_queries) == 1


@on_both_loops
async def test_another_server_is_asked_when_one_is_silent() -> None:
    async with scripted_dns(silent) as dead, scripted_dns(by_type(A=["127.0.0.1"])) as good:
        exchange = await _ask(dead.resolver, good.resolver, timeout_s=8 * SHORT)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert len(dead.udp_queries) == 1


@on_both_loops
async def test_a_late_answer_of_the_first_server_still_counts() -> None:
    """The second server's question makes the first one, asked before, speak."""
    first_query: list[bytes] = []

    def first(query: bytes) -> list[bytes]:
        first_query.append(query)
        return []

    async with scripted_dns(first) as slow:

        def second(query: bytes) -> list[bytes]:
            slow.speak(answer(first_query[0], [address("127.0.0.1")]))
            return []

        async with scripted_dns(second) as dead:
            exchange = await _ask(slow.resolver, dead.resolver, timeout_s=8 * SHORT)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert exchange.facts.server == slow.resolver.to_text()


@on_both_loops
async def test_the_last_failure_is_told_when_all_servers_fail() -> None:
    async with (
        scripted_dns(lambda query: [answer(query, rcode=2)]) as one,
        scripted_dns(lambda query: [answer(query, rcode=5)]) as two,
    ):
        exchange = await _ask(one.resolver, two.resolver)
    assert type(exchange.failure) is ResolveRefused
    assert exchange.failure.server == two.resolver.to_text()
    assert exchange.failure.why == f"it answered REFUSED; {one.resolver.to_text()}: it answered SERVFAIL"
    assert (len(one.udp_queries), len(two.udp_queries)) == (2, 2)


@on_both_loops
async def test_a_server_that_refers_to_others_is_no_end() -> None:
    name_server = record(encode_name("example"), 2, encode_name("ns.example"))
    async with (
        scripted_dns(lambda query: [answer(query, [], [name_server], flags=0)]) as first,
        scripted_dns(by_type(A=["127.0.0.1"])) as second,
    ):
        exchange = await _ask(first.resolver, second.resolver)
        assert _hosts(exchange) == ["127.0.0.1"]
        alone = await _ask(first.resolver)
    assert alone.reply is not None
    assert alone.reply.referral


class _HangsOverTcp(asyncio.Protocol):
    """Takes a connection and says nothing."""


@on_both_loops
async def test_a_server_that_hangs_over_tcp_takes_its_share_only() -> None:
    def truncated(query: bytes) -> list[bytes]:
        return [answer(query, [], flags=TC)]

    async with (
        scripted_dns(truncated, tcp_protocol=_HangsOverTcp) as first,
        scripted_dns(by_type(A=["127.0.0.1"])) as second,
    ):
        exchange = await _ask(first.resolver, second.resolver, timeout_s=8 * SHORT)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert exchange.facts.server == second.resolver.to_text()


@pytest.mark.parametrize("rcode", [1, 4])
@on_both_loops
async def test_a_server_that_does_not_know_edns_is_asked_without(rcode: int) -> None:
    def script(query: bytes) -> list[bytes]:
        if has_edns(query):
            return [answer(query, rcode=rcode, question=b"")]
        return [answer(query, [address("127.0.0.1")])]

    async with scripted_dns(script) as server:
        exchange = await _ask(server.resolver)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert not exchange.facts.edns
    assert len(server.udp_queries) == 2


@on_both_loops
async def test_formerr_without_edns_is_a_failure() -> None:
    async with scripted_dns(lambda query: [answer(query, rcode=1)]) as server:
        exchange = await _ask(server.resolver)
    assert type(exchange.failure) is ServerFailure
    assert exchange.failure.why == "it answered FORMERR"
    assert [has_edns(query) for query in server.udp_queries] == [True, False, False]


@on_both_loops
async def test_a_server_that_drops_edns_is_asked_without() -> None:
    async with scripted_dns(
        lambda query: [] if has_edns(query) else [answer(query, [address("127.0.0.1")])]
    ) as server:
        exchange = await _ask(server.resolver, timeout_s=8 * SHORT)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert not exchange.facts.edns


@on_both_loops
async def test_a_server_that_fails_once_is_asked_once_more() -> None:
    rcodes = [2, 0]
    async with scripted_dns(
        lambda query: [answer(query, [address("127.0.0.1")], rcode=rcodes.pop(0))]
    ) as server:
        exchange = await _ask(server.resolver)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert (exchange.failure, exchange.facts.sends) == (None, 2)


@on_both_loops
async def test_a_truncated_answer_is_fetched_over_tcp() -> None:
    full = [address(f"127.0.{n >> 8}.{n & 255}") for n in range(2000)]
    async with scripted_dns(
        lambda query: [answer(query, full[:3], flags=TC)], lambda query: framed(answer(query, full))
    ) as server:
        exchange = await _ask(server.resolver)
    assert len(_hosts(exchange)) == 2000
    assert server.tcp_queries == server.udp_queries
    facts = exchange.facts
    assert (facts.truncated, facts.via_tcp, facts.records, facts.failure) == (True, True, 2000, None)
    assert facts.answer_bytes == 30 + 16 * 2000


@on_both_loops
async def test_what_follows_a_truncated_answer_is_not_read() -> None:
    """Whoever floods the port while TCP is being tried costs no more than the packets."""
    async with scripted_dns(
        lambda query: [answer(query, flags=TC), b"noise", answer(query, [b"\xff"])],
        lambda query: framed(answer(query, [address("127.0.0.1")])),
    ) as server:
        exchange = await _ask(server.resolver)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert exchange.facts.ignored == 0


@on_both_loops
async def test_an_error_over_tcp_is_a_failure() -> None:
    async with scripted_dns(
        lambda query: [answer(query, flags=TC)], lambda query: framed(answer(query, rcode=2))
    ) as server:
        exchange = await _ask(server.resolver)
    assert type(exchange.failure) is ServerFailure
    assert (exchange.facts.via_tcp, exchange.facts.rcode) == (True, "SERVFAIL")


@on_both_loops
async def test_what_fitted_is_used_where_tcp_fails() -> None:
    async with scripted_dns(lambda query: [answer(query, [address("127.0.0.1")], flags=TC)]) as server:
        exchange = await _ask(server.resolver)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert type(exchange.failure) is ResolveRefused
    assert exchange.failure.why == "truncated over UDP, and TCP is refused"
    facts = exchange.facts
    assert (facts.truncated, facts.via_tcp, facts.failure) == (True, False, FailureCode.RESOLVE_REFUSED)


@on_both_loops
async def test_another_server_is_asked_where_tcp_gives_nothing() -> None:
    async with (
        scripted_dns(lambda query: [answer(query, flags=TC)]) as cut,
        scripted_dns(by_type(A=["127.0.0.1"])) as good,
    ):
        exchange = await _ask(cut.resolver, good.resolver)
    assert _hosts(exchange) == ["127.0.0.1"]
    assert exchange.failure is None


@on_both_loops
async def test_a_cancelled_question_closes_its_socket() -> None:
    async with scripted_dns(silent) as server:
        task = asyncio.create_task(_ask(server.resolver))
        while not server.udp_queries:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)  # an unclosed transport would warn, and warnings are errors


@on_both_loops
async def test_a_malformed_answer_over_tcp_is_a_bad_answer() -> None:
    async with scripted_dns(
        lambda query: [answer(query, flags=TC)], lambda query: framed(b"not dns at all")
    ) as server:
        exchange = await _ask(server.resolver)
    assert type(exchange.failure) is BadAnswer


@on_both_loops
async def test_a_silent_server_is_named_beside_one_that_fails() -> None:
    async with scripted_dns(lambda query: [answer(query, rcode=2)]) as broken, scripted_dns(silent) as dead:
        exchange = await _ask(broken.resolver, dead.resolver, timeout_s=SHORT)
    assert type(exchange.failure) is ServerFailure
    assert exchange.failure.why == f"it answered SERVFAIL; {dead.resolver.to_text()}: no answer"
