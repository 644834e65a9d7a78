"""The `completion` command: prints the script that makes a shell complete our options."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from bitcoin_handshake.cli.command import PROGRAM, Command

__all__ = ["command"]


@click.command(
    "completion",
    cls=Command,
    examples=(
        (f'eval "$({PROGRAM} completion bash)"', "bash, in ~/.bashrc"),
        (f'eval "$({PROGRAM} completion zsh)"', "zsh, in ~/.zshrc, after compinit"),
        (f"{PROGRAM} completion fish | source", "fish, in ~/.config/fish/config.fish"),
    ),
)
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell: bash, zsh or fish."""
    from bitcoin_handshake.cli.main import COMPLETE_VARIABLE, cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not kind.source(): the one of bash starts a bash to look at its version.
    click.echo(ShellComplete.source(kind(cli, {}, PROGRAM, COMPLETE_VARIABLE)))
