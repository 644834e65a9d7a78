"""Who is read where all together hold too much; with sockets: test_engine_dialer."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.budget import MemoryBudget
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.limits import SMALL_BUFFER
from bitcoin_handshake.engine.poller import READ
from bitcoin_handshake.netaddr import NetAddr

LIMIT = 100_000
LARGE = 60_000


class Watched:
    """A budget, and what is waited for on each descriptor."""

    def __init__(self) -> None:
        self.watched: dict[int, int] = {}
        self.budget = MemoryBudget(LIMIT, self.watched.__setitem__)

    def connection(self, fd: int, held: int = 0, *, pending: bytes = b"") -> Connection:
        connection = Connection(NetAddr.from_text("203.0.113.7", 8333), timeout_s=1.0)
        connection.fd = fd
        connection.pending = pending
        if held:
            self.budget.account(connection, held)
        return connection


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_reading_pauses_above_the_limit_and_resumes_below_half_of_it(watched: Watched) -> None:
    first = watched.connection(1, LARGE)
    second = watched.connection(2, LARGE)
    assert (first.is_paused, second.is_paused) == (False, True)
    assert watched.watched == {2: 0}
    watched.budget.account(first, LIMIT // 2 - LARGE // 2)
    assert watched.budget.used == LIMIT // 2 + LARGE // 2
    assert second.is_paused
    watched.budget.account(second, LARGE - 1)
    watched.budget.release(first)
    assert watched.budget.used == LARGE - 1
    assert second.is_paused, "half of it is not free yet"
    watched.budget.account(second, LIMIT // 2 - 1)
    assert (second.is_paused, watched.watched) == (False, {2: READ})


def test_who_holds_little_goes_on(watched: Watched) -> None:
    watched.connection(1, LIMIT)
    small = watched.connection(2, SMALL_BUFFER)
    large = watched.connection(3, SMALL_BUFFER + 1)
    assert (small.is_paused, large.is_paused) == (False, True)


def test_who_does_not_read_from_us_is_not_read_anyway(watched: Watched) -> None:
    stuck = watched.connection(1, LIMIT + 1, pending=b"x")
    assert (stuck.is_paused, watched.watched) == (False, {})
    paused = watched.connection(2, LARGE)
    assert paused.is_paused
    paused.pending = b"x"
    watched.budget.release(stuck)
    watched.budget.account(paused, 0)
    assert (paused.is_paused, watched.watched) == (False, {2: 0}), "it waits to write"


def test_who_is_over_is_forgotten(watched: Watched) -> None:
    watched.connection(1, LIMIT)
    over = watched.connection(2, LARGE)
    watched.budget.release(over)
    assert watched.budget.used == LIMIT
    watched.budget.account(watched.connection(3), 1)
    assert watched.watched == {2: 0}
