"""What a name stands for: the result of a look-up.

Owns the values only; `resolver.names` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver.query import QueryFacts

__all__ = [
    "IP_FAMILIES",
    "MAX_ADDRESSES_PER_NAME",
    "SYSTEM",
    "Resolution",
    "ResolvedAddress",
    "unique_addresses",
]

MAX_ADDRESSES_PER_NAME = 4096
"""Addresses kept of one name; a DNS answer of 65,535 bytes can hold about as many."""
IP_FAMILIES: Final = (Network.IPV4, Network.IPV6)
"""The networks that names have addresses in, in the order in which they are asked for."""
SYSTEM = "system"
"""What `--resolver` and `Resolution.server` call this system's own way to look up names."""


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """One address of a name.

    Attributes:
        host: Canonical text, without port.
        network: `IPV4` or `IPV6`; an IPv4-mapped IPv6 address is IPv4.
        ttl: Seconds that it may be kept, aliases on the way included; None where the source
            does not say.
    """

    host: str
    network: Network
    ttl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a name stands for.

    Attributes:
        name: The name, lower case, without trailing dot.
        addresses: One or more, IPv4 first, in the order of the answers, none twice.
        elapsed_ms: From the question to the last answer used.
        server: Who gave them, `host:port`, or `system`.
        local: The hosts file or the meaning of `localhost` gave them, or the name is an address:
            this machine's own administrator says so, and they may be dialled wherever they are.
        dropped: Addresses beyond MAX_ADDRESSES_PER_NAME (4096), not kept.
        queries: What happened to each question sent, failed ones included.
    """

    name: str
    addresses: tuple[ResolvedAddress, ...]
    elapsed_ms: float
    server: str = SYSTEM
    local: bool = False
    dropped: int = 0
    queries: tuple[QueryFacts, ...] = ()


def unique_addresses(addresses: Iterable[ResolvedAddress]) -> tuple[tuple[ResolvedAddress, ...], int]:
    """Keep the first entry of every host, and MAX_ADDRESSES_PER_NAME (4096) of them at most.

    Returns:
        The entries in their order, and how many hosts were beyond the limit.
    """
    first: dict[str, ResolvedAddress] = {}
    for address in addresses:
        first.setdefault(address.host, address)
    kept = tuple(first.values())[:MAX_ADDRESSES_PER_NAME]
    return kept, len(first) - len(kept)
