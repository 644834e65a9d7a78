"""The `handshake` command: the main job.

Owns its options and what they mean together; `cli.runner` does the work.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, TextIO

import click
from click.shell_completion import CompletionItem

from bitcoin_handshake import defaults
from bitcoin_handshake.cli.command import PROGRAM, Command, pick_one
from bitcoin_handshake.cli.network_options import network_options, route_options_from
from bitcoin_handshake.cli.options import (
    ChainType,
    HexType,
    OutputFormat,
    ResolverType,
    SecondsType,
    TransportType,
    UserAgentType,
    WholeNumberType,
    complete_file,
    fields_from,
    log_level_options,
    log_options_from,
    output_options,
    output_options_from,
    version_option,
)
from bitcoin_handshake.cli.variables import ENV_PREFIX

if TYPE_CHECKING:
    from bitcoin_handshake.chain import ChainParams

__all__ = ["command"]

MAGIC_LEN = 4

EXAMPLES = (
    (f"{PROGRAM} seed.bitcoin.sipa.be", "every node behind a DNS seed"),
    (
        f"{PROGRAM} --json -o nodes.json 192.0.2.7 '[2001:db8::1]:8333' @nodes.txt",
        "some nodes, as JSON into a file",
    ),
    (f"{PROGRAM} demo", "try it without internet"),
)

EPILOG = """\
TARGET is a DNS seed, name:port, IP, IP:port, [IPv6]:port, @FILE, or - for standard input: one
target a line, # comments. A seed that is called like a command: write 'handshake' before it, or
a dot behind it.

Every option has a variable: BITCOIN_HANDSHAKE_TIMEOUT=5. Log level or directives:
BITCOIN_HANDSHAKE_LOG, else RUST_LOG. Exit codes: 0 a node completed the handshake, 1 none did,
2 wrong usage, 3 no address found, 4 this machine fails, 70 a bug, 130 interrupted, 141 output
closed."""


def complete_target(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files behind `@`, and else the chain's DNS seeds."""
    from bitcoin_handshake.cli.main import COMPLETE_VARIABLE

    if os.environ.get(COMPLETE_VARIABLE) == "bash_complete" and ctx.params["targets"][-1:] == ("@",):
        incomplete = f"@{incomplete}"  # bash lists @ as a word of its own, and yet replaces it
    if incomplete.startswith("@"):
        import glob

        paths = sorted(glob.glob(glob.escape(incomplete[1:]) + "*"))
        return [CompletionItem("@" + path + ("/" if os.path.isdir(path) else "")) for path in paths]
    from bitcoin_handshake.chain import chain_from_text

    seeds = chain_from_text(ctx.params.get("network") or "mainnet").dns_seeds
    return [CompletionItem(seed) for seed in seeds if seed.startswith(incomplete)]


@click.command(
    "handshake",
    cls=Command,
    examples=EXAMPLES,
    epilog=EPILOG,
    context_settings={"auto_envvar_prefix": ENV_PREFIX},
)
@click.argument("targets", nargs=-1, metavar="TARGET...", shell_complete=complete_target)
@click.option(
    "-n",
    "--network",
    "--chain",
    "network",
    type=ChainType(),
    help="mainnet (default), testnet3, testnet4, signet, regtest.",
)
@click.option(
    "-p", "--port", type=WholeNumberType(1, defaults.MAX_PORT), metavar="PORT", help="Port [the chain's own]."
)
@click.option(
    "-t",
    "--timeout",
    "timeout_s",
    type=SecondsType(),
    default=defaults.TIMEOUT_S,
    metavar="SECONDS",
    help=f"Limit per node, connect to verdict [{defaults.TIMEOUT_S:g}].",
)
@click.option(
    "--transport",
    type=TransportType(),
    default=defaults.TRANSPORT,
    metavar="MODE",
    help="auto (default: v2, falling back to v1 if needed), v1, v2 or both.",
)
@click.option(
    "--linger",
    "linger_s",
    type=SecondsType(zero_allowed=True),
    default=defaults.LINGER_S,
    metavar="SECONDS",
    help="Keep the connection open after the handshake; measure a ping [0].",
)
@click.option("-4", "ipv4", is_flag=True, envvar="BITCOIN_HANDSHAKE_IPV4", help="IPv4 only.")
@click.option("-6", "ipv6", is_flag=True, envvar="BITCOIN_HANDSHAKE_IPV6", help="IPv6 only.")
@click.option(
    "--resolver",
    type=ResolverType(),
    metavar="ADDR[:PORT]",
    help="DNS server [the system's, with its hosts file].",
)
@click.option(
    "--concurrency",
    type=WholeNumberType(1),
    metavar="N",
    help=f"Connections at once [{defaults.CONCURRENCY}, or what fits].",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Dial private addresses that DNS gave, too.",
)
@click.option(
    "--user-agent",
    type=UserAgentType(),
    default=defaults.USER_AGENT,
    metavar="TEXT",
    help=f"User agent [{defaults.USER_AGENT}].",
)
@click.option(
    "--signet-challenge",
    type=HexType(),
    metavar="HEX",
    help="Script of a custom signet; implies signet.",
)
@click.option(
    "--magic",
    type=HexType(length=MAGIC_LEN),
    metavar="HEX",
    help="Magic of another chain (mainnet: f9beb4d9).",
)
@network_options
@output_options
@click.option("--db", metavar="FILE", shell_complete=complete_file, help="Keep the records in a store, too.")
@click.option("--messages", "record_messages", is_flag=True, help="Every message with its time (JSON, CSV).")
@click.option(
    "--transcript",
    metavar="DIR|FILE",
    shell_complete=complete_file,
    help="Record all messages there as JSON Lines.",
)
@click.option("--transcript-secrets", is_flag=True, help="Include the keys and raw bytes of v2.")
@log_level_options
@version_option
@click.pass_context
def command(ctx: click.Context, /, **_: object) -> int:
    """Resolve, connect, exchange version and verack, report each node and the sum."""
    params = ctx.params
    output = output_options_from(ctx)
    log = log_options_from(ctx)
    family = pick_one(ctx, "ipv4", "ipv6")
    chain = chain_from(ctx)
    if params["transcript"] in ("", "-"):
        raise click.UsageError("--transcript needs the name of a file or of a folder", ctx)
    is_typed = ctx.get_parameter_source("record_messages") is click.core.ParameterSource.COMMANDLINE
    if params["record_messages"] and is_typed and output.format is OutputFormat.TEXT:
        raise click.UsageError("--messages needs --json or --csv: a line of text has no room for them", ctx)
    if params["db"] == "":
        raise click.UsageError("--db needs the name of a file", ctx)
    if params["db"] is not None and params["dry_run"]:
        raise click.UsageError("--dry-run dials nothing: there is nothing to keep with --db", ctx)
    if params["transcript_secrets"] and params["transcript"] is None:
        raise click.UsageError("--transcript-secrets needs --transcript", ctx)
    if not params["targets"] and _is_piped(sys.stdin):
        params["targets"] = ("-",)
    if not params["targets"]:
        raise click.UsageError("no target: name a DNS seed, an address, @FILE or -", ctx)
    _check_targets(ctx)

    from bitcoin_handshake.cli.logs import configure_logging
    from bitcoin_handshake.cli.runner import HandshakeOptions, run_handshake
    from bitcoin_handshake.netaddr import Network
    from bitcoin_handshake.policy import IP_NETWORKS
    from bitcoin_handshake.prober import ProbeOptions
    from bitcoin_handshake.survey import SurveyOptions

    configure_logging(log)
    survey = SurveyOptions(
        probe=ProbeOptions(chain=chain, **fields_from(ctx, ProbeOptions)),
        families=frozenset({Network(family)}) if family else IP_NETWORKS,
        routes=route_options_from(params),
        **fields_from(ctx, SurveyOptions),
    )
    return run_handshake(
        HandshakeOptions(
            targets=params["targets"],
            survey=survey,
            transcript=params["transcript"],
            output=output,
            db=params["db"],
        )
    )


def _is_piped(stream: TextIO | None) -> bool:
    """Whether a stream is a pipe or a file, and no terminal and no device such as /dev/null."""
    if stream is None:
        return False
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # closed, or not a file at all
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _check_targets(ctx: click.Context) -> None:
    from bitcoin_handshake.cli.main import IMPLICIT, check_not_a_command

    if ctx.meta.get(IMPLICIT):
        for target in ctx.params["targets"]:
            check_not_a_command(target, ctx)


def chain_from(ctx: click.Context) -> ChainParams:
    """Choose the chain from `--network`, `--signet-challenge` and `--magic`.

    Raises:
        click.UsageError: Two of them name different chains.
    """
    from bitcoin_handshake.chain import chain_from_text, custom_chain, signet_chain

    params = ctx.params
    special = pick_one(ctx, "signet_challenge", "magic")
    network = params["network"]
    if special is None:
        return chain_from_text(network or "mainnet")
    typed = click.core.ParameterSource.COMMANDLINE
    overruled = (
        ctx.get_parameter_source(special) is typed and ctx.get_parameter_source("network") is not typed
    )
    if special == "magic":
        if network and not overruled:
            raise click.UsageError(f"--magic is a chain of its own: not with --network {network}", ctx)
        return custom_chain(params["magic"])
    if network not in (None, "signet") and not overruled:
        raise click.UsageError(f"--signet-challenge implies signet: not with --network {network}", ctx)
    return signet_chain(params["signet_challenge"])
