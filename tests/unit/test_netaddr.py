"""Addresses of the five networks: text and byte forms, against the vectors of Core."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bitcoin_handshake.errors import BadEncoding, FieldTooLong, InputError, PeerError
from bitcoin_handshake.netaddr import ADDRV1_LEN, NetAddr, Network, NetworkId, host_from_addrv2, ipv4_text
from bitcoin_handshake.protocol import MAX_ADDRV2_LEN
from bitcoin_handshake.wire import Reader
from tests.helpers import shared_vectors

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
ONION_KEY = bytes.fromhex("79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f")
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"
I2P_HASH = bytes.fromhex("a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87")


def _vectors(section: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(shared_vectors("bip155_addresses.json").read_text())[section]
    assert cases
    return cases


def _read_addrv2(data: bytes) -> NetAddr | None:
    """Read network id, length and address as an `addrv2` entry has them."""
    reader = Reader(data)
    network_id = reader.u8()
    address = NetAddr.from_addrv2(network_id, reader.var_bytes(limit=MAX_ADDRV2_LEN), 8333)
    assert not reader.remaining
    return address


def test_vectors_v1_serialize() -> None:
    for case in _vectors("v1_serialize"):
        data = bytes.fromhex(case["hex"])
        if not case["text"]:
            assert NetAddr.from_addrv1(data, 0) == NetAddr(Network.IPV6, "::", 0)
        elif case["text"].endswith(".internal"):
            assert NetAddr.from_addrv1(data, 0).network is Network.IPV6  # policy refuses it: fc00::/7
        else:
            assert NetAddr.from_text(case["text"], 8333).to_addrv1() == data, case


def test_vectors_v2_serialize() -> None:
    for case in _vectors("v2_serialize"):
        if case["text"].endswith(".internal"):
            continue  # no address of ours: cannot be typed, is not accepted
        address = NetAddr.from_text(case["text"], 8333)
        written = bytes((address.network_id, len(address.packed))) + address.packed
        assert written.hex() == case["hex"], case


def test_vectors_v2_deserialize() -> None:
    seen = set()
    for case in _vectors("v2_deserialize"):
        data = bytes.fromhex(case["hex"])
        seen.add(case["result"])
        match case["result"]:
            case "valid":
                address = _read_addrv2(data)
                assert address is not None
                assert (address.host, address.network.value) == (case["text"], case["network"])
                assert address.packed == data[2:]
                assert NetAddr.from_text(address.host, 8333, cjdns=case["network"] == "cjdns") == address
            case "skip" | "internal":
                assert _read_addrv2(data) is None, case
            case "error":
                with pytest.raises(PeerError):
                    _read_addrv2(data)
            case result:
                pytest.fail(f"unknown result {result}")
    assert seen == {"valid", "skip", "internal", "error"}


def test_vectors_invalid_text() -> None:
    for case in _vectors("invalid_text"):
        with pytest.raises(InputError):
            NetAddr.from_text(case["text"], 8333)


def test_vectors_text_normalised() -> None:
    for case in _vectors("text_normalised"):
        assert NetAddr.from_text(case["input"], 0).host == case["text"]


def test_vectors_ipv6_canonical_text() -> None:
    for case in _vectors("ipv6_canonical_text"):
        assert NetAddr.from_text(case["input"], 8333).host == case["text"]


def test_vectors_address_classes_name_the_family() -> None:
    for case in _vectors("address_classes"):
        assert NetAddr.from_text(case["text"], 8333).network.value == case["family"], case


@pytest.mark.parametrize(
    ("text", "network", "host"),
    [
        ("1.2.3.4", Network.IPV4, "1.2.3.4"),
        ("::ffff:1.2.3.4", Network.IPV4, "1.2.3.4"),
        ("2A01:4F8::1", Network.IPV6, "2a01:4f8::1"),
        ("fe80::1%eth0", Network.IPV6, "fe80::1%eth0"),
        ("fc00::1", Network.IPV6, "fc00::1"),
        (ONION.upper(), Network.ONION, ONION),
        (I2P.upper(), Network.I2P, I2P),
    ],
)
def test_text_is_made_canonical(text: str, network: Network, host: str) -> None:
    assert NetAddr.from_text(text, 8333) == NetAddr(network, host, 8333)


def test_cjdns_only_where_asked_for() -> None:
    assert NetAddr.from_text("fc00::1", 1, cjdns=True).network is Network.CJDNS
    assert NetAddr.from_text("fd00::1", 1, cjdns=True).network is Network.IPV6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4\n",
        "0x7f.0.0.1",
        "2130706433",
        "[::1]",
        "::1 ",
        ":::1",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "::1%",
        "fe80::1%a%b",
        "fe80::1%\x1b[31m",
        "fe80::1%eth 0",
        "fe80::1%" + "x" * 65,
        "seed.bitcoin.sipa.be",
        ".onion",
        ".b32.i2p",
        "1" * 52 + ".b32.i2p",
        "x" * 1000 + ".onion",
        # Letters that upper() or lower() turn into ASCII: dotless i, long s, Kelvin sign.
        ONION.replace("i", "\u0131", 1),
        ONION.replace("s", "\u017f", 1),
        I2P.replace("k", "\u212a", 1),
        "\u0661.2.3.4",
        "é" * 56 + ".onion",
        # I2P with a bit set behind the 256: another text of the same hash.
        I2P.replace("dq.b32", "dr.b32"),
    ],
)
def test_rejects_text_that_is_no_address(text: str) -> None:
    with pytest.raises(InputError):
        NetAddr.from_text(text, 8333)


@pytest.mark.parametrize("port", [-1, 65536])
def test_rejects_ports_out_of_range(port: int) -> None:
    with pytest.raises(InputError, match="port"):
        NetAddr.from_text("1.2.3.4", port)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("6hzph5hv6337r6p2.onion", "version 2"),
        ("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscsad.onion", "checksum"),
        ("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrye.onion", "version 3"),
        ("mfrggzak.onion", "56 base32 characters"),
        ("tp*szydbh4dp.b32.i2p", "52 base32 characters"),
    ],
)
def test_says_what_is_wrong_with_a_name(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        NetAddr.from_text(text, 8333)


def test_onion_and_i2p_bytes() -> None:
    assert NetAddr.from_text(ONION, 8333).packed == ONION_KEY
    assert NetAddr.from_text(I2P, 0).packed == I2P_HASH
    assert host_from_addrv2(4, ONION_KEY) == ONION
    assert host_from_addrv2(5, I2P_HASH) == I2P


@pytest.mark.parametrize("length", [0, 4, 15, 17])
def test_rejects_v1_addresses_of_another_length(length: int) -> None:
    with pytest.raises(BadEncoding, match="instead of 16"):
        NetAddr.from_addrv1(bytes(length), 8333)


def test_rejects_addrv2_over_the_limit_even_of_unknown_networks() -> None:
    assert NetAddr.from_addrv2(99, bytes(MAX_ADDRV2_LEN), 1) is None
    with pytest.raises(FieldTooLong):
        NetAddr.from_addrv2(99, bytes(MAX_ADDRV2_LEN + 1), 1)


@pytest.mark.parametrize("network_id", [NetworkId.TORV2, NetworkId.YGGDRASIL, 0, 8, 255])
def test_skips_networks_that_core_does_not_know(network_id: int) -> None:
    assert NetAddr.from_addrv2(network_id, bytes(16), 1) is None


def test_addresses_without_a_v1_form_are_written_as_zeros() -> None:
    cjdns = NetAddr.from_addrv2(6, bytes.fromhex("fc000001000200030004000500060007"), 8333)
    assert cjdns is not None
    for address in (cjdns, NetAddr.from_text(ONION, 8333), NetAddr.from_text(I2P, 0)):
        assert address.to_addrv1() == bytes(ADDRV1_LEN)


def test_a_zone_stays_out_of_the_bytes() -> None:
    address = NetAddr.from_text("fe80::1%eth0", 8333)
    assert address.packed.hex() == "fe800000000000000000000000000001"
    assert address.to_addrv1() == address.packed


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (NetAddr(Network.IPV4, "1.2.3.4", 8333), "1.2.3.4:8333"),
        (NetAddr(Network.IPV6, "2a01::1", 8333), "[2a01::1]:8333"),
        (NetAddr(Network.CJDNS, "fc00::1", 8333), "[fc00::1]:8333"),
        (NetAddr(Network.ONION, ONION, 8333), f"{ONION}:8333"),
        (NetAddr(Network.I2P, I2P, 0), f"{I2P}:0"),
    ],
)
def test_text_with_port(address: NetAddr, text: str) -> None:
    assert address.to_text() == text
    assert str(address) == text


def test_ipv4_text() -> None:
    assert ipv4_text(bytes([0, 10, 200, 255])) == "0.10.200.255"


def test_addresses_are_values() -> None:
    assert len({NetAddr.from_text("1.2.3.4", 1), NetAddr.from_text("::ffff:1.2.3.4", 1)}) == 1
    assert NetAddr.from_text("1.2.3.4", 1) != NetAddr.from_text("1.2.3.4", 2)
