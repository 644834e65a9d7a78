"""The `crawl` command: walks the whole network into a store.

Owns its options; `cli.crawl_run` does the work.
"""

from __future__ import annotations

from typing import Any

import click

from bitcoin_handshake import defaults
from bitcoin_handshake.cli.command import PROGRAM, Command, pick_one
from bitcoin_handshake.cli.handshake import MAGIC_LEN, chain_from, complete_target
from bitcoin_handshake.cli.network_options import network_options, route_options_from
from bitcoin_handshake.cli.options import (
    ChainType,
    HexType,
    ResolverType,
    SecondsType,
    TransportType,
    UserAgentType,
    WholeNumberType,
    complete_file,
    log_level_options,
    log_options_from,
)

__all__ = ["command"]

EPILOG = """\
The store is one SQLite file [bitcoin-handshake/CHAIN.sqlite in the user's data directory]; look at it
with stats, export and diff, or with sqlite3. Without TARGET the crawl begins at the DNS seeds of the
chain; nodes that the store knows are visited in any case, those that failed after a pause. Ctrl-C
saves everything.
Exit codes: 0 a node completed the handshake, 1 none did, 2 wrong usage, 3 nowhere to begin, 4 this machine or
the store fails, 130 interrupted."""


def route_words(params: dict[str, Any]) -> tuple[str, ...]:
    """Return the options of ways and manners as they were given, for the command that resumes."""
    words: list[str] = []
    for name in ("proxy", "onion", "i2psam", "onlynet", "exclude", "rate", "rate_per_group", "retries"):
        value = params[name]
        for each in value if isinstance(value, tuple) else (value,):
            if each not in (None, 0):
                words += [
                    f"--{name.replace('_', '-')}",
                    f"{each:g}" if isinstance(each, float) else str(each),
                ]
    return (*words, "--cjdnsreachable") if params["cjdnsreachable"] else tuple(words)


@click.command(
    "crawl",
    cls=Command,
    examples=(
        (f"{PROGRAM} crawl", "mainnet, from its DNS seeds"),
        (f"{PROGRAM} crawl -n signet --db signet.sqlite --max-time 600", "ten minutes of signet"),
        (f"{PROGRAM} crawl --db signet.sqlite -n signet --resume", "go on with it"),
    ),
    epilog=EPILOG,
)
@click.argument("targets", nargs=-1, metavar="[TARGET...]", shell_complete=complete_target)
@click.option("--db", metavar="FILE", shell_complete=complete_file, help="The store.")
@click.option("--resume", is_flag=True, help="Go on with the last crawl that was stopped.")
@click.option("--max-nodes", type=WholeNumberType(1), metavar="N", help="Visit at most N addresses.")
@click.option("--max-time", "max_time_s", type=SecondsType(), metavar="SECONDS", help="Stop after so long.")
@click.option(
    "--getaddr-rounds",
    type=WholeNumberType(1),
    default=1,
    metavar="N",
    help="Ask each node N times, on new connections [1].",
)
@click.option(
    "--getaddr-wait",
    "getaddr_wait_s",
    type=SecondsType(),
    default=60.0,
    metavar="SECONDS",
    help="Wait so long for addresses [60].",
)
@click.option("--gossip", is_flag=True, help="Keep who told whom of whom.")
@click.option(
    "--max-age",
    "max_age_days",
    type=WholeNumberType(1),
    default=30,
    metavar="DAYS",
    help="Leave out addresses not seen for so long [30].",
)
@click.option(
    "--seed",
    type=WholeNumberType(0),
    default=0,
    metavar="N",
    help="Order among equals; same seed, same order [0].",
)
@click.option("--vantage", metavar="TEXT", help="Where this machine is, in your words; kept in the store.")
@click.option(
    "-n", "--network", "--chain", "network", type=ChainType(),
    help="mainnet (default), testnet3, testnet4, signet, regtest.",
)  # fmt: skip
@click.option(
    "-p",
    "--port",
    type=WholeNumberType(1, defaults.MAX_PORT),
    metavar="PORT",
    help="Port of names [the chain's own].",
)
@click.option(
    "-t", "--timeout", "timeout_s", type=SecondsType(), default=defaults.TIMEOUT_S, metavar="SECONDS",
    help=f"Limit per node, connect to verdict [{defaults.TIMEOUT_S:g}].",
)  # fmt: skip
@click.option(
    "--transport", type=TransportType(), default=defaults.TRANSPORT, metavar="MODE",
    help="auto (default: v2, falling back to v1 if needed), v1, v2 or both.",
)  # fmt: skip
@click.option("-4", "ipv4", is_flag=True, help="IPv4 only.")
@click.option("-6", "ipv6", is_flag=True, help="IPv6 only.")
@click.option("--resolver", type=ResolverType(), metavar="ADDR[:PORT]", help="DNS server [the system's].")
@click.option(
    "--concurrency", type=WholeNumberType(1), metavar="N", help="Connections at once [4096, or what fits]."
)
@click.option("--allow-private", is_flag=True, help="Visit private addresses, too.")
@click.option(
    "--user-agent", type=UserAgentType(), default=defaults.USER_AGENT, metavar="TEXT",
    help=f"User agent [{defaults.USER_AGENT}].",
)  # fmt: skip
@network_options
@click.option("--signet-challenge", type=HexType(), metavar="HEX", help="Script of a custom signet.")
@click.option("--magic", type=HexType(length=MAGIC_LEN), metavar="HEX", help="Magic of another chain.")
@click.option("--json", "as_json", is_flag=True, help="Print the sum as one JSON object.")
@click.option("--no-progress", is_flag=True, help="No live view.")
@log_level_options
@click.pass_context
def command(ctx: click.Context, /, **_: object) -> int:
    """Walk the whole network by getaddr and keep what it shows in a store."""
    params = ctx.params
    log = log_options_from(ctx)
    family = pick_one(ctx, "ipv4", "ipv6")
    chain = chain_from(ctx)

    from bitcoin_handshake.cli.crawl_run import CrawlOptions, run_crawl
    from bitcoin_handshake.cli.logs import configure_logging

    configure_logging(log)
    names = (
        "targets", "db", "resume", "max_nodes", "max_time_s", "getaddr_rounds", "getaddr_wait_s", "gossip",
        "max_age_days", "seed", "vantage", "port", "timeout_s", "transport", "resolver", "concurrency",
        "allow_private", "user_agent", "as_json", "onion_timeout_s", "i2p_timeout_s", "retries", "rate",
        "rate_per_group", "exclude", "contact", "dry_run", "no_resolve",
    )  # fmt: skip
    return run_crawl(
        CrawlOptions(
            chain=chain,
            families=frozenset({family}) if family else frozenset({"ipv4", "ipv6"}),
            quiet=log.quiet,
            progress=not params["no_progress"],
            routes=route_options_from(params),
            route_words=route_words(params),
            **{name: params[name] for name in names},
        )
    )
