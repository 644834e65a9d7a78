"""Healthy nodes on given addresses of this network namespace, until terminated.

    python -m bench.scan_fleet PORT < ADDRESSES

Prints `ready` as soon as everything listens.
"""

from __future__ import annotations

import asyncio
import sys

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork


async def main() -> None:
    addresses = sys.stdin.read().split()
    options = NetworkOptions(
        params=CHAINS[Chain.MAINNET],
        mix={"core": 1.0},
        node_count=len(addresses),
        addresses=addresses,
        port=int(sys.argv[1]),
        with_ipv6=False,
        with_dns=False,
    )
    async with SimulatedNetwork(options):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
