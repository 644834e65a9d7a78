"""Options: their types, and those that several commands share.

Owns what click needs to know of them and the frozen dataclasses that they end in. Imports
nothing heavier than click: `--help` passes through here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from bitcoin_handshake import __version__, defaults
from bitcoin_handshake.cli.command import PROGRAM, pick_one
from bitcoin_handshake.defaults import (
    CHAIN_ALIASES,
    CHAIN_NAMES,
    MAX_PORT,
    MAX_USER_AGENT_LEN,
    TRANSPORT_NAMES,
)

__all__ = [
    "MAX_SECONDS",
    "ChainType",
    "HexType",
    "LogOptions",
    "OutputFormat",
    "OutputOptions",
    "ResolverType",
    "SecondsType",
    "TransportType",
    "UserAgentType",
    "WholeNumberType",
    "complete_file",
    "fields_from",
    "location_options",
    "log_level_options",
    "log_options_from",
    "node_options",
    "output_options",
    "output_options_from",
    "version_option",
]


MAX_SECONDS = 1e8
"""Longer times (three years) are cut to this: they mean 'for ever', and event loops overflow."""
LOG_LEVELS = ("off", "error", "warn", "info", "debug", "trace")

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from bitcoin_handshake.measured import TransportMode

    _FloatType = click.ParamType[float]
    _IntType = click.ParamType[int]
    _BytesType = click.ParamType[bytes]
    _TextType = click.ParamType[str | None]
else:  # older releases of click have no generic form of it
    _FloatType = _IntType = _BytesType = _TextType = click.ParamType

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class ChainType(click.Choice[str]):
    """Name of a chain; aliases become the name that they stand for."""

    name = "chain"

    def __init__(self) -> None:
        super().__init__(CHAIN_NAMES, case_sensitive=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read a name in any case."""
        lower = str(value).lower()
        if lower not in CHAIN_NAMES and lower not in CHAIN_ALIASES:
            known = ", ".join(CHAIN_NAMES)
            self.fail(f"unknown chain {value!r}: one of {known} (also main, test, testnet)", param, ctx)
        return CHAIN_ALIASES.get(lower, lower)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Keep the help in one column."""
        return "CHAIN"


class TransportType(click.Choice[str]):
    """A `TransportMode`, by its name in any case."""

    name = "mode"

    def __init__(self) -> None:
        super().__init__(TRANSPORT_NAMES, case_sensitive=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> TransportMode:
        """Read a name."""
        from bitcoin_handshake.measured import TransportMode

        return TransportMode(super().convert(value, param, ctx))


class WholeNumberType(_IntType):
    """A whole number within bounds.

    Args:
        least: The lowest allowed, or None for any.
        most: The highest allowed, or None for any; only with `least`.
    """

    name = "number"

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read decimal digits, with a minus where the bounds allow it."""
        try:
            number = int(value) if re.fullmatch(r"-?[0-9]+", str(value)) else None
        except ValueError:  # thousands of digits
            number = None
        if (
            number is None
            or (self._least is not None and number < self._least)
            or (self._most is not None and number > self._most)
        ):
            self.fail(f"{_shortened(value)!r} is not a whole number{self._bounds()}", param, ctx)
        return number

    def _bounds(self) -> str:
        if self._least is None:
            return ""
        return f", {self._least} or more" if self._most is None else f" from {self._least} to {self._most}"


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "..."


# float() alone also reads `1_0` and digits of other scripts.
_SECONDS = re.compile(
    r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)\s*",
    re.IGNORECASE,
)


class SecondsType(_FloatType):
    """A number of seconds, fractions allowed.

    Args:
        zero_allowed: Whether 0 is a value too.
    """

    name = "seconds"

    def __init__(self, *, zero_allowed: bool = False) -> None:
        self._zero_allowed = zero_allowed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a finite number, cut to MAX_SECONDS."""
        try:
            seconds = float(value if _SECONDS.fullmatch(str(value)) else "")
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        if not math.isfinite(seconds) or seconds < 0 or (seconds == 0 and not self._zero_allowed):
            least = "0 or more" if self._zero_allowed else "more than 0"
            self.fail(f"{value!r} is not a finite number of seconds, {least}", param, ctx)
        return min(seconds, MAX_SECONDS)


class HexType(_BytesType):
    """Bytes in hex.

    Args:
        length: How many bytes they must be, or None for one or more.
    """

    name = "hex"

    def __init__(self, *, length: int | None = None) -> None:
        self._length = length

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Read pairs of hex digits, nothing between them."""
        if isinstance(value, bytes):
            return value
        wanted = "one or more pairs of" if self._length is None else str(2 * self._length)
        digits = re.fullmatch(r"(?:[0-9a-fA-F]{2})+", value)
        if digits is None or (self._length is not None and len(value) != 2 * self._length):
            self.fail(f"{_shortened(value)!r} is not {wanted} hex digits", param, ctx)
        return bytes.fromhex(value)


class UserAgentType(_BytesType):
    """The text that we call ourselves by on the wire."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Encode as UTF-8 and check the length."""
        if isinstance(value, bytes):
            return value
        try:
            encoded: bytes = value.encode()
        except UnicodeEncodeError:
            self.fail("a user agent is UTF-8", param, ctx)
        if len(encoded) > MAX_USER_AGENT_LEN:
            self.fail(
                f"a user agent has at most {MAX_USER_AGENT_LEN} bytes, this one {len(encoded)}", param, ctx
            )
        return encoded


class ResolverType(_TextType):
    """A DNS server: ADDR, ADDR:PORT, [IPV6]:PORT, or 'system'."""

    name = "addr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | None:
        """Check the address and bring it to a form with port; None for the system's resolver."""
        from ipaddress import AddressValueError, IPv4Address, IPv6Address

        if value.lower() == "system":
            return None
        text = value if ":" not in value or value.count(":") == 1 or "[" in value else f"[{value}]"
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?", text)
        port = int(match[3] or 53) if match else 0
        try:
            if match is None or not 1 <= port <= 65535:
                raise AddressValueError
            return f"[{IPv6Address(match[1])}]:{port}" if match[1] else f"{IPv4Address(match[2])}:{port}"
        except AddressValueError:
            if match is not None and not 1 <= port <= MAX_PORT:
                self.fail(f"{value!r}: a port is a number from 1 to {MAX_PORT}", param, ctx)
            self.fail(f"{value!r} is not a DNS server: ADDR, ADDR:PORT, [IPV6]:PORT or 'system'", param, ctx)


class OutputFormat(StrEnum):
    """What the records look like."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What is written, and where to.

    Attributes:
        format: Of the records.
        path: File to write, or None for standard output.
        append: Whether what the file has is kept.
        quiet: No talk but errors, no sum on standard error, no progress.
        progress: Whether a live bar may be drawn, where standard error is a terminal.
    """

    format: OutputFormat = OutputFormat.TEXT
    path: str | None = None
    append: bool = False
    quiet: bool = False
    progress: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """How much is told on standard error.

    Attributes:
        verbose: How often `-v` was given: debug, trace.
        quiet: Errors only.
        level: That of `--log-level`, which overrides both; None where it was not given.
    """

    verbose: int = 0
    quiet: bool = False
    level: str | None = None


def fields_from(ctx: click.Context, kind: type[DataclassInstance]) -> dict[str, Any]:
    """Return the parameters of a command that are named like fields of an options object.

    An option of the library is on the command line by that: its click line has the name of the
    field, and no list has to name it once more.
    """
    return {field.name: ctx.params[field.name] for field in fields(kind) if field.name in ctx.params}


def complete_file(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Have the shell offer its files."""
    return [CompletionItem(incomplete, type="file")]


def node_options(command: Decorated) -> Decorated:
    """Add chain, port, and the limit of time of each address."""
    for option in reversed(
        (
            click.option(
                "-n",
                "--network",
                "--chain",
                "network",
                type=ChainType(),
                default=defaults.CHAIN,
                help="mainnet (default), testnet3, testnet4, signet, regtest.",
            ),
            click.option(
                "-p",
                "--port",
                type=WholeNumberType(1, defaults.MAX_PORT),
                metavar="PORT",
                help="Port [the chain's own].",
            ),
            click.option(
                "-t",
                "--timeout",
                "timeout_s",
                type=SecondsType(),
                default=defaults.TIMEOUT_S,
                metavar="SECONDS",
                help=f"Limit for the handshake with each address [{defaults.TIMEOUT_S:g}].",
            ),
        )
    ):
        command = option(command)
    return command


def location_options(command: Decorated) -> Decorated:
    """Add the files that know network operators and countries."""
    for option in reversed(
        (
            click.option(
                "--asmap",
                metavar="FILE",
                shell_complete=complete_file,
                help="Bitcoin Core's map of network operators.",
            ),
            click.option(
                "--mmdb",
                multiple=True,
                metavar="FILE",
                shell_complete=complete_file,
                help="MMDB file of network operators or countries; repeatable.",
            ),
        )
    ):
        command = option(command)
    return command


def output_options(command: Decorated) -> Decorated:
    """Add the options that say what is written and where to."""
    for option in reversed(
        (
            click.option("--json", is_flag=True, help="One JSON object a line (NDJSON)."),
            click.option("--csv", is_flag=True, help="CSV with a header line."),
            click.option(
                "-o",
                "--output",
                metavar="FILE",
                shell_complete=complete_file,
                help="Write there; - is standard output.",
            ),
            click.option("--append", is_flag=True, help="Append to FILE; do not replace it."),
            click.option("--no-progress", is_flag=True, help="No live progress bar."),
        )
    ):
        command = option(command)
    return command


def log_level_options(command: Decorated) -> Decorated:
    """Add the options that say how much is told on standard error."""
    for option in reversed(
        (
            click.option("-v", "--verbose", count=True, help="Tell more: level debug."),
            click.option("-q", "--quiet", is_flag=True, help="Errors only; no sum on standard error."),
            click.option(
                "--log-level",
                type=click.Choice(LOG_LEVELS, case_sensitive=False),
                metavar="LEVEL",
                help="off, error, warn, info (default), debug, trace.",
            ),
        )
    ):
        command = option(command)
    return command


def version_option(command: Decorated) -> Decorated:
    """Add `--version`, which no variable sets: BITCOIN_HANDSHAKE_VERSION may mean anything."""
    return click.version_option(
        __version__,
        "-V",
        "--version",
        prog_name=PROGRAM,
        message="%(prog)s %(version)s",
        allow_from_autoenv=False,
    )(command)


def log_options_from(ctx: click.Context) -> LogOptions:
    """Collect what `log_level_options` added.

    Raises:
        click.UsageError: `-v` with `-q`.
    """
    chosen = pick_one(ctx, "verbose", "quiet")
    return LogOptions(
        verbose=ctx.params["verbose"] if chosen == "verbose" else 0,
        quiet=chosen == "quiet",
        level=ctx.params["log_level"],
    )


def output_options_from(ctx: click.Context) -> OutputOptions:
    """Collect what `output_options` and `log_level_options` added.

    Raises:
        click.UsageError: `--json` with `--csv`.
    """
    params = ctx.params
    chosen = pick_one(ctx, "json", "csv")
    path = params["output"]
    if path == "":
        raise click.UsageError("--output needs the name of a file", ctx)
    if params["append"] and path in (None, "-"):
        raise click.UsageError("--append needs --output FILE", ctx)
    return OutputOptions(
        format={"json": OutputFormat.JSON, "csv": OutputFormat.CSV, None: OutputFormat.TEXT}[chosen],
        path=None if path == "-" else path,
        append=params["append"],
        quiet=log_options_from(ctx).quiet,
        progress=not params["no_progress"],
    )
