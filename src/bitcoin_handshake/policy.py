"""Whom we may dial: learned addresses have to be globally routable.

Owns the dated table of special-purpose ranges and the judgement of one address. What the user
typed is not judged here: whoever calls decides which addresses were learned (from DNS, from peers).

`ipaddress.is_global` will not do: it changed between 3.12.1 and 3.13.0 (192.0.0.8, 2002::/16,
64:ff9b:1::1, 2001:20::1) and on all of them calls 224.0.0.1, ff02::1 and 64:ff9b::7f00:1 global.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (Globally Reachable = False), as of
TABLE_DATE; Core 28.1, `CNetAddr::IsRoutable` in `netaddress.cpp`; RFC 1112 and RFC 4291 for
multicast; RFC 3879 for site-local; RFC 4291 for IPv4-compatible addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from bitcoin_handshake.errors import AddressFamilyExcluded, BadPort, NotRoutable, Skipped
from bitcoin_handshake.netaddr import NetAddr, Network, NetworkId, ipv4_text

__all__ = [
    "BAD_PORTS",
    "IP_NETWORKS",
    "REFUSED_IPV4",
    "REFUSED_IPV6",
    "TABLE_DATE",
    "exclusion",
    "packed_refusal",
    "port_refusal",
    "refusal",
]

IP_NETWORKS = frozenset({Network.IPV4, Network.IPV6})
"""The networks of which names have addresses, and -4 and -6 choose one."""

TABLE_DATE = "2025-10"
"""Month in which the registries held what the tables hold; the latest entry is of 2025-04 (RFC 9780)."""

REFUSED_IPV4 = MappingProxyType(
    {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private-use",
        "100.64.0.0/10": "shared address space",
        "127.0.0.0/8": "loopback",
        "169.254.0.0/16": "link local",
        "172.16.0.0/12": "private-use",
        "192.0.0.0/24": "IETF protocol assignments",
        "192.0.2.0/24": "documentation (TEST-NET-1)",
        "192.88.99.2/32": "6a44 relay anycast",
        "192.168.0.0/16": "private-use",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation (TEST-NET-2)",
        "203.0.113.0/24": "documentation (TEST-NET-3)",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
        "255.255.255.255/32": "limited broadcast",
    }
)
"""IPv4 ranges that are not dialled, with their names; a longer prefix decides before a shorter one."""

_REACHABLE_IPV4 = (
    "192.0.0.9/32",  # Port Control Protocol anycast
    "192.0.0.10/32",  # TURN anycast
)

REFUSED_IPV6 = MappingProxyType(
    {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "::/96": "IPv4-compatible",
        "64:ff9b:1::/48": "local-use IPv4-IPv6 translation",
        "100::/64": "discard-only",
        "100:0:0:1::/64": "dummy prefix",
        "2001::/23": "IETF protocol assignments",
        "2001:2::/48": "benchmarking",
        "2001:10::/28": "ORCHID",
        "2001:20::/28": "ORCHIDv2",
        "2001:db8::/32": "documentation",
        "3fff::/20": "documentation",
        "5f00::/16": "segment routing (SRv6) SIDs",
        "fc00::/7": "unique-local",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }
)
"""IPv6 ranges that are not dialled, with their names; a longer prefix decides before a shorter one."""

_REACHABLE_IPV6 = (
    "2001::/32",  # Teredo: judged by what is embedded
    "2001:1::1/128",  # Port Control Protocol anycast
    "2001:1::2/128",  # TURN anycast
    "2001:1::3/128",  # DNS-SD Service Registration Protocol anycast
    "2001:3::/32",  # AMT
    "2001:4:112::/48",  # AS112-v6
    "2001:30::/28",  # Drone Remote ID
)


BAD_PORTS = frozenset(
    (
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636),
        *(989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 5060, 5061, 6000, 6566),
        *(6665, 6666, 6667, 6668, 6669, 6697, 10080),
    )
)
"""The 80 ports of well-known other services: a connection to one of them looks like an attack to whoever
runs it, and anybody can spread such an address. Core 28.1, `IsBadPort` in `netbase.cpp`."""

_Range = tuple[int, int, str | None]
"""First and last address as integers; the block with its name, or None where they may be dialled."""


# The tables are built when the first learned address is judged: they take 2 ms, and a run with typed
# addresses only needs none of them.
def _ranges(names: Mapping[str, str], reachable: tuple[str, ...]) -> tuple[_Range, ...]:
    """Lay out a table with longer prefixes first, so that the first hit decides."""
    from ipaddress import ip_network

    networks = sorted(map(ip_network, (*names, *reachable)), key=lambda network: -network.prefixlen)
    return tuple(
        (
            int(network.network_address),
            int(network.broadcast_address),
            f"{network} {names[str(network)]}" if str(network) in names else None,
        )
        for network in networks
    )


@cache
def _ipv4_ranges() -> tuple[_Range, ...]:
    return _ranges(REFUSED_IPV4, _REACHABLE_IPV4)


@cache
def _ipv6_ranges() -> tuple[_Range, ...]:
    return _ranges(REFUSED_IPV6, _REACHABLE_IPV6)


# Nearly every address of a DNS answer is decided by its first octet, as text: 0.3 us instead of the
# 1.2 us of parsing it first, and 50,000 of them pass through in a run.
@cache
def _ipv4_ranges_by_octet() -> dict[str, tuple[_Range, ...]]:
    ranges = _ipv4_ranges()
    return {
        str(octet): tuple(entry for entry in ranges if entry[0] >> 24 <= octet <= entry[1] >> 24)
        for octet in range(256)
    }


@cache
def _ipv4_ranges_by_first() -> tuple[tuple[_Range, ...], ...]:
    return tuple(_ipv4_ranges_by_octet()[str(octet)] for octet in range(256))


# Likewise for IPv6 by the first 16 bits; those above _LAST_GROUP are special all of them.
_LAST_GROUP = 0xFC00
_SPECIAL_GROUPS = frozenset((0x0, 0x64, 0x100, 0x2001, 0x2002, 0x3FFF, 0x5F00))

_IPV4_MASK = 0xFFFF_FFFF
_IPV4_ID = NetworkId.IPV4.value
_IPV6_ID = NetworkId.IPV6.value


def refusal(address: NetAddr) -> Skipped | None:
    """Judge whether a learned address may be dialled.

    Onion, I2P and CJDNS addresses may: they have no special-purpose ranges.

    Returns:
        None where it may be dialled, or the reason why not, naming the range:
        `10.0.0.0/8 private-use`.
    """
    network = address.network
    if network is Network.IPV4:
        block = _ipv4_text_block(address.host)
    elif network is Network.IPV6:
        block = _ipv6_text_block(address.host)
    else:
        return None
    return None if block is None else NotRoutable(block=block)


def packed_refusal(network_id: int, address: bytes) -> str | None:
    """Judge a learned address in its byte form, as `refusal` judges its text: 0.4 us.

    Args:
        network_id: BIP155 id of one of the five networks.
        address: In network byte order, of the length of its network.

    Returns:
        None where it may be dialled, or the name of its range.
    """
    if network_id == _IPV4_ID:
        ranges = _ipv4_ranges_by_first()[address[0]]
        return _block_of(int.from_bytes(address), ranges) if ranges else None
    if network_id != _IPV6_ID:
        return None
    first = address[0] << 8 | address[1]
    if first < _LAST_GROUP and first not in _SPECIAL_GROUPS:
        return None
    return _ipv6_block(int.from_bytes(address))


def port_refusal(network: Network, port: int) -> Skipped | None:
    """Judge the port of a learned address: 0 (but for I2P) and those of other services are not dialled."""
    if port in BAD_PORTS or (not port and network is not Network.I2P):
        return BadPort(port=port)
    return None


def exclusion(address: NetAddr, families: frozenset[Network]) -> Skipped | None:
    """Say why the options keep an address from being dialled however it came, or None where they do not.

    Args:
        address: Typed or learned.
        families: Those of IP_NETWORKS that the options allow.
    """
    network = address.network
    if network in IP_NETWORKS and network not in families:
        return AddressFamilyExcluded(network=network)
    return None


def _ipv4_text_block(host: str) -> str | None:
    first, _, rest = host.partition(".")
    ranges = _ipv4_ranges_by_octet()[first]
    if not ranges:
        return None
    b, c, d = rest.split(".")
    value = int(first) << 24 | int(b) << 16 | int(c) << 8 | int(d)
    return _block_of(value, ranges)


def _ipv6_text_block(host: str) -> str | None:
    first = int(host.partition(":")[0] or "0", 16)
    if first < _LAST_GROUP and first not in _SPECIAL_GROUPS:
        return None
    from ipaddress import IPv6Address

    return _ipv6_block(int(IPv6Address(host.partition("%")[0])))


def _ipv6_block(value: int) -> str | None:
    for name, embedded in _embedded_ipv4(value):
        block = _block_of(embedded, _ipv4_ranges())
        if block is not None:
            return f"{name} of {ipv4_text(embedded.to_bytes(4, 'big'))}, {block}"
    return _block_of(value, _ipv6_ranges())


def _block_of(value: int, ranges: tuple[_Range, ...]) -> str | None:
    for first, last, block in ranges:
        if first <= value <= last:
            return block
    return None


def _embedded_ipv4(value: int) -> tuple[tuple[str, int], ...]:
    """Find the IPv4 addresses that packets to an IPv6 address end up at, with the name of the scheme.

    Spec:
        RFC 4291 (mapped), RFC 6145 (translated, as Core takes it), RFC 6052 (NAT64), RFC 3056
        (6to4), RFC 4380 (Teredo: the server, and the client with every bit inverted).
    """
    match value >> 32:
        case 0xFFFF:
            return (("IPv4-mapped", value & _IPV4_MASK),)
        case 0xFFFF_0000:
            return (("IPv4-translated", value & _IPV4_MASK),)
        case 0x64_FF9B_0000_0000_0000_0000:
            return (("NAT64", value & _IPV4_MASK),)
    if value >> 112 == 0x2002:
        return (("6to4", value >> 80 & _IPV4_MASK),)
    if value >> 96 == 0x2001_0000:
        client = ~value & _IPV4_MASK
        return (("Teredo server", value >> 64 & _IPV4_MASK), ("Teredo client", client))
    return ()
