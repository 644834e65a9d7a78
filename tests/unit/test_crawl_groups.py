"""Neighbourhoods, as Core groups them."""

from __future__ import annotations

import pytest

from bitcoin_handshake.crawl.groups import address_group, network_of_key
from bitcoin_handshake.netaddr import NetAddr


def key(text: str, *, cjdns: bool = False) -> bytes:
    netaddr = NetAddr.from_text(text, 8333, cjdns=cjdns)
    packed = netaddr.packed
    return bytes((netaddr.network_id, len(packed))) + packed + b"\x20\x8d"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("1.2.3.4", "1.2.255.1", True),
        ("1.2.3.4", "1.3.3.4", False),
        ("2a00:1:2::1", "2a00:1:3::1", True),
        ("2a00:1:2::1", "2a00:2:2::1", False),
        ("2001:470:1::1", "2001:470:fff::1", True),  # he.net by /36
        ("2001:470:1::1", "2001:470:1001::1", False),
        ("2002:102:304::1", "1.2.9.9", True),  # 6to4 of 1.2.3.4
        ("64:ff9b::102:304", "1.2.9.9", True),  # NAT64
        ("2001:0:808:808:0:0:fefd:fcfb", "1.2.9.9", True),  # Teredo client 1.2.3.4, inverted
    ],
)
def test_neighbours_share_their_group(one: str, other: str, *, is_same: bool) -> None:
    assert (address_group(key(one)) == address_group(key(other))) is is_same


def test_onion_i2p_and_cjdns_are_grouped_by_four_bits() -> None:
    for network_id in (4, 5):
        groups = {address_group(bytes((network_id, 32, first)) + bytes(33)) for first in range(256)}
        assert len(groups) == 16
    groups = {address_group(bytes((6, 16, 0xFC, second)) + bytes(16)) for second in range(256)}
    assert len(groups) == 16


def test_groups_of_different_networks_differ() -> None:
    assert address_group(bytes((4, 32)) + bytes(34)) != address_group(bytes((5, 32)) + bytes(34))


def test_network_of_a_key() -> None:
    assert network_of_key(key("1.2.3.4")) == 1
    assert network_of_key(key("fc00::1", cjdns=True)) == 6
