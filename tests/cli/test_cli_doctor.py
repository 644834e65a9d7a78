"""The `doctor` command: forms of output, exit codes, wrong usage."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

LIMIT_S = 60
MODULE = [sys.executable, "-m", "bitcoin_handshake", "doctor", "-n", "regtest", "-t", "2"]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*MODULE, *arguments], capture_output=True, text=True, timeout=LIMIT_S)


@pytest.fixture(scope="module")
def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_node_that_refuses_is_a_problem(closed_port: int) -> None:
    done = _run(f"127.0.0.1:{closed_port}")
    assert done.returncode == 2
    assert done.stdout.startswith(f"127.0.0.1:{closed_port}: 1 problem\n  PROBLEM  The host refuses")
    assert "(reach.refused)" in done.stdout
    assert done.stderr == ""


def test_json_is_one_object_per_node(closed_port: int) -> None:
    done = _run("--json", f"127.0.0.1:{closed_port}", f"127.0.0.2:{closed_port}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["target"], line["level"]) for line in lines] == [
        (f"127.0.0.1:{closed_port}", "problem"),
        (f"127.0.0.2:{closed_port}", "problem"),
    ]
    assert lines[0]["findings"][0]["id"] == "reach.refused"
    assert lines[0]["records"][0]["schema"] == 1


def test_nagios_is_one_line(closed_port: int) -> None:
    done = _run("--nagios", f"127.0.0.1:{closed_port}")
    assert done.returncode == 2
    assert done.stdout.startswith("BITCOIN CRITICAL - ")
    assert done.stdout.count("\n") == 1


def test_markdown_is_a_table(closed_port: int) -> None:
    done = _run("--markdown", f"127.0.0.1:{closed_port}")
    assert "| problem | The host refuses the connection" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "no node: name one by address or name"),
        (("--json", "--nagios", "127.0.0.1"), "--json"),
        (("--watch", "5", "--json", "127.0.0.1"), "--watch prints text"),
        (("--sequence", "--nagios", "127.0.0.1"), "--sequence draws a picture"),
        (("127.0.0.999",), "is not a target"),
        (("--height", "-1", "127.0.0.1"), "--height"),
        (("-n", "nochain", "127.0.0.1"), "nochain"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_watch_ends_with_an_interrupt(closed_port: int) -> None:
    with subprocess.Popen(
        [*MODULE, "--watch", "1000", f"127.0.0.1:{closed_port}"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "1 problem" in process.stdout.readline()
        process.terminate()
        process.communicate(timeout=LIMIT_S)
    assert process.returncode in (130, 143)
