"""The `demo` command: the main job against a simulated network of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bitcoin_handshake.cli.command import PROGRAM, Command
from bitcoin_handshake.cli.options import (
    OutputFormat,
    OutputOptions,
    WholeNumberType,
    complete_file,
    log_level_options,
    log_options_from,
    output_options,
    output_options_from,
)

if TYPE_CHECKING:
    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.cli.interrupts import Interrupts
    from bitcoin_handshake.simulate.network import NetworkOptions

__all__ = ["command"]

DEMO_MIX = (
    "core=9,core-0.20=2,core-0.12,knots,btcd,speaks-first,segments,slow,no-verack=2,silent=2,"
    "closes-at-once,resets,http,litecoin"
)
"""Healthy nodes and one or two of most that goes wrong on the real network."""
MIN_NODES_FOR_ALL = 10
"""With fewer nodes all of them are IPv4 and IPv6; else one is an onion service and one is of I2P."""
DEMO_STORE = "demo-crawl.sqlite"
TIMEOUT_S = 2.0
"""Enough for every simulated node that answers at all."""


@click.command(
    "demo",
    cls=Command,
    examples=(
        (f"{PROGRAM} demo", "25 nodes, healthy and not"),
        (f"{PROGRAM} demo --nodes 1000", "more of them"),
        (f"{PROGRAM} demo --json | head -3", "what a record holds"),
        (f"{PROGRAM} demo --crawl --nodes 100", "crawl it into the store demo-crawl.sqlite"),
    ),
    epilog="To keep such a network running and try any option by hand: bitcoin-handshake simulate",
)
@click.option("--nodes", type=WholeNumberType(1), default=25, metavar="N", help="How many [default: 25].")
@click.option(
    "--behaviours",
    metavar="NAME[=SHARE],...",
    help="How they behave [default: a mix]; see simulate --list-behaviours.",
)
@click.option(
    "--seed", type=WholeNumberType(), default=0, metavar="N", help="What chance derives from [default: 0]."
)
@click.option("--crawl", is_flag=True, help="Walk it by getaddr into a store instead.")
@click.option("--db", metavar="FILE", shell_complete=complete_file, help="The store of --crawl.")
@output_options
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, nodes: int, behaviours: str | None, seed: int, **_: object) -> int:
    """Shake hands with a simulated network on this machine: no internet needed."""
    output = output_options_from(ctx)
    log = log_options_from(ctx)
    if ctx.params["db"] is not None and not ctx.params["crawl"]:
        raise click.UsageError("--db needs --crawl", ctx)

    from bitcoin_handshake.cli.event_loop import run_interruptible
    from bitcoin_handshake.cli.logs import configure_logging
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.simulate.mix import parse_behaviours
    from bitcoin_handshake.simulate.network import NetworkOptions

    configure_logging(log)
    options = NetworkOptions(
        node_count=nodes,
        mix=parse_behaviours(DEMO_MIX if behaviours is None else behaviours),
        seed=seed,
        port=0,
        networks=(Network.IPV4, Network.IPV6, Network.ONION, Network.I2P)
        if nodes >= MIN_NODES_FOR_ALL and not ctx.params["crawl"]
        else (Network.IPV4, Network.IPV6),
        hidden_count=1,
    )
    if ctx.params["crawl"]:
        as_json = output.format is OutputFormat.JSON
        db = ctx.params["db"] or DEMO_STORE
        return run_interruptible(
            lambda interrupts: walk(options, interrupts, db=db, as_json=as_json, quiet=output.quiet)
        )
    return run_interruptible(lambda interrupts: show(options, output, interrupts))


async def walk(
    network: NetworkOptions, interrupts: Interrupts, *, db: str, as_json: bool, quiet: bool
) -> ExitCode:
    """Start the network, crawl it, stop it.

    Raises:
        EnvironmentFailure: It cannot listen, or the store cannot be used.
    """
    import logging

    from bitcoin_handshake.cli.crawl_run import CrawlOptions, crawl
    from bitcoin_handshake.cli.logs import ROOT
    from bitcoin_handshake.defaults import USER_AGENT
    from bitcoin_handshake.simulate.network import SimulatedNetwork

    async with SimulatedNetwork(network) as simulated:
        logging.getLogger(ROOT).info(
            "Simulating %d nodes on loopback, and crawling them", len(simulated.nodes)
        )
        return await crawl(
            CrawlOptions(
                chain=network.params,
                targets=(simulated.seed_name,),
                db=db,
                port=simulated.nodes[0].netaddr.port,
                timeout_s=TIMEOUT_S,
                getaddr_wait_s=TIMEOUT_S,
                resolver=simulated.dns,
                concurrency=max(1, min(256, simulated.fleet.max_connections // 2)),
                allow_private=True,
                user_agent=USER_AGENT.encode(),
                vantage="the demo",
                as_json=as_json,
                quiet=quiet,
            ),
            interrupts,
        )


async def show(network: NetworkOptions, output: OutputOptions, interrupts: Interrupts) -> ExitCode:
    """Start the network, do the main job with it, stop it.

    Raises:
        EnvironmentFailure: It cannot listen; or see `runner.handshake`.
    """
    import logging

    from bitcoin_handshake.cli.logs import ROOT
    from bitcoin_handshake.cli.runner import HandshakeOptions, handshake
    from bitcoin_handshake.defaults import CONCURRENCY
    from bitcoin_handshake.prober import ProbeOptions
    from bitcoin_handshake.routes.options import RouteOptions
    from bitcoin_handshake.simulate.network import SimulatedNetwork
    from bitcoin_handshake.survey import SurveyOptions

    logger = logging.getLogger(ROOT)
    async with SimulatedNetwork(network) as simulated:
        logger.info("Simulating %d nodes on loopback. What runs now:", len(simulated.nodes))
        logger.info("%s", f"{simulated.command()} -t {TIMEOUT_S:g}")
        hidden = [node.netaddr.to_text() for node in simulated.nodes if node.behind is not None]
        survey = SurveyOptions(
            probe=ProbeOptions(chain=network.params, timeout_s=TIMEOUT_S),
            port=simulated.nodes[0].listens_at.port,
            routes=RouteOptions.from_text(onion=simulated.socks or "0", i2psam=simulated.sam or "0"),
            resolver=simulated.dns,
            # Both ends of each connection are in this process, and share its descriptors.
            concurrency=min(CONCURRENCY, max(1, simulated.fleet.max_connections // 2)),
            allow_private=True,
        )
        return await handshake(
            HandshakeOptions(targets=(simulated.seed_name, *hidden), survey=survey, output=output),
            interrupts,
        )
