"""The `replay` command: its lines and its exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main
from tests.transcripts import behaviour_transcript, captured_v1, captured_v2

WRONG = captured_v1(1).text.replace('"outcome":"ok"', '"outcome":"failed"')


def _file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    return str(path)


def test_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", _file(tmp_path, captured_v1(1).text + behaviour_transcript("http").text)]) == 0
    assert capsys.readouterr().out == (
        "connection 1  127.0.0.1:18444  v1  same  14 events, ok\n"
        "connection 1  127.0.0.1:18444  v1  same  5 events, failed (version: foreign.http)\n"
    )


def test_the_first_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", _file(tmp_path, captured_v1(0).text + WRONG)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert "  same  " in first
    assert second == ("connection 1  127.0.0.1:18444  v1  differs: line 33: outcome was 'failed', now 'ok'")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "--json", _file(tmp_path, captured_v2(secrets=True).text + WRONG)]) == 1
    same, other = map(json.loads, capsys.readouterr().out.splitlines())
    assert {name: same[name] for name in ("transport", "same", "outcome", "code", "difference")} == {
        "transport": "v2",
        "same": True,
        "outcome": "ok",
        "code": None,
        "difference": None,
    }
    assert other["difference"]["recorded"] == "failed"
    assert list(other) == list(same)


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(captured_v1(0).text.encode())))
    assert main(["replay", "-"]) == 0
    assert "same" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "out", "err"),
    [
        ("", "", "line 1: no connection in it"),
        ("x\n", "", "line 1: not JSON"),
        ("{}\n", "", "line 1: no 'event'"),
        (captured_v1(1).text + "\x1b[2J\n", "same  14 events, ok", "line 15: not JSON"),
        (captured_v1(1).text.rsplit("\n", 2)[0], "same so far, but it ends without a verdict", ""),
        (captured_v1(1).text.replace("regtest", "rog\x7ftest"), "", "line 1: unknown chain 'rog\\x7ftest'"),
    ],
)
def test_damage(text: str, out: str, err: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", _file(tmp_path, text)]) == 1
    captured = capsys.readouterr()
    assert out in captured.out
    assert err in captured.err
    assert captured.err.count("\n") == bool(err)
    assert (captured.out + captured.err).replace("\n", "").isprintable()


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["a", "b"], 2), (["--x"], 2), (["missing"], 4)])
def test_usage(
    arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["replay", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
