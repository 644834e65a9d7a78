"""Environment variables: which one sets which option, and what to say about them.

Every long spelling of an option is a variable too: `--network` and `--chain` are
BITCOIN_HANDSHAKE_NETWORK and BITCOIN_HANDSHAKE_CHAIN. Options of a command other than `handshake`
have the command's name in it: BITCOIN_HANDSHAKE_SIMULATE_NODES.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

import click

from bitcoin_handshake.cli.nearest import nearest

__all__ = ["ENV_PREFIX", "OTHER_VARIABLES", "bind_variables", "blamed_variables", "unread_variables"]

ENV_PREFIX = "BITCOIN_HANDSHAKE"
DEFAULT_COMMAND = "handshake"
OTHER_VARIABLES = frozenset({f"{ENV_PREFIX}_LOG"})
"""Variables that are read and set no option."""
MIN_VALUE_LEN = 2
"""Shorter values are in a message by chance."""


def bind_variables(command: click.Command) -> frozenset[str]:
    """Give each option of a command its variables, and return all of them."""
    infix = "" if command.name == DEFAULT_COMMAND else f"_{_upper(command.name or '')}"
    names: set[str] = set()
    for option in command.params:
        if isinstance(option, click.Option) and option.allow_from_autoenv:
            if option.envvar is None:
                option.envvar = [
                    f"{ENV_PREFIX}{infix}_{_upper(spelling.removeprefix('--'))}"
                    for spelling in option.opts
                    if spelling.startswith("--")
                ]
            names.update(_variables(option))
    return frozenset(names)


def blamed_variables(ctx: click.Context, message: str, param: click.Parameter | None = None) -> list[str]:
    """Return the variables that have to do with an error.

    Args:
        ctx: Where the options were read.
        message: What went wrong; an option is meant where its spelling or its value is in it.
        param: The option that is wrong, if that is known.
    """
    blamed: list[str] = []
    for option in ctx.command.params:
        variable = _read_from(ctx, option)
        if variable is None or not isinstance(option, click.Option):
            continue
        value = os.environ[variable]
        is_named = any(f"{spelling} " in f"{message.replace(':', ' ')} " for spelling in option.opts)
        if option is param or is_named or (len(value) >= MIN_VALUE_LEN and value in message):
            blamed.append(variable)
    return blamed


def unread_variables(known: Iterable[str], environment: Mapping[str, str]) -> list[str]:
    """Write a sentence for each variable with our prefix that is not known, with the nearest name."""
    names = sorted({*known, *OTHER_VARIABLES})
    lines = []
    for name in sorted(environment):
        if name.startswith(f"{ENV_PREFIX}_") and name not in names:
            # The prefix is equal anyway; without it names of four letters would be compared by it.
            start = len(ENV_PREFIX) + 1
            like = nearest(name[start:], (known[start:] for known in names), likeness=0.6)
            advice = "" if like is None else f"; did you mean {ENV_PREFIX}_{like}?"
            lines.append(f"{name} is set, but no option reads it{advice}")
    return lines


def _read_from(ctx: click.Context, option: click.Parameter) -> str | None:
    """The variable that an option was read from, or None."""
    if ctx.get_parameter_source(option.name or "") is not click.core.ParameterSource.ENVIRONMENT:
        return None
    return next((name for name in _variables(option) if os.environ.get(name)), None)


def _variables(option: click.Parameter) -> list[str]:
    names = option.envvar or []
    return [names] if isinstance(names, str) else list(names)


def _upper(name: str) -> str:
    return name.upper().replace("-", "_")
