"""Audits DNS seeds: asks them, shakes hands with all that they name, puts the facts together.

Owns the order. Handshakes are those of `survey`; addresses that DNS gave are dialled as learned ones are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from bitcoin_handshake.api import run_survey
from bitcoin_handshake.audit.seeds.ask import Answer, Signatures, ask_all, check_signed
from bitcoin_handshake.audit.seeds.facts import Node, SeedAudit, audits
from bitcoin_handshake.audit.seeds.questions import questions_for
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.location import Location
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import refusal
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.resolver.servers import Server
from bitcoin_handshake.survey import SurveyOptions

__all__ = ["SeedOptions", "audit_seeds", "chosen_seeds"]

DNS_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOptions:
    """How to audit.

    Attributes:
        survey: How to shake hands.
        servers: The DNS servers to ask, one at least.
        masks: Filters to ask each seed for; None for those that it documents.
        dns_timeout_s: Seconds for each question.
        height: Height of the chain; None for the median of the nodes.
        location: Who knows autonomous systems, or None.
        anchors_file: A file of DNSSEC trust anchors; None for those of the root.
        unreachable_before: What the last audit of each seed could not reach.
    """

    survey: SurveyOptions
    servers: Sequence[Server]
    masks: Sequence[int] | None = None
    dns_timeout_s: float = DNS_TIMEOUT_S
    height: int | None = None
    location: Location | None = None
    anchors_file: str | None = None
    unreachable_before: Mapping[str, Collection[str]] = field(default_factory=dict)


def chosen_seeds(named: Sequence[str], options: SurveyOptions) -> tuple[str, ...]:
    """Return the seeds to audit: those named, or all of the chain.

    Raises:
        InputError: The chain has none, or a name is none.
    """
    from bitcoin_handshake.targets import parse_target

    known = options.probe.chain.dns_seeds
    if not named:
        if not known:
            raise InputError(f"{options.probe.chain.chain} has no DNS seeds: name one")
        return known
    for name in named:
        target = parse_target(name)
        if target.netaddr is not None or target.port is not None:
            raise InputError(f"{name!r} is not the name of a DNS seed")
    return tuple(dict.fromkeys(name.lower().rstrip(".") for name in named))


async def audit_seeds(seeds: Sequence[str], options: SeedOptions) -> list[SeedAudit]:
    """Audit each seed.

    Returns:
        One audit for each, in their order.

    Raises:
        InputError: A file of trust anchors is malformed.
        EnvironmentFailure: No DNS server answers, or this machine cannot go on.
    """
    from bitcoin_handshake.audit.seeds.dnssec import ROOT_ANCHORS, read_anchors

    if options.anchors_file is None:
        anchors = ROOT_ANCHORS
    else:
        from pathlib import Path

        anchors = read_anchors(Path(options.anchors_file))
    families = options.survey.families
    rdtypes = [
        rdtype for network, rdtype in ((Network.IPV4, "A"), (Network.IPV6, "AAAA")) if network in families
    ]
    questions = questions_for(seeds, options.servers, masks=options.masks, rdtypes=rdtypes)
    answers = await ask_all(questions, timeout_s=options.dns_timeout_s)
    signatures: dict[str, Signatures] = {}
    for answer in answers:
        if answer.addresses and answer.question.seed not in signatures:
            signatures[answer.question.seed] = await check_signed(
                answer, anchors, timeout_s=options.dns_timeout_s
            )
    nodes = await _visit(answers, options)
    return audits(
        answers,
        nodes,
        signatures,
        unreachable_before=options.unreachable_before,
        height=options.height,
        has_asns=options.location is not None,
    )


async def _visit(answers: Sequence[Answer], options: SeedOptions) -> dict[str, Node]:
    """Shake hands with every address, once."""
    survey = options.survey
    port = survey.port or survey.probe.chain.default_port
    nodes: dict[str, Node] = {}
    wanted: dict[str, NetAddr] = {}
    for host in dict.fromkeys(address for answer in answers for address in answer.addresses):
        netaddr = NetAddr.from_text(host, port)
        skipped = None if survey.allow_private else refusal(netaddr)
        asn = None if options.location is None else options.location.asn(netaddr)
        special = None if skipped is None else str(skipped)
        nodes[host] = Node(netaddr=netaddr, special=special, asn=asn)
        if skipped is None:
            wanted[netaddr.to_text()] = netaddr
    async with aclosing(run_survey(wanted.values(), options=survey)) as results:
        async for result in results:
            _take(result, nodes)
    return nodes


def _take(result: ProbeResult, nodes: dict[str, Node]) -> None:
    netaddr = result.netaddr
    before = None if netaddr is None else nodes.get(netaddr.host)
    if before is not None:
        nodes[before.netaddr.host] = Node(
            netaddr=before.netaddr, special=before.special, asn=before.asn, record=result.to_json()
        )
