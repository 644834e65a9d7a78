"""The demo: everything from one command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main


def test_demo_shows_good_and_bad_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\nOK      ") + out.startswith("OK") == 17
    assert out.endswith("\nFinished! Handshake results: 17 OK | 2 PARTIALLY OK | 6 FAILED\n")
    assert "bitcoin-handshake -n regtest --allow-private --resolver 127.0.0.1:" in err


def test_demo_takes_output_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--nodes", "3", "--behaviours", "core", "--json", "-q"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["outcome"] for line in out.splitlines()] == ["ok"] * 3
    assert err == ""


def test_few_descriptors_fail_no_node() -> None:
    """Both ends of each connection live in the process: 120 nodes leave 16 of 200."""
    demo = f"ulimit -n 200; exec {sys.executable} -m bitcoin_handshake demo --nodes 120 --behaviours core"
    done = subprocess.run(["sh", "-c", demo], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("\nFinished! Handshake results: 120 OK | 0 PARTIALLY OK | 0 FAILED\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--behaviours", "nonsense"], "unknown behaviour 'nonsense'"),
        (["--behaviours", ""], "the name of a behaviour is missing"),
        (["--nodes", "0"], "is not a whole number, 1 or more"),
        (["--json", "--csv"], "cannot be used together"),
        (["seed.example"], "unexpected extra argument"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_the_demo_of_a_crawl_fills_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sqlite"
    assert (
        main(["demo", "--crawl", "--nodes", "12", "--behaviours", "core", "--db", str(path), "-q", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["reachable_total"] == 12
    assert main(["demo", "--db", str(path)]) == 2
    assert "--crawl" in capsys.readouterr().err
