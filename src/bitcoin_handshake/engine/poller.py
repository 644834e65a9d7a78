"""Readiness of thousands of sockets behind one descriptor.

An epoll object is itself a descriptor that an event loop can watch. The loop wakes once for a
whole batch of ready sockets, which costs a connection less than half of what a transport and a
protocol object of the loop cost it (the measurement is `bench/handshakes.py`). Where there is no
epoll, the standard selectors serve behind the same interface.
"""

from __future__ import annotations

import select
import selectors
from typing import Protocol

__all__ = ["ERROR", "READ", "WRITE", "Poller", "SelectorPoller", "make_poller"]

# The values are those of epoll, so that epoll objects need no translation.
READ = 0x001
WRITE = 0x004
ERROR = 0x008 | 0x010


class Poller(Protocol):
    """What the engine needs; `select.epoll` has it as it is."""

    def fileno(self) -> int: ...

    def register(self, fd: int, eventmask: int, /) -> None: ...

    def modify(self, fd: int, eventmask: int, /) -> None: ...

    def poll(self, timeout: float = 0, maxevents: int = -1, /) -> list[tuple[int, int]]: ...

    def close(self) -> None: ...


class SelectorPoller:
    """The interface of epoll over a standard selector that has a descriptor (kqueue)."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._next = 0

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a socket is ready."""
        return int(self._selector.fileno())  # type: ignore[attr-defined]  # kqueue and epoll have it

    def register(self, fd: int, eventmask: int, /) -> None:
        """Watch a descriptor."""
        self._selector.register(fd, _to_selector(eventmask))

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Watch for something else; 0 watches for nothing."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)
        if eventmask:
            self._selector.register(fd, _to_selector(eventmask))

    def poll(self, timeout: float = 0, maxevents: int = -1, /) -> list[tuple[int, int]]:
        """Return what is ready as (descriptor, mask); where that is too much, each in its turn."""
        ready = self._selector.select(timeout)
        events = [(key.fd, _from_selector(mask)) for key, mask in ready]
        if not 0 <= maxevents < len(events):
            return events
        start = self._next % len(events)
        self._next = start + maxevents
        return (events[start:] + events[:start])[:maxevents]

    def forget(self, fd: int) -> None:
        """Stop watching a descriptor that is about to be closed."""
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def close(self) -> None:
        """Release the descriptor."""
        self._selector.close()


def _to_selector(mask: int) -> int:
    wanted = selectors.EVENT_READ if mask & READ else 0
    return wanted | (selectors.EVENT_WRITE if mask & WRITE else 0)


def _from_selector(mask: int) -> int:
    ready = READ if mask & selectors.EVENT_READ else 0
    return ready | (WRITE if mask & selectors.EVENT_WRITE else 0)


def make_poller() -> Poller:
    """Return epoll where the system has it, else the best selector."""
    if hasattr(select, "epoll"):
        return select.epoll()
    return SelectorPoller(selectors.DefaultSelector())
