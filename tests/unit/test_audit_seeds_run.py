"""Whole audits of simulated seeds: each fault has its verdict."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bitcoin_handshake.audit.seeds.facts import SeedAudit
from bitcoin_handshake.audit.seeds.run import SeedOptions, audit_seeds, chosen_seeds
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.location import open_locations
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.resolver.servers import Server
from bitcoin_handshake.simulate.dns import DnsServer
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.simulate.zone import DnsBehaviour, SeedNode
from bitcoin_handshake.survey import SurveyOptions

pytestmark = pytest.mark.asyncio

SEED = "seed.example"
SPREAD = [f"127.{number}.0.1" for number in range(1, 11)]
NEAR = [f"127.9.0.{number}" for number in range(1, 11)]
X809 = 0x809


def _survey(port: int, *, allow_private: bool = True) -> SurveyOptions:
    return SurveyOptions(
        probe=ProbeOptions(chain=CHAINS[Chain.REGTEST], timeout_s=5.0),
        port=port,
        allow_private=allow_private,
        families=frozenset({Network.IPV4}),
    )


@asynccontextmanager
async def _world(
    behaviours: str = "core",
    *,
    addresses: Sequence[str] = SPREAD,
    dns: DnsBehaviour = DnsBehaviour.ANSWER,
    ttl_s: int = 60,
    services: int = 0x9,
) -> AsyncIterator[SeedOptions]:
    network_options = NetworkOptions(
        node_count=len(addresses),
        addresses=addresses,
        mix=parse_behaviours(behaviours),
        port=0,
        with_dns=False,
        with_ipv6=False,
    )
    async with SimulatedNetwork(network_options) as network:
        seed = DnsServer(SEED, [SeedNode(each, services) for each in addresses], behaviour=dns, ttl_s=ttl_s)
        host, port = await seed.start()
        try:
            yield SeedOptions(
                survey=_survey(network.nodes[0].netaddr.port),
                servers=[Server.from_text(f"{host}:{port}")],
                dns_timeout_s=5.0,
            )
        finally:
            await seed.close()


async def _audit(options: SeedOptions) -> SeedAudit:
    [audit] = await audit_seeds([SEED], options)
    return audit


def _failed(audit: SeedAudit) -> list[str]:
    return [check.id for check in audit.checks() if check.state == "fail"]


async def test_a_good_seed() -> None:
    async with _world() as options:
        audit = await _audit(options)
    assert (audit.verdict, _failed(audit)) == ("good", [])
    assert audit.share() == audit.share(Network.IPV4) == (10, 10)
    assert audit.signatures.state == "none"
    assert audit.filters() == {"x9": (10, 10, 10)}
    assert audit.verdict_line() == "seed.example: good: 10 of 10 nodes reachable (100%)"


Change = Callable[[SeedAudit], object]


@pytest.mark.parametrize(
    ("world", "verdict", "failed"),
    [
        ({"dns": DnsBehaviour.NXDOMAIN}, "dead", ["seed.available"]),
        ({"dns": DnsBehaviour.SERVFAIL}, "dead", ["seed.available"]),
        ({"dns": DnsBehaviour.REFUSED}, "dead", ["seed.available"]),
        ({"behaviours": "refuses"}, "bad", ["seed.functioning"]),
        ({"behaviours": "core=60,refuses=40"}, "poor", ["seed.functioning"]),
        ({"behaviours": "wrong-magic"}, "bad", ["seed.functioning", "seed.chain"]),
        ({"ttl_s": 0}, "poor", ["seed.ttl"]),
        ({"addresses": NEAR}, "poor", ["seed.groups"]),
    ],
)
async def test_each_fault_has_its_verdict(world: dict[str, object], verdict: str, failed: list[str]) -> None:
    async with _world(**world) as options:  # type: ignore[arg-type]  # by keyword
        audit = await _audit(options)
    assert (audit.verdict, _failed(audit)) == (verdict, failed)
    assert audit.verdict_line().startswith(f"{SEED}: {verdict}: ")


async def test_false_filters() -> None:
    async with _world("core-0.20", services=X809) as options:
        audit = await _audit(replace(options, masks=(X809,)))
    assert (audit.verdict, _failed(audit)) == ("poor", ["seed.filters"])
    assert audit.filters() == {"x809": (10, 10, 0)}


async def test_private_addresses() -> None:
    async with _world() as options:
        audit = await _audit(replace(options, survey=replace(options.survey, allow_private=False)))
    assert (audit.verdict, _failed(audit)) == ("bad", ["seed.public"])
    assert audit.share() == (0, 0)
    assert len(audit.special) == 10


async def test_behind_the_tip() -> None:
    async with _world() as options:
        audit = await _audit(replace(options, height=10_000_000))
    assert _failed(audit) == ["seed.chain"]
    assert len(audit.lagging) == 10


async def test_stale_since_the_last_audit() -> None:
    async with _world("refuses") as options:
        before = {SEED: [SPREAD[0], SPREAD[1], "127.99.0.1"]}
        audit = await _audit(replace(options, unreachable_before=before))
    assert list(audit.stale) == SPREAD[:2]
    [functioning] = [check for check in audit.checks() if check.id == "seed.functioning"]
    assert functioning.evidence == "0 of 10 reachable (0%); 2 unreachable since the last audit"


async def test_one_network_operator(tmp_path: Path) -> None:
    path = tmp_path / "asmap"
    path.write_bytes(bytes(3))  # all addresses belong to AS 1
    async with _world() as options:
        audit = await _audit(replace(options, location=open_locations(asmap=str(path))))
    assert _failed(audit) == ["seed.operators"]
    assert audit.asns() == {"AS1": 10}


async def test_several_seeds_share_addresses() -> None:
    async with _world() as options:
        audits = await audit_seeds([SEED, "x1.seed.example"], replace(options, masks=(0,)))
    assert [audit.shared for audit in audits] == [10, 10]


async def test_without_a_line_it_says_so_once() -> None:
    async with _world(dns=DnsBehaviour.SILENT) as options:
        with pytest.raises(EnvironmentFailure, match="no DNS server answers"):
            await audit_seeds([SEED], replace(options, dns_timeout_s=0.05))


async def test_the_seeds_of_a_chain() -> None:
    survey = _survey(8333)
    mainnet = replace(survey, probe=ProbeOptions(chain=CHAINS[Chain.MAINNET]))
    assert chosen_seeds([], mainnet) == CHAINS[Chain.MAINNET].dns_seeds
    assert chosen_seeds(["Seed.Example."], survey) == (SEED,)
    with pytest.raises(InputError, match="regtest has no DNS seeds"):
        chosen_seeds([], survey)
    for name in ("1.1.1.1", "seed.example:8333"):
        with pytest.raises(InputError, match="is not the name of a DNS seed"):
            chosen_seeds([name], survey)
