"""Names to addresses: who is asked, both families, aliases, and the verdict."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from bitcoin_handshake.errors import (
    BadAnswer,
    BadTarget,
    CnameLoop,
    FailureCode,
    InputError,
    NameNotFound,
    NoAddresses,
    ResolveFailed,
    ResolveRefused,
    ServerFailure,
)
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver import Resolution, ResolvedAddress, Resolver, parse_resolver, resolve
from bitcoin_handshake.resolver.names import MAX_ALIASES
from bitcoin_handshake.resolver.system import system_nameservers
from tests.scripted_dns import (
    AAAA,
    NS,
    A,
    UdpScript,
    address,
    alias,
    answer,
    by_type,
    name_of,
    on_both_loops,
    rdtype_of,
    record,
    scripted_dns,
    silent,
    wire_name,
)

SEED = "seed.example"


def _hosts(resolution: Resolution) -> list[str]:
    return [each.host for each in resolution.addresses]


async def _resolve(script: UdpScript, name: str = SEED, timeout_s: float = 20) -> Resolution:
    async with scripted_dns(script) as server:
        return await resolve(name, resolver=server.resolver, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("system", None),
        ("System", None),
        ("9.9.9.9", Resolver("9.9.9.9", 53)),
        ("127.0.0.1:5353", Resolver("127.0.0.1", 5353)),
        ("::1", Resolver("::1", 53)),
        ("[::1]:5353", Resolver("::1", 5353)),
        ("[fe80::1%eth0]:53", Resolver("fe80::1%eth0", 53)),
    ],
)
def test_reads_a_resolver(text: str, resolver: Resolver | None) -> None:
    assert parse_resolver(text) == resolver


@pytest.mark.parametrize(
    "text",
    ["", "dns.example", "9.9.9.9:0", "9.9.9", "a" * 52 + ".b32.i2p"],
)
def test_rejects_what_is_no_resolver(text: str) -> None:
    with pytest.raises(InputError, match="is not a resolver") as caught:
        parse_resolver(text)
    assert caught.value.code is FailureCode.INPUT_BAD_OPTION


@on_both_loops
async def test_both_families_are_asked_and_ipv4_comes_first() -> None:
    async with scripted_dns(by_type(A=["127.0.0.2", "127.0.0.1"], AAAA=["::1"])) as server:
        resolution = await resolve("Seed.Example.", resolver=server.resolver.to_text())
    assert sorted(map(rdtype_of, server.udp_queries)) == [A, AAAA]
    assert resolution.name == SEED
    assert resolution.addresses == (
        ResolvedAddress("127.0.0.2", Network.IPV4, 60),
        ResolvedAddress("127.0.0.1", Network.IPV4, 60),
        ResolvedAddress("::1", Network.IPV6, 60),
    )
    assert (resolution.server, resolution.local, resolution.dropped) == (server.resolver.to_text(), False, 0)
    assert [(facts.rdtype, facts.records) for facts in resolution.queries] == [("A", 2), ("AAAA", 1)]
    assert resolution.elapsed_ms >= max(facts.elapsed_ms for facts in resolution.queries)


@on_both_loops
async def test_only_the_families_wanted_are_asked() -> None:
    async with scripted_dns(by_type(A=["127.0.0.1"], AAAA=["::1"])) as server:
        only4 = await resolve(SEED, resolver=server.resolver, families=[Network.IPV4])
        only6 = await resolve(SEED, resolver=server.resolver, families={Network.IPV6})
    assert (_hosts(only4), _hosts(only6)) == (["127.0.0.1"], ["::1"])
    assert [rdtype_of(query) for query in server.udp_queries] == [A, AAAA]


@on_both_loops
async def test_addresses_are_returned_as_they_are_and_once() -> None:
    script = by_type(
        A=["10.0.0.1", "0.0.0.0", "10.0.0.1"], AAAA=["::ffff:10.0.0.1", "::ffff:10.0.0.2", "fc00::1"]
    )
    resolution = await _resolve(script)
    assert _hosts(resolution) == ["10.0.0.1", "0.0.0.0", "10.0.0.2", "fc00::1"]
    assert resolution.addresses[2].network is Network.IPV4


async def _fails(script: UdpScript, name: str = SEED, timeout_s: float = 20) -> ResolveFailed:
    with pytest.raises(ResolveFailed) as caught:
        await _resolve(script, name, timeout_s)
    assert caught.value.name == name
    assert caught.value.server.startswith("127.0.0.1:")
    return caught.value


def _codes(a: int, aaaa: int) -> UdpScript:
    return lambda query: [answer(query, rcode=a if rdtype_of(query) == A else aaaa)]


@pytest.mark.parametrize(
    ("a", "aaaa", "kind"),
    [
        (3, 3, NameNotFound),
        (0, 0, NoAddresses),
        (2, 2, ServerFailure),
        (5, 5, ResolveRefused),
        (0, 3, NameNotFound),
        (2, 0, ServerFailure),
        (0, 2, ServerFailure),
        (5, 2, ServerFailure),
    ],
)
@on_both_loops
async def test_the_most_telling_failure_speaks_for_the_name(
    a: int, aaaa: int, kind: type[ResolveFailed]
) -> None:
    assert type(await _fails(_codes(a, aaaa))) is kind


@pytest.mark.parametrize("bad", [2, 3, 5])
@on_both_loops
async def test_the_good_family_wins(bad: int) -> None:
    resolution = await _resolve(
        lambda query: [
            answer(query, [address("127.0.0.1")]) if rdtype_of(query) == A else answer(query, rcode=bad)
        ]
    )
    assert _hosts(resolution) == ["127.0.0.1"]
    assert [facts.rdtype for facts in resolution.queries] == ["A", "AAAA"]
    assert resolution.queries[1].rcode == {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}[bad]
    assert (resolution.queries[1].failure is None) == (bad == 3)


@on_both_loops
async def test_a_silent_family_is_not_waited_for_to_the_limit() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    resolution = await _resolve(
        lambda query: by_type(AAAA=["::1"])(query) if rdtype_of(query) == AAAA else [], timeout_s=1.0
    )
    assert 0.4 < loop.time() - start < 1.0
    assert _hosts(resolution) == ["::1"]
    assert [facts.failure for facts in resolution.queries] == [FailureCode.RESOLVE_TIMEOUT, None]
    assert resolution.server == resolution.queries[1].server


@on_both_loops
async def test_aliases_are_followed_within_an_answer() -> None:
    pool = wire_name("pool.example")
    last = wire_name("last.example")
    resolution = await _resolve(
        lambda query: [
            answer(
                query, [address("127.0.0.9", last, ttl=30), alias(pool, ttl=20), alias(last, pool, ttl=40)]
            )
            if rdtype_of(query) == A
            else answer(query)
        ]
    )
    assert resolution.addresses == (ResolvedAddress("127.0.0.9", Network.IPV4, 20),)


@on_both_loops
async def test_an_alias_whose_target_is_not_in_the_answer_is_asked_for() -> None:
    def script(query: bytes) -> Sequence[bytes]:
        if name_of(query) == wire_name(SEED):
            return [answer(query, [alias(wire_name("pool.example"), ttl=7)])]
        return by_type(A=["127.0.0.1"])(query)

    resolution = await _resolve(script)
    assert resolution.addresses == (ResolvedAddress("127.0.0.1", Network.IPV4, 7),)
    assert sorted((facts.rdtype, facts.name) for facts in resolution.queries) == [
        ("A", "pool.example"),
        ("A", SEED),
        ("AAAA", "pool.example"),
        ("AAAA", SEED),
    ]


@on_both_loops
async def test_an_alias_to_a_name_that_does_not_exist() -> None:
    error = await _fails(lambda query: [answer(query, [alias(wire_name("gone.example"))], rcode=3)])
    assert type(error) is NameNotFound


def _chain(length: int) -> list[bytes]:
    names = [wire_name(SEED), *(wire_name(f"a{n}.example") for n in range(length))]
    return [alias(target, owner) for owner, target in pairwise(names)]


@on_both_loops
async def test_a_chain_of_aliases_has_a_limit() -> None:
    def script(length: int) -> UdpScript:
        last = wire_name(f"a{length - 1}.example")
        return lambda query: [answer(query, [*_chain(length), address("127.0.0.1", last)], flags=0x80)]

    resolution = await _resolve(script(MAX_ALIASES))
    assert _hosts(resolution) == ["127.0.0.1"]
    error = await _fails(script(MAX_ALIASES + 1))
    assert type(error) is CnameLoop
    assert error.why == "more than 16 aliases"


@on_both_loops
async def test_records_of_other_names_only_are_a_bad_answer() -> None:
    other = wire_name("other.example")
    error = await _fails(lambda query: [answer(query, [address("127.0.0.1", other), address("::1", other)])])
    assert type(error) is BadAnswer
    assert error.why == "it holds records of other names only"


@on_both_loops
async def test_records_of_other_names_are_passed_over() -> None:
    other = address("127.0.0.66", wire_name("other.example"))
    resolution = await _resolve(
        lambda query: [answer(query, [other, address("127.0.0.1"), other] if rdtype_of(query) == A else [])]
    )
    assert _hosts(resolution) == ["127.0.0.1"]


@on_both_loops
async def test_a_referral_says_what_to_do() -> None:
    servers = [record(wire_name("example"), NS, wire_name("ns.example"))]
    error = await _fails(lambda query: [answer(query, [], servers, flags=0)])
    assert type(error) is NoAddresses
    assert "ask one that does recursion" in error.why


# who is asked


def _no_getaddrinfo(*_: object, **__: object) -> list[object]:
    raise AssertionError("getaddrinfo was asked")


@pytest.mark.parametrize(
    ("name", "host", "network"),
    [
        ("127.0.0.1", "127.0.0.1", Network.IPV4),
        ("2001:DB8::1", "2001:db8::1", Network.IPV6),
        ("fe80::1%eth0", "fe80::1%eth0", Network.IPV6),
    ],
)
@on_both_loops
async def test_an_address_stands_for_itself(name: str, host: str, network: Network) -> None:
    async with scripted_dns(silent) as server:
        resolution = await resolve(name, resolver=server.resolver)
    assert resolution.addresses == (ResolvedAddress(host, network),)
    assert (resolution.local, resolution.server) == (True, "system")
    assert server.udp_queries == []


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST.", "foo.localhost"])
@on_both_loops
async def test_localhost_is_never_asked_for(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _no_getaddrinfo)
    absent = tmp_path / "absent"
    async with scripted_dns(silent) as server:
        asked = await resolve(name, resolver=server.resolver, hosts_path=absent)
    own = await resolve(name, hosts_path=absent, resolv_conf_path=absent)
    assert _hosts(asked) == _hosts(own) == ["127.0.0.1", "::1"]
    assert asked.local
    assert own.local
    assert server.udp_queries == []


@pytest.mark.parametrize("name", ["x.onion", "stats.i2p"])
@on_both_loops
async def test_names_of_other_networks_never_reach_the_dns(name: str) -> None:
    async with scripted_dns(silent) as server:
        with pytest.raises(NameNotFound, match="no name of the DNS"):
            await resolve(name, resolver=server.resolver)
    assert server.udp_queries == []


@on_both_loops
async def test_the_hosts_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _no_getaddrinfo)
    hosts = tmp_path / "hosts"
    hosts.write_text(f"10.0.0.9 {SEED} plain\n")
    for name in (SEED, "plain"):
        resolution = await resolve(name, hosts_path=hosts)
        assert _hosts(resolution) == ["10.0.0.9"]
        assert (resolution.local, resolution.server, resolution.queries) == (True, "system", ())


@on_both_loops
async def test_a_resolver_of_the_callers_choice_comes_before_the_hosts_file(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"10.0.0.9 {SEED} plain\n")
    async with scripted_dns(by_type(A=["127.0.0.1"])) as server:
        for name in (SEED, "plain", "printer.local"):
            resolution = await resolve(name, resolver=server.resolver, hosts_path=hosts)
            assert _hosts(resolution) == ["127.0.0.1"]
            assert not resolution.local


@pytest.mark.parametrize("name", ["plain", "printer.local", SEED])
@on_both_loops
async def test_the_system_is_asked_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names without a dot, under .local, and every name where resolv.conf has no server."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("10.0.0.7", 0))])
    servers = tmp_path / "resolv.conf"
    servers.write_text("" if name == SEED else "nameserver 127.0.0.1\n")
    resolution = await resolve(
        name, hosts_path=tmp_path / "absent", resolv_conf_path=servers, resolver="system"
    )
    assert _hosts(resolution) == ["10.0.0.7"]
    assert (resolution.local, resolution.server) == (False, "system")


@on_both_loops
async def test_the_name_servers_of_the_system_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their port is always 53, which a test may not take: the server's own is put in its place."""
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\n")
    async with scripted_dns(by_type(A=["127.0.0.1"])) as server:
        port = server.resolver.port

        def with_port(path: Path) -> list[Resolver]:
            return [Resolver(each.host, port) for each in system_nameservers(path)]

        monkeypatch.setattr("bitcoin_handshake.resolver.names.system_nameservers", with_port)
        resolution = await resolve(SEED, hosts_path=tmp_path / "absent", resolv_conf_path=path)
    assert _hosts(resolution) == ["127.0.0.1"]
    assert not resolution.local


@pytest.mark.parametrize("name", ["", "1.2.3", "a b", "a..b", "host:80"])
@on_both_loops
async def test_a_malformed_name_is_the_callers_mistake(name: str) -> None:
    with pytest.raises(BadTarget):
        await resolve(name)


@on_both_loops
async def test_no_family_is_the_callers_mistake() -> None:
    with pytest.raises(InputError, match="no address family"):
        await resolve(SEED, families=[Network.ONION])


@on_both_loops
async def test_a_cancelled_search_leaves_nothing_behind() -> None:
    async with scripted_dns(silent) as server:
        task = asyncio.create_task(resolve(SEED, resolver=server.resolver))
        while len(server.udp_queries) < 2:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.all_tasks() == {asyncio.current_task()}
