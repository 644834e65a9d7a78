"""Readiness by epoll and by a standard selector: the same answers behind the same interface."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from bitcoin_handshake.engine.poller import ERROR, READ, WRITE, Poller, SelectorPoller, make_poller

POLLERS: dict[str, Callable[[], Poller]] = {
    "epoll": make_poller,
    "selector": lambda: SelectorPoller(selectors.EpollSelector()),
}


@pytest.fixture(params=POLLERS)
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    with closing(POLLERS[request.param]()) as poller:
        yield poller


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    first, second = socket.socketpair()
    with first, second:
        yield first, second


def test_make_poller_takes_epoll() -> None:
    with closing(make_poller()) as poller:
        assert not isinstance(poller, SelectorPoller)


def test_reports_what_is_watched(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), WRITE)
    assert poller.poll(0, 8) == [(ours.fileno(), WRITE)]
    poller.modify(ours.fileno(), READ)
    assert poller.poll(0, 8) == []
    theirs.send(b"x")
    assert poller.poll(0, 8) == [(ours.fileno(), READ)]
    poller.modify(ours.fileno(), READ | WRITE)
    assert poller.poll(0, 8) == [(ours.fileno(), READ | WRITE)]


def test_watching_for_nothing_is_quiet_until_something_is_watched_again(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    theirs.send(b"x")
    poller.modify(ours.fileno(), 0)
    poller.modify(ours.fileno(), 0)
    assert poller.poll(0, 8) == []
    poller.modify(ours.fileno(), READ)
    assert poller.poll(0, 8) == [(ours.fileno(), READ)]


def test_an_end_of_the_peer_is_readable(poller: Poller, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    theirs.close()
    (fd, mask), *rest = poller.poll(0, 8)
    assert (fd, rest) == (ours.fileno(), [])
    assert mask & (READ | ERROR)


def test_reports_no_more_than_asked_for(poller: Poller) -> None:
    pairs = [socket.socketpair() for _ in range(5)]
    try:
        for ours, _ in pairs:
            poller.register(ours.fileno(), WRITE)
        assert len(poller.poll(0, 3)) == 3
        assert len(poller.poll(0, -1)) == 5
    finally:
        for ours, theirs in pairs:
            ours.close()
            theirs.close()


def test_everyone_has_a_turn_where_more_are_ready_than_asked_for(poller: Poller) -> None:
    """Those that are ready all the time, such as floods, must not keep the others out."""
    pairs = [socket.socketpair() for _ in range(7)]
    try:
        for ours, _ in pairs:
            poller.register(ours.fileno(), WRITE)
        served = {fd for _ in range(4) for fd, _ in poller.poll(0, 2)}
        assert served == {ours.fileno() for ours, _ in pairs}
    finally:
        for ours, theirs in pairs:
            ours.close()
            theirs.close()


def test_its_own_descriptor_becomes_readable(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    poller.register(ours.fileno(), READ)
    with selectors.DefaultSelector() as outer:
        outer.register(poller.fileno(), selectors.EVENT_READ)
        assert outer.select(0) == []
        theirs.send(b"x")
        assert [key.fd for key, _ in outer.select(0)] == [poller.fileno()]


def test_a_forgotten_descriptor_may_come_back(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    with closing(SelectorPoller(selectors.EpollSelector())) as poller:
        poller.register(ours.fileno(), WRITE)
        poller.forget(ours.fileno())
        poller.forget(ours.fileno())
        assert poller.poll(0, 8) == []
        poller.register(ours.fileno(), WRITE)
        assert poller.poll(0, 8) == [(ours.fileno(), WRITE)]
