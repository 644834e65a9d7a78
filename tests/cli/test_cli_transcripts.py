"""`--transcript`: what a run leaves behind, and what it does when that cannot be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.simulate.network import SimulatedNetwork
from tests.transcripts import conversations


def _handshake(network: SimulatedNetwork, *more: str) -> int:
    return main(["-n", "regtest", "-q", network.nodes[0].netaddr.to_text(), *more])


@pytest.mark.parametrize("transport", ["v1", "v2", "both"])
@pytest.mark.parametrize("secrets", [[], ["--transcript-secrets"]])
def test_a_run_replays(
    core_node: SimulatedNetwork, tmp_path: Path, transport: str, secrets: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = str(tmp_path / "all.jsonl")
    more = ["--transport", transport, "--linger", "0.1", "--transcript", path, *secrets]
    assert _handshake(core_node, *more) == 0
    found = conversations(Path(path).read_text())
    transports = [each.header.record["transport"] for each in found]
    assert transports == (["v2", "v1"] if transport == "both" else [transport])
    assert [("secrets" in each.header.record) for each in found] == [
        bool(secrets) and name == "v2" for name in transports
    ]
    capsys.readouterr()
    assert main(["replay", path]) == 0
    assert capsys.readouterr().out.count("  same  ") == len(found)


def test_a_folder(core_node: SimulatedNetwork, tmp_path: Path) -> None:
    assert _handshake(core_node, "--transcript", f"{tmp_path}/new/") == 0
    [path] = (tmp_path / "new").iterdir()
    assert path.name.endswith(".jsonl")
    assert conversations(path.read_text())[0].is_whole


def test_a_dial_that_fails_has_no_transcript(tmp_path: Path) -> None:
    assert main(["-q", "127.0.0.1:1", "--transcript", str(tmp_path / "a")]) == 1
    assert (tmp_path / "a").read_text() == ""


def test_a_full_disk_costs_the_transcripts_only(
    core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    assert _handshake(core_node, "--json", "--transcript", "/dev/full") == 4
    out, err = capsys.readouterr()
    assert json.loads(out)["outcome"] == "ok"
    assert err.endswith("bitcoin-handshake: cannot write /dev/full: No space left on device\n")


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["--transcript", "-"], 2, "--transcript needs the name of a file or of a folder"),
        (["--transcript", ""], 2, "--transcript needs the name of a file or of a folder"),
        (["--transcript-secrets"], 2, "--transcript-secrets needs --transcript"),
        (["--transcript", "missing/a"], 4, "cannot write missing/a: No such file or directory"),
        (["--transcript", "targets", "@targets"], 2, "targets is read; transcripts cannot be written there"),
        (
            ["-o", "out", "--transcript", "out"],
            2,
            "out gets the records; transcripts need a file of their own",
        ),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_dialled(
    arguments: list[str], code: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "targets").write_text("127.0.0.1:1\n")
    assert main(["127.0.0.1:1", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert line in err
    assert err.count("\n") == 1
    assert (tmp_path / "targets").read_text() == "127.0.0.1:1\n"
