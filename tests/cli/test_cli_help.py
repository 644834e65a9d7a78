"""`help`: the commands by task, a command's options, and what a code means."""

from __future__ import annotations

import pytest

from bitcoin_handshake.cli.help import TASKS
from bitcoin_handshake.cli.main import COMMANDS, main
from bitcoin_handshake.codes import FailureCode


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["help", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_every_command_belongs_to_one_task(capsys: pytest.CaptureFixture[str]) -> None:
    named = [name for names in TASKS.values() for name in names]
    assert sorted(named) == sorted(COMMANDS)
    out = _printed(capsys)
    assert all(f"  {name} " in out for name in COMMANDS)
    assert max(map(len, out.splitlines())) <= 80
    assert len(out.splitlines()) < 40


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_explained_by_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = _printed(capsys, name)
    assert main([name, "--help"]) == 0
    assert capsys.readouterr().out == out


@pytest.mark.parametrize("code", FailureCode)
def test_every_code_is_explained(code: FailureCode, capsys: pytest.CaptureFixture[str]) -> None:
    out = _printed(capsys, code)
    assert out.startswith(f"{code}: ")
    assert "`" not in out


def test_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _printed(capsys, "codes").splitlines()
    assert [line.split()[0] for line in lines] == list(FailureCode)


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("conect.refused", "did you mean 'connect.refused'?"),
        ("crawll", "did you mean 'crawl'?"),
        ("something", "'bitcoin-handshake help codes' lists all codes"),
    ],
)
def test_an_unknown_topic_is_wrong_usage(topic: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", topic]) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("word", ["list-behaviours", "json", "timeout", "bloom-filter-of-nobody"])
def test_an_option_without_dashes_is_not_looked_up(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if word == "bloom-filter-of-nobody":
        assert main([word, "--dry-run", "--no-resolve"]) == 0
        return
    assert main([word]) == 2
    assert f"did you mean the option --{word}?" in capsys.readouterr().err
