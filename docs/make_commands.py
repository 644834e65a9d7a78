"""Makes docs/commands/: one page for each command, from the command line itself.

Usage, description, examples, options and variables are those of `--help`. The same pages become the
man pages.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from bitcoin_handshake.cli.command import PROGRAM
from bitcoin_handshake.cli.main import cli
from bitcoin_handshake.cli.variables import bind_variables

FOLDER = Path(__file__).parent / "commands"
NOTE = "<!-- Made by `python docs/generate.py` from the code; do not edit. -->\n"


def _option(spelling: str, meaning: str, variable: str) -> str:
    """Write an option as an entry of a definition list."""
    note = f" Variable: {variable}." if variable else ""
    return f"`{spelling}`\n: {_paragraph(meaning)}{note}\n"


def _variable(option: click.Option, context: click.Context) -> str:
    """Name the variables that set an option, or nothing."""
    bind_variables(context.command)
    names = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    return ", ".join(f"`{name}`" for name in names)


def command_page(name: str) -> str:
    """Write the page of one command."""
    root = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    command = cli.get_command(root, name)
    assert command is not None
    context = command.make_context(name, [], parent=root, resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [
        f"# {name}\n",
        NOTE,
        f"## Synopsis\n\n```text\n{PROGRAM} {name} {usage}\n```\n",
        "## Description\n",
    ]
    lines.extend(f"{_paragraph(text)}\n" for text in (command.help or "").split("\n\n"))
    examples = getattr(command, "examples", ())
    if examples:
        lines.append("## Examples\n")
        lines.extend(
            f"{meaning[0].upper()}{meaning[1:]}:\n\n```sh\n{line}\n```\n" for line, meaning in examples
        )
    lines.append("## Options\n")
    for option in command.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None and isinstance(option, click.Option):
            lines.append(_option(*record, _variable(option, context)))
    if command.epilog:
        lines.append(f"## Notes\n\n{_paragraph(command.epilog)}\n")
    return "\n".join(lines)


def _paragraph(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\b", "")).strip()


def pages() -> dict[Path, str]:
    """Write all pages: path and text."""
    names = cli.list_commands(click.Context(cli))
    return {FOLDER / f"{name}.md": command_page(name) for name in names}
