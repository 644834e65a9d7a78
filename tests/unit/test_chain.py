"""Chains: magics, ports, seeds, and signets of one's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bitcoin_handshake.chain import (
    CHAINS,
    KNOWN_MAGICS,
    Chain,
    ChainParams,
    chain_from_text,
    custom_chain,
    signet_chain,
)
from bitcoin_handshake.errors import InputError
from tests.helpers import own_vectors

NETWORKS: list[dict[str, Any]] = json.loads(own_vectors("networks.json").read_text())["networks"]
SIGNETS: list[dict[str, Any]] = json.loads(own_vectors("signet_magic.json").read_text())["vectors"]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network["name"])
def test_parameters_are_those_of_core(network: dict[str, Any]) -> None:
    params = CHAINS[Chain(network["name"])]
    assert params.chain is Chain(network["name"])
    assert params.magic.hex() == network["magic_hex"]
    assert params.default_port == network["p2p_port"]
    assert params.dns_seeds == tuple(network["dns_seeds"])
    assert Chain(network["name"]).params is params


def test_every_chain_is_there() -> None:
    assert {network["name"] for network in NETWORKS} == {chain.value for chain in CHAINS}
    assert {chain.value for chain in Chain} == {chain.value for chain in CHAINS} | {"custom"}


@pytest.mark.parametrize("vector", SIGNETS, ids=lambda vector: vector["name"])
def test_signet_magics(vector: dict[str, Any]) -> None:
    params = signet_chain(bytes.fromhex(vector["challenge_hex"]))
    assert params.magic.hex() == vector["magic_hex"]
    assert params.chain is Chain.SIGNET
    assert params.default_port == 38333
    assert bool(params.dns_seeds) == (vector["name"] == "default signet")


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("mainnet", Chain.MAINNET),
        ("main", Chain.MAINNET),
        ("testnet3", Chain.TESTNET3),
        ("testnet", Chain.TESTNET3),
        ("test", Chain.TESTNET3),
        ("testnet4", Chain.TESTNET4),
        ("signet", Chain.SIGNET),
        ("regtest", Chain.REGTEST),
        ("RegTest", Chain.REGTEST),
    ],
)
def test_names_of_chains(text: str, chain: Chain) -> None:
    assert chain_from_text(text).chain is chain


@pytest.mark.parametrize("text", ["", "custom", "mainnet ", "bitcoin", "testnet5", "тest"])
def test_other_names_are_refused_with_the_list_of_good_ones(text: str) -> None:
    with pytest.raises(InputError, match="mainnet, testnet3, testnet4, signet, regtest"):
        chain_from_text(text)


def test_a_custom_chain_is_its_magic() -> None:
    params = custom_chain(bytes.fromhex("fabfb5da"), default_port=18555)
    assert (params.chain, params.magic.hex(), params.default_port) == (Chain.CUSTOM, "fabfb5da", 18555)
    assert params.dns_seeds == ()
    assert custom_chain(bytes(4)).default_port == 8333


@pytest.mark.parametrize("length", [0, 3, 5])
def test_a_magic_has_four_bytes(length: int) -> None:
    with pytest.raises(InputError, match="4 bytes"):
        custom_chain(bytes(length))
    with pytest.raises(InputError):
        ChainParams(chain=Chain.REGTEST, magic=bytes(length), default_port=1)


def test_the_custom_chain_has_no_parameters_of_its_own() -> None:
    with pytest.raises(InputError, match="magic"):
        _ = Chain.CUSTOM.params


def test_known_magics_name_every_chain_and_the_neighbours_on_its_ports() -> None:
    for chain, params in CHAINS.items():
        assert KNOWN_MAGICS[params.magic] == f"Bitcoin {chain.value}"
    assert KNOWN_MAGICS[bytes.fromhex("fbc0b6db")] == "Litecoin"
    assert all(len(magic) == 4 for magic in KNOWN_MAGICS)
    assert len(set(KNOWN_MAGICS.values())) == len(KNOWN_MAGICS)
