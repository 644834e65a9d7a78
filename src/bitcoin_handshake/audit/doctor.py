"""Examines nodes: asks them, finds a reference height, applies the rules.

Owns the order: the targets are probed with both transports by the same survey as `handshake` uses;
the reference height comes from the caller, or from a few nodes of the chain's DNS seeds, which are
also the control that tells a dead node from a dead line.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from statistics import median_low
from typing import Any

from bitcoin_handshake.api import run_survey
from bitcoin_handshake.audit.facts import AddressFacts
from bitcoin_handshake.audit.findings import Finding, Level, worst
from bitcoin_handshake.audit.rules import Context, examine
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.policy import refusal
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.survey import SurveyOptions

__all__ = ["DoctorOptions", "Examination", "examine_nodes"]

REFERENCE_NODES = 5
"""Nodes whose median height is the reference."""
MAX_REFERENCE_DIALS = 40
REFERENCE_SEEDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions:
    """How to examine.

    Attributes:
        survey: How to probe; the transport is `both`, whatever it says.
        duration_s: Seconds to keep a connection open after the handshake, for the ping; 0 for none.
        height: Height of the chain; None to ask nodes of the chain's DNS seeds.
        ask_seeds: Whether those may be asked.
    """

    survey: SurveyOptions
    duration_s: float = 2.0
    height: int | None = None
    ask_seeds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found about one target.

    Attributes:
        target: As the caller gave it.
        findings: In the order of the rules.
        records: The records of schema version 1 that they come from.
    """

    target: str
    findings: Sequence[Finding]
    records: Sequence[dict[str, Any]]

    @property
    def level(self) -> Level:
        """The most serious finding."""
        return worst(self.findings)

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON has them."""
        return {
            "target": self.target,
            "level": self.level.word,
            "findings": [finding.to_json() for finding in self.findings],
            "records": list(self.records),
        }


async def examine_nodes(targets: Sequence[str], options: DoctorOptions) -> list[Examination]:
    """Examine each target.

    Args:
        targets: Names and addresses, as for `probe_many`.
        options: How to examine.

    Returns:
        One examination for each target, in their order.

    Raises:
        InputError: An option is out of its range.
        EnvironmentFailure: This machine cannot go on.
    """
    survey = replace(
        options.survey,
        probe=replace(options.survey.probe, transport=TransportMode.BOTH, linger_s=options.duration_s),
    )
    results: dict[str, list[ProbeResult]] = {target: [] for target in targets}
    async with aclosing(run_survey(list(results), options=survey)) as arriving:
        async for result in arriving:
            # An address that several names give is dialled once, and belongs to each of them.
            for target in {result.target, *result.seeds} & results.keys():
                results[target].append(result)
    context = await _context(options, survey, [one for found in results.values() for one in found])
    return [_examination(target, results[target], context) for target in targets]


def _examination(target: str, results: Sequence[ProbeResult], context: Context) -> Examination:
    records = [result.to_json() for result in sorted(results, key=_by_address)]
    findings = examine([AddressFacts.from_record(record) for record in records], context)
    return Examination(target=target, findings=findings, records=records)


def _by_address(result: ProbeResult) -> tuple[str, str]:
    netaddr = result.netaddr
    return ("", "") if netaddr is None else (netaddr.network, netaddr.to_text())


async def _context(options: DoctorOptions, survey: SurveyOptions, results: Sequence[ProbeResult]) -> Context:
    lingered = options.duration_s > 0
    if options.height is not None:
        return Context(reference_height=options.height, reference_source="--height", lingered=lingered)
    if not _may_ask_seeds(options, results):
        return Context(lingered=lingered)
    heights = await _seed_heights(survey)
    if not heights:
        return Context(has_internet=False, lingered=lingered)
    return Context(
        reference_height=median_low(heights),
        reference_source=f"median of {len(heights)} nodes from the DNS seeds",
        has_internet=True,
        lingered=lingered,
    )


def _may_ask_seeds(options: DoctorOptions, results: Sequence[ProbeResult]) -> bool:
    """Whether the public network is asked: the chain has seeds, and some node is not a private one."""
    if not options.ask_seeds or not options.survey.probe.chain.dns_seeds:
        return False
    addresses = [result.netaddr for result in results if result.netaddr is not None]
    return not addresses or any(
        address.network not in (Network.IPV4, Network.IPV6) or refusal(address) is None
        for address in addresses
    )


async def _seed_heights(survey: SurveyOptions) -> list[int]:
    """Ask nodes of the DNS seeds for their heights, until there are enough."""
    probe = replace(survey.probe, linger_s=0.0, transport=TransportMode.AUTO, record_messages=False)
    options = replace(survey, probe=probe, port=None, allow_private=False, concurrency=REFERENCE_NODES * 2)
    heights: list[int] = []
    dialled = 0
    seeds = survey.probe.chain.dns_seeds[:REFERENCE_SEEDS]
    async with aclosing(run_survey(seeds, options=options)) as results:
        async for result in results:
            dialled += 1
            if result.outcome is Outcome.OK and result.version is not None:
                height = result.version.start_height
                if height:
                    heights.append(height)
            if len(heights) >= REFERENCE_NODES or dialled >= MAX_REFERENCE_DIALS:
                break
    return heights
