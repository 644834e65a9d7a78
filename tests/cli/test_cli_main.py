"""The entry point: which command runs, what help says, how every end becomes an exit code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bitcoin_handshake import __version__
from bitcoin_handshake.cli import handshake as handshake_module
from bitcoin_handshake.cli import main as main_module
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.main import COMMANDS, cli, main
from bitcoin_handshake.errors import EnvironmentFailure, InputError

GOLDEN = Path(__file__).parent / "help"


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_is_as_reviewed(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write the golden files anew with BH_WRITE_GOLDEN=1 and read the difference."""
    assert main([*name.split(), "--help"]) == 0
    text = capsys.readouterr().out
    golden = GOLDEN / f"{name or 'bitcoin-handshake'}.txt"
    if os.environ.get("BH_WRITE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
    assert max(map(len, text.splitlines())) <= 100


def test_help_leads_with_three_examples(capsys: pytest.CaptureFixture[str]) -> None:
    main(["-h"])
    text = capsys.readouterr().out
    examples = text[text.index("Examples:") : text.index("Options:")]
    assert examples.count("  bitcoin-handshake ") == 3


@pytest.mark.parametrize("arguments", [["-V"], ["--version"], ["-t", "3", "-V"], ["handshake", "-V"]])
def test_version(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"bitcoin-handshake {__version__}\n"


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["-t", "3", "-h"]])
def test_both_spellings_of_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("Usage: bitcoin-handshake")


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The targets that the default command was run with."""
    calls: list[tuple[str, ...]] = []

    @click.command("handshake")
    @click.argument("targets", nargs=-1)
    @click.option("-t", "--timeout")
    def command(targets: tuple[str, ...], timeout: str | None) -> int:
        calls.append(targets)
        return 0

    monkeypatch.setattr(handshake_module, "command", command)
    return calls


@pytest.mark.parametrize(
    ("arguments", "targets"),
    [
        (["seed.example"], ("seed.example",)),
        (["handshake", "seed.example"], ("seed.example",)),
        (["-t", "3", "seed.example"], ("seed.example",)),
        (["--timeout=3", "seed.example", "other"], ("seed.example", "other")),
        (["handshake", "demo"], ("demo",)),
        (["demo."], ("demo.",)),
        ([], ()),
    ],
)
def test_what_names_no_command_is_for_the_default_one(
    arguments: list[str], targets: tuple[str, ...], ran: list[tuple[str, ...]]
) -> None:
    assert main(arguments) == 0
    assert ran == [targets]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demmo"], "no such command: 'demmo'; did you mean 'demo'?"),
        (["Demo"], "no such command: 'Demo'; did you mean 'demo'?"),
        (["simulat", "--nodes", "3"], "did you mean 'simulate'?"),
        (["decod", "--type", "ping"], "did you mean 'decode'?"),
        (["--json", "demo"], "'demo' is a command and comes first: bitcoin-handshake demo [OPTIONS]"),
        (["--json", "replya", "x.jsonl"], "did you mean 'replay'?"),
        (["-t", "3", "seed.example", "demo"], "'demo' is a command and comes first"),
    ],
)
def test_what_is_like_a_command_is_wrong_usage_and_never_looked_up(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object) -> int:
        raise AssertionError("nothing must be looked up")

    monkeypatch.setattr("bitcoin_handshake.cli.runner.run_handshake", never)
    assert main(arguments) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
    assert "write 'bitcoin-handshake handshake " in err


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_every_command_is_suggested(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"{name}{name[-1]}"]) == ExitCode.USAGE
    assert f"did you mean {name!r}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("nothing\nto do"), ExitCode.USAGE, "nothing\\nto do"),
        (EnvironmentFailure("disk full"), ExitCode.ENVIRONMENT, "disk full"),
        (
            OSError(errno.EMFILE, "Too many open files", "/lib/python/asyncio.py"),
            ExitCode.ENVIRONMENT,
            "too many open files: raise the limit (ulimit -n), or close some",
        ),
        (
            ImportError("libx.so: cannot open shared object file: Too many open files"),
            ExitCode.ENVIRONMENT,
            "too many open files: raise the limit (ulimit -n), or close some",
        ),
        (OSError(errno.ENOSPC, "No space left", "x"), ExitCode.ENVIRONMENT, "x: No space left"),
        (
            RuntimeError("boom\x1b[2J"),
            ExitCode.INTERNAL,
            "internal error: RuntimeError: boom\\x1b[2J; please report it, with what '--log-level debug'"
            f" shows (bitcoin-handshake {__version__})",
        ),
    ],
)
def test_every_error_is_one_line(
    error: Exception,
    code: ExitCode,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(args: list[str]) -> int:
        raise error

    monkeypatch.setattr(main_module, "_invoke", fail)
    assert main(["x"]) == code
    assert capsys.readouterr().err == f"bitcoin-handshake: {line}\n"


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(errno.EPIPE, "gone"), 141)]
)
def test_interruption_and_a_reader_that_went_away_are_silent(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: list[str]) -> int:
        raise error

    monkeypatch.setattr(main_module, "_invoke", fail)
    assert main(["x"]) == code
    assert capsys.readouterr() == ("", "")


def test_a_bug_shows_its_traceback_at_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bitcoin_handshake.cli import runner

    def fail(options: object) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr(runner, "run_handshake", fail)
    assert main(["127.0.0.1"]) == ExitCode.INTERNAL
    assert "Traceback" not in capsys.readouterr().err
    assert main(["--log-level", "debug", "127.0.0.1"]) == ExitCode.INTERNAL
    assert 'raise RuntimeError("boom")' in capsys.readouterr().err


def _run(arguments: list[str], stdout: int | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bitcoin_handshake", *arguments],
        stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_help_into_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = _run(["--help"], writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_help_onto_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = _run(["--help"], full.fileno())
    assert (done.returncode, done.stderr) == (4, "bitcoin-handshake: No space left on device\n")


def test_commands_are_listed_and_loadable() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name
    assert cli.get_command(context, "nonsense") is None


def test_a_thread_that_hangs_does_not_hold_up_the_end() -> None:
    code = (
        "import sys, threading, time\n"
        "from bitcoin_handshake.cli import main\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "sys.argv = ['bitcoin-handshake', '--version']\n"
        "main.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, f"bitcoin-handshake {__version__}\n".encode())
