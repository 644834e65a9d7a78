"""Where a crawl begins: typed addresses, names, what is left out."""

from __future__ import annotations

import pytest

from bitcoin_handshake.crawl.start import find_start
from bitcoin_handshake.messages.addresses import netaddr_from_key
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.policy import IP_NETWORKS
from bitcoin_handshake.targets import parse_target
from tests.cli.samples import simulated


async def start(
    *targets: str, resolver: str | None = None, allow_private: bool = False
) -> dict[bytes, list[str]]:
    found = await find_start(
        [parse_target(text) for text in targets],
        port=8333,
        families=IP_NETWORKS,
        resolver=resolver,
        timeout_s=5.0,
        allow_private=allow_private,
    )
    return {source: [netaddr_from_key(key).to_text() for _, _, key in entries] for source, entries in found}


@pytest.mark.asyncio
async def test_typed_addresses_are_taken_as_they_are() -> None:
    assert await start("127.0.0.1", "[2a00::1]:5") == {b"typed": ["127.0.0.1:8333", "[2a00::1]:5"]}
    assert await start() == {}
    assert Network.IPV4 in IP_NETWORKS


@pytest.mark.asyncio
async def test_names_are_resolved_and_judged() -> None:
    with simulated("core") as network:
        name = network.seed_name
        private = await start(name, resolver=network.dns)
        allowed = await start(name, resolver=network.dns, allow_private=True)
        absent = await start("absent.test.", resolver=network.dns)
    assert list(private.values()) == [[]]
    assert list(allowed.values()) == [["127.1.0.1:8333"]]
    assert absent == {}
