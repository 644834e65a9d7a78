"""Addresses: round trips between bytes and text, and no exception but the documented ones."""

from __future__ import annotations

from ipaddress import IPv6Address

from hypothesis import example, given
from hypothesis import strategies as st

from bitcoin_handshake.errors import BadEncoding, FieldTooLong, InputError
from bitcoin_handshake.netaddr import ADDRV1_LEN, NetAddr, Network
from bitcoin_handshake.wire import Reader

PORTS = st.integers(0, 65535)
LENGTHS = {1: 4, 2: 16, 4: 32, 5: 32, 6: 16}
ENTRIES = st.sampled_from(sorted(LENGTHS)).flatmap(
    lambda network_id: st.tuples(
        st.just(network_id),
        st.binary(min_size=LENGTHS[network_id], max_size=LENGTHS[network_id]).map(
            lambda address: b"\xfc" + address[1:] if network_id == 6 else address
        ),
    )
)


@given(ENTRIES, PORTS)
def test_addrv2_to_text_and_back(entry: tuple[int, bytes], port: int) -> None:
    network_id, data = entry
    address = NetAddr.from_addrv2(network_id, data, port)
    if address is None:  # a mapped, OnionCat or internal address as IPv6
        assert network_id == 2
        return
    assert (address.network_id, address.packed, address.port) == (network_id, data, port)
    assert NetAddr.from_text(address.host, port, cjdns=address.network is Network.CJDNS) == address
    host, _, text_port = address.to_text().rpartition(":")
    assert (host.strip("[]"), int(text_port)) == (address.host, port)


@given(st.binary(min_size=ADDRV1_LEN, max_size=ADDRV1_LEN), PORTS)
@example(bytes(10) + b"\xff\xff\x01\x02\x03\x04", 8333)
def test_addrv1_round_trip(data: bytes, port: int) -> None:
    address = NetAddr.from_addrv1(data, port)
    assert address.to_addrv1() == data
    assert address.network in (Network.IPV4, Network.IPV6)
    assert NetAddr.from_text(address.host, port) == address


@given(st.integers(0, 255), st.binary(max_size=600), PORTS)
def test_any_addrv2_bytes_end_in_an_address_a_skip_or_a_documented_error(
    network_id: int, data: bytes, port: int
) -> None:
    try:
        address = NetAddr.from_addrv2(network_id, data, port)
    except (BadEncoding, FieldTooLong):
        assert network_id in LENGTHS or len(data) > 512
        return
    if address is not None:
        assert address.packed == data


_PIECES = st.sampled_from(
    [*"0123456789abcdefxz.:%[]- ", ".onion", ".b32.i2p", "::", "ffff", "é", "\u0131", "\0"]
)


@given(st.text() | st.lists(_PIECES).map("".join) | st.lists(_PIECES, min_size=52, max_size=57).map("".join))
def test_any_text_ends_in_a_canonical_address_or_an_input_error(text: str) -> None:
    try:
        address = NetAddr.from_text(text, 8333)
    except InputError:
        return
    assert NetAddr.from_text(address.host, 8333) == address
    assert address.host.isascii()
    assert address.host.isprintable()


@given(
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=50, max_size=58),
    st.sampled_from([".onion", ".b32.i2p"]),
)
def test_an_accepted_name_is_the_only_text_of_its_bytes(body: str, suffix: str) -> None:
    try:
        address = NetAddr.from_text(body + suffix, 0)
    except InputError:
        return
    again = NetAddr.from_addrv2(address.network_id, address.packed, 0)
    assert again == address


@given(st.integers(0, (1 << 128) - 1))
def test_ipv6_text_agrees_with_ipaddress(value: int) -> None:
    address = NetAddr.from_addrv1(value.to_bytes(16, "big"), 1)
    if address.network is Network.IPV6:
        assert address.host == str(IPv6Address(value))
        assert Reader(address.packed).read(16) == value.to_bytes(16, "big")
