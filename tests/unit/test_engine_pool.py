"""What is dialled next, and when: limits, fairness and shortage, over a dialer without sockets."""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection

import pytest
import pytest_asyncio

from bitcoin_handshake.engine import pool as pool_module
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.limits import SHORTAGE_LIMIT_S
from bitcoin_handshake.engine.pool import DIALS_PER_TURN, DialPool
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import ConnectRefused
from bitcoin_handshake.netaddr import NetAddr, Network

pytestmark = pytest.mark.asyncio

V4 = NetAddr.from_text("203.0.113.7", 8333)
V6 = NetAddr.from_text("2001:db8::7", 8333)
IPV4_ONLY_TWO = {Network.IPV4: 2}


class Dialled(Connection):
    """A connection that ends when the test says so."""

    def __init__(self, netaddr: NetAddr = V4) -> None:
        super().__init__(netaddr, timeout_s=1.0)
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class StubDialer:
    """Takes connections, or has no room for them.

    Attributes:
        shortages: Dials to come that fail for lack of descriptors.
        is_refusing: Whether a connect fails at once.
    """

    def __init__(self, *, on_turn: Callable[[], None], on_end: Callable[[Connection], None] | None) -> None:
        self._on_turn = on_turn
        self._on_end = on_end
        self.open: list[Connection] = []
        self.dialled: list[Connection] = []
        self.shortages = 0
        self.tries = 0
        self.is_refusing = False
        self.is_closed = False

    @property
    def in_flight(self) -> int:
        return len(self.open)

    def dial(self, connection: Connection) -> None:
        self.tries += 1
        if self.shortages:
            self.shortages -= 1
            raise OutOfResources(errno.EMFILE)
        self.dialled.append(connection)
        self.open.append(connection)
        if self.is_refusing:
            connection.error = ConnectRefused()
            self.end(connection)

    def end(self, *connections: Connection) -> None:
        """End connections, as in one turn."""
        for connection in connections:
            self.open.remove(connection)
            if self._on_end is not None:
                self._on_end(connection)
            connection.close()

    def turn(self) -> None:
        self._on_turn()

    def close(self) -> None:
        self.is_closed = True


class Bench:
    """A pool over such a dialer, its source, and a clock."""

    def __init__(self, *, concurrency: int = 1000, limits: dict[Network, int] | None = None) -> None:
        self.now = 1000.0
        self.source: deque[Connection] = deque()
        self.asked: list[Collection[Network]] = []
        self.reported: list[int] = []
        self.turns = 0
        self.pool = DialPool(
            concurrency=concurrency,
            source=self.next,
            network_limits=limits or {},
            on_turn=self.count_turn,
            on_shortage=lambda shortage: self.reported.append(shortage.errno),
        )
        dialer = self.pool.dialer
        assert isinstance(dialer, StubDialer)
        self.dialer: StubDialer = dialer

    def next(self, full: Collection[Network]) -> Connection | None:
        self.asked.append(full)
        for connection in self.source:
            if connection.netaddr.network not in full:
                self.source.remove(connection)
                return connection
        return None

    def count_turn(self) -> None:
        self.turns += 1

    def add(self, count: int, netaddr: NetAddr = V4) -> list[Connection]:
        added: list[Connection] = [Dialled(netaddr) for _ in range(count)]
        self.source.extend(added)
        return added


Make = Callable[..., Bench]


@pytest_asyncio.fixture
async def make(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Makes a bench; a shortage is over in the loop's next rounds."""
    benches: list[Bench] = []

    def make(**options: object) -> Bench:
        benches.append(Bench(**options))  # type: ignore[arg-type]  # by name
        return benches[-1]

    monkeypatch.setattr(pool_module, "Dialer", StubDialer)
    monkeypatch.setattr(pool_module, "RETRY_S", 0.0)
    monkeypatch.setattr(pool_module, "monotonic", lambda: benches[-1].now)
    yield make
    for bench in benches:
        bench.pool.close()


async def _rounds(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_no_more_at_once_than_there_is_room_for(make: Make) -> None:
    bench = make(concurrency=3)
    connections = bench.add(5)
    bench.pool.start_more()
    await _rounds()
    assert bench.dialer.dialled == connections[:3]
    bench.dialer.end(connections[1])
    bench.dialer.turn()
    assert bench.dialer.dialled == connections[:4]
    assert (bench.pool.in_flight, bench.pool.dialled, bench.pool.is_idle) == (3, 4, False)
    bench.dialer.end(*connections[2:4])
    bench.dialer.turn()
    bench.dialer.end(connections[0], connections[4])
    assert (bench.pool.in_flight, bench.pool.dialled, bench.pool.is_idle) == (0, 5, True)


async def test_sockets_that_are_ready_have_their_turn_between_dials(make: Make) -> None:
    bench = make()
    bench.add(4 * DIALS_PER_TURN + 1)
    bench.pool.start_more()
    bench.pool.start_more()
    assert bench.pool.dialled == 2 * DIALS_PER_TURN, "each turn has its share"
    await _rounds(1)
    assert bench.pool.dialled == 3 * DIALS_PER_TURN, "the rest follows by itself"
    await _rounds()
    assert bench.pool.dialled == 4 * DIALS_PER_TURN + 1
    assert bench.turns == 5


@pytest.mark.parametrize("left", [0, 1])
async def test_nothing_is_tried_in_vain(make: Make, left: int) -> None:
    """Without room, and without anything to dial, the pool waits for the dialer's next turn."""
    bench = make(concurrency=3)
    bench.add(2 + 2 * left)
    bench.pool.start_more()
    await _rounds()
    assert bench.turns == 1


async def test_a_shortage_delays_the_rest_and_loses_nothing(make: Make) -> None:
    bench = make()
    connections = bench.add(4)
    bench.pool.start_more()
    bench.dialer.shortages = 2
    more = bench.add(2)
    bench.pool.start_more()
    bench.pool.start_more()
    assert bench.dialer.tries == 5, "one try, then it waits"
    assert (bench.pool.is_short, bench.pool.dialled) == (True, 4)
    await _rounds()
    assert bench.dialer.dialled == connections + more, "in their order"
    assert (bench.pool.is_short, bench.dialer.tries, bench.reported) == (False, 8, [])


async def test_a_refused_connection_is_not_forgotten_at_the_end(make: Make) -> None:
    bench = make()
    bench.dialer.shortages = 1
    bench.add(1)
    bench.pool.start_more()
    assert (bench.pool.in_flight, bench.pool.is_idle) == (0, False)


@pytest.mark.parametrize("is_one_open", [True, False])
async def test_a_shortage_that_lasts_is_reported_where_nothing_can_end_it(
    make: Make, is_one_open: bool
) -> None:
    bench = make()
    if is_one_open:
        bench.add(1)
        bench.pool.start_more()
    bench.dialer.shortages = 1_000_000
    bench.add(2)
    bench.pool.start_more()
    bench.now += SHORTAGE_LIMIT_S
    await _rounds()
    assert bench.reported == [], "not yet"
    bench.now += 1
    await _rounds()
    tries = bench.dialer.tries
    await _rounds()
    bench.dialer.turn()
    assert bench.reported == ([] if is_one_open else [errno.EMFILE])
    assert (bench.dialer.tries > tries) is is_one_open


async def test_a_dial_that_works_ends_the_shortage(make: Make) -> None:
    bench = make()
    for _ in range(3):
        bench.dialer.shortages = 1
        bench.dialer.end(*bench.dialer.open)
        bench.add(1)
        bench.pool.start_more()
        await _rounds()
        bench.now += SHORTAGE_LIMIT_S + 1
    assert (bench.reported, bench.pool.dialled) == ([], 3)


async def test_a_dial_of_the_owner_s_own_waits_for_nothing(make: Make) -> None:
    bench = make(concurrency=1)
    bench.add(1)
    bench.pool.start_more()
    bench.pool.dial(Dialled())
    assert bench.pool.in_flight == 2
    bench.dialer.shortages = 1
    with pytest.raises(OutOfResources):
        bench.pool.dial(Dialled())
    assert (bench.pool.in_flight, bench.pool.dialled) == (2, 1)


async def test_second_connections_go_first_and_keep_their_room(make: Make) -> None:
    bench = make(concurrency=2)
    seconds = [Dialled(), Dialled()]
    bench.dialer.shortages = 2
    given_up: list[int] = []
    for second in seconds:
        bench.pool.dial_again(second, lambda: given_up.append(1))
    later = bench.add(1)
    bench.pool.start_more()
    assert (bench.pool.in_flight, bench.pool.waiting) == (2, seconds)
    assert bench.dialer.dialled == []
    await _rounds()
    assert (bench.dialer.dialled, bench.pool.waiting, given_up) == (seconds, [], [])
    bench.dialer.end(seconds[0])
    bench.dialer.turn()
    assert bench.dialer.dialled == [*seconds, *later]


async def test_a_second_connection_is_dialled_at_once_where_there_is_room(make: Make) -> None:
    bench = make(concurrency=1)
    second = Dialled()
    bench.pool.dial_again(second, lambda: pytest.fail("there is room"))
    assert bench.dialer.dialled == [second]


async def test_a_second_connection_is_given_up_where_a_shortage_lasts(make: Make) -> None:
    bench = make(concurrency=1, limits={Network.IPV4: 1})
    bench.dialer.shortages = 1_000_000
    given_up: list[int] = []
    bench.pool.dial_again(Dialled(), lambda: given_up.append(1))
    bench.now += SHORTAGE_LIMIT_S - 1
    await _rounds()
    assert (given_up, bench.pool.in_flight) == ([], 1)
    bench.now += 1
    await _rounds()
    assert (given_up, bench.pool.in_flight) == ([1], 0)
    bench.dialer.shortages = 0
    (last,) = bench.add(1)
    bench.pool.start_more()
    assert bench.dialer.dialled == [last], "its room is free again"


async def test_a_network_that_is_full_holds_up_no_other(make: Make) -> None:
    bench = make(limits=IPV4_ONLY_TWO)
    v4 = bench.add(4)
    v6 = bench.add(3, V6)
    bench.pool.start_more()
    assert bench.dialer.dialled == v4[:2] + v6
    assert bench.asked[-1] == {Network.IPV4}
    bench.dialer.end(v4[0], v6[0])
    bench.dialer.turn()
    assert bench.dialer.dialled == [*v4[:2], *v6, v4[2]]


async def test_what_fails_at_once_takes_no_room_of_its_network(make: Make) -> None:
    bench = make(limits=IPV4_ONLY_TWO)
    bench.dialer.is_refusing = True
    bench.add(5)
    bench.pool.start_more()
    assert bench.pool.dialled == 5
    bench.dialer.is_refusing = False
    bench.dialer.shortages = 3
    bench.add(3)
    bench.pool.start_more()
    await _rounds(10)
    assert (bench.dialer.shortages, bench.pool.dialled, bench.pool.in_flight) == (0, 7, 2)


async def test_without_limits_the_source_hears_of_no_full_network(make: Make) -> None:
    bench = make()
    bench.add(3)
    bench.pool.start_more()
    assert set(map(frozenset, bench.asked)) == {frozenset()}


@pytest.mark.parametrize("how", ["stop", "close"])
async def test_nothing_of_the_source_begins_after_the_end(make: Make, how: str) -> None:
    bench = make()
    bench.add(DIALS_PER_TURN + 1)
    bench.pool.start_more()
    getattr(bench.pool, how)()
    bench.dialer.turn()
    await _rounds()
    assert (bench.dialer.tries, bench.turns) == (DIALS_PER_TURN, 1)
    assert bench.dialer.is_closed is (how == "close")


async def test_nothing_begins_after_the_end(make: Make) -> None:
    bench = make()
    bench.add(DIALS_PER_TURN + 1)
    bench.pool.start_more()
    bench.dialer.shortages = 1
    bench.pool.dial_again(Dialled(), lambda: pytest.fail("nobody is told"))
    bench.pool.close()
    tries = bench.dialer.tries
    await _rounds()
    bench.dialer.turn()
    assert (bench.dialer.tries, bench.dialer.is_closed, bench.pool.waiting) == (tries, True, [])
