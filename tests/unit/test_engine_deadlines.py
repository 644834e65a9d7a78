"""Deadlines behind one timer, with a clock and a loop that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bitcoin_handshake.engine import deadlines as deadlines_module
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.deadlines import TICK_S, Deadlines
from bitcoin_handshake.netaddr import NetAddr

NETADDR = NetAddr.from_text("203.0.113.7", 8333)


class Timer:
    """Counts as a timer of the loop."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Clock:
    """The time, and the timers that were asked for."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        assert delay == TICK_S
        self.timers.append(Timer(callback))
        return self.timers[-1]

    def run(self, seconds: float) -> None:
        """Let the time pass; the timers that wait then are called once, late or not."""
        self.now += seconds
        timers, self.timers = self.timers, []
        for timer in timers:
            timer.callback()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(deadlines_module, "monotonic", lambda: clock.now)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


class Rounds:
    """Takes what has expired."""

    def __init__(self) -> None:
        self.expired: list[Connection] = []
        self.rounds = 0
        self.deadlines = Deadlines(self.expire, self.end_round)

    def expire(self, connection: Connection) -> None:
        self.expired.append(connection)

    def end_round(self) -> None:
        self.rounds += 1


def _connection() -> Connection:
    return Connection(NETADDR, timeout_s=1.0)


def test_none_is_judged_early_and_none_later_than_two_ticks(clock: Clock) -> None:
    for fraction in range(20):
        rounds = Rounds()
        connection = _connection()
        deadline = clock.now + 0.1 + fraction * TICK_S / 20
        rounds.deadlines.arm(connection, deadline)
        while not rounds.expired:
            clock.run(TICK_S)
        assert 0 <= clock.now - deadline <= 2 * TICK_S
        assert (rounds.expired, clock.timers) == ([connection], [])


def test_one_timer_serves_them_all_and_stops_when_none_is_left(clock: Clock) -> None:
    rounds = Rounds()
    for index in range(100):
        rounds.deadlines.arm(_connection(), clock.now + index)
        assert len(clock.timers) == 1
    for _ in range(4940):
        clock.run(TICK_S)
        assert len(clock.timers) == 1
    clock.run(1.0)
    assert len(rounds.expired) == 100
    assert clock.timers == []


def test_after_a_long_silence_they_come_in_order(clock: Clock) -> None:
    rounds = Rounds()
    late, early = _connection(), _connection()
    rounds.deadlines.arm(late, clock.now + 50)
    rounds.deadlines.arm(early, clock.now + 1)
    clock.run(1000.0)
    assert rounds.expired == [early, late]
    assert rounds.rounds == 1


def test_a_nearer_deadline_counts_and_a_farther_one_waits(clock: Clock) -> None:
    rounds = Rounds()
    connection = _connection()
    rounds.deadlines.arm(connection, clock.now + 10)
    rounds.deadlines.bring_forward(connection, clock.now + 20)
    rounds.deadlines.bring_forward(connection, None)
    armed = connection.tick
    rounds.deadlines.bring_forward(connection, clock.now + 1)
    assert connection.tick < armed
    clock.run(1.5)
    assert rounds.expired == [connection]
    clock.run(30)
    assert rounds.expired == [connection], "once only"


def test_disarmed_is_forgotten(clock: Clock) -> None:
    rounds = Rounds()
    first, second = _connection(), _connection()
    rounds.deadlines.arm(first, clock.now + 1)
    rounds.deadlines.arm(second, clock.now + 1)
    rounds.deadlines.disarm(first)
    rounds.deadlines.disarm(first)
    rounds.deadlines.rearm(second, clock.now + 3)
    clock.run(2)
    assert rounds.expired == []
    clock.run(2)
    assert rounds.expired == [second]


def test_what_is_armed_for_the_past_meanwhile_comes_in_the_next_round(clock: Clock) -> None:
    rounds = Rounds()
    connection = _connection()
    rounds.deadlines.arm(connection, clock.now + 1)

    def again(expired: Connection) -> None:
        rounds.expired.append(expired)
        if len(rounds.expired) < 3:
            rounds.deadlines.rearm(expired, clock.now - 5)

    rounds.deadlines._expire = again
    clock.run(2)
    assert len(rounds.expired) == 1
    clock.run(TICK_S)
    clock.run(TICK_S)
    assert len(rounds.expired) == 3


def test_closing_stops_the_timer(clock: Clock) -> None:
    rounds = Rounds()
    rounds.deadlines.close()
    rounds.deadlines.arm(_connection(), clock.now + 1)
    rounds.deadlines.close()
    assert [timer.is_cancelled for timer in clock.timers] == [True]
    clock.run(2)
    assert rounds.expired == []
