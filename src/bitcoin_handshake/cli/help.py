"""The `help` command: the commands by task, and what a failure code means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import click

from bitcoin_handshake.cli.command import PROGRAM, Command

__all__ = ["TASKS", "command"]

TASKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Look at nodes": ("handshake", "doctor", "check-networks", "demo"),
        "Look at the whole network": ("seeds", "crawl", "export", "stats", "diff"),
        "Work on the protocol": ("simulate", "decode", "replay"),
        "Use this program": ("help", "completion"),
    }
)
"""What people want to do, and the commands for it; each command is in one place."""


@click.command(
    "help",
    cls=Command,
    examples=(
        (f"{PROGRAM} help", "the commands, by task"),
        (f"{PROGRAM} help crawl", "the options of a command"),
        (f"{PROGRAM} help connect.refused", "what a failure code means, and what one can do"),
        (f"{PROGRAM} help codes", "all failure codes"),
    ),
)
@click.argument("topic", metavar="[COMMAND|CODE|codes]", required=False)
@click.pass_context
def command(ctx: click.Context, topic: str | None) -> None:
    """List the commands by task, or explain a command or a failure code."""
    from bitcoin_handshake.cli.main import cli

    assert ctx.parent is not None
    if topic is None:
        click.echo(_tasks_text(), nl=False)
    elif topic == "codes":
        click.echo(_codes_text(), nl=False)
    elif (found := cli.get_command(ctx.parent, topic)) is not None:
        with found.make_context(topic, [], parent=ctx.parent, resilient_parsing=True) as inner:
            click.echo(found.get_help(inner))
    else:
        click.echo(_code_text(topic, ctx), nl=False)


def _tasks_text() -> str:
    from bitcoin_handshake.cli.main import COMMANDS

    lines = [f"Usage: {PROGRAM} [COMMAND] [OPTIONS] [TARGET...]", ""]
    for task, names in TASKS.items():
        lines.append(f"{task}:")
        lines += [f"  {name:<16}{COMMANDS[name]}" for name in names]
        lines.append("")
    lines.append(f"Options of a command: {PROGRAM} help COMMAND")
    lines.append(f"What a failure code means: {PROGRAM} help CODE")
    return "\n".join(lines) + "\n"


def _codes_text() -> str:
    from bitcoin_handshake.codes import FAILURE_SENTENCES

    width = max(map(len, FAILURE_SENTENCES))
    return "".join(f"{code:<{width}}  {sentence}\n" for code, sentence in FAILURE_SENTENCES.items())


def _code_text(topic: str, ctx: click.Context) -> str:
    """Explain a code.

    Raises:
        click.UsageError: There is no such code, and no such command.
    """
    import textwrap

    from bitcoin_handshake.cli.main import COMMANDS
    from bitcoin_handshake.cli.nearest import nearest
    from bitcoin_handshake.codes import FAILURE_SENTENCES, FailureCode
    from bitcoin_handshake.guidance import GUIDANCE

    try:
        code = FailureCode(topic)
    except ValueError:
        like = nearest(topic, [*COMMANDS, *FailureCode])
        hint = f"; did you mean {str(like)!r}?" if like else f"; '{PROGRAM} help codes' lists all codes"
        raise click.UsageError(f"no such command or failure code: {topic!r}{hint}", ctx) from None
    guidance = GUIDANCE[code]
    phases = f"Phase: {', '.join(guidance.phases)}\n" if guidance.phases else ""
    advice = textwrap.fill(guidance.advice.replace("`", ""), 78)
    sentence = FAILURE_SENTENCES[code].replace("`", "")
    return f"{code}: {sentence}.\n{phases}\n{advice}\n"
