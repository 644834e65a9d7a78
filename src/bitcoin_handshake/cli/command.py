"""What all commands have in common: help with examples, variables, options that exclude each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from bitcoin_handshake.cli.variables import ENV_PREFIX, bind_variables, blamed_variables, unread_variables
from bitcoin_handshake.errors import BitcoinHandshakeError

__all__ = ["PROGRAM", "Command", "format_examples", "pick_one"]

PROGRAM = "bitcoin-handshake"


class Command(click.Command):
    """A command whose help leads with examples and whose variables share one prefix.

    Args:
        examples: Pairs of a command line and what it does.
    """

    def __init__(self, *args: Any, examples: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        kwargs["context_settings"] = settings | kwargs.get("context_settings", {})
        super().__init__(*args, **kwargs)
        self.examples = examples

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Give the options their variables first."""
        bind_variables(self)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; an error that a variable caused gets the variable as a note."""
        _warn_of_unread_variables(ctx)
        try:
            return super().invoke(ctx)
        except (click.UsageError, BitcoinHandshakeError) as error:
            text = error.message if isinstance(error, click.UsageError) else str(error)
            for variable in blamed_variables(ctx, text):
                error.add_note(variable)
            raise

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Make `--help` the one option that no variable sets."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.allow_from_autoenv = False
        return option

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write usage, examples, description, options."""
        self.format_usage(ctx, formatter)
        format_examples(self.examples, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)


def _warn_of_unread_variables(ctx: click.Context) -> None:
    """Name variables with our prefix that nothing reads; other commands are loaded only if there are any."""
    ours = [name for name in os.environ if name.startswith(f"{ENV_PREFIX}_")]
    if not ours or ctx.params.get("quiet") or ctx.params.get("log_level") in ("off", "error"):
        return
    known = bind_variables(ctx.command)
    if not unread_variables(known, os.environ):
        return
    from bitcoin_handshake.cli.main import cli
    from bitcoin_handshake.cli.output.printable import printable

    for name in cli.list_commands(ctx):
        command = cli.get_command(ctx, name)
        known |= frozenset() if command is None else bind_variables(command)
    for line in unread_variables(known, os.environ):
        click.echo(f"{PROGRAM}: warning: {printable(line)}", err=True)


def format_examples(examples: Sequence[tuple[str, str]], formatter: click.HelpFormatter) -> None:
    """Write examples, each with its meaning on the line above."""
    if examples:
        with formatter.section("Examples"):
            for line, meaning in examples:
                formatter.write(f"{'':>{formatter.current_indent}}# {meaning}\n")
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def pick_one(ctx: click.Context, *names: str) -> str | None:
    """Return which of these parameters is given, at most one of them.

    What the command line says wins over what the environment says.

    Raises:
        click.UsageError: Two of them are given in the same place.
    """
    given = [name for name in names if ctx.params.get(name)]
    typed = [name for name in given if ctx.get_parameter_source(name) is _TYPED]
    chosen = typed or given
    if len(chosen) > 1:
        first, second = (_option_text(ctx, name) for name in chosen[:2])
        raise click.UsageError(f"{first} and {second} cannot be used together", ctx)
    return chosen[0] if chosen else None


_TYPED = click.core.ParameterSource.COMMANDLINE


def _option_text(ctx: click.Context, name: str) -> str:
    option = next(param for param in ctx.command.params if param.name == name)
    return max(option.opts, key=len) if name not in ("ipv4", "ipv6") else option.opts[0]
