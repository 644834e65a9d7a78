"""Which address is next: fairness, order, back-off, what a flood cannot do, memory."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.crawl.frontier import Frontier, KnownNode, State
from bitcoin_handshake.crawl.gossip import TellEntry

NOW = 1_700_000_000


def ipv4(a: int, b: int, c: int = 0, d: int = 1, port: int = 8333) -> bytes:
    return bytes((1, 4, a, b, c, d)) + port.to_bytes(2)


def onion(number: int) -> bytes:
    return b"\x04\x20" + number.to_bytes(32) + b"\x20\x8d"


def told(*keys: bytes, time: int = NOW) -> list[TellEntry]:
    return [(time, 9, key) for key in keys]


def drain(frontier: Frontier, count: int = 1) -> list[bytes]:
    order = []
    while keys := frontier.take(count):
        order += keys
        for key in keys:
            frontier.finish(key)
    return order


def test_each_address_is_taken_once() -> None:
    frontier = Frontier()
    assert frontier.hear(ipv4(9, 9), told(ipv4(1, 1), ipv4(1, 1), ipv4(2, 2)), now_unix=NOW) == told(
        ipv4(1, 1), ipv4(2, 2)
    )
    assert sorted(frontier.take(10)) == [ipv4(1, 1), ipv4(2, 2)]
    assert frontier.hear(ipv4(8, 8), told(ipv4(1, 1)), now_unix=NOW) == []
    assert frontier.take(10) == []
    assert (frontier.taken, frontier.waiting, len(frontier)) == (2, 0, 2)
    assert frontier.finish(ipv4(1, 1)) == 0
    assert frontier.state(ipv4(1, 1)) is State.FINISHED
    assert drain(frontier) == []


def test_the_freshest_go_first() -> None:
    frontier = Frontier()
    entries = [(NOW - hours * 3600, 9, ipv4(hours + 1, 0)) for hours in (5, 1, 3, 2, 4)]
    frontier.hear(ipv4(9, 9), entries, now_unix=NOW)
    assert [key[2] for key in drain(frontier)] == [2, 3, 4, 5, 6]


def test_networks_take_turns() -> None:
    frontier = Frontier()
    frontier.hear(ipv4(9, 9), told(*(ipv4(1, number) for number in range(100))), now_unix=NOW)
    frontier.hear(ipv4(9, 9), told(*(onion(number) for number in range(5))), now_unix=NOW)
    first = [key[0] for key in frontier.take(10)]
    assert Counter(first) == {1: 5, 4: 5}


def test_a_full_network_is_passed_over() -> None:
    frontier = Frontier()
    frontier.hear(ipv4(9, 9), told(ipv4(1, 1), onion(1)), now_unix=NOW)
    assert frontier.take(5, full={1}) == [onion(1)]
    assert frontier.take(5) == [ipv4(1, 1)]


def test_an_unreachable_network_is_kept_and_not_taken() -> None:
    frontier = Frontier(networks={1})
    assert len(frontier.hear(ipv4(9, 9), told(onion(1), ipv4(1, 1)), now_unix=NOW)) == 2
    assert drain(frontier) == [ipv4(1, 1)]
    assert frontier.state(onion(1)) is State.IDLE
    assert onion(1) in frontier.settled


def test_a_network_that_is_closed_is_kept_and_not_taken() -> None:
    frontier = Frontier()
    frontier.hear(b"seed", told(ipv4(1, 1), onion(1), onion(2)), now_unix=NOW)
    first = frontier.take(1, full=[1])
    frontier.close_network(4)
    frontier.leave(first[0])
    assert (frontier.waiting, frontier.taken) == (1, 0)
    assert frontier.hear(b"other", told(onion(1), onion(3)), now_unix=NOW) == told(onion(3))
    assert drain(frontier) == [ipv4(1, 1)]
    assert (len(frontier), frontier.waiting, frontier.finished_of(4)) == (4, 0, 0)


def test_neighbourhoods_take_turns_in_what_one_source_told() -> None:
    frontier = Frontier()
    crowd = [ipv4(1, 1, 0, number) for number in range(200)]
    others = [ipv4(50 + number, 1) for number in range(20)]
    frontier.hear(ipv4(9, 9), told(*crowd, *others), now_unix=NOW)
    assert set(others) <= set(drain(frontier)[:21])


def test_a_flood_from_one_source_delays_nobody() -> None:
    frontier = Frontier()
    random = Random(1)
    fakes = [ipv4(random.randrange(1, 224), random.randrange(256), 1, 1) for _ in range(10_000)]
    frontier.hear(ipv4(66, 6), told(*fakes), now_unix=NOW)
    frontier.take(500)
    honest = [ipv4(100, number, 7, 7) for number in range(30)]
    for number, key in enumerate(honest):
        frontier.hear(ipv4(10 + number, 1), told(key, time=NOW - 86_400), now_unix=NOW)
    assert set(honest) <= set(frontier.take(2 * len(honest)))


def test_a_flood_from_one_neighbourhood_of_sources_delays_nobody() -> None:
    frontier = Frontier()
    for source in range(200):
        fakes = [ipv4(source % 200 + 1, number % 256, number // 256, 3) for number in range(100)]
        frontier.hear(ipv4(66, 6, source, 1), told(*fakes), now_unix=NOW)
    honest = [ipv4(100, number, 7, 7) for number in range(30)]
    frontier.hear(ipv4(10, 1), told(*honest, time=NOW - 86_400), now_unix=NOW)
    assert set(honest) <= set(frontier.take(61))


def test_a_flood_of_one_neighbourhood_does_not_delay_what_others_told_of_it() -> None:
    frontier = Frontier()
    fakes = [ipv4(77, 7, number // 250, number % 250) for number in range(5000)]
    frontier.hear(ipv4(66, 6), told(*fakes), now_unix=NOW)
    honest = ipv4(77, 7, 255, 255)
    frontier.hear(ipv4(10, 1), told(honest, time=NOW - 86_400), now_unix=NOW)
    assert honest in frontier.take(2)


def test_telling_an_address_first_does_not_bury_it() -> None:
    frontier = Frontier()
    victim = ipv4(100, 100)
    fakes = [ipv4(1 + number // 250, number % 250) for number in range(5000)]
    frontier.hear(ipv4(66, 6), told(*fakes), now_unix=NOW)
    frontier.hear(ipv4(66, 6, 2), told(victim, time=NOW - 86_400), now_unix=NOW)
    assert victim not in frontier.take(10)
    frontier.hear(ipv4(10, 1), told(victim), now_unix=NOW)
    assert victim in frontier.take(2)
    assert len(drain(frontier)) == 5001 - 12


def test_fresh_is_what_another_group_may_move_forward() -> None:
    frontier = Frontier()
    frontier.hear(ipv4(10, 1), told(ipv4(1, 1)), now_unix=NOW)
    keys = [ipv4(1, 1), ipv4(2, 2)]
    assert frontier.fresh(ipv4(10, 1, 9), keys) == {ipv4(2, 2)}
    assert frontier.fresh(ipv4(10, 2), keys) == set(keys)
    frontier.take(1)
    assert frontier.fresh(ipv4(10, 2), keys[:1]) == set()


def test_an_address_is_settled_after_three_groups() -> None:
    frontier = Frontier()
    key = ipv4(1, 1)
    for group in (1, 1, 2):
        frontier.hear(ipv4(10, group), told(key), now_unix=NOW)
    assert key not in frontier.settled
    frontier.hear(ipv4(10, 3), told(key), now_unix=NOW)
    assert key in frontier.settled


def test_a_flood_does_not_displace_what_others_tell() -> None:
    frontier = Frontier(max_known=1000)
    for source in range(20):
        fakes = [ipv4(66, source, number, 3) for number in range(100)]
        frontier.hear(ipv4(66, 6, source), told(*fakes), now_unix=NOW)
    assert len(frontier) <= 1000
    refused = frontier.refused
    assert refused
    for group in range(10):
        honest = [ipv4(100, group, number) for number in range(5)]
        assert len(frontier.hear(ipv4(10, group), told(*honest), now_unix=NOW)) == 5
    assert frontier.refused == refused
    assert len(frontier) <= 1000


def test_what_is_known_rests_until_its_pause_is_over() -> None:
    frontier = Frontier()
    nodes = [
        KnownNode(key=ipv4(1, 1), time=NOW, failures=0, tried_unix=NOW - 60),
        KnownNode(key=ipv4(1, 2), time=NOW, failures=1, tried_unix=NOW - 60),
        KnownNode(key=ipv4(1, 3), time=NOW, failures=1, tried_unix=NOW - 7200),
        KnownNode(key=ipv4(1, 4), time=NOW, is_finished=True),
        KnownNode(key=ipv4(1, 5), time=NOW),
    ]
    frontier.load(nodes, now_unix=NOW)
    assert frontier.state(ipv4(1, 2)) is State.RESTING
    assert sorted(drain(frontier)) == [ipv4(1, 1), ipv4(1, 3), ipv4(1, 5)]
    assert frontier.finished_of(1) == 4
    assert list(frontier.networks()) == [(1, 0, 4)]
    assert frontier.indexes([ipv4(1, 4), ipv4(9, 9), ipv4(1, 1)]) == [0, 3]
    assert frontier.key(3) == ipv4(1, 4)
    assert frontier.index(ipv4(1, 4)) == 3


def test_a_visit_that_came_to_nothing_is_taken_again() -> None:
    frontier = Frontier()
    frontier.hear(ipv4(9, 9), told(ipv4(1, 1)), now_unix=NOW)
    assert frontier.take(1) == [ipv4(1, 1)]
    frontier.give_back(ipv4(1, 1), now_unix=NOW)
    assert (frontier.taken, frontier.waiting_of(1)) == (0, 1)
    assert frontier.take(1) == [ipv4(1, 1)]
    frontier.finish(ipv4(1, 1))
    frontier.give_back(ipv4(1, 1), now_unix=NOW)
    assert frontier.take(1) == []


entries = st.tuples(
    st.integers(NOW - 10**6, NOW), st.just(9), st.builds(ipv4, st.integers(1, 9), st.integers(0, 3))
)
tellings = st.lists(
    st.tuples(st.builds(ipv4, st.integers(10, 14), st.just(0)), st.lists(entries, max_size=9))
)


@given(tellings, st.integers(0, 2**63), st.integers(1, 7))
def test_the_same_input_and_seed_give_the_same_order_and_lose_nothing(
    told_by: list[tuple[bytes, list[TellEntry]]], seed: int, count: int
) -> None:
    def order() -> list[bytes]:
        frontier = Frontier(seed=seed)
        taken = []
        for source, entries in told_by:
            frontier.hear(source, entries, now_unix=NOW)
            taken += frontier.take(count)
        return taken + drain(frontier, count)

    first = order()
    assert first == order()
    assert Counter(first) == Counter({key for _, entries in told_by for _, _, key in entries})


def test_another_seed_gives_another_order_among_equals() -> None:
    orders = set()
    for seed in range(4):
        frontier = Frontier(seed=seed)
        for number in range(50):
            frontier.hear(ipv4(10, number), told(ipv4(1 + number, 1)), now_unix=NOW)
        orders.add(tuple(drain(frontier)))
    assert len(orders) == 4


_MEASURE = """
import gc, random
from bitcoin_handshake.crawl.frontier import Frontier

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

chance = random.Random(1)
count = 1_000_000
now = 1_700_000_000

def key():
    if chance.random() < 0.8:
        return b"\\x01\\x04" + chance.randbytes(4) + b"\\x20\\x8d"
    return b"\\x04\\x20" + chance.randbytes(32) + b"\\x20\\x8d"

before = resident()
frontier = Frontier()
while len(frontier) < count:
    told = [(now - chance.randrange(10**6), 9, key()) for _ in range(500)]
    told += [(now, 9, frontier.key(chance.randrange(len(frontier)))) for _ in range(500) if len(frontier)]
    frontier.hear(b"\\x01\\x04" + chance.randbytes(4) + b"\\x20\\x8d", told, now_unix=now)
while keys := frontier.take(1000):
    for each in keys:
        frontier.finish(each)
del told, keys
gc.collect()
print((resident() - before) / len(frontier))
"""


@pytest.mark.slow
def test_a_million_addresses_take_400_bytes_each_at_most() -> None:
    done = subprocess.run([sys.executable, "-c", _MEASURE], capture_output=True, text=True, check=True)
    assert float(done.stdout) <= 400
