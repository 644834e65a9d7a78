"""The options of `decode` and what is wrong usage."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--json", "--hexdump", "x"], "cannot be used together"),
        (["--json", "--sequence", "x"], "cannot be used together"),
        (["--type", "", "x"], "is no message type"),
        (["--type", "thirteenchars", "x"], "'thirteenchars' is no message type: 1 to 12 printable ASCII"),
        (["--type", "ver\x1back", "x"], "is no message type"),
        (["--type", "ping", "--sequence", "x"], "--sequence draws transcripts: not with --type"),
        (["-n", "dogecoin", "x"], "unknown chain 'dogecoin'"),
        (["a", "b"], "unexpected extra argument"),
        (["--nonsense"], "No such option"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert line in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("path", ["missing", "."])
def test_a_file_that_cannot_be_read(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["decode", path]) == 4
    assert capsys.readouterr().err.startswith("bitcoin-handshake: cannot read ")
