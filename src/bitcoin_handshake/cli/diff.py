"""The `diff` command: what changed between two runs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bitcoin_handshake.cli.command import PROGRAM, Command
from bitcoin_handshake.cli.export import store_path
from bitcoin_handshake.cli.options import ChainType, complete_file, log_level_options, log_options_from

__all__ = ["command"]

MAX_LINES = 20


@click.command(
    "diff",
    cls=Command,
    examples=(
        (f"{PROGRAM} diff 1 2 --db crawl.sqlite", "two runs of one store"),
        (f"{PROGRAM} diff monday.sqlite friday.sqlite", "the last runs of two stores"),
    ),
    epilog="A and B are numbers of runs of --db, or FILE (its last run), or FILE#NUMBER.",
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--db", metavar="FILE", shell_complete=complete_file, help="The store of both.")
@click.option("-n", "--chain", "network", type=ChainType(), help="Chain whose store is read [mainnet].")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, a: str, b: str, as_json: bool, **_: object) -> int:
    """Compare the nodes that two runs reached: new, gone, moved, upgraded, other services."""
    log_options_from(ctx)
    from bitcoin_handshake.cli.output.printable import printable
    from bitcoin_handshake.store.statistics import compare

    difference = compare(_reachable(ctx, a), _reachable(ctx, b))
    if as_json:
        click.echo(json.dumps(difference.to_json()))
        return 0
    parts = {
        "new": difference.new,
        "gone": difference.gone,
        "moved": [f"{before} -> {after}" for before, after in difference.moved],
        "upgraded": [f"{address}: {before} -> {after}" for address, before, after in difference.upgraded],
        "services": [f"{address}: {before} -> {after}" for address, before, after in difference.services],
    }
    click.echo(f"{difference.common} reachable in both")
    for name, lines in parts.items():
        click.echo(f"{len(lines)} {name}")
        for line in lines[:MAX_LINES]:
            click.echo(printable(f"  {line}"))
        if len(lines) > MAX_LINES:
            click.echo(f"  ... and {len(lines) - MAX_LINES} more (--json has all)")
    return 0


def _reachable(ctx: click.Context, text: str) -> list[dict[str, Any]]:
    from bitcoin_handshake.store.database import open_for_reading
    from bitcoin_handshake.store.queries import NodeFilter, crawl_id_of, nodes

    if text.isascii() and text.isdigit():
        path, digits = store_path(ctx), text
    else:
        name, _, digits = text.rpartition("#")
        is_numbered = bool(name) and digits.isascii() and digits.isdigit()
        path, digits = (Path(name), digits) if is_numbered else (Path(text), "")
    number = int(digits) if digits else None
    with closing(open_for_reading(path)) as database:
        return list(nodes(database, NodeFilter(reachable=True, crawl_id=crawl_id_of(database, number))))
