"""The `seeds` command: audit the DNS seeds of a chain.

Owns its options, its forms of output, its exit codes and the store's part; `audit.seeds` does the work.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from bitcoin_handshake.cli.command import PROGRAM, Command, pick_one
from bitcoin_handshake.cli.network_options import network_options, route_options_from
from bitcoin_handshake.cli.options import (
    SecondsType,
    WholeNumberType,
    complete_file,
    fields_from,
    location_options,
    log_level_options,
    log_options_from,
    node_options,
)
from bitcoin_handshake.cli.output.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bitcoin_handshake.audit.seeds.facts import SeedAudit
    from bitcoin_handshake.audit.seeds.run import SeedOptions
    from bitcoin_handshake.cli.exit_codes import ExitCode
    from bitcoin_handshake.cli.interrupts import Interrupts

__all__ = ["command"]


@click.command(
    "seeds",
    cls=Command,
    examples=(
        (f"{PROGRAM} seeds", "which DNS seeds of mainnet are good?"),
        (f"{PROGRAM} seeds --details seed.example.org", "all that is known about one seed"),
        (f"{PROGRAM} seeds --markdown -n testnet4", "a table to paste into an issue"),
        (f"{PROGRAM} seeds --db seeds.sqlite --min-reachable 60", "for cron: exit code 1 below 60 %"),
    ),
    epilog="""\
Exit codes: 0 audited, 1 a seed is below --min-reachable, 2 wrong usage, 4 no DNS server answers or this
machine fails, 130 interrupted. A node is reachable where the handshake was completed from this machine.""",
)
@click.argument("seeds", nargs=-1, metavar="[SEED...]")
@node_options
@click.option(
    "--resolver",
    "resolvers",
    multiple=True,
    metavar="SERVER",
    help="Ask ADDR[:PORT], tls://HOST or https://HOST/PATH [the system's]; repeatable.",
)
@click.option("--filters", metavar="x9,...", help="Filters of service bits [those that a seed documents].")
@click.option(
    "--min-reachable", type=WholeNumberType(0, 100), metavar="PERCENT", help="Exit code 1 for a seed below."
)
@click.option("--height", type=WholeNumberType(0), metavar="N", help="Height of the chain, to compare with.")
@location_options
@click.option(
    "--trust-anchor",
    metavar="FILE",
    shell_complete=complete_file,
    help="DS or DNSKEY records for DNSSEC [the root's].",
)
@click.option(
    "--db", metavar="FILE", shell_complete=complete_file, help="Keep the audit here, compare with the last."
)
@click.option("--history", is_flag=True, help="Show the audits in the store; ask nobody.")
@click.option(
    "--dns-timeout",
    "dns_timeout_s",
    type=SecondsType(),
    metavar="SECONDS",
    help="Limit for each question [5].",
)
@click.option("-4", "ipv4", is_flag=True, help="IPv4 only.")
@click.option("-6", "ipv6", is_flag=True, help="IPv6 only.")
@click.option("--allow-private", is_flag=True, help="Dial private addresses, too.")
@network_options
@click.option("--details", is_flag=True, help="Every point of the policy, filters, software.")
@click.option("--json", "json", is_flag=True, help="One JSON object per seed.")
@click.option("--markdown", is_flag=True, help="A table to paste into an issue.")
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, **_: object) -> int:
    """Audit DNS seeds: what they answer, and a handshake with every node that they name."""
    params = ctx.params
    form = pick_one(ctx, "json", "markdown")
    family = pick_one(ctx, "ipv4", "ipv6")

    from bitcoin_handshake.cli.logs import configure_logging

    configure_logging(log_options_from(ctx))
    if params["history"]:
        return _show_history(ctx, as_json=form == "json")

    from bitcoin_handshake.audit.seeds.questions import parse_filters
    from bitcoin_handshake.audit.seeds.run import DNS_TIMEOUT_S, SeedOptions, chosen_seeds
    from bitcoin_handshake.chain import chain_from_text
    from bitcoin_handshake.cli.event_loop import run_interruptible
    from bitcoin_handshake.location import open_locations
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.policy import IP_NETWORKS
    from bitcoin_handshake.prober import ProbeOptions
    from bitcoin_handshake.resolver.servers import Server
    from bitcoin_handshake.survey import SurveyOptions

    routes = route_options_from(params)
    if routes.proxy is not None:
        raise click.UsageError("the DNS servers would be asked outside the proxy: not with --proxy", ctx)
    survey = SurveyOptions(
        probe=ProbeOptions(chain=chain_from_text(params["network"]), **fields_from(ctx, ProbeOptions)),
        families=frozenset({Network(family)}) if family else IP_NETWORKS,
        routes=routes,
        **fields_from(ctx, SurveyOptions),
    )
    options = SeedOptions(
        survey=survey,
        servers=[Server.from_text(text) for text in params["resolvers"]] or _system_servers(),
        masks=None if params["filters"] is None else parse_filters(params["filters"]),
        dns_timeout_s=params["dns_timeout_s"] or DNS_TIMEOUT_S,
        height=params["height"],
        location=open_locations(asmap=params["asmap"], mmdb=params["mmdb"]),
        anchors_file=params["trust_anchor"],
    )
    seeds = chosen_seeds(params["seeds"], survey)
    return run_interruptible(
        lambda interrupts: _run(seeds, options, params, form, interrupts), with_uvloop=False
    )


def _system_servers() -> list[Any]:
    """Return the first name server of this machine."""
    from bitcoin_handshake.errors import EnvironmentFailure
    from bitcoin_handshake.resolver.names import RESOLV_CONF_PATH
    from bitcoin_handshake.resolver.servers import Server
    from bitcoin_handshake.resolver.system import system_nameservers

    found = system_nameservers(RESOLV_CONF_PATH)
    if not found:
        raise EnvironmentFailure(f"{RESOLV_CONF_PATH} names no DNS server: --resolver names one")
    return [Server.from_text(found[0].to_text())]


async def _run(
    seeds: Sequence[str],
    options: SeedOptions,
    params: dict[str, Any],
    form: str | None,
    interrupts: Interrupts,
) -> ExitCode:
    from dataclasses import replace

    from bitcoin_handshake.audit.seeds.run import audit_seeds
    from bitcoin_handshake.cli.exit_codes import ExitCode

    with ExitStack() as stack:
        store = None if params["db"] is None else _open_store(params["db"], options, stack)
        if store is not None:
            from bitcoin_handshake.store.seed_audits import unreachable_before

            options = replace(options, unreachable_before=unreachable_before(store, seeds))
        stopped = asyncio.Event()
        interrupts.on_first(stopped.set)
        stopping = asyncio.create_task(stopped.wait())
        work = asyncio.create_task(audit_seeds(seeds, options))
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            return interrupts.exit_code
        audits = work.result()
        if store is not None:
            _keep(store, params["db"], audits)
        _print(audits, form, with_details=params["details"])
        if audits and not any(audit.share()[1] for audit in audits) and any(audit.nodes for audit in audits):
            click.echo(f"{PROGRAM}: no address could be dialled from this machine", err=True)
        limit = params["min_reachable"]
        return ExitCode.NONE_COMPLETED if limit is not None and _below(audits, limit) else ExitCode.OK


def _below(audits: Sequence[SeedAudit], percent: int) -> bool:
    """Whether a seed has fewer reachable nodes than that; one without answers has none."""
    shares = [audit.share() for audit in audits]
    return any(100 * good < percent * dialled or (percent > 0 and not dialled) for good, dialled in shares)


def _open_store(path: str, options: SeedOptions, stack: ExitStack) -> Any:
    from pathlib import Path

    from bitcoin_handshake.store.database import StoreLock, open_for_writing

    file = Path(path)
    lock = StoreLock(file)
    stack.callback(lock.release)
    return stack.enter_context(closing(open_for_writing(file, options.survey.probe.chain)))


def _keep(store: Any, path: str, audits: Sequence[SeedAudit]) -> None:
    import sqlite3
    from pathlib import Path
    from time import time

    from bitcoin_handshake.store.database import store_failure
    from bitcoin_handshake.store.seed_audits import record_audit

    now_ms = int(time() * 1000)
    try:
        for audit in audits:
            outcomes = [
                (address, None, None)
                if node.record is None
                else (address, str(node.record["outcome"]), node.record["code"])
                for address, node in audit.nodes.items()
            ]
            record_audit(store, audit.to_json(), outcomes, now_ms=now_ms)
    except sqlite3.Error as error:
        raise store_failure(Path(path), error) from error


def _show_history(ctx: click.Context, *, as_json: bool) -> int:
    from bitcoin_handshake.audit.seeds.report import history_line
    from bitcoin_handshake.cli.export import store_path
    from bitcoin_handshake.store.database import open_for_reading
    from bitcoin_handshake.store.seed_audits import seed_history

    path: Path = store_path(ctx)
    with closing(open_for_reading(path)) as database:
        found = seed_history(database, [name.lower().rstrip(".") for name in ctx.params["seeds"]])
    if not found:
        raise click.UsageError(f"{path} has no audit of that: run 'seeds --db {path}' first", ctx)
    if as_json:
        import orjson

        _write(orjson.dumps({"seed": seed, "audits": rows}).decode() for seed, rows in found.items())
    else:
        _write(history_line(seed, [row["share"] for row in rows]) for seed, rows in found.items())
    return 0


def _print(audits: Sequence[SeedAudit], form: str | None, *, with_details: bool) -> None:
    from bitcoin_handshake.audit.seeds import report

    if form == "json":
        import orjson

        _write(orjson.dumps(audit.to_json()).decode() for audit in audits)
    elif form == "markdown":
        _write(report.markdown(audits))
    else:
        _write(report.table(audits))
        if with_details:
            for audit in audits:
                _write(["", *report.details(audit)])


def _write(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()
