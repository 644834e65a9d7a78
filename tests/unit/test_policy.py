"""Which learned addresses may be dialled."""

from __future__ import annotations

import json
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import chain

import pytest

from bitcoin_handshake.errors import FailureCode, NotRoutable
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import (
    BAD_PORTS,
    IP_NETWORKS,
    REFUSED_IPV4,
    REFUSED_IPV6,
    exclusion,
    packed_refusal,
    port_refusal,
    refusal,
)
from tests.helpers import shared_vectors

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


def _block(text: str) -> str | None:
    reason = refusal(NetAddr.from_text(text, 8333))
    assert reason is None or isinstance(reason, NotRoutable)
    return None if reason is None else reason.block


# The last address before each range and the first behind it, written out: the neighbours of a range
# are a matter of the registries, not of arithmetic on our own table.
NEIGHBOURS = {
    "0.0.0.0/8": (None, "1.0.0.0"),
    "10.0.0.0/8": ("9.255.255.255", "11.0.0.0"),
    "100.64.0.0/10": ("100.63.255.255", "100.128.0.0"),
    "127.0.0.0/8": ("126.255.255.255", "128.0.0.0"),
    "169.254.0.0/16": ("169.253.255.255", "169.255.0.0"),
    "172.16.0.0/12": ("172.15.255.255", "172.32.0.0"),
    "192.0.0.0/24": ("191.255.255.255", "192.0.1.0"),
    "192.0.2.0/24": ("192.0.1.255", "192.0.3.0"),
    "192.88.99.2/32": ("192.88.99.1", "192.88.99.3"),
    "192.168.0.0/16": ("192.167.255.255", "192.169.0.0"),
    "198.18.0.0/15": ("198.17.255.255", "198.20.0.0"),
    "198.51.100.0/24": ("198.51.99.255", "198.51.101.0"),
    "203.0.113.0/24": ("203.0.112.255", "203.0.114.0"),
    "224.0.0.0/4": ("223.255.255.255", None),
    "240.0.0.0/4": (None, None),
    "255.255.255.255/32": (None, None),
    "::/128": (None, None),
    "::1/128": (None, None),
    "::/96": (None, "::1:0:0"),
    "64:ff9b:1::/48": ("64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::"),
    "100::/64": ("ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    "100:0:0:1::/64": (None, "100:0:0:2::"),
    "2001::/23": ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"),
    "2001:2::/48": (None, None),
    "2001:10::/28": (None, None),
    "2001:20::/28": (None, "2001:30::"),
    "2001:db8::/32": ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"),
    "3fff::/20": ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"),
    "5f00::/16": ("5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::"),
    "fc00::/7": ("fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"),
    "fe80::/10": ("fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", None),
    "fec0::/10": (None, None),
    "ff00::/8": (None, None),
}


def test_the_table_of_neighbours_covers_every_range() -> None:
    assert set(NEIGHBOURS) == {*REFUSED_IPV4, *REFUSED_IPV6}


def _decided_elsewhere(network: IPv4Network | IPv6Network, address: str) -> bool:
    """Whether a longer prefix of our table decides about this address of the range."""
    return any(
        ip_network(other).prefixlen > network.prefixlen and ip_address(address) in ip_network(other)
        for other in chain(REFUSED_IPV4, REFUSED_IPV6)
    )


@pytest.mark.parametrize("text", NEIGHBOURS)
def test_first_and_last_of_a_range_are_refused_by_its_name(text: str) -> None:
    network = ip_network(text)
    name = {**REFUSED_IPV4, **REFUSED_IPV6}[text]
    for address in (str(network[0]), str(network[-1])):
        if text in ("2001::/23", "::/96") and address in ("2001::", "::"):
            continue  # Teredo, and the unspecified address
        block = _block(address)
        assert block is not None, address
        assert _decided_elsewhere(network, address) or block == f"{text} {name}"


@pytest.mark.parametrize(
    "address", sorted({address for pair in NEIGHBOURS.values() for address in pair if address})
)
def test_neighbours_of_the_ranges_may_be_dialled(address: str) -> None:
    assert _block(address) is None


@pytest.mark.parametrize(
    ("address", "block"),
    [
        # What ipaddress.is_global judges differently in 3.12.1 and 3.13.0, or wrongly in all.
        ("192.0.0.8", "192.0.0.0/24 IETF protocol assignments"),
        ("64:ff9b:1::1", "64:ff9b:1::/48 local-use IPv4-IPv6 translation"),
        ("2001:20::1", "2001:20::/28 ORCHIDv2"),
        ("224.0.0.1", "224.0.0.0/4 multicast"),
        ("ff02::1", "ff00::/8 multicast"),
        ("64:ff9b::7f00:1", "NAT64 of 127.0.0.1, 127.0.0.0/8 loopback"),
        # Every embedding of an address that is refused.
        ("2002:7f00:1::", "6to4 of 127.0.0.1, 127.0.0.0/8 loopback"),
        ("2002:c0a8:101::1", "6to4 of 192.168.1.1, 192.168.0.0/16 private-use"),
        ("64:ff9b::10.1.2.3", "NAT64 of 10.1.2.3, 10.0.0.0/8 private-use"),
        ("::ffff:0:10.1.2.3", "IPv4-translated of 10.1.2.3, 10.0.0.0/8 private-use"),
        ("2001:0:a00:1::f7f7:f7f7", "Teredo server of 10.0.0.1, 10.0.0.0/8 private-use"),
        ("2001:0:808:808::f5ff:fffe", "Teredo client of 10.0.0.1, 10.0.0.0/8 private-use"),
        # Others that turn up in answers.
        ("0.0.0.0", "0.0.0.0/8 this network"),
        ("255.255.255.255", "255.255.255.255/32 limited broadcast"),
        ("::", "::/128 unspecified"),
        ("::1", "::1/128 loopback"),
        ("::8.8.8.8", "::/96 IPv4-compatible"),
        ("fe80::1%eth0", "fe80::/10 link-local"),
        ("fd87:d87e:eb43::1", "fc00::/7 unique-local"),  # OnionCat
        ("fd6b:88c0:8724::1", "fc00::/7 unique-local"),  # Core's internal placeholder
        ("2001:2::1", "2001:2::/48 benchmarking"),
        ("2001:1::4", "2001::/23 IETF protocol assignments"),
    ],
)
def test_refuses_by_the_range(address: str, block: str) -> None:
    assert _block(address) == block


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "192.0.0.9",
        "192.0.0.10",
        "192.31.196.1",
        "192.88.99.1",
        "2002:808:808::1",
        "64:ff9b::8.8.8.8",
        "::ffff:0:8.8.8.8",
        "2001:0:808:808::f7f7:f7f7",
        "2001:1::1",
        "2001:1::2",
        "2001:1::3",
        "2001:3::1",
        "2001:4:112::1",
        "2001:30::1",
        "2001:3f:ffff::1",
        "2001:470::1",
        "2620:4f:8000::1",
        "2a01:4f8::1",
        ONION,
        I2P,
    ],
)
def test_lets_pass(address: str) -> None:
    assert _block(address) is None


def test_cjdns_may_be_dialled_where_private_ipv6_may_not() -> None:
    assert refusal(NetAddr.from_text("fc00:1:2:3:4:5:6:7", 8333, cjdns=True)) is None
    assert _block("fc00:1:2:3:4:5:6:7") == "fc00::/7 unique-local"


def test_a_mapped_address_that_stayed_ipv6_is_judged_by_its_ipv4() -> None:
    mapped = NetAddr(Network.IPV6, "::ffff:7f00:1", 8333)
    assert isinstance(reason := refusal(mapped), NotRoutable)
    assert reason.block == "IPv4-mapped of 127.0.0.1, 127.0.0.0/8 loopback"
    assert refusal(NetAddr(Network.IPV6, "::ffff:808:808", 8333)) is None


def test_the_reason_carries_code_and_words() -> None:
    reason = refusal(NetAddr.from_text("10.0.0.1", 8333))
    assert reason is not None
    assert reason.code is FailureCode.POLICY_NOT_ROUTABLE
    assert str(reason) == (
        "not globally routable (10.0.0.0/8 private-use): not dialled without --allow-private"
    )


def test_refuses_whatever_core_calls_not_routable() -> None:
    classes = json.loads(shared_vectors("bip155_addresses.json").read_text())["address_classes"]
    not_routable = {
        "local",
        "rfc1918",
        "rfc2544",
        "rfc3849",
        "rfc3927",
        "rfc4193",
        "rfc4843",
        "rfc7343",
        "rfc4862",
    }
    seen = set()
    for case in classes:
        for flag in not_routable & set(case["flags"]):
            assert _block(case["text"]) is not None, case
            seen.add(flag)
    assert seen == not_routable


@pytest.mark.parametrize(
    ("host", "families", "code"),
    [
        ("1.2.3.4", IP_NETWORKS, None),
        ("::1", IP_NETWORKS, None),
        ("1.2.3.4", {Network.IPV6}, "policy.address_family"),
        ("::1", {Network.IPV4}, "policy.address_family"),
        ("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", IP_NETWORKS, None),
    ],
)
def test_what_cannot_be_dialled_however_it_came(
    host: str, families: frozenset[Network], code: str | None
) -> None:
    excluded = exclusion(NetAddr.from_text(host, 8333), frozenset(families))
    assert (None if excluded is None else excluded.code.value) == code


def test_cjdns_is_of_no_family_that_the_options_exclude() -> None:
    netaddr = NetAddr.from_text("fc00::1", 8333, cjdns=True)
    assert exclusion(netaddr, frozenset({Network.IPV4})) is None


@pytest.mark.parametrize(
    "text", [*REFUSED_IPV4, *REFUSED_IPV6, "8.8.8.8/32", "192.0.0.9/32", "2a00::/32", "2001:4:112::/48"]
)
def test_the_packed_form_is_judged_as_the_text_is(text: str) -> None:
    for address in (ip_network(text)[0], ip_network(text)[-1]):
        network = Network.IPV4 if address.version == 4 else Network.IPV6
        netaddr = NetAddr(network, str(address), 8333)
        refused = refusal(netaddr)
        assert packed_refusal(netaddr.network_id, address.packed) == (
            refused.block if isinstance(refused, NotRoutable) else None
        )


def test_packed_addresses_of_other_networks_may_be_dialled() -> None:
    assert packed_refusal(4, bytes(32)) is None
    assert packed_refusal(6, b"\xfc" + bytes(15)) is None


@pytest.mark.parametrize(
    ("network", "port", "code"),
    [
        (Network.IPV4, 8333, None),
        (Network.IPV4, 80, None),
        (Network.IPV4, 0, "policy.bad_port"),
        (Network.ONION, 0, "policy.bad_port"),
        (Network.I2P, 0, None),
        (Network.IPV6, 22, "policy.bad_port"),
        (Network.IPV4, 25, "policy.bad_port"),
        (Network.IPV4, 10080, "policy.bad_port"),
    ],
)
def test_ports_of_other_services_are_not_dialled(network: Network, port: int, code: str | None) -> None:
    refused = port_refusal(network, port)
    assert (None if refused is None else refused.code.value) == code


def test_the_ports_are_the_80_of_core() -> None:
    assert len(BAD_PORTS) == 80
