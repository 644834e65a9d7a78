"""The `doctor` command: examine nodes and explain what is found.

Owns its options, its forms of output and its exit codes, which are those of a Nagios plugin;
`audit.doctor` does the work.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from bitcoin_handshake.cli.command import PROGRAM, Command, pick_one
from bitcoin_handshake.cli.network_options import network_options, route_options_from
from bitcoin_handshake.cli.options import (
    ResolverType,
    SecondsType,
    WholeNumberType,
    fields_from,
    log_level_options,
    log_options_from,
    node_options,
)
from bitcoin_handshake.cli.output.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bitcoin_handshake.audit.doctor import DoctorOptions, Examination
    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.cli.interrupts import Interrupts

__all__ = ["command"]

DURATION_S = 2.0
MAX_NODES = 1000


@click.command(
    "doctor",
    cls=Command,
    examples=(
        (f"{PROGRAM} doctor mynode.example.org", "is my node reachable, and if not, why?"),
        (f"{PROGRAM} doctor --json 192.0.2.7 | jq .findings", "the findings for a script"),
        (f"{PROGRAM} doctor --nagios --height 900000 192.0.2.7", "one line for Nagios or Icinga"),
    ),
    epilog="""\
Exit codes: 0 ok, 1 a warning, 2 a problem or wrong usage, 3 the node could not be examined from here,
4 this machine fails, 130 interrupted. The reference height is that of --height, else the median of a
few nodes of the chain's DNS seeds; they are not asked for nodes on private addresses.""",
)
@click.argument("targets", nargs=-1, metavar="NODE...")
@node_options
@click.option(
    "--duration",
    "duration_s",
    type=SecondsType(zero_allowed=True),
    default=DURATION_S,
    metavar="SECONDS",
    help=f"Keep the connection open after the handshake; measure a ping [{DURATION_S:g}].",
)
@click.option("--height", type=WholeNumberType(0), metavar="N", help="Height of the chain, to compare with.")
@click.option("--no-seeds", is_flag=True, help="Do not ask nodes of the DNS seeds for the height.")
@click.option("-4", "ipv4", is_flag=True, help="IPv4 only.")
@click.option("-6", "ipv6", is_flag=True, help="IPv6 only.")
@click.option(
    "--resolver",
    type=ResolverType(),
    metavar="ADDR[:PORT]",
    help="DNS server [the system's, with its hosts file].",
)
@click.option("--allow-private", is_flag=True, help="Dial private addresses that DNS gave, too.")
@network_options
@click.option("--json", "json", is_flag=True, help="One JSON object per node.")
@click.option("--markdown", is_flag=True, help="A table to paste into an issue.")
@click.option(
    "--sequence", "record_messages", is_flag=True, help="Draw the messages of each connection as well."
)
@click.option("--nagios", is_flag=True, help="One line with performance data.")
@click.option(
    "--watch",
    "watch_s",
    type=SecondsType(),
    metavar="SECONDS",
    help="Repeat after this time, and print changes only.",
)
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, **_: object) -> int:
    """Examine nodes and explain in plain words what their operator should know."""
    params = ctx.params
    form = pick_one(ctx, "json", "markdown", "nagios")
    family = pick_one(ctx, "ipv4", "ipv6")
    if not params["targets"]:
        raise click.UsageError("no node: name one by address or name", ctx)
    if len(params["targets"]) > MAX_NODES:
        raise click.UsageError(f"at most {MAX_NODES} nodes at once; use 'handshake' for lists", ctx)
    if params["record_messages"] and form == "nagios":
        raise click.UsageError("--sequence draws a picture: not with --nagios", ctx)
    if params["watch_s"] is not None and form is not None:
        raise click.UsageError(f"--watch prints text: not with --{form}", ctx)

    from bitcoin_handshake.audit.doctor import DoctorOptions
    from bitcoin_handshake.chain import chain_from_text
    from bitcoin_handshake.cli.event_loop import run_interruptible
    from bitcoin_handshake.cli.logs import configure_logging
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.policy import IP_NETWORKS
    from bitcoin_handshake.prober import ProbeOptions
    from bitcoin_handshake.survey import SurveyOptions
    from bitcoin_handshake.targets import parse_target

    configure_logging(log_options_from(ctx))
    targets = tuple(dict.fromkeys(params["targets"]))
    for target in targets:
        parse_target(target)  # a mistake is said before anything is dialled
    survey = SurveyOptions(
        probe=ProbeOptions(chain=chain_from_text(params["network"]), **fields_from(ctx, ProbeOptions)),
        families=frozenset({Network(family)}) if family else IP_NETWORKS,
        routes=route_options_from(params),
        **fields_from(ctx, SurveyOptions),
    )
    options = DoctorOptions(
        survey=survey,
        duration_s=params["duration_s"],
        height=params["height"],
        ask_seeds=not params["no_seeds"],
    )
    return run_interruptible(
        lambda interrupts: _run(targets, options, form, params["watch_s"], interrupts), with_uvloop=False
    )


async def _run(
    targets: Sequence[str],
    options: DoctorOptions,
    form: str | None,
    watch_s: float | None,
    interrupts: Interrupts,
) -> ExitCode:
    """Examine once, or again and again; print."""
    from bitcoin_handshake.audit.doctor import examine_nodes
    from bitcoin_handshake.audit.findings import Level
    from bitcoin_handshake.audit.report import changes, overall
    from bitcoin_handshake.cli.exit_codes import ExitCode

    stopped = asyncio.Event()
    interrupts.on_first(stopped.set)
    stopping = asyncio.create_task(stopped.wait())
    before: list[Examination] | None = None
    try:
        while True:
            work = asyncio.create_task(examine_nodes(targets, options))
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
            if stopped.is_set():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return ExitCode.INTERRUPTED
            found = work.result()
            if before is None:
                _print(found, form)
            else:
                _write(changes(before, found))
            if watch_s is None:
                return ExitCode(max(Level.OK, overall(found)))  # 0 to 3, as a Nagios plugin has them
            before = found
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), watch_s)
            if stopped.is_set():
                return ExitCode.INTERRUPTED
    finally:
        stopping.cancel()


def _print(examinations: Sequence[Examination], form: str | None) -> None:
    from bitcoin_handshake.audit import report

    if form == "nagios":
        _write([report.nagios(examinations)])
    elif form == "json":
        import orjson

        _write(orjson.dumps(one.to_json()).decode() for one in examinations)
    else:
        lines = report.markdown if form == "markdown" else report.text
        for index, one in enumerate(examinations):
            _write(([""] if index else []) + list(lines(one)))


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()
