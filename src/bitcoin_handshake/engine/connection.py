"""One outbound connection: a socket, the session that judges its bytes, and what came of it.

Owns the state of the connection and the mapping of operating-system errors to ours. Moving the
bytes is `engine.dialer`'s.
"""

from __future__ import annotations

import errno
import os
import socket
from types import MappingProxyType

from bitcoin_handshake.errors import (
    ConnectError,
    ConnectFailed,
    ConnectRefused,
    ConnectTimeout,
    Unreachable,
)
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.session import Event, Session

__all__ = ["Connection", "connect_error"]

_UNREACHABLE = MappingProxyType(
    {
        errno.ENETUNREACH: "no route to its network",
        errno.EHOSTUNREACH: "no route to the host",
        errno.ENETDOWN: "the network is down",
        errno.EHOSTDOWN: "the host is down",
        errno.EACCES: "this system forbids it",
        errno.EPERM: "this system's firewall forbids it",
        errno.EAFNOSUPPORT: "this system does not speak its address family",
        errno.EADDRNOTAVAIL: "this system has no address to reach it from",
    }
)


def connect_error(number: int, *, waited_s: float) -> ConnectError:
    """Turn an error number of `connect` into our own error.

    Args:
        number: An `errno` value.
        waited_s: Seconds since the connect began.
    """
    if number == errno.ECONNREFUSED:
        return ConnectRefused()
    if number == errno.ETIMEDOUT:
        return ConnectTimeout(waited_s=round(waited_s, 3))
    why = _UNREACHABLE.get(number)
    if why is not None:
        return Unreachable(why=why)
    return ConnectFailed(why=os.strerror(number))


class Connection:
    """One attempt to reach one address; what it is for is a subclass's.

    Attributes:
        netaddr: Whom we dial.
        started: When the dial began, monotonic seconds; set by the dialer.
        timeout_s: Seconds allowed from `started` to the verdict.
        connected_at: When the connection was established, or None.
        session: What judges the bytes; None before the connection is established.
        error: Why no connection came about, or None.
        bytes_sent: Bytes that the system took from us.
        is_traced: Whether every event of the session is wanted.
        was_reset: Whether the system told of a reset: it does so once, to whichever call comes first.
    """

    __slots__ = (
        "bytes_sent",
        "connected_at",
        "error",
        "fd",
        "held",
        "is_paused",
        "is_traced",
        "netaddr",
        "pending",
        "session",
        "sock",
        "started",
        "tick",
        "timeout_s",
        "was_reset",
    )

    sock: socket.SocketType
    fd: int
    started: float
    tick: int

    def __init__(self, netaddr: NetAddr, *, timeout_s: float, is_traced: bool = False) -> None:
        self.netaddr = netaddr
        self.timeout_s = timeout_s
        self.is_traced = is_traced
        self.session: Session | None = None
        self.connected_at: float | None = None
        self.error: ConnectError | None = None
        self.pending = b""
        self.bytes_sent = 0
        self.held = 0
        self.is_paused = False
        self.was_reset = False

    @property
    def deadline(self) -> float:
        """When the attempt as a whole must be over."""
        return self.started + self.timeout_s

    def open_session(self, now: float) -> Session:
        """Return what is to judge the bytes; called when the connection is established."""
        raise NotImplementedError

    def take_event(self, event: Event) -> None:
        """Take one event of the session; called where `is_traced`."""

    def close(self) -> None:
        """Take the end; called once, when the socket is closed or could not be opened."""
        raise NotImplementedError

    def fail(self, bug: Exception) -> None:
        """Take the end that a bug of ours made, `close` included; the socket is closed."""
        raise NotImplementedError
