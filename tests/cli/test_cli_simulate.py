"""The network that keeps running."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS


@contextmanager
def _simulate(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bitcoin_handshake", "simulate", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_json_is_one_line_once_everything_listens(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--json", "--nodes", "4", "--port", "0", "--behaviours", "core=3,http", "--seed", "7")
    with _simulate(*options) as process:
        assert process.stdout is not None
        network = json.loads(process.stdout.readline())
        assert list(network) == ["seed_name", "dns", "nodes"]
        assert sorted(node["behaviour"] for node in network["nodes"]) == ["core"] * 3 + ["http"]
        keys = ("address", "behaviour", "expected", "expected_phase", "expected_code")
        assert {tuple(node) for node in network["nodes"]} == {keys}
        port = network["nodes"][0]["address"].rpartition(":")[2]
        arguments = ["-n", "regtest", "-p", port, "--resolver", network["dns"], "--allow-private", "--json"]
        assert main([*arguments, network["seed_name"]]) == 0
        records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        expected = {node["address"]: [node[key] for key in keys[2:]] for node in network["nodes"]}
        seen = {r["address"]: [r[key] for key in ("outcome", "phase", "code")] for r in records}
        assert seen == expected
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_one_node_is_told_of_as_one() -> None:
    with _simulate("--nodes", "1", "--port", "0", "--behaviours", "core") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(
            "1 simulated node on regtest and its DNS seed at 127.0.0.1:"
        )


def test_prints_a_command_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    with _simulate("--nodes", "2", "--port", "0", "--behaviours", "core") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert lines[0].startswith("2 simulated nodes on regtest and their DNS seed at 127.0.0.1:")
        program, *arguments = shlex.split(lines[2])
        assert program == "bitcoin-handshake"
        assert main(arguments) == 0
    assert "2 OK | 0 PARTIALLY OK | 0 FAILED" in capsys.readouterr().out


def test_lists_behaviours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--list-behaviours"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}\n" in out for name in BEHAVIOURS)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--behaviours", "nonsense"], 2, "unknown behaviour 'nonsense'"),
        (["--behaviours", "core=-1"], 2, "share"),
        (["--behaviours", ""], 2, "the name of a behaviour is missing"),
        (["--behaviours", "core=1e308,http=1e308"], 2, "share"),
        (["--nodes", "0"], 2, "is not a whole number, 1 or more (see 'bitcoin-handshake simulate --help')"),
        (["--nodes", "20000000"], 2, "addresses"),
        (["--port", "65536"], 2, "is not a whole number from 0 to 65535"),
        (["-n", "litecoin"], 2, "unknown chain"),
        (["--seed", "x"], 2, "is not a whole number"),
        (["x"], 2, "unexpected extra argument"),
    ],
)
def test_wrong_usage(arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["simulate", "--port", "0", "--dns-port", port]) == 4
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
