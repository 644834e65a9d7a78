"""The command: options, a network from end to end, a second run, an interrupt, what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.store.database import StoreLock


@contextmanager
def simulated_network(nodes: int, behaviours: str = "core") -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [
            sys.executable, "-m", "bitcoin_handshake", "simulate", "--json", "--nodes", str(nodes),
            "--port", "0", "--behaviours", behaviours,
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def arguments(network: dict[str, Any], path: Path, *more: str) -> list[str]:
    return [
        "crawl", "-n", "regtest", "--allow-private", "--db", str(path), "-t", "3",
        "--getaddr-wait", "2", *more, network["nodes"][0]["address"],
    ]  # fmt: skip


def verdicts(path: Path) -> dict[str, str]:
    database = sqlite3.connect(path)
    found = dict(database.execute("SELECT address, outcome FROM latest").fetchall())
    database.close()
    return found


def test_a_network_is_walked_into_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sqlite"
    with simulated_network(40, "core=8,no-verack,http") as network:
        assert main(arguments(network, path, "--json", "-q", "--gossip", "--vantage", "a test")) == 0
        summed = json.loads(capsys.readouterr().out)
        expected = {node["address"]: node["expected"] for node in network["nodes"]}
        assert verdicts(path) == expected
        assert summed["complete"] is True
        assert summed["reachable_total"] == list(expected.values()).count("ok")
        assert main(arguments(network, path)) == 0  # a second run in the same store
        assert "nodes reachable: " in capsys.readouterr().out
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*), min(state), min(vantage) FROM crawl").fetchall() == [
        (2, "finished", "a test")
    ]
    assert database.execute("SELECT count(*) > 0 FROM gossip").fetchone() == (1,)
    database.close()


def test_max_nodes_stops_it_and_resume_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sqlite"
    with simulated_network(30) as network:
        assert main(arguments(network, path, "--max-nodes", "10")) == 0
        said = capsys.readouterr().err
        assert f"bitcoin-handshake crawl --resume -n regtest --timeout 3 --allow-private --db {path}" in said
        assert len(verdicts(path)) == 10
        assert main(arguments(network, path, "--resume")[:-1]) == 0
        assert len(verdicts(path)) == 30
        assert main(arguments(network, path, "--resume")[:-1]) == 2
        assert "leave out --resume" in capsys.readouterr().err


def test_an_interrupt_saves_everything(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with simulated_network(30, "silent=29,core") as network:
        command = arguments(network, path, "-t", "60", "--max-time", "60")
        core = next(node["address"] for node in network["nodes"] if node["behaviour"] == "core")
        process = subprocess.Popen(
            [sys.executable, "-m", "bitcoin_handshake", *command[:-1], core],
            stderr=subprocess.PIPE,
            text=True,
        )
        while not path.exists() or not _has_visits(path):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in said
    assert verdicts(path) == {core: "ok"}
    database = sqlite3.connect(path)
    assert database.execute("SELECT state, count(*) FROM crawl").fetchone() == ("stopped", 1)
    database.close()


def _has_visits(path: Path) -> bool:
    try:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            return bool(database.execute("SELECT count(*) FROM visit").fetchone()[0])
        finally:
            database.close()
    except sqlite3.Error:
        return False


KILL_POINTS = int(os.environ.get("BH_KILL_POINTS", "5"))
"""20 points take five minutes."""


@pytest.mark.slow
def test_a_kill_at_any_point_and_a_resume_find_what_an_uninterrupted_run_finds(tmp_path: Path) -> None:
    random = Random(1)
    with simulated_network(150, "core=8,no-verack,refuses") as network:
        assert main(arguments(network, tmp_path / "whole.sqlite", "-q")) == 0
        whole = verdicts(tmp_path / "whole.sqlite")
        assert len(whole) == 150
        for point in range(KILL_POINTS):
            path = tmp_path / f"{point}.sqlite"
            command = arguments(network, path, "-q", "--concurrency", "4")
            process = subprocess.Popen([sys.executable, "-m", "bitcoin_handshake", *command])
            enough = random.randrange(1, 140)
            while process.poll() is None and not (path.exists() and _count(path) >= enough):
                pass
            process.kill()
            process.wait()
            if _state(path) != "finished":
                assert main([*arguments(network, path, "-q", "--resume")]) == 0
            assert verdicts(path) == whole
            database = sqlite3.connect(path)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            twice = "SELECT node_id FROM visit WHERE is_verdict GROUP BY node_id HAVING count(*) > 1"
            assert database.execute(twice).fetchall() == []
            database.close()


def _count(path: Path) -> int:
    try:
        database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            return int(database.execute("SELECT count(*) FROM visit").fetchone()[0])
        finally:
            database.close()
    except sqlite3.Error:
        return 0


def _state(path: Path) -> str:
    database = sqlite3.connect(path)
    try:
        return str(database.execute("SELECT state FROM crawl").fetchone()[0])
    finally:
        database.close()


def test_a_second_crawl_on_one_store_names_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.sqlite"
    lock = StoreLock(path)
    assert main(["crawl", "-n", "regtest", "--db", str(path), "127.0.0.1"]) == 4
    assert "process" in capsys.readouterr().err
    lock.release()


def test_nowhere_to_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crawl", "-n", "regtest", "--db", str(tmp_path / "a.sqlite")]) == 3
    assert "name a node" in capsys.readouterr().err


def test_nobody_answers(tmp_path: Path) -> None:
    assert main(["crawl", "-n", "regtest", "--db", str(tmp_path / "a.sqlite"), "-t", "1", "127.0.0.1:1"]) == 1
