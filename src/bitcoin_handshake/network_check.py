"""Tells which of the five networks work from this machine, and what to do about the others.

Owns one check for each network. A network works where a node of it completed a handshake; the nodes are
those that the caller names, else those of the chain's DNS seeds. Onion services and I2P, which no seed
names, work where Tor has started, or a session is created.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bitcoin_handshake.api import run_survey
from bitcoin_handshake.diagnosis import Diagnosis
from bitcoin_handshake.engine.sockets import has_route
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import IP_NETWORKS
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.routes.tor_control import bootstrap_phase
from bitcoin_handshake.survey import SurveyOptions
from bitcoin_handshake.targets import Target, parse_target

__all__ = ["NetworkCheck", "Works", "check_networks"]

MAX_NODES = 16
"""Nodes of the seeds' that are dialled for each network, unless one of them completes before."""
_EXAMPLES = {
    Network.IPV4: NetAddr(Network.IPV4, "1.1.1.1", 8333),
    Network.IPV6: NetAddr(Network.IPV6, "2001:4860:4860::8888", 8333),
    Network.CJDNS: NetAddr(Network.CJDNS, "fc00::1", 8333),
    Network.ONION: NetAddr(
        Network.ONION, "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 8333
    ),
    Network.I2P: NetAddr(Network.I2P, "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p", 0),
}
"""An address of each network, for its route only: nothing is sent to it."""
_ADVICE = {
    Network.IPV4: "check this machine's connection and firewall, or use --proxy",
    Network.IPV6: "ask your provider for IPv6, or leave it out with -4",
    Network.ONION: "start Tor (SocksPort 9050), or name its port with --onion",
    Network.I2P: "start an I2P router with SAM switched on (port 7656), or name it with --i2psam",
    Network.CJDNS: "start cjdns, which makes an interface with an address in fc00::/8",
}


class Works(StrEnum):
    """Whether a network works."""

    YES = "works"
    NO = "fails"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkCheck:
    """What was found out about one network.

    Attributes:
        network: Which.
        works: Whether it works.
        detail: What was seen.
        advice: What to do; '' where it works.
    """

    network: Network
    works: Works
    detail: str
    advice: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the fields as JSON has them."""
        return {
            "network": self.network.value,
            "works": self.works.value,
            "detail": self.detail,
            "advice": self.advice,
        }

    def to_text(self) -> str:
        """Write one line."""
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.network:<6} {self.works:<12} {self.detail}{advice}"


async def check_networks(
    options: SurveyOptions, *, targets: Sequence[str] = (), wanted: Collection[Network] = tuple(Network)
) -> list[NetworkCheck]:
    """Check networks, all at the same time.

    Args:
        options: Chain, ways and limits; as for a survey.
        targets: Nodes that are known to be good, and seeds; empty for the chain's own seeds.
        wanted: The networks to check.

    Returns:
        One for each wanted network, in the order of `Network`.
    """
    parsed = [parse_target(text) for text in targets or options.probe.chain.dns_seeds]
    networks = [network for network in Network if network in wanted]
    return list(
        await asyncio.gather(
            *(_check(network, options, _targets_of(network, parsed)) for network in networks)
        )
    )


def _targets_of(network: Network, targets: Sequence[Target]) -> list[Target]:
    """Those that are of a network, and the names that may have addresses of it."""
    return [
        target
        for target in targets
        if (target.netaddr is None and network in IP_NETWORKS)
        or (target.netaddr is not None and target.netaddr.network is network)
        or (target.netaddr is not None and target.netaddr.as_cjdns().network is network)
    ]


async def _check(network: Network, options: SurveyOptions, targets: list[Target]) -> NetworkCheck:
    missing = await _missing(network, options)
    if missing:
        return NetworkCheck(network=network, works=Works.UNAVAILABLE, detail=missing, advice=_ADVICE[network])
    if not targets:
        return NetworkCheck(network=network, works=Works.YES, detail=await _without_targets(network))
    return await _dial(network, options, targets)


async def _missing(network: Network, options: SurveyOptions) -> str:
    """Say what this machine lacks for a network, or ''."""
    example = _EXAMPLES[network]
    decided = asyncio.Event()
    router = Router(options.routes, decided.set)
    try:
        way = router.choose(example)
        while way is None and network in router.pending:
            decided.clear()
            await decided.wait()
            way = router.choose(example)
    finally:
        router.close()
    if isinstance(way, Exception):
        return str(way)
    if way is None and not has_route(example):
        return "this machine has no route to it"
    if network is Network.ONION and (phase := await bootstrap_phase()) is not None and phase[0] < 100:
        return f"Tor is still starting: {phase[0]} %, {phase[1]}"
    return ""


async def _without_targets(network: Network) -> str:
    match network:
        case Network.ONION:
            phase = await bootstrap_phase()
            started = "it has started" if phase is not None else "its control port says nothing"
            return f"Tor answers, {started}; name an onion service to test a handshake"
        case Network.I2P:
            return "a session was created; name a .b32.i2p address to test a handshake"
        case _:
            return "there is a route; name a node to test a handshake"


async def _dial(network: Network, options: SurveyOptions, targets: list[Target]) -> NetworkCheck:
    """Shake hands with nodes of one network until one completes."""
    families = frozenset({network}) if network in IP_NETWORKS else options.families
    diagnosis = Diagnosis()
    tried, last = 0, ""
    survey = run_survey(targets, options=replace(options, families=families, concurrency=MAX_NODES))
    try:
        async for result in survey:
            if result.outcome is Outcome.OK:
                return NetworkCheck(
                    network=network,
                    works=Works.YES,
                    detail=f"{result.netaddr or result.target} completed the handshake",
                )
            diagnosis.count(result)
            tried += 1
            last = f"{result.target}: {result.error}"
            if tried >= MAX_NODES:
                break
    finally:
        await survey.aclose()
    why = next((line.partition(": ")[2] for line in diagnosis.lines()), "")
    detail = f"none of {tried} nodes completed the handshake" + (f" (the last: {last})" if last else "")
    return NetworkCheck(network=network, works=Works.NO, detail=detail, advice=why or _ADVICE[network])
