"""Runs a crawl for the command line: store, start, runner, view, sum.

Owns the order of things: the store is open before anything is dialled, and closed however the run ends.
"""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from bitcoin_handshake.admission import Admission
from bitcoin_handshake.chain import Chain, ChainParams
from bitcoin_handshake.cli.command import PROGRAM
from bitcoin_handshake.cli.crawl_view import CrawlView, open_view
from bitcoin_handshake.cli.event_loop import run_interruptible
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.interrupts import Interrupts
from bitcoin_handshake.conversation import GetAddr
from bitcoin_handshake.crawl.frontier import Frontier
from bitcoin_handshake.crawl.gossip import GossipRules
from bitcoin_handshake.crawl.local import NETWORK_IDS, LocalExecutor, Manners
from bitcoin_handshake.crawl.runner import Crawl, CrawlCounts, CrawlLimits, Heard
from bitcoin_handshake.crawl.start import find_start
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.messages.addresses import netaddr_from_key
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.policy import IP_NETWORKS
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.routes.options import DIRECT, RouteOptions
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.store.crawl_store import CrawlFile
from bitcoin_handshake.store.database import default_path
from bitcoin_handshake.targets import Target, parse_target

__all__ = ["CrawlOptions", "crawl", "run_crawl"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlOptions:
    """What a crawl is told; the fields are the options of the command."""

    chain: ChainParams
    targets: tuple[str, ...] = ()
    db: str | None = None
    resume: bool = False
    max_nodes: int | None = None
    max_time_s: float | None = None
    getaddr_rounds: int = 1
    getaddr_wait_s: float = 60.0
    gossip: bool = False
    max_age_days: int = 30
    seed: int = 0
    vantage: str | None = None
    port: int | None = None
    timeout_s: float = 10.0
    transport: str = "auto"
    families: frozenset[str] = frozenset({"ipv4", "ipv6"})
    resolver: str | None = None
    concurrency: int | None = None
    allow_private: bool = False
    user_agent: bytes = b""
    routes: RouteOptions = DIRECT
    route_words: tuple[str, ...] = ()
    onion_timeout_s: float | None = None
    i2p_timeout_s: float | None = None
    retries: int = 0
    rate: float | None = None
    rate_per_group: float | None = None
    exclude: tuple[str, ...] = ()
    contact: str = ""
    dry_run: bool = False
    no_resolve: bool = False
    as_json: bool = False
    quiet: bool = False
    progress: bool = True

    @property
    def path(self) -> Path:
        """The file of the store."""
        return default_path(self.chain.chain.value) if self.db is None else Path(self.db)

    def kept(self) -> str:
        """Write the options that the store keeps, as JSON."""
        names = (
            "targets", "max_nodes", "max_time_s", "getaddr_rounds", "getaddr_wait_s", "gossip",
            "max_age_days", "seed", "port", "timeout_s", "transport", "concurrency", "allow_private",
        )  # fmt: skip
        kept = {name: getattr(self, name) for name in names}
        return json.dumps({**kept, "families": sorted(self.families)})

    def resume_command(self) -> str:
        """Write the command that goes on with this crawl."""
        words = [PROGRAM, "crawl", "--resume"]
        if self.chain.chain is Chain.CUSTOM:
            words += ["--magic", self.chain.magic.hex()]
        elif self.chain.chain is not Chain.MAINNET:
            words += ["-n", self.chain.chain.value]
        for name, default in (("timeout_s", 10.0), ("transport", "auto"), ("concurrency", None)):
            value = getattr(self, name)
            if value != default:
                words += [f"--{name.removesuffix('_s')}", f"{value:g}" if name == "timeout_s" else str(value)]
        words += self.route_words
        words += ["--allow-private"] if self.allow_private else []
        words += ["--gossip"] if self.gossip else []
        words += ["--db", self.db] if self.db is not None else []
        return shlex.join(words)


def run_crawl(options: CrawlOptions) -> ExitCode:
    """Crawl in an event loop of its own.

    Raises:
        InputError: A target is malformed; the store is of another chain; nothing to resume.
        EnvironmentFailure: The store cannot be used, or this machine cannot go on.
    """
    return run_interruptible(lambda interrupts: crawl(options, interrupts), with_uvloop=False)


async def crawl(options: CrawlOptions, interrupts: Interrupts) -> ExitCode:
    """Crawl; see `run_crawl`."""
    targets = [parse_target(text) for text in options.targets]
    if options.dry_run:
        return await _list_start(options, targets)
    if options.no_resolve:
        raise InputError("names are left unresolved in a dry run only: --no-resolve needs --dry-run")
    store = CrawlFile(
        options.path,
        options.chain,
        options=options.kept(),
        vantage=options.vantage,
        resume=options.resume,
    )
    state = "stopped"
    try:
        with open_view(is_wanted=options.progress and not options.quiet) as view:
            counts = await _crawl(options, targets, store, interrupts, view)
        if counts is None:
            return ExitCode.NOTHING_RESOLVED
        state = "finished" if counts.is_complete else "stopped"
    finally:
        store.close(state=state)
    _tell(options, counts)
    if interrupts.happened:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if counts.reachable else ExitCode.NONE_COMPLETED


async def _crawl(
    options: CrawlOptions, targets: list[Target], store: CrawlFile, interrupts: Interrupts, view: CrawlView
) -> CrawlCounts | None:
    start = await _start(options, targets)
    if not store.node_count and not any(entries for _, entries in start):
        _log.error("nowhere to begin: no seed gave an address, and the store is empty; name a node")
        return None
    frontier = Frontier(seed=options.seed, networks=[NETWORK_IDS[each] for each in _networks(options)])
    manners = Manners(
        routes=options.routes,
        rate=options.rate,
        rate_per_group=options.rate_per_group,
        exclude=options.exclude,
    )
    run = Crawl(
        frontier,
        LocalExecutor(_probe_options(options), concurrency=options.concurrency, manners=manners),
        store,
        rules=GossipRules(allow_private=options.allow_private, max_age_s=options.max_age_days * 86_400),
        limits=CrawlLimits(
            max_nodes=options.max_nodes,
            max_time_s=options.max_time_s,
            getaddr_rounds=options.getaddr_rounds,
            keeps_gossip=options.gossip,
        ),
        on_tick=view.show,
    )
    interrupts.on_first(run.stop)
    return await run.run(start)


async def _start(options: CrawlOptions, targets: list[Target]) -> list[Heard]:
    if not targets and not options.resume:
        targets = [parse_target(seed) for seed in options.chain.dns_seeds]
    if options.resolver is not None and options.routes.proxy is not None:
        raise InputError("a DNS server would be asked outside the proxy: leave out --resolver or --proxy")
    return await find_start(
        targets,
        port=options.port or options.chain.default_port,
        families=_networks(options) & IP_NETWORKS,
        resolver=options.resolver,
        timeout_s=options.timeout_s,
        allow_private=options.allow_private,
        routes=options.routes,
    )


def _networks(options: CrawlOptions) -> frozenset[Network]:
    """Return the networks that the options let us visit; whether they are available shows in the run."""
    routes = options.routes
    networks = frozenset(map(Network, options.families)) | {Network.ONION, Network.I2P}
    if routes.cjdnsreachable:
        networks |= {Network.CJDNS}
    if routes.onlynet is not None:
        networks &= routes.onlynet
    off = {Network.ONION} if routes.onion_off else set()
    return networks - off - ({Network.I2P} if routes.i2p_off else set())


async def _list_start(options: CrawlOptions, targets: list[Target]) -> ExitCode:
    """Say where a crawl would begin, and by which way; dial nothing, and make no store."""
    if options.no_resolve:
        names = [target.host for target in targets] or options.chain.dns_seeds
        for name in names:
            click.echo(f"{name}  begins here")
        return ExitCode.OK
    router = Router(options.routes, lambda: None)
    admission = Admission(families=IP_NETWORKS, exclude=options.exclude)
    networks = _networks(options)
    for source, entries in await _start(options, targets):
        for _, _, key in entries:
            netaddr = netaddr_from_key(key)
            why = admission.address_refusal(netaddr) or router.refusal(netaddr)
            if netaddr.network not in networks:
                way = f"left out: {netaddr.network} is not used"
            else:
                way = router.describe(netaddr) if why is None else f"left out: {why}"
            click.echo(f"{netaddr.to_text():<48} {way}  ({source.decode()})")
    if options.path.exists():
        click.echo(f"And the nodes that {options.path} knows.")
    return ExitCode.OK


def _probe_options(options: CrawlOptions) -> ProbeOptions:
    wait_s = options.getaddr_wait_s
    make: Callable[[], GetAddr] = lambda: GetAddr(wait_s=wait_s)  # noqa: E731
    return ProbeOptions(
        chain=options.chain,
        transport=TransportMode(options.transport),
        timeout_s=options.timeout_s,
        user_agent=options.user_agent,
        onion_timeout_s=options.onion_timeout_s,
        i2p_timeout_s=options.i2p_timeout_s,
        retries=options.retries,
        contact=options.contact,
        conversation=make,
    )


def _tell(options: CrawlOptions, counts: CrawlCounts) -> None:
    """Print the sum, and how to go on where something is left."""
    if options.as_json:
        click.echo(json.dumps({**counts.to_json(), "db": str(options.path)}))
    elif not options.quiet:
        click.echo(sum_text(counts, options.path))
    if not counts.is_complete and not options.quiet:
        click.echo(f"{counts.waiting} addresses are left. To go on:\n  {options.resume_command()}", err=True)


def sum_text(counts: CrawlCounts, path: Path) -> str:
    """Write the sum of a crawl."""
    networks = ", ".join(f"{count} {name}" for name, count in sorted(counts.reachable.items()))
    lines = [
        f"{counts.known} addresses known, {counts.visited} visited in {counts.elapsed_s:.1f} s",
        f"{counts.reachable.total()} nodes reachable" + (f": {networks}" if networks else ""),
        *(f"{count:>8} {code}" for code, count in counts.codes.most_common(8)),
        f"Kept in {path}",
    ]
    return "\n".join(lines)
