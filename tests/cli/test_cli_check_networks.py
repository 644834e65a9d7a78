"""The `check-networks` command: one line for each network, and its exit codes."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.simulate.network import SimulatedNetwork


def _check(*arguments: str) -> int:
    return main(["check-networks", "-q", "-n", "regtest", "-t", "2", *arguments])


def test_all_wanted_networks_work(core_node: SimulatedNetwork, capfd: pytest.CaptureFixture[str]) -> None:
    assert _check("--onlynet", "ipv4", core_node.nodes[0].netaddr.to_text()) == 0
    assert capfd.readouterr().out.startswith("ipv4   works        ")


def test_some_work(core_node: SimulatedNetwork, capfd: pytest.CaptureFixture[str]) -> None:
    target = core_node.nodes[0].netaddr.to_text()
    assert _check("--json", "--onlynet", "ipv4", "--onlynet", "i2p", "--i2psam", "127.0.0.1:9", target) == 1
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [(line["network"], line["works"]) for line in lines] == [
        ("ipv4", "works"),
        ("i2p", "unavailable"),
    ]


def test_none_works() -> None:
    assert _check("--onlynet", "ipv4", "127.0.0.1:9") == 3


def test_a_malformed_target_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    assert _check("1.2.3.999") == 2
    assert "1.2.3.999" in capfd.readouterr().err
