"""Told addresses: what is taken, what is left out, what costs nothing."""

from __future__ import annotations

import pytest

from bitcoin_handshake.crawl.gossip import (
    DEFAULT_MAX_AGE_S,
    MAX_ENTRIES_PER_ANSWER,
    UNKNOWN_AGE_S,
    GossipRules,
    read_answer,
)
from bitcoin_handshake.messages import Addr, AddrEntry, AddrV2, AddrV2Entry

NOW = 1_700_000_000
RULES = GossipRules()
PUBLIC = bytes.fromhex("0104 08080808 208d")


def kept(time: int, key: bytes = PUBLIC, rules: GossipRules = RULES) -> list[int]:
    return [time for time, _, _ in rules.usable([(time, 9, key)], now_unix=NOW)]


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        (NOW, [NOW]),
        (NOW + 600, [NOW + 600]),
        (NOW + 601, [NOW - UNKNOWN_AGE_S]),  # the future
        (2**32 - 1, [NOW - UNKNOWN_AGE_S]),
        (0, [NOW - UNKNOWN_AGE_S]),
        (100_000_000, [NOW - UNKNOWN_AGE_S]),
        (100_000_001, []),  # 1973
        (NOW - DEFAULT_MAX_AGE_S, [NOW - DEFAULT_MAX_AGE_S]),
        (NOW - DEFAULT_MAX_AGE_S - 1, []),
    ],
)
def test_times(told: int, taken: list[int]) -> None:
    assert kept(told) == taken


@pytest.mark.parametrize(
    "key",
    [
        "0104 7f000001 208d",  # loopback
        "0104 0a000001 208d",
        "0104 e0000001 208d",  # multicast
        "0104 08080808 0000",  # port 0
        "0104 08080808 0019",  # the port of mail (25)
        "0104 08080808 0016",  # the port of SSH (22)
        "0210 fe800000000000000000000000000001 208d",
        "0210 20020a000001000000000000000000ff 208d",  # 6to4 of 10.0.0.1
        "0520" + "ab" * 32 + "208d",  # I2P has no ports
    ],
)
def test_what_is_left_out(key: str) -> None:
    assert kept(NOW, bytes.fromhex(key)) == []


@pytest.mark.parametrize(
    "key", ["0420" + "ab" * 32 + "208d", "0520" + "ab" * 32 + "0000", "0210 2a" + "01" * 15 + "208d"]
)
def test_what_is_taken(key: str) -> None:
    assert kept(NOW, bytes.fromhex(key)) == [NOW]


def test_private_addresses_are_taken_where_they_are_allowed() -> None:
    assert kept(NOW, bytes.fromhex("0104 7f000001 208d"), GossipRules(allow_private=True)) == [NOW]


def v2(*hosts: int, network_id: int = 1) -> tuple[str, bytes]:
    entries = [AddrV2Entry(NOW, 9, network_id, host.to_bytes(4), 8333) for host in hosts]
    return "addrv2", AddrV2.from_entries(entries).payload


def test_an_answer_of_several_messages_of_both_kinds() -> None:
    v1 = Addr.from_entries([AddrEntry(NOW, 1, bytes(10) + b"\xff\xff" + bytes((0, 0, 0, 7)), 8333)])
    answer = read_answer([v2(5), ("addr", v1.payload), v2(6)], set)
    assert [key[2:6] for key in answer.keys] == [bytes((0, 0, 0, last)) for last in (5, 7, 6)]
    assert [(services, key[5]) for _, services, key in answer.fresh] == [(9, 5), (1, 7), (9, 6)]
    assert answer.entries == 3


def test_settled_keys_are_not_fresh() -> None:
    known = bytes.fromhex("0104 00000005 208d")
    answer = read_answer([v2(5, 6)], lambda keys: set(keys) - {known})
    assert len(answer.keys) == 2
    assert [key[5] for _, _, key in answer.fresh] == [6]


def test_a_malformed_message_costs_no_other() -> None:
    answer = read_answer([("addrv2", b"\x01"), v2(5)], set)
    assert (len(answer.fresh), answer.malformed) == (1, 1)


def test_unknown_networks_are_counted_and_not_kept() -> None:
    answer = read_answer([v2(5, network_id=77)], set)
    assert (answer.entries, answer.keys, answer.fresh) == (1, [], [])


def test_one_source_tells_so_much_and_no_more() -> None:
    messages = [v2(*range(start, start + 1000)) for start in range(0, 3 * MAX_ENTRIES_PER_ANSWER, 1000)]
    answer = read_answer(messages, set)
    assert answer.entries == len(answer.fresh) == MAX_ENTRIES_PER_ANSWER
