"""One outbound connection: a socket, the protocols that speak over it, and the result.

Owns the state of the connection. Moving the bytes is `engine.dialer`'s.
"""

from __future__ import annotations

import socket

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.errors import ConnectError
from bitcoin_handshake.netaddr import NetAddr

__all__ = ["Connection"]


class Connection:
    """One attempt to reach one address; a subclass says what it is for.

    Attributes:
        netaddr: The target.
        route: The proxy that the socket connects to; None to connect to the target itself.
        started: When the dial began, monotonic seconds; set by the dialer.
        timeout_s: Seconds allowed from `started` to the verdict.
        connected_at: When the connection was established, or None.
        protocol: What reads and writes the bytes now; None before the connection is established.
        error: Why the connection could not be established, or None.
        bytes_sent: Bytes that the system took from us.
        is_traced: Whether `take_events` is called.
        was_reset: Whether the system reported a reset: it does so once, to whichever call comes first.
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
        "protocol",
        "route",
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
        self.route: Route | None = None
        self.protocol: ByteProtocol | None = None
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

    def open_protocol(self, now: float) -> ByteProtocol:
        """Return the first protocol of the chain; called when the connection is established."""
        raise NotImplementedError

    def take_events(self) -> None:
        """Take all events that wait; called where `is_traced`.

        What is queued in the protocol meanwhile is written at once.
        """

    def close(self) -> None:
        """Take the end; called once, when the socket is closed or could not be opened."""
        raise NotImplementedError

    def fail(self, bug: Exception) -> None:
        """Take the end that an internal error caused, instead of `close`; the socket is closed."""
        raise NotImplementedError
