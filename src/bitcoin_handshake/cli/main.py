"""The entry point: finds the command, runs it, turns every end into an exit code.

Owns the group with its default command, and the last resort for errors: one line on standard
error each. Imports click and nothing heavy; a command's module is loaded when it is asked for.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from bitcoin_handshake import __version__
from bitcoin_handshake.cli.command import PROGRAM, format_examples
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.nearest import nearest
from bitcoin_handshake.cli.options import version_option
from bitcoin_handshake.cli.variables import ENV_PREFIX, blamed_variables
from bitcoin_handshake.errors import EnvironmentFailure, InputError

__all__ = ["COMMANDS", "COMPLETE_VARIABLE", "IMPLICIT", "check_not_a_command", "cli", "main", "run"]

COMPLETE_VARIABLE = "_BITCOIN_HANDSHAKE_COMPLETE"
DEFAULT_COMMAND = "handshake"
IMPLICIT = "bitcoin_handshake.implicit"
"""Set in the context where no command was named."""
_EAGER = frozenset({"-h", "--help", "-V", "--version"})

COMMANDS = {
    "handshake": "Shake hands with targets; runs if none is named.",
    "demo": "The same with a simulated network: no internet.",
    "doctor": "Examine a node and explain what is found.",
    "seeds": "Audit the DNS seeds of a chain.",
    "crawl": "Walk the whole network into a store.",
    "export": "Write the nodes of a store in other formats.",
    "stats": "Show the shares that a run found.",
    "diff": "Compare the nodes of two runs.",
    "simulate": "Keep a simulated network running.",
    "check-networks": "Tell which networks work from here.",
    "decode": "Explain messages: hex, raw bytes, transcripts.",
    "replay": "Run a transcript through the session again.",
    "completion": "Print the completion script of a shell.",
    "help": "List the commands by task; explain a failure code.",
}
"""Name of each command and its line in the help; the module `cli.NAME` has it as `command`."""


class DefaultGroup(click.Group):
    """A group that loads its commands late, and runs one of them where none is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands, the most used first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"bitcoin_handshake.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command's name before arguments that name none.

        While a shell completes the first word, both the commands and the default command's
        options may follow, so nothing is put there.
        """
        if not (args and (args[0] in COMMANDS or args[0] in _EAGER)) and (args or not ctx.resilient_parsing):
            if args:
                check_not_a_command(args[0], ctx)
            ctx.meta[IMPLICIT] = True
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the default command's options and targets beside the commands."""
        default = self.get_command(ctx, DEFAULT_COMMAND)
        assert default is not None
        inner = default.make_context(DEFAULT_COMMAND, [], parent=ctx, resilient_parsing=True)
        own = super().shell_complete(ctx, incomplete)
        if not incomplete.startswith("-"):
            argument = next(param for param in default.params if isinstance(param, click.Argument))
            return own + argument.shell_complete(inner, incomplete)
        seen = {item.value for item in own}
        return own + [item for item in default.shell_complete(inner, incomplete) if item.value not in seen]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write usage, examples, description, the default command's options, the commands."""
        default = self.get_command(ctx, DEFAULT_COMMAND)
        assert default is not None
        formatter.write_usage(PROGRAM, "[handshake] [OPTIONS] TARGET...")
        formatter.write_usage(PROGRAM, "COMMAND [OPTIONS]", prefix="       ")
        format_examples(getattr(default, "examples", ()), formatter)
        default.format_help_text(ctx, formatter)
        default.format_options(ctx, formatter)
        with formatter.section("Commands (each has its own --help)"):
            formatter.write_dl(list(COMMANDS.items()))
        default.format_epilog(ctx, formatter)


@click.group(
    cls=DefaultGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": ENV_PREFIX,
        "max_content_width": 100,
    },
)
@version_option
def cli() -> None:
    """Shake hands with Bitcoin nodes and say truthfully what each of them did."""


def check_not_a_command(word: str, ctx: click.Context) -> None:
    """Refuse a target that is most likely a command, mistyped or in the wrong place.

    Raises:
        click.UsageError: It has no dot and is like a command; nothing is looked up then.
    """
    if not word.replace("-", "").isalnum() or word.startswith("-") or ctx.resilient_parsing:
        return
    like = nearest(word, COMMANDS)
    if like is None:
        if f"--{word}" not in _option_names(ctx, word):
            return
        why = f"{word!r} is no target: did you mean the option --{word}?"
    elif word == like:
        why = f"{word!r} is a command and comes first: {PROGRAM} {word} [OPTIONS]"
    else:
        why = f"no such command: {word!r}; did you mean {like!r}?"
    raise click.UsageError(f"{why} For a host of this name write '{PROGRAM} {DEFAULT_COMMAND} {word}'", ctx)


def _option_names(ctx: click.Context, word: str) -> set[str]:
    """Return the options that a word without its dashes may stand for.

    All commands are loaded only for a word with a dash in it, which few host names without a dot have.
    """
    names = COMMANDS if "-" in word else (DEFAULT_COMMAND,)
    commands = [cli.get_command(ctx, name) for name in names]
    return {text for each in commands if each for param in each.params for text in param.opts}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; None for those of this process.

    Returns:
        An `ExitCode`. Everything that goes wrong is told in one line on standard error.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _invoke(args)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.ClickException as error:
        hint = _help_hint(error) if isinstance(error, click.UsageError) else ""
        text = _one_line(error.format_message()).rstrip(".")
        return _fail(f"{_variables_text(error)}{text}{hint}", ExitCode(error.exit_code))
    except InputError as error:
        return _fail(f"{_variables_text(error)}{error}", ExitCode.USAGE)
    except EnvironmentFailure as error:
        return _fail(f"{_variables_text(error)}{error}", ExitCode.ENVIRONMENT)
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    except OSError as error:
        if error.errno == errno.EPIPE:
            _forget_stdout()
            return ExitCode.PIPE_CLOSED
        if error.errno is None:
            return _internal(error)
        _forget_stdout()
        if error.errno in (errno.EMFILE, errno.ENFILE):
            return _too_many_files()
        return _fail(_os_error_text(error), ExitCode.ENVIRONMENT)
    except ImportError as error:  # a library cannot be opened
        return _too_many_files() if os.strerror(errno.EMFILE) in str(error) else _internal(error)
    except Exception as error:
        return _internal(error)


def run() -> None:
    """Run the command line of this process and exit."""
    _fill_standard_descriptors()
    code = main()
    if _has_busy_threads():
        _leave_now(code)
    sys.exit(code)


def _fill_standard_descriptors() -> None:
    """Open what our starter left closed, or a socket would get the number of standard error.

    Python still says that the stream is None.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _has_busy_threads() -> bool:
    """Whether a thread would hold up the end: a look-up by the system's resolver, say."""
    threading = sys.modules.get("threading")
    return threading is not None and any(
        not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()
    )


def _leave_now(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


def _invoke(args: list[str]) -> int:
    """Parse and run; what click's own `main` does, without its ways of ending the process."""
    if COMPLETE_VARIABLE in os.environ:
        cli.main(args, prog_name=PROGRAM, complete_var=COMPLETE_VARIABLE)
    try:
        with cli.make_context(PROGRAM, args) as context:
            code: Any = cli.invoke(context)
    except click.exceptions.Exit as end:
        code = end.exit_code
    return int(code or 0)


def _variables_text(error: Exception) -> str:
    """Name the variables that caused an error, as the beginning of its line."""
    names: list[str] = list(getattr(error, "__notes__", ()))
    if isinstance(error, click.BadParameter) and error.ctx is not None:
        names = blamed_variables(error.ctx, "", error.param)
    shown = ", ".join(f"{name}={_shortened(os.environ.get(name, ''))}" for name in dict.fromkeys(names))
    return f"{shown} (environment): " if shown else ""


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _help_hint(error: click.UsageError) -> str:
    """Say whose help has more."""
    name = None if error.ctx is None else error.ctx.info_name
    command = PROGRAM if name in (None, PROGRAM, DEFAULT_COMMAND) else f"{PROGRAM} {name}"
    return f" (see '{command} --help')"


def _fail(message: str, code: ExitCode) -> ExitCode:
    """Tell what went wrong, in one line that no terminal can be fooled by."""
    text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in message)
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # nobody reads it
            sys.stderr.write(f"{PROGRAM}: {text}\n")
            sys.stderr.flush()
    return code


def _too_many_files() -> ExitCode:
    """Say so without the name of the file, which may be one of Python's own."""
    return _fail("too many open files: raise the limit (ulimit -n), or close some", ExitCode.ENVIRONMENT)


def _internal(error: Exception) -> ExitCode:
    """Own up to a bug, with the traceback where debug output was asked for."""
    import logging

    if logging.getLogger("bitcoin_handshake").isEnabledFor(logging.DEBUG):
        import traceback

        traceback.print_exc()
    what = _one_line(f"{type(error).__name__}: {error}")
    advice = f"please report it, with what '--log-level debug' shows ({PROGRAM} {__version__})"
    return _fail(f"internal error: {what}; {advice}", ExitCode.INTERNAL)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _os_error_text(error: OSError) -> str:
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{error.strerror or error}"


def _forget_stdout() -> None:
    """Let the interpreter's own flush at the end find nothing to complain about."""
    with suppress(OSError, ValueError, AttributeError):  # it is closed, or a test's own
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
