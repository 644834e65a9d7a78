"""Wrong arguments are refused where they enter, by their name."""

from __future__ import annotations

import pytest

from bitcoin_handshake import arguments, probe, probe_many
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import Network

WRONG: dict[str, list[object]] = {
    "timeout_s": [0, 0.0, -1, float("nan"), float("inf"), 10**400, True, "5", None],
    "linger_s": [-0.1, float("nan"), float("inf"), False, "0", None],
    "user_agent": ["/me:1/", bytes(257), None, 7],
    "chain": ["bitcoin", None, 8333],
    "transport": ["v3", None, 2],
    "record_messages": [1, "yes", None],
    "transcript_secrets": [1, "yes", None],
    "allow_private": [1, "yes", None],
    "families": [(), "ipv4", ["ipv5"], None, 4, [[]]],
    "port": [0, 65536, -1, 8333.0, True, "8333"],
    "resolver": [53, b"127.0.0.1", "not an address", "127.0.0.1:0"],
    "transcripts": ["said.jsonl", 7],
    "proxy": ["nonsense", "ftp://127.0.0.1:9", 9050, b"127.0.0.1:9050", ["127.0.0.1:9050"]],
    "onion": ["nonsense", "http://127.0.0.1:9", 9050, True],
    "i2psam": ["nonsense", 7656, b"127.0.0.1:7656"],
    "cjdnsreachable": ["yes", 1, None],
    "onlynet": ["tor", ["ipv5"], [4], None, 7, b"ipv4"],
    "retries": [-1, 1.5, "2", None],
    "onion_timeout_s": [0, -1, "5", float("nan")],
    "i2p_timeout_s": [0, -1, "5", float("nan")],
    "contact": [7, None, b"x"],
}
MANY_ONLY: dict[str, list[object]] = {
    "concurrency": [0, -1, 1.5, True, "8"],
    "rate": [0, -1, "5", float("nan")],
    "rate_per_group": [0, -1, "5", float("nan")],
    "targets": ["127.0.0.1", b"127.0.0.1", None, 7],
}


def _rows(table: dict[str, list[object]]) -> list[tuple[str, object]]:
    return [(name, value) for name, values in table.items() for value in values]


@pytest.mark.parametrize(("name", "value"), _rows(WRONG | MANY_ONLY), ids=str)
def test_probe_many_names_the_argument_at_the_call(name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        probe_many(**({"targets": []} | {name: value}))  # type: ignore[arg-type]  # by name


@pytest.mark.asyncio
@pytest.mark.parametrize(("name", "value"), _rows(WRONG), ids=str)
async def test_probe_names_the_argument(name: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        await probe("127.1.0.1", **{name: value})  # type: ignore[arg-type]  # by name


@pytest.mark.asyncio
@pytest.mark.parametrize("target", [None, 7, b"127.0.0.1", ["127.0.0.1"]], ids=str)
async def test_a_target_is_text_or_an_address(target: object) -> None:
    with pytest.raises(InputError, match="target"):
        await probe(target)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(InputError, match="targets"):
        await anext(probe_many([target]))  # type: ignore[list-item]  # what is tested


def test_what_is_sensible_is_taken() -> None:
    assert arguments.chain("chain", "regtest") is CHAINS[Chain.REGTEST]
    assert arguments.chain("chain", Chain.REGTEST) is CHAINS[Chain.REGTEST]
    assert arguments.chain("chain", CHAINS[Chain.REGTEST]) is CHAINS[Chain.REGTEST]
    assert arguments.transport("transport", "v1") is TransportMode.V1
    assert arguments.seconds("timeout_s", 5) == 5.0
    assert arguments.seconds("linger_s", 0, zero=True) == 0.0
    assert arguments.octets("user_agent", bytearray(256), max_len=256) == bytes(256)
    assert arguments.networks("families", ["ipv4", Network.IPV6]) == {Network.IPV4, Network.IPV6}
    assert arguments.whole_number("port", 65535, low=1, high=65535) == 65535
