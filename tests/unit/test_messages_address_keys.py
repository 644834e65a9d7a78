"""Packed keys: literal bytes, the quick way against the exact one, hostile counts and lengths."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitcoin_handshake.errors import BadEncoding, FieldTooLong, NonMinimalCompactSize, Truncated, WireError
from bitcoin_handshake.messages import Addr, AddrV2, AddrV2Entry
from bitcoin_handshake.messages.address_keys import (
    _usable_keys,
    addrv2_keys,
    dated_addr_entries,
    dated_addrv2_entries,
    key_of,
)
from bitcoin_handshake.netaddr import NetAddr
from tests.strategies import addr_entries, addrv2_entries

TIME = bytes.fromhex("00e1f505")  # 100,000,000
IPV4 = TIME + bytes.fromhex("fd090c 01 04 01020304 208d")
IPV6 = TIME + bytes.fromhex("09 02 10 20010db8000000000000000000000001 208d")
ONION = TIME + bytes.fromhex("09 04 20") + bytes(range(32)) + bytes.fromhex("208d")
I2P = TIME + bytes.fromhex("00 05 20") + bytes(range(32)) + b"\x00\x00"
CJDNS = TIME + bytes.fromhex("09 06 10 fc") + bytes(15) + bytes.fromhex("208d")
MAPPED = TIME + bytes.fromhex("09 02 10 00000000000000000000ffff01020304 208d")
ONIONCAT = TIME + bytes.fromhex("09 02 10 fd87d87eeb43") + bytes(10) + bytes.fromhex("208d")
NOT_CJDNS = TIME + bytes.fromhex("09 06 10 fd") + bytes(15) + bytes.fromhex("208d")
YGGDRASIL = TIME + bytes.fromhex("09 07 10 02") + bytes(15) + bytes.fromhex("208d")
LONG_UNKNOWN = TIME + bytes.fromhex("09 2a fd0002") + bytes(512) + bytes.fromhex("208d")


class _Any:
    def __contains__(self, key: object) -> bool:
        return True


ANY = _Any()


def test_only_wanted_entries_are_dated() -> None:
    payload = b"\x03" + IPV4 + YGGDRASIL + ONION
    assert [key[0] for _, _, key in dated_addrv2_entries(payload, {ONION[5:]})] == [4]
    assert [key[0] for _, _, key in dated_addrv2_entries(b"\x02" + IPV4 + ONION, {ONION[5:]})] == [4]


def test_the_key_of_an_address() -> None:
    assert key_of(NetAddr.from_text("1.2.3.4", 8333)) == bytes.fromhex("0104 01020304 208d")


def test_the_key_of_an_ipv4_entry_is_eight_bytes() -> None:
    assert addrv2_keys(b"\x01" + IPV4, 1, 1) == ([bytes.fromhex("0104 01020304 208d")], 15 + 1)


def test_all_five_networks_in_order() -> None:
    keys, end = addrv2_keys(IPV4 + IPV6 + ONION + I2P + CJDNS, 0, 5)
    assert [(key[0], len(key)) for key in keys] == [(1, 8), (2, 20), (4, 36), (5, 36), (6, 20)]
    assert end == len(IPV4 + IPV6 + ONION + I2P + CJDNS)


@pytest.mark.parametrize("skipped", [MAPPED, ONIONCAT, NOT_CJDNS, YGGDRASIL, LONG_UNKNOWN])
def test_an_entry_that_nobody_can_use_costs_no_other_entry(skipped: bytes) -> None:
    data = IPV4 + skipped + ONION
    keys, end = addrv2_keys(data, 0, 3)
    assert [key[0] for key in keys] == [1, 4]
    assert end == len(data)
    assert [key for _, _, key in dated_addrv2_entries(b"\x03" + data, keys)] == keys


def test_time_and_services_of_every_form() -> None:
    services = (0, 252, 253, 0xC09, 0xFFFF, 0x10000, 0xFFFFFFFF, 1 << 32, (1 << 64) - 1)
    entries = [AddrV2Entry(7 + number, each, 1, bytes(4), 8333) for number, each in enumerate(services)]
    payload = AddrV2.from_entries(entries).payload
    assert [(time, each) for time, each, _ in dated_addrv2_entries(payload, ANY)] == [
        (7 + number, each) for number, each in enumerate(services)
    ]


def test_trailing_bytes_are_no_entry() -> None:
    keys, end = addrv2_keys(IPV4 + IPV4, 0, 1)
    assert (len(keys), end) == (1, len(IPV4))


def test_a_count_of_none_with_bytes_after_it() -> None:
    assert addrv2_keys(IPV4, 0, 0) == ([], 0)


@pytest.mark.parametrize(
    ("data", "count", "error"),
    [
        (IPV4[:-1], 1, Truncated),
        (IPV4 + IPV4[:4], 2, Truncated),
        (TIME + bytes.fromhex("fd0900 01 04 01020304 208d"), 1, NonMinimalCompactSize),
        (TIME + bytes.fromhex("fe09000000 01 04 01020304 208d"), 1, NonMinimalCompactSize),
        (TIME + bytes.fromhex("09 01 05 0102030405 208d"), 1, BadEncoding),
        (TIME + bytes.fromhex("09 04 10") + bytes(18), 1, BadEncoding),
        (TIME + bytes.fromhex("09 2a fd0102") + bytes(515), 1, FieldTooLong),
    ],
)
def test_a_bad_entry_makes_the_message_bad(data: bytes, count: int, error: type[WireError]) -> None:
    with pytest.raises(error):
        addrv2_keys(data, 0, count)


@given(st.lists(addrv2_entries(), max_size=12), st.binary(max_size=60))
@example([], b"\x00" * 15)
def test_the_quick_way_gives_what_the_exact_one_gives(entries: list[AddrV2Entry], rest: bytes) -> None:
    data = b"".join(entry.serialize() for entry in entries) + rest
    assert addrv2_keys(data, 0, len(entries)) == _usable_keys(data, 0, len(entries))


@given(st.binary(max_size=120), st.integers(0, 9))
def test_any_bytes_are_judged_alike(data: bytes, count: int) -> None:
    def judged(how: object) -> object:
        try:
            return how(data, 0, count)  # type: ignore[operator]
        except WireError as error:
            return type(error), str(error)

    assert judged(addrv2_keys) == judged(_usable_keys)


@given(st.lists(addrv2_entries(), max_size=12))
def test_dated_entries_are_those_of_the_keys(entries: list[AddrV2Entry]) -> None:
    message = AddrV2.from_entries(entries)
    dated = dated_addrv2_entries(message.payload, ANY)
    assert [key for _, _, key in dated] == message.keys()
    assert [(time, services) for time, services, _ in dated] == [
        (entry.time, entry.services) for entry in entries if entry.netaddr is not None
    ]


@given(st.lists(addr_entries, max_size=12))
def test_dated_entries_of_addr(entries: list[object]) -> None:
    message = Addr.from_entries(entries)  # type: ignore[arg-type]
    dated = dated_addr_entries(message.payload, ANY)
    assert [key for _, _, key in dated] == message.keys()
    assert [(time, services) for time, services, _ in dated] == [
        (entry.time, entry.services) for entry in message.entries() if entry.netaddr is not None
    ]
