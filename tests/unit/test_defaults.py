"""Defaults are written once, and are those of the modules that own the meaning."""

from __future__ import annotations

import subprocess
import sys

from bitcoin_handshake import defaults
from bitcoin_handshake.chain import CHAINS, Chain, chain_from_text
from bitcoin_handshake.engine.limits import DEFAULT_CONCURRENCY
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.prober import DEFAULT_TIMEOUT_S, DEFAULT_USER_AGENT, ProbeOptions
from bitcoin_handshake.protocol import MAX_SUBVERSION_LENGTH


def test_chain_names_are_those_of_the_library() -> None:
    assert set(defaults.CHAIN_NAMES) == {str(chain) for chain in CHAINS}
    assert {name: chain_from_text(name).chain for name in defaults.CHAIN_ALIASES} == {
        "main": Chain.MAINNET, "test": Chain.TESTNET3, "testnet": Chain.TESTNET3,
    }  # fmt: skip
    assert Chain(defaults.CHAIN) is Chain.MAINNET


def test_transport_names_are_those_of_the_library() -> None:
    assert tuple(TransportMode) == defaults.TRANSPORT_NAMES
    assert TransportMode(defaults.TRANSPORT) is TransportMode.AUTO


def test_numbers() -> None:
    assert (defaults.TIMEOUT_S, defaults.LINGER_S, defaults.CONCURRENCY) == (10.0, 0.0, 1024)
    assert defaults.MAX_USER_AGENT_LEN == MAX_SUBVERSION_LENGTH
    assert DEFAULT_CONCURRENCY == defaults.CONCURRENCY
    assert DEFAULT_TIMEOUT_S == defaults.TIMEOUT_S
    assert defaults.USER_AGENT.encode() == DEFAULT_USER_AGENT
    probe = ProbeOptions(chain=CHAINS[Chain.MAINNET])
    assert (probe.timeout_s, probe.linger_s) == (defaults.TIMEOUT_S, defaults.LINGER_S)


def test_it_imports_nothing() -> None:
    code = (
        "import sys, bitcoin_handshake; before = set(sys.modules)\n"
        "import bitcoin_handshake.defaults; print(set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "{'bitcoin_handshake.defaults'}\n"
