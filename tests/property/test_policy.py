"""The policy against `ipaddress`, where the two have to agree."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import example, given
from hypothesis import strategies as st

from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import REFUSED_IPV4, REFUSED_IPV6, refusal

_EDGES_V4 = sorted(
    {int(edge) for text in REFUSED_IPV4 for edge in (ip_network(text)[0], ip_network(text)[-1])}
)
_EDGES_V6 = sorted(
    {int(edge) for text in REFUSED_IPV6 for edge in (ip_network(text)[0], ip_network(text)[-1])}
)


def _near(edges: list[int], limit: int) -> st.SearchStrategy[int]:
    """Anything, and with a preference what lies at or beside the edge of a range."""
    beside = st.builds(lambda edge, step: (edge + step) % limit, st.sampled_from(edges), st.integers(-3, 3))
    within = st.builds(
        lambda edge, low: (edge + low) % limit, st.sampled_from(edges), st.integers(0, 1 << 64)
    )
    return beside | within | st.integers(0, limit - 1)


def _refused(address: IPv4Address | IPv6Address) -> bool:
    network = Network.IPV4 if address.version == 4 else Network.IPV6
    return refusal(NetAddr(network, str(address), 8333)) is not None


@given(_near(_EDGES_V4, 1 << 32).map(IPv4Address))
def test_ipv4_agrees_with_membership_in_the_table(address: IPv4Address) -> None:
    """The fast path, by the first octet as text, is the table read slowly."""
    in_table = any(address in ip_network(text) for text in REFUSED_IPV4)
    reachable = address in (IPv4Address("192.0.0.9"), IPv4Address("192.0.0.10"))
    assert _refused(address) == (in_table and not reachable)


@given(_near(_EDGES_V4, 1 << 32).map(IPv4Address))
@example(IPv4Address("192.88.99.2"))
def test_ipv4_refuses_all_that_ipaddress_calls_private_or_special(address: IPv4Address) -> None:
    """These properties did not change between 3.11 and 3.13 but for 192.0.0.0/24."""
    if address in ip_network("192.0.0.0/24"):
        return
    special = (
        address.is_private
        or address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address in ip_network("100.64.0.0/10")
    )
    assert _refused(address) == (special or address == IPv4Address("192.88.99.2"))


@given(_near(_EDGES_V6, 1 << 128).map(IPv6Address))
def test_ipv6_refuses_all_that_ipaddress_calls_special(address: IPv6Address) -> None:
    special = (
        address.is_multicast
        or address.is_loopback
        or address.is_unspecified
        or address.is_link_local
        or address.is_site_local
        or address in ip_network("fc00::/7")
        or address in ip_network("2001:db8::/32")
    )
    if special:
        assert _refused(address)


@given(_near(_EDGES_V6, 1 << 128).map(IPv6Address))
def test_ipv6_outside_every_table_and_scheme_passes(address: IPv6Address) -> None:
    schemes = ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "2002::/16")
    if not any(address in ip_network(text) for text in (*REFUSED_IPV6, *schemes)):
        assert not _refused(address)


@given(_near(_EDGES_V4, 1 << 32).map(IPv4Address), st.integers(0, (1 << 80) - 1))
def test_an_embedded_ipv4_decides_like_itself(inner: IPv4Address, rest: int) -> None:
    value = int(inner)
    refused = _refused(inner)
    assert _refused(IPv6Address(0xFFFF << 32 | value)) == refused
    assert _refused(IPv6Address((0x64FF9B << 96) | value)) == refused
    assert _refused(IPv6Address((0x2002 << 112) | value << 80 | rest)) == refused
    server = (0x20010000 << 96) | value << 64 | (~0x08080808 & 0xFFFFFFFF)
    client = (0x20010000 << 96) | 0x08080808 << 64 | (~value & 0xFFFFFFFF)
    assert _refused(IPv6Address(server)) == refused
    assert _refused(IPv6Address(client)) == refused
