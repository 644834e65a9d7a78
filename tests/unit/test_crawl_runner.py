"""The loop: everything is found, limits hold, hostile gossip changes nothing, all is handed to the store."""

from __future__ import annotations

import time
from random import Random

import pytest

from bitcoin_handshake.crawl.frontier import Frontier
from bitcoin_handshake.crawl.gossip import GossipRules
from bitcoin_handshake.crawl.runner import Crawl, CrawlCounts, CrawlLimits
from tests.crawls import MemoryStore, TableExecutor, addrv2, ipv4

NOW = int(time.time())
Network = dict[bytes, list[tuple[str, bytes]]]


def network(count: int, told: int = 8) -> Network:
    """Nodes that each tell of some others and of dead addresses."""
    random = Random(1)
    keys = [ipv4(20 + number % 50, number // 50, 1, 1) for number in range(count)]
    dead = [ipv4(100 + number % 50, number // 50, 1, 1) for number in range(count)]
    return {
        key: [
            addrv2([key], time=NOW),
            addrv2([keys[(number + 1) % count], *random.sample(keys + dead, told)], time=NOW),
        ]
        for number, key in enumerate(keys)
    }


async def walk(
    nodes: Network, store: MemoryStore | None = None, executor: TableExecutor | None = None, **limits: object
) -> tuple[CrawlCounts, TableExecutor, MemoryStore]:
    store = store or MemoryStore()
    executor = executor or TableExecutor(dict(nodes))
    run = Crawl(
        Frontier(),
        executor,
        store,
        rules=GossipRules(),
        limits=CrawlLimits(**limits),  # type: ignore[arg-type]
    )
    start = [] if store.known() else [(b"typed", [(NOW, 0, next(iter(nodes)))])]
    return await run.run(start), executor, store


@pytest.mark.asyncio
async def test_every_node_is_found_and_visited_once() -> None:
    nodes = network(300)
    counts, executor, store = await walk(nodes)
    assert counts.reachable == {"ipv4": 300}
    assert counts.is_complete
    assert set(nodes) <= set(executor.visited)
    assert len(executor.visited) == len(set(executor.visited)) == counts.known == counts.visited
    assert executor.is_closed
    assert [key for key, _ in store.nodes] == list(dict.fromkeys(key for key, _ in store.nodes))
    assert len(store.visits) == counts.visited
    assert store.nodes[0][1] is None
    assert store.nodes[1][1] == 0  # told by the first one
    assert counts.entries == 300 * 10
    assert counts.codes == {"connect.refused": counts.visited - 300}
    assert counts.to_json()["reachable_total"] == 300


@pytest.mark.asyncio
async def test_limits_end_it_early() -> None:
    counts, executor, _ = await walk(network(300), max_nodes=25)
    assert len(executor.visited) == 25
    assert not counts.is_complete
    assert counts.waiting
    counts, executor, _ = await walk(network(300), max_time_s=0.0)
    assert executor.visited == []


@pytest.mark.asyncio
async def test_nodes_that_answer_are_asked_again() -> None:
    nodes = network(20)
    counts, executor, store = await walk(nodes, getaddr_rounds=3)
    assert all(executor.visited.count(key) == 3 for key in nodes)
    assert counts.reachable == {"ipv4": 20}
    assert counts.visited == counts.known
    assert len(store.visits) == len(executor.visited)


@pytest.mark.asyncio
async def test_who_told_whom_is_kept_where_asked_for() -> None:
    nodes = network(20)
    _, _, store = await walk(nodes)
    assert store.gossip == {}
    _, _, store = await walk(nodes, keeps_gossip=True)
    assert len(store.gossip) == 20
    for node, told in store.gossip.items():
        assert told == sorted(set(told))
        assert node in told  # it announced itself


@pytest.mark.asyncio
async def test_it_goes_on_where_another_run_stopped() -> None:
    nodes = network(100)
    _, first, half = await walk(nodes, max_nodes=40)
    done = set(first.visited)
    known = [(key, NOW, 0, NOW if key in done else 0, key in done) for key, _ in half.nodes]
    counts, second, _ = await walk(nodes, MemoryStore(known))
    assert not done & set(second.visited)
    assert set(nodes) <= done | set(second.visited)
    assert counts.is_complete


@pytest.mark.asyncio
async def test_a_store_that_fails_ends_the_run() -> None:
    store = MemoryStore()
    store.has_failed = True
    counts, executor, _ = await walk(network(50), store)
    assert not counts.is_complete
    assert executor.visited == []


@pytest.mark.asyncio
async def test_a_stop_ends_the_run() -> None:
    executor = TableExecutor(dict(network(50)))
    store = MemoryStore()
    run = Crawl(Frontier(), executor, store, rules=GossipRules(), limits=CrawlLimits())
    run.stop()
    counts = await run.run([(b"typed", [(NOW, 0, ipv4(20, 0, 1, 1))])])
    assert executor.visited == []
    assert not counts.is_complete


@pytest.mark.asyncio
async def test_hostile_gossip_changes_neither_coverage_nor_bounds() -> None:
    """Floods, private ranges, the future, port 0, unknown networks, malformed messages, from one node."""
    nodes = network(100)
    liar = next(iter(nodes))
    random = Random(2)
    fakes = [
        ipv4(random.randrange(150, 223), random.randrange(256), random.randrange(256), 9) for _ in range(1000)
    ]
    nodes[liar] += [addrv2(fakes, time=NOW + 10**8)] * 5
    nodes[liar] += [
        addrv2([ipv4(random.randrange(150, 223), n % 256, n // 256, 1) for n in range(1000)], time=NOW)
        for _ in range(50)
    ]
    nodes[liar] += [
        addrv2([ipv4(127, 0), ipv4(10, 0), ipv4(30, 30, 3, 3, port=0)], time=NOW),
        ("addrv2", b"\x01" + bytes(4) + b"\x00\x63\x02\xff\xff\x20\x8d"),
        ("addrv2", b"\xff" * 50),
        ("addr", b"\xfd\xff\xff"),
    ]
    honest, _, _ = await walk(network(100))
    counts, executor, store = await walk(nodes)
    assert counts.reachable == honest.reachable == {"ipv4": 100}
    assert not {ipv4(127, 0), ipv4(10, 0), ipv4(30, 30, 3, 3, port=0)} & {key for key, _ in store.nodes}
    assert counts.known < 12_000
    order = [key for key in executor.visited if key in nodes]
    assert executor.visited.index(order[-1]) < 3000  # the fakes waited, the nodes did not


def test_what_is_left_is_guessed_from_the_rate() -> None:
    counts = CrawlCounts(waiting=90, in_flight=10, visited=50, elapsed_s=5.0)
    assert (counts.rate, counts.left_s) == (10.0, 10.0)
    assert CrawlCounts().left_s is None
