"""The `export` command: nodes of a store in the formats that other programs read."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click

from bitcoin_handshake.cli.command import PROGRAM, Command
from bitcoin_handshake.cli.options import (
    ChainType,
    WholeNumberType,
    complete_file,
    log_level_options,
    log_options_from,
)

__all__ = ["command", "store_path"]

FORMATS = ("ndjson", "csv", "parquet", "dnsseed", "bitnodes", "list")
NETWORKS = ("ipv4", "ipv6", "onion", "i2p", "cjdns")


def store_path(ctx: click.Context) -> Path:
    """Return the store that `--db` names, or the one of the chain."""
    from bitcoin_handshake.store.database import default_path

    db = ctx.params["db"]
    return default_path(ctx.params["network"] or "mainnet") if db is None else Path(db)


@click.command(
    "export",
    cls=Command,
    examples=(
        (f"{PROGRAM} export --format csv --reachable -o nodes.csv", "reachable nodes of mainnet as CSV"),
        (f"{PROGRAM} export --db crawl.sqlite --format dnsseed", "for Bitcoin Core's makeseeds.py"),
    ),
    epilog="Each node is exported as its last visit showed it. docs/crawl.md describes every field.",
)
@click.option("--db", metavar="FILE", shell_complete=complete_file, help="The store.")
@click.option("-n", "--chain", "network", type=ChainType(), help="Chain whose store is read [mainnet].")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="ndjson", help="Format [ndjson].")
@click.option("-o", "--output", metavar="FILE", shell_complete=complete_file, help="Write there.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format ndjson.")
@click.option("--crawl", "crawl_id", type=WholeNumberType(1), metavar="N", help="Nodes as run N saw them.")
@click.option("--network", "kind", type=click.Choice(NETWORKS), help="Kind of address.")
@click.option("--reachable", is_flag=True, help="Only nodes that completed the handshake.")
@click.option("--services", metavar="HEX", help="Only nodes that offer these bits.")
@click.option("--user-agent", metavar="TEXT", help="Only nodes with this text in their user agent.")
@click.option("--min-height", type=WholeNumberType(0), metavar="N", help="Only from this height on.")
@click.option("--since", metavar="DATE", help="Only visited then or later: 2026-11-27, or with time (UTC).")
@click.option("--transport", type=click.Choice(("v1", "v2")), help="Only nodes that spoke it.")
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, format_: str, output: str | None, as_json: bool, **_: object) -> int:
    """Write the nodes of a store in a format that other programs read."""
    params = ctx.params
    log_options_from(ctx)
    from bitcoin_handshake.store.database import open_for_reading
    from bitcoin_handshake.store.formats import TEXT_FORMATS, write_parquet
    from bitcoin_handshake.store.queries import NodeFilter, crawl_id_of, nodes

    wanted = NodeFilter(
        network=params["kind"],
        reachable=params["reachable"],
        services=_mask(params["services"]),
        user_agent=params["user_agent"],
        min_height=params["min_height"],
        since_ms=_since_ms(params["since"]),
        transport=params["transport"],
        crawl_id=params["crawl_id"],
    )
    with closing(open_for_reading(store_path(ctx))) as database:
        if wanted.crawl_id is not None:
            crawl_id_of(database, wanted.crawl_id)
        found = nodes(database, wanted)
        if format_ == "parquet":
            if output in (None, "-"):
                raise click.UsageError("--format parquet needs -o FILE", ctx)
            with Path(str(output)).open("wb") as file:
                write_parquet(found, file)
            return 0
        pieces = TEXT_FORMATS["ndjson" if as_json else format_](found)
        if output in (None, "-"):
            sys.stdout.writelines(pieces)
        else:
            with Path(str(output)).open("w", encoding="utf-8", newline="") as text:
                text.writelines(pieces)
    return 0


def _mask(text: str | None) -> int:
    if text is None:
        return 0
    try:
        mask = int(text, 16)
    except ValueError:
        mask = -1
    if not 0 <= mask < 1 << 64:
        raise click.UsageError(f"--services {text!r} is not a mask of up to 16 hex digits")
    return mask


def _since_ms(text: str | None) -> int | None:
    if text is None:
        return None
    from datetime import UTC, datetime

    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(
            f"--since {text!r} is not a date such as 2026-11-27 or 2026-11-27T12:00"
        ) from None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
