"""Examinations of simulated nodes: each fault of a node gives its finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bitcoin_handshake.audit.doctor import DoctorOptions, Examination, examine_nodes
from bitcoin_handshake.audit.findings import Level
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.survey import SurveyOptions

REGTEST = CHAINS[Chain.REGTEST]
# Behaviours that are slow or send without end are covered by those that are not.
FAULTS = {
    "core": "reach.ok",
    "silent": "reach.silent",
    "no-verack": "reach.no_verack",
    "closes-at-once": "reach.slots_full",
    "http": "reach.foreign",
    "litecoin": "chain.other",
    "resets": "reach.slots_full",
}


def _options(**given: object) -> DoctorOptions:
    probe = ProbeOptions(chain=REGTEST, timeout_s=1.0)
    return replace(DoctorOptions(survey=SurveyOptions(probe=probe), duration_s=0.1), **given)  # type: ignore[arg-type]


async def _examine(
    behaviours: str, count: int, **given: object
) -> tuple[SimulatedNetwork, list[Examination]]:
    options = NetworkOptions(node_count=count, mix=parse_behaviours(behaviours), port=0)
    async with SimulatedNetwork(options) as network:
        targets = [node.netaddr.to_text() for node in network.nodes]
        return network, await examine_nodes(targets, _options(**given))


@pytest.mark.asyncio
async def test_each_fault_has_its_finding() -> None:
    network, found = await _examine(",".join(FAULTS), len(FAULTS), height=0)
    got = {
        node.behaviour.name: [
            finding.id for finding in one.findings if finding.id.startswith(("reach.", "chain."))
        ]
        for node, one in zip(network.nodes, found, strict=True)
    }
    assert got == {name: [expected] for name, expected in FAULTS.items()}


@pytest.mark.asyncio
async def test_a_healthy_node_is_well() -> None:
    _, (one,) = await _examine("core", 1, height=0)
    assert one.level is Level.OK
    assert {"reach.ok", "v2.ok", "ping.ok", "height.ok", "clock.ok"} <= {
        finding.id for finding in one.findings
    }
    assert one.to_json()["level"] == "ok"


@pytest.mark.asyncio
async def test_every_outcome_of_a_behaviour_fits_its_level() -> None:
    """Whatever the prober says of a node decides whether there is a problem."""
    healthy = [name for name in ("core", "core-0.20", "btcd", "knots", "pruned") if name in BEHAVIOURS]
    network, found = await _examine(",".join(healthy), len(healthy), height=0)
    for node, one in zip(network.nodes, found, strict=True):
        assert one.records[0]["outcome"] == Outcome.OK, node.behaviour.name
        assert one.level in (Level.OK, Level.WARNING), (node.behaviour.name, one.findings)


@pytest.mark.asyncio
async def test_a_height_that_is_given_is_the_reference() -> None:
    _, (one,) = await _examine("core", 1, height=100)
    assert "height.behind" in {finding.id for finding in one.findings}


@pytest.mark.asyncio
async def test_without_seeds_and_height_nothing_is_asked() -> None:
    _, (one,) = await _examine("core", 1)
    assert "height.unknown" in {finding.id for finding in one.findings}


@pytest.mark.asyncio
async def test_seeds_are_not_asked_for_a_node_of_a_private_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain with seeds, and a node on loopback: no name is looked up."""
    chain = replace(REGTEST, dns_seeds=("seed.invalid",))
    survey = SurveyOptions(probe=ProbeOptions(chain=chain, timeout_s=1.0))
    options = NetworkOptions(node_count=1, mix=parse_behaviours("core"), port=0)
    async with SimulatedNetwork(options) as network:
        target = network.nodes[0].netaddr.to_text()
        (one,) = await examine_nodes([target], DoctorOptions(survey=survey, duration_s=0.0))
    assert "height.unknown" in {finding.id for finding in one.findings}


@pytest.mark.asyncio
async def test_the_median_of_seed_nodes_is_the_reference() -> None:
    """The seeds of the chain are those of a simulated network; its nodes count as public addresses."""
    options = NetworkOptions(node_count=3, mix=parse_behaviours("core"), port=0)
    async with SimulatedNetwork(options) as network:
        port = network.nodes[0].netaddr.port
        chain = replace(REGTEST, default_port=port, dns_seeds=(network.seed_name,))
        survey = SurveyOptions(
            probe=ProbeOptions(chain=chain, timeout_s=1.0), resolver=network.dns, allow_private=True
        )
        (one,) = await examine_nodes(["nosuch.simulated.test"], DoctorOptions(survey=survey))
    ids = {finding.id: finding for finding in one.findings}
    assert ids["resolve.failed"].level is Level.PROBLEM
    # Loopback addresses that a seed gave are never dialled: to the control they are no internet.
    assert ids["local.no_internet"].level is Level.UNKNOWN
