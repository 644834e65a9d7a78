"""The `stats` command: the tables that people quote."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import click

from bitcoin_handshake.cli.command import PROGRAM, Command
from bitcoin_handshake.cli.export import store_path
from bitcoin_handshake.cli.options import (
    ChainType,
    WholeNumberType,
    complete_file,
    location_options,
    log_level_options,
    log_options_from,
)

if TYPE_CHECKING:
    from bitcoin_handshake.store.statistics import Table

__all__ = ["command", "table_text"]

WIDTH = 44


@click.command(
    "stats",
    cls=Command,
    examples=(
        (f"{PROGRAM} stats --db crawl.sqlite", "what the last run found"),
        (f"{PROGRAM} stats --db crawl.sqlite --asmap ip_asn.map", "with the network operators"),
    ),
    epilog="A node is an address that completed the handshake from this machine: see docs/crawl.md.",
)
@click.option("--db", metavar="FILE", shell_complete=complete_file, help="The store.")
@click.option("-n", "--chain", "network", type=ChainType(), help="Chain whose store is read [mainnet].")
@click.option("--crawl", "crawl_id", type=WholeNumberType(1), metavar="N", help="Of run N [the last one].")
@location_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, crawl_id: int | None, as_json: bool, **_: object) -> int:
    """Show shares of networks, software, services, v2, versions, heights, clocks and ports."""
    log_options_from(ctx)
    from bitcoin_handshake.cli.output.printable import printable
    from bitcoin_handshake.location import open_locations
    from bitcoin_handshake.store.database import open_for_reading
    from bitcoin_handshake.store.queries import crawl_id_of
    from bitcoin_handshake.store.statistics import statistics

    location = open_locations(asmap=ctx.params["asmap"], mmdb=ctx.params["mmdb"])
    with closing(open_for_reading(store_path(ctx))) as database:
        number = crawl_id_of(database, crawl_id)
        row = database.execute(
            "SELECT state, started_ms, ended_ms, program, vantage FROM crawl WHERE crawl_id = ?", (number,)
        ).fetchone()
        run = dict(zip(("state", "started_ms", "ended_ms", "program", "vantage"), row, strict=True))
        tables = statistics(database, number, location)
    if as_json:
        click.echo(
            json.dumps({"crawl": number, **run, "tables": {each.name: each.to_json() for each in tables}})
        )
        return 0
    click.echo(printable(f"Run {number} ({run['state']}), seen from: {run['vantage'] or 'not said'}"))
    for each in tables:
        click.echo("\n" + table_text(each))
    return 0


def table_text(table: Table) -> str:
    """Write one table for a terminal."""
    from bitcoin_handshake.cli.output.printable import printable

    lines = [table.title, f"  {table.definition}"]
    for name, count in table.rows:
        share = f"{100 * count / table.total:6.2f} %" if table.total else ""
        lines.append(f"  {printable(name):<{WIDTH}} {count:>8} {share}")
    return "\n".join(lines)
