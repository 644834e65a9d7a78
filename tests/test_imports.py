"""Which modules the quick ways in load: nothing heavy before it is used.

Not how long they take: that is measured in `bench/`.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import socket
import subprocess
import sys

import pytest

HEAVY = {
    "asyncio", "btclib_secp256k1", "cryptography", "dns", "rich", "sqlite3", "ssl", "uvloop",
}  # fmt: skip

_PROBE = """
import json, runpy, sys
sys.argv[1:] = json.loads(sys.argv[1])
try:
    runpy.run_module("bitcoin_handshake", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
sys.stderr.write("\\n" + json.dumps(sorted(sys.modules)))
"""


def _roots(stderr: str) -> set[str]:
    modules: list[str] = json.loads(stderr.splitlines()[-1])
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["handshake", "--help"]], ids=lambda value: " ".join(value)
)
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, json.dumps(arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert "click" in _roots(done.stderr)
    assert not _roots(done.stderr) & HEAVY


def test_importing_the_library_loads_nothing_heavy() -> None:
    code = "import bitcoin_handshake, json, sys; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "bitcoin_handshake" in _roots(done.stderr)
    assert not _roots(done.stderr) & (HEAVY | {"click"})


NOT_FOR_V1_ADDRESSES = {
    "bitcoin_handshake.resolver",
    "bitcoin_handshake.transport.v2",
    "btclib_secp256k1",
    "cryptography",
    "rich",
    "uvloop",
}

_PROBE_FAILED = _PROBE.replace("assert not end.code, end.code", "assert end.code == 1, end.code")


def test_addresses_over_v1_load_neither_resolver_nor_v2() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: refused
        address = "{}:{}".format(*unused.getsockname())
        done = subprocess.run(
            [sys.executable, "-c", _PROBE_FAILED, json.dumps(["--transport", "v1", "--json", address])],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["code"] == "connect.refused"
    assert not set(json.loads(done.stderr.splitlines()[-1])) & NOT_FOR_V1_ADDRESSES


@pytest.mark.parametrize("name", sorted(HEAVY))
def test_what_is_called_heavy_can_be_imported(name: str) -> None:
    """A dependency that was renamed or dropped must not leave its guard behind."""
    assert importlib.util.find_spec(name) is not None


_INTERRUPTED = """
import signal, sys, types

class Loading(types.ModuleType):
    def __getattr__(self, name):
        if name == "run":
            signal.raise_signal(int(sys.argv[1]))
        raise AttributeError(name)

sys.modules["bitcoin_handshake.cli.main"] = Loading("bitcoin_handshake.cli.main")
from bitcoin_handshake.__main__ import run
run()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_command_loads_ends_it_without_output(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, str(int(number))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "")
