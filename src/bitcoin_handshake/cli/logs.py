"""The talk on standard error: level, format, and which variables set them.

Owns the configuration of the `bitcoin_handshake` logger for the command line; the library itself
configures nothing.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from bitcoin_handshake.cli.options import LogOptions
from bitcoin_handshake.cli.output.printable import printable
from bitcoin_handshake.cli.palette import Palette, palette_for

__all__ = ["ROOT", "TRACE", "Directives", "TalkHandler", "configure_logging", "parse_directives"]

ROOT = "bitcoin_handshake"
TRACE = 5
"""Below debug, as in the tools this one succeeds."""
OFF = logging.CRITICAL + 10

LEVELS = {
    "off": OFF,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
}
VARIABLES = ("BITCOIN_HANDSHAKE_LOG", "RUST_LOG")
_TARGET = re.compile(r"[A-Za-z_][\w-]*(?:(?:::|\.)\w+)*").fullmatch

Directives = Mapping[str, int]
"""Level by logger name; the root of all is `bitcoin_handshake`."""


def parse_directives(text: str) -> Directives:
    """Read a level, or directives `target=level,...` as Rust's `env_logger` has them.

    Targets other than this package (`bitcoin_handshake`, `bitcoin_handshake.engine`, with `::` or
    `.`, `-` or `_`) are ignored. A target alone means all of it.

    Raises:
        ValueError: It is neither.
    """
    directives: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        target, equals, level_text = (piece.strip() for piece in part.partition("="))
        if not equals and target.lower() in LEVELS:
            directives[ROOT] = LEVELS[target.lower()]
            continue
        name = target.replace("::", ".").replace("-", "_")
        is_ours = name == ROOT or name.startswith(f"{ROOT}.")
        if not _TARGET(target) or (equals and level_text.lower() not in LEVELS) or not (equals or is_ours):
            raise ValueError(part)
        if is_ours:
            directives[name] = LEVELS[level_text.lower()] if equals else TRACE
    return directives


class TalkHandler(logging.Handler):
    """Writes one line a record: time, level, message.

    Args:
        palette: Colours of the levels.
    """

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._write: Callable[[str], None] = _write_stderr
        self._palette = palette

    def redirect(self, write: Callable[[str], None] | None) -> None:
        """Have lines, ends included, go to `write`; to standard error again where it is None."""
        self._write = write or _write_stderr

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; what cannot be written is lost, as talk may be."""
        with suppress(OSError, ValueError):
            self._write(self.format(record) + "\n")

    def format(self, record: logging.LogRecord) -> str:
        """Write `2026-11-21T02:00:00Z INFO message`, and a traceback below where there is one."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        name = {"WARNING": "WARN", "CRITICAL": "ERROR"}.get(record.levelname, record.levelname)
        line = f"{moment} {self._palette.paint(name.lower(), name)} {printable(record.getMessage())}"
        if record.exc_info:
            line += "\n" + logging.Formatter().formatException(record.exc_info)
        return line


def configure_logging(options: LogOptions, *, environment: Mapping[str, str] = os.environ) -> None:
    """Set the level and the only handler of this package's logger.

    Args:
        options: What the command line says.
        environment: Where VARIABLES are looked up, if it says nothing.
    """
    logging.addLevelName(TRACE, "TRACE")
    for name in [ROOT, *(name for name in logging.root.manager.loggerDict if name.startswith(f"{ROOT}."))]:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logger = logging.getLogger(ROOT)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = TalkHandler(palette_for(sys.stderr))
    logger.handlers[:] = [handler]
    if options.level is not None:
        logger.setLevel(LEVELS[options.level.lower()])
    elif options.quiet:
        logger.setLevel(logging.ERROR)
    elif options.verbose:
        logger.setLevel(logging.DEBUG if options.verbose == 1 else TRACE)
    else:
        _apply_environment(logger, environment)


def _apply_environment(logger: logging.Logger, environment: Mapping[str, str]) -> None:
    variable = next((name for name in VARIABLES if environment.get(name, "").strip()), None)
    if variable is None:
        return
    try:
        directives = parse_directives(environment[variable])
    except ValueError as error:
        logger.warning(
            "%s=%s is ignored: %r is neither a level (error, warn, info, debug, trace, off) nor target=level",
            variable,
            environment[variable][:80],
            str(error)[:80],
        )
        return
    for name, number in directives.items():
        logging.getLogger(name).setLevel(number)


def _write_stderr(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(text)
        sys.stderr.flush()
