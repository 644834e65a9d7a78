"""Completion: the scripts, and what they are answered."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.cli.main import COMMANDS, COMPLETE_VARIABLE, main
from tests.helpers import unavailable


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_prints_a_script_that_the_shell_accepts(
    shell: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["completion", shell]) == 0
    out, err = capsys.readouterr()
    assert f"{COMPLETE_VARIABLE}={shell}_complete" in out
    assert err == ""
    if not shutil.which(shell):
        unavailable(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(out)
    subprocess.run([shell, "-n", str(script)], timeout=60, check=True)


def test_other_shells_are_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "csh"]) == 2
    assert "'csh' is not one of" in capsys.readouterr().err


def test_a_shell_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion"]) == 2
    assert "Missing argument 'SHELL'. Choose from: bash, zsh, fish" in capsys.readouterr().err


def _complete(*words: str) -> list[str]:
    """Ask as bash's script does: all words, the last of them incomplete."""
    return [value for _, _, value in (line.partition(",") for line in _answer(*words))]


def _answer(*words: str) -> list[str]:
    """Return the lines of kind and value that bash's script is answered."""
    done = subprocess.run(
        [sys.executable, "-m", "bitcoin_handshake"],
        env={
            "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path),
            COMPLETE_VARIABLE: "bash_complete",
            "COMP_WORDS": " ".join(("bitcoin-handshake", *words)), "COMP_CWORD": str(len(words)),
        },
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_first_word_offers_commands_and_seeds() -> None:
    offered = _complete("")
    assert offered[: len(COMMANDS)] == list(COMMANDS)
    assert set(CHAINS[Chain.MAINNET].dns_seeds) <= set(offered)


def test_options_of_the_default_command_are_offered_without_its_name() -> None:
    offered = _complete("--")
    assert {"--timeout", "--resolver", "--json", "--help", "--version"} <= set(offered)
    assert len(offered) == len(set(offered))
    assert _complete("seed.example", "--time") == ["--timeout"]
    assert _complete("-t", "3", "--allow") == ["--allow-private"]


def test_values_are_offered_behind_a_target() -> None:
    assert _complete("seed.example", "-n", "test") == ["testnet3", "testnet4"]
    assert _complete("--log-level", "de") == ["debug"]


def test_seeds_are_those_of_the_chain() -> None:
    assert _complete("-n", "testnet4", "seed.testnet4.w") == ["seed.testnet4.wiz.biz"]


def test_files_are_offered_behind_an_at(tmp_path: Path) -> None:
    (tmp_path / "list.txt").touch()
    (tmp_path / "lists").mkdir()
    files = [f"@{tmp_path}/list.txt", f"@{tmp_path}/lists/"]
    assert _complete(f"@{tmp_path}/li") == files
    # As bash says it: `@` is a word of its own in its list, though it replaces both.
    assert _complete("@", f"{tmp_path}/li") == files
    assert _complete("seed.example", "@", f"{tmp_path}/li") == files


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("-o", "ou"), "file,ou"),
        (("--transcript", "tr"), "file,tr"),
        (("demo", "-o", "ou"), "file,ou"),
    ],
)
def test_the_shell_offers_its_files(words: tuple[str, ...], answer: str) -> None:
    assert _answer(*words) == [answer]


def test_other_commands_complete_their_own() -> None:
    assert _complete("simulate", "--beh") == ["--behaviours"]
    assert _complete("completion", "z") == ["zsh"]
