"""addr, addrv2, getaddr: limits, what is skipped, what makes the whole message bad, keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from bitcoin_handshake.errors import (
    BadEncoding,
    FieldTooLong,
    NonMinimalCompactSize,
    Truncated,
    WireError,
)
from bitcoin_handshake.messages import (
    Addr,
    AddrEntry,
    AddrV2,
    AddrV2Entry,
    Message,
    netaddr_from_key,
)
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.wire import serialize_compact_size
from tests.helpers import shared_vectors
from tests.message_literals import ADDRESSES, assert_both_ways, name_of

IPV4 = b"\x01\x00\x00\x00\x09\x01\x04\x01\x02\x03\x04\x20\x8d"
IPV4_KEY = b"\x01\x04\x01\x02\x03\x04\x20\x8d"
HEAD = bytes(4) + b"\x09"  # time and services of an entry


@pytest.mark.parametrize(("message", "data"), ADDRESSES, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


def test_keys_of_the_literals() -> None:
    addr, addrv2 = ADDRESSES[0][0], ADDRESSES[1][0]
    assert isinstance(addr, Addr)
    assert isinstance(addrv2, AddrV2)
    assert [netaddr.to_text() for netaddr in map(netaddr_from_key, addr.keys())] == [
        "1.2.3.4:8333",
        "[2001:db8::1]:1",
    ]
    assert addr.count == 2
    assert addr.keys() == addrv2.keys()[:2]
    assert addrv2.count == 9
    assert [netaddr.network for netaddr in map(netaddr_from_key, addrv2.keys())] == [
        Network.IPV4,
        Network.IPV6,
        Network.ONION,
        Network.I2P,
        Network.CJDNS,
    ]


def test_entries_agree_with_keys() -> None:
    addrv2 = ADDRESSES[1][0]
    assert isinstance(addrv2, AddrV2)
    from_entries = [entry.netaddr for entry in addrv2.entries() if entry.netaddr is not None]
    assert from_entries == list(map(netaddr_from_key, addrv2.keys()))


def test_1000_entries_are_the_most() -> None:
    most = b"\xfd\xe8\x03" + IPV4 * 1000
    assert AddrV2.deserialize(most).count == 1000
    with pytest.raises(FieldTooLong):
        AddrV2.deserialize(b"\xfd\xe9\x03" + IPV4 * 1001)
    assert Addr.deserialize(b"\xfd\xe8\x03" + bytes(30_000)).count == 1000
    with pytest.raises(FieldTooLong):
        Addr.deserialize(b"\xfd\xe9\x03" + bytes(30_030))


@pytest.mark.parametrize("cls", [Addr, AddrV2])
def test_a_count_is_not_believed(cls: type[Message]) -> None:
    with pytest.raises(Truncated):
        cls.deserialize(b"\xfd\xe8\x03" + bytes(8))
    with pytest.raises(FieldTooLong):
        cls.deserialize(b"\xfe\x00\x00\x00\x01")


@pytest.mark.parametrize("index", [0, 1])
def test_every_cut_is_truncated(index: int) -> None:
    message, data = ADDRESSES[index]
    for length in range(len(data)):
        with pytest.raises(Truncated):
            type(message).deserialize(data[:length])


def test_a_cut_in_the_last_entry_is_truncated() -> None:
    payload = b"\x02" + IPV4 + IPV4
    assert AddrV2.deserialize(payload).count == 2
    for length in range(len(payload)):
        with pytest.raises(Truncated):
            AddrV2.deserialize(payload[:length])


@pytest.mark.parametrize("index", [0, 1])
def test_excess_bytes_are_kept(index: int) -> None:
    message, data = ADDRESSES[index]
    longer = type(message).deserialize(data + b"\x01\x02")
    assert isinstance(longer, (Addr, AddrV2))
    assert longer.trailing == b"\x01\x02"
    assert longer.serialize() == data + b"\x01\x02"
    assert longer != message


@pytest.mark.parametrize(
    "network_and_address",
    [
        pytest.param("99 02 abab", id="unknown network"),
        pytest.param("63 fd0002" + "aa" * 512, id="unknown network of 512 bytes"),
        pytest.param("63 fdfd00" + "aa" * 253, id="unknown network of 253 bytes"),
        pytest.param("00 00", id="network 0 without address"),
        pytest.param("03 0a" + "11" * 10, id="Tor v2"),
        pytest.param("03 0b" + "11" * 11, id="Tor v2 of another length"),
        pytest.param("07 10 02" + "11" * 15, id="Yggdrasil"),
        pytest.param("02 10 00000000000000000000ffff01020304", id="mapped IPv4"),
        pytest.param("02 10 fd87d87eeb43" + "11" * 10, id="OnionCat"),
        pytest.param("02 10 fd6b88c08724" + "11" * 10, id="internal"),
        pytest.param("06 10 fd" + "11" * 15, id="CJDNS outside fc00::/8"),
    ],
)
def test_an_entry_that_nobody_can_use_is_skipped_and_kept(network_and_address: str) -> None:
    entry = HEAD + bytes.fromhex(network_and_address) + b"\x00\x01"
    payload = b"\x03" + IPV4 + entry + IPV4
    message = AddrV2.deserialize(payload)
    assert message.keys() == [IPV4_KEY, IPV4_KEY]
    assert message.serialize() == payload
    assert [entry.netaddr is not None for entry in message.entries()] == [True, False, True]
    assert AddrV2.from_entries(message.entries()) == message
    shown = message.to_json()["entries"]
    assert isinstance(shown, list)
    assert shown[1]["network"] is None
    assert shown[1]["address_hex"] in network_and_address.replace(" ", "")


@pytest.mark.parametrize(
    ("network_and_address", "error"),
    [
        ("01 05 0102030405", BadEncoding),
        ("01 03 010203", BadEncoding),
        ("01 00", BadEncoding),
        ("02 04 01020304", BadEncoding),
        ("04 0a" + "11" * 10, BadEncoding),
        ("05 21" + "11" * 33, BadEncoding),
        ("06 0f fc" + "11" * 14, BadEncoding),
        ("01 fd0102" + "11" * 513, FieldTooLong),
        ("99 fd0102" + "11" * 513, FieldTooLong),
        ("99 fe00000100" + "11" * 65536, FieldTooLong),
        ("99 fdfc00" + "11" * 252, NonMinimalCompactSize),
        ("01 fd0400 01020304", NonMinimalCompactSize),
    ],
)
def test_a_bad_length_makes_the_whole_message_bad(network_and_address: str, error: type[Exception]) -> None:
    entry = HEAD + bytes.fromhex(network_and_address) + b"\x00\x01"
    with pytest.raises(error):
        AddrV2.deserialize(b"\x02" + IPV4 + entry)


@pytest.mark.parametrize("services", [0, 252, 253, 0xFFFF, 0x10000, 0x02000001, 1 << 32, (1 << 64) - 1])
def test_services_are_a_mask_without_the_limit_of_lengths(services: int) -> None:
    entry = AddrV2Entry(7, services, 1, b"\x01\x02\x03\x04", 8333)
    data = b"\x01" + b"\x07\x00\x00\x00" + serialize_compact_size(services) + IPV4_KEY
    assert_both_ways(AddrV2.from_entries([entry]), data)
    assert AddrV2.deserialize(data).entries() == [entry]
    assert AddrV2.deserialize(data).keys() == [IPV4_KEY]


@pytest.mark.parametrize("services", ["fdfc00", "fd0000", "feffff0000", "ffffffffff00000000"])
def test_services_must_be_minimal(services: str) -> None:
    with pytest.raises(NonMinimalCompactSize):
        AddrV2.deserialize(b"\x01" + bytes(4) + bytes.fromhex(services) + IPV4_KEY)


def test_core_never_dials_these_entries_of_addr() -> None:
    dead = [bytes.fromhex(prefix) + bytes(10) for prefix in ("fd87d87eeb43", "fd6b88c08724")]
    message = Addr.from_entries([AddrEntry(0, 0, ip, 1) for ip in dead])
    assert message.keys() == []
    assert [entry.netaddr for entry in message.entries()] == [None, None]
    assert message.to_json()["entries"] == [
        {
            "time": 0,
            "services": "0000000000000000",
            "network": None,
            "network_id": 2,
            "address_hex": ip.hex(),
            "port": 1,
        }
        for ip in dead
    ]


def test_too_many_entries_cannot_be_built() -> None:
    with pytest.raises(FieldTooLong):
        AddrV2.from_entries([AddrV2Entry(0, 0, 1, bytes(4), 0)] * 1001)
    with pytest.raises(BadEncoding):
        AddrV2.from_entries([AddrV2Entry(0, 0, 1, bytes(5), 0)])


def test_a_key_of_an_unknown_network_is_no_address() -> None:
    with pytest.raises(BadEncoding):
        netaddr_from_key(b"\x99\x02\xab\xab\x00\x01")


def test_addresses_in_the_form_for_machines() -> None:
    message = AddrV2.deserialize(b"\x01" + IPV4 + b"\xee")
    assert message.to_json() == {
        "entries": [
            {"time": 1, "services": "0000000000000009", "network": "ipv4", "address": "1.2.3.4:8333"}
        ],
        "trailing": "ee",
    }


def test_official_messages() -> None:
    cases = json.loads(shared_vectors("messages.json").read_text())["messages"]
    seen = 0
    for case in cases:
        if case["command"] not in ("addr", "addrv2"):
            continue
        seen += 1
        cls: type[Addr | AddrV2] = Addr if case["command"] == "addr" else AddrV2
        payload = bytes.fromhex(case["payload_hex"])
        if "parse error" in case.get("note", ""):
            with pytest.raises(WireError):
                cls.deserialize(payload)
            continue
        message = cls.deserialize(payload)
        assert message.serialize() == payload
        entries: Sequence[AddrEntry | AddrV2Entry] = message.entries()
        expected = case["fields"]["addresses"]
        assert [(entry.time, entry.services, entry.port) for entry in entries] == [
            (entry["time"], entry["services"], entry["port"]) for entry in expected
        ]
        for entry, wanted in zip(entries, expected, strict=True):
            host = entry.netaddr.host if entry.netaddr else None
            assert host == wanted.get("address")
    assert seen == 6


def test_official_addresses() -> None:
    cases = json.loads(shared_vectors("bip155_addresses.json").read_text())
    for case in cases["v2_deserialize"]:
        raw = bytes.fromhex(case["hex"])
        payload = b"\x01" + HEAD + raw + b"\x20\x8d"
        if case["result"] == "error":
            with pytest.raises(WireError):
                AddrV2.deserialize(payload)
            continue
        message = AddrV2.deserialize(payload)
        assert message.serialize() == payload
        if case["result"] == "valid":
            network = Network(case["network"]) if case["network"] in list(Network) else None
            netaddr = netaddr_from_key(message.keys()[0])
            assert netaddr.host == case["text"]
            assert network in (None, netaddr.network)
        else:
            assert message.keys() == []
    for case in cases["v1_serialize"]:
        if case["note"] is None:
            netaddr = NetAddr.from_text(case["text"], 8333)
            assert netaddr.to_addrv1().hex() == case["hex"]
