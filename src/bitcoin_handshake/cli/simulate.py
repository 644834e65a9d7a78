"""The `simulate` command: keeps a simulated network running, for this tool or any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from bitcoin_handshake.cli.command import PROGRAM, Command
from bitcoin_handshake.cli.options import (
    ChainType,
    WholeNumberType,
    log_level_options,
    log_options_from,
)

if TYPE_CHECKING:
    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.cli.interrupts import Interrupts
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.simulate.network import SimulatedNetwork

__all__ = ["command"]

EPILOG = """\
Everything listens on loopback: a DNS seed over UDP and TCP, and nodes on addresses of 127.0.0.0/8
and ::1. It runs until it is interrupted or terminated, and then exits with 0. The same --seed gives
the same network. With --json, one line comes as soon as everything listens:
{"seed_name", "dns", "nodes": [{"address", "behaviour", "expected"}]}. Variables:
BITCOIN_HANDSHAKE_SIMULATE_NODES=100."""


@click.command(
    "simulate",
    cls=Command,
    examples=(
        (f"{PROGRAM} simulate", "25 nodes of all kinds on regtest"),
        (f"{PROGRAM} simulate --nodes 1000 --behaviours core=9,silent=1", "a crowd, one in ten silent"),
        (f"{PROGRAM} simulate --json --dns-port 5353", "for a script, the DNS seed on a port of choice"),
    ),
    epilog=EPILOG,
)
@click.option(
    "--behaviours",
    metavar="NAME[=SHARE],...",
    help="How the nodes behave [default: a mix]; 'all' is every way there is.",
)
@click.option("--list-behaviours", is_flag=True, help="List the behaviours and what they end in.")
@click.option(
    "--seed", type=WholeNumberType(), default=0, metavar="N", help="What chance derives from [default: 0]."
)
@click.option(
    "-n",
    "--network",
    "--chain",
    "network",
    type=ChainType(),
    default="regtest",
    help="Chain of the nodes [default: regtest].",
)
@click.option("--nodes", type=WholeNumberType(1), default=25, metavar="N", help="How many [default: 25].")
@click.option(
    "-p",
    "--port",
    type=WholeNumberType(0, 65535),
    metavar="PORT",
    help="Port of the nodes [default: the chain's own]; 0 is any free one.",
)
@click.option(
    "--dns-port",
    type=WholeNumberType(0, 65535),
    default=0,
    metavar="PORT",
    help="Port of the DNS seed on 127.0.0.1 [default: any free one].",
)
@click.option(
    "--networks",
    metavar="NET,...",
    default="ipv4,ipv6",
    help="Networks of the nodes: ipv4, ipv6, onion, i2p, cjdns [ipv4,ipv6].",
)
@click.option(
    "--proxy-behaviour",
    metavar="NAME",
    default="tor",
    help="How the SOCKS5 proxy in front of onion nodes behaves [tor].",
)
@click.option(
    "--sam-behaviour",
    metavar="NAME",
    default="i2p",
    help="How the SAM bridge in front of I2P nodes behaves [i2p].",
)
@click.option("--json", is_flag=True, help="Print one JSON line instead of the command to try.")
@log_level_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    behaviours: str | None,
    list_behaviours: bool,
    seed: int,
    network: str,
    nodes: int,
    port: int | None,
    dns_port: int,
    networks: str,
    proxy_behaviour: str,
    sam_behaviour: str,
    **_: object,
) -> int:
    """Run a simulated network on loopback: a DNS seed and nodes with chosen behaviours."""
    log = log_options_from(ctx)
    if list_behaviours:
        from bitcoin_handshake.simulate.behaviours import behaviours_text
        from bitcoin_handshake.simulate.proxies import proxies_text
        from bitcoin_handshake.simulate.sam_bridge import sam_text

        click.echo(behaviours_text(), nl=False)
        click.echo(proxies_text(), nl=False)
        click.echo(sam_text(), nl=False)
        return 0

    from bitcoin_handshake.chain import chain_from_text
    from bitcoin_handshake.cli.event_loop import run_interruptible
    from bitcoin_handshake.cli.logs import configure_logging
    from bitcoin_handshake.simulate.mix import DEFAULT_MIX, parse_behaviours
    from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork

    options = NetworkOptions(
        params=chain_from_text(network),
        node_count=nodes,
        mix=parse_behaviours(DEFAULT_MIX if behaviours is None else behaviours),
        seed=seed,
        port=port,
        dns_port=dns_port,
        networks=networks_from(networks),
        proxy_behaviour=proxy_behaviour,
        sam_behaviour=sam_behaviour,
    )
    configure_logging(log)
    return run_interruptible(
        lambda interrupts: serve(SimulatedNetwork(options), interrupts, as_json=ctx.params["json"])
    )


def networks_from(text: str) -> tuple[Network, ...]:
    """Read the names of networks.

    Raises:
        InputError: One of them is unknown.
    """
    from bitcoin_handshake.errors import InputError
    from bitcoin_handshake.netaddr import Network

    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in list(Network)]
    if unknown:
        raise InputError(f"unknown network {unknown[0]!r}: one of {', '.join(Network)}")
    return tuple(map(Network, names))


async def serve(simulated: SimulatedNetwork, interrupts: Interrupts, *, as_json: bool) -> ExitCode:
    """Run a network until a signal comes.

    Raises:
        EnvironmentFailure: It cannot listen.
    """
    import asyncio

    from bitcoin_handshake.cli.exit_codes import ExitCode

    stopped = asyncio.Event()
    interrupts.on_first(stopped.set)
    async with simulated:
        click.echo(json.dumps(simulated.to_json()) if as_json else _announcement(simulated))
        await stopped.wait()
    return ExitCode.OK


def _announcement(simulated: SimulatedNetwork) -> str:
    count = len(simulated.nodes)
    nodes, their = ("node", "its") if count == 1 else ("nodes", "their")
    return (
        f"{count} simulated {nodes} on {simulated.options.params.chain.value} and {their} DNS seed at "
        f"{simulated.dns} listen until Ctrl-C. Try, in another terminal:\n\n"
        f"  {simulated.command()}\n"
    )
