"""The `check-networks` command: which networks work from this machine, and what to do about the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from bitcoin_handshake import defaults
from bitcoin_handshake.cli.command import PROGRAM, Command
from bitcoin_handshake.cli.network_options import network_options, route_options_from
from bitcoin_handshake.cli.options import (
    ChainType,
    SecondsType,
    fields_from,
    log_level_options,
    log_options_from,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.cli.interrupts import Interrupts
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.survey import SurveyOptions

__all__ = ["command"]

EPILOG = """\
TARGET is a node or a DNS seed that is known to be good; without any, the chain's own seeds are asked, and
up to 16 of their nodes of each network dialled. Exit codes: 0 all networks work, 1 some, 3 none."""


@click.command(
    "check-networks",
    cls=Command,
    examples=(
        (f"{PROGRAM} check-networks", "all five networks"),
        (f"{PROGRAM} check-networks --onlynet onion --onion 127.0.0.1:9050", "onion services only"),
        (f"{PROGRAM} check-networks --json 192.0.2.7 '[2001:db8::1]:8333'", "by nodes of your own"),
    ),
    epilog=EPILOG,
)
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option(
    "-n",
    "--network",
    "--chain",
    "network",
    type=ChainType(),
    default=defaults.CHAIN,
    help="Chain [mainnet].",
)
@click.option(
    "-t",
    "--timeout",
    "timeout_s",
    type=SecondsType(),
    default=defaults.TIMEOUT_S,
    metavar="SECONDS",
    help="Limit per node [10].",
)
@network_options
@click.option("--json", is_flag=True, help="One JSON object a line.")
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, targets: tuple[str, ...], **_: object) -> int:
    """Tell which networks work from this machine, and what to do about the others."""
    log = log_options_from(ctx)
    params = ctx.params

    from bitcoin_handshake.chain import chain_from_text
    from bitcoin_handshake.cli.event_loop import run_interruptible
    from bitcoin_handshake.cli.logs import configure_logging
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.prober import ProbeOptions
    from bitcoin_handshake.survey import SurveyOptions

    configure_logging(log)
    options = SurveyOptions(
        probe=ProbeOptions(chain=chain_from_text(params["network"]), **fields_from(ctx, ProbeOptions)),
        routes=route_options_from(params),
        allow_private=True,
        **fields_from(ctx, SurveyOptions),
    )
    wanted = options.routes.onlynet or frozenset(Network)
    return run_interruptible(
        lambda interrupts: check(options, targets, wanted, interrupts, as_json=params["json"])
    )


async def check(
    options: SurveyOptions,
    targets: tuple[str, ...],
    wanted: Collection[Network],
    interrupts: Interrupts,
    *,
    as_json: bool,
) -> ExitCode:
    """Check, print one line for each network, and judge.

    Raises:
        InputError: A target is malformed.
    """
    import asyncio

    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.network_check import Works, check_networks

    checking = asyncio.ensure_future(check_networks(options, targets=targets, wanted=wanted))

    def cancel() -> None:
        checking.cancel()

    interrupts.on_first(cancel)
    try:
        checks = await checking
    except asyncio.CancelledError:
        return interrupts.exit_code
    for each in checks:
        click.echo(json.dumps(each.to_json()) if as_json else each.to_text())
    working = sum(each.works is Works.YES for each in checks)
    if working == len(checks):
        return ExitCode.OK
    return ExitCode.NONE_COMPLETED if working else ExitCode.NOTHING_RESOLVED
