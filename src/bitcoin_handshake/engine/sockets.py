"""Calls to the system's sockets: connect, read, write, and what their error numbers mean."""

from __future__ import annotations

import errno
import os
import socket
from errno import EADDRNOTAVAIL, ECONNRESET, EINPROGRESS, ENETUNREACH, EPIPE
from types import MappingProxyType

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.limits import OUT_OF_RESOURCES, RECEIVE_CHUNK
from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.errors import (
    ConnectError,
    ConnectFailed,
    ConnectRefused,
    ConnectTimeout,
    Unreachable,
)
from bitcoin_handshake.netaddr import NetAddr, Network

__all__ = [
    "RESET",
    "OutOfResources",
    "begin_connect",
    "connect_error",
    "has_route",
    "is_connected",
    "is_shortage",
    "pending_error",
    "receive",
    "send",
]

RESET = frozenset({ECONNRESET, EPIPE})
"""A connect that fails this way was established first: a refused one is ECONNREFUSED."""

# Where the system knows it, non-blocking from the start saves a call for each socket; the type below
# `socket.socket` saves 1 us at its making and its closing.
_STREAM = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)
_IPV6 = frozenset({Network.IPV6, Network.CJDNS})
_BEGUN = frozenset({0, EINPROGRESS})
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


class OutOfResources(Exception):
    """This machine has no descriptor, port or memory for one more connection now.

    Attributes:
        errno: The system's error number.
    """

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


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


def begin_connect(netaddr: NetAddr, route: Route | None) -> socket.SocketType:
    """Begin to connect to the target, or to the proxy of its route.

    Returns:
        A non-blocking socket: the connection is established or under way.

    Raises:
        OSError: It failed at once; no socket is left open.
    """
    family = _family(netaddr, route)
    sock = socket.SocketType(family, _STREAM, 0)
    if _STREAM == socket.SOCK_STREAM:
        sock.setblocking(False)
    number = _connect(sock, family, netaddr, route)
    if number in _BEGUN:
        return sock
    sock.close()
    raise OSError(number, os.strerror(number))


def is_shortage(number: int, netaddr: NetAddr, route: Route | None) -> bool:
    """Tell whether a failed connect says something of this machine only: it has too little of something."""
    if number not in OUT_OF_RESOURCES:
        return False
    return number != EADDRNOTAVAIL or _has_local_address(netaddr, route)


def pending_error(sock: socket.SocketType) -> int:
    """Return the error number that waits in a socket, and clear it; 0 for none."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def is_connected(sock: socket.SocketType) -> bool:
    """Tell whether the connection is established."""
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def receive(connection: Connection) -> bytes | None:
    """Read once: at most RECEIVE_CHUNK bytes, b"" at the end, None where nothing waits."""
    try:
        return connection.sock.recv(RECEIVE_CHUNK)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        connection.was_reset = True
        return b""


def send(connection: Connection, data: bytes) -> int:
    """Write once; return how many bytes the system took, -1 where the connection is gone."""
    try:
        return connection.sock.send(data)
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError:
        connection.was_reset = True
        return -1


def has_route(netaddr: NetAddr) -> bool:
    """Tell whether this system would send a packet to an address somewhere; sends none."""
    family = _family(netaddr, None)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            return _connect(sock, family, netaddr, None) == 0
    except OSError:
        return False


def _family(netaddr: NetAddr, route: Route | None) -> int:
    if route is not None:
        if route.netaddr is None:
            return socket.AF_UNIX
        netaddr = route.netaddr
    return socket.AF_INET6 if netaddr.network in _IPV6 else socket.AF_INET


def _connect(sock: socket.SocketType, family: int, netaddr: NetAddr, route: Route | None) -> int:
    """Begin to connect; return the system's error number."""
    try:
        if route is not None:
            if route.netaddr is None:
                return sock.connect_ex(route.path)
            netaddr = route.netaddr
        if family == socket.AF_INET:
            return sock.connect_ex((netaddr.host, netaddr.port))
        return sock.connect_ex(_ipv6_address(netaddr.host, netaddr.port))
    except OSError as error:  # an unknown zone; a path that is too long
        return error.errno or (ENETUNREACH if family == socket.AF_INET6 else errno.EINVAL)


def _has_local_address(netaddr: NetAddr, route: Route | None) -> bool:
    """Tell whether this system has an address from which to reach another; sends nothing.

    EADDRNOTAVAIL says that it has none, or that no local port is left. Datagram sockets have
    ports of their own.
    """
    family = _family(netaddr, route)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            return _connect(sock, family, netaddr, route) != EADDRNOTAVAIL
    except OSError:
        return True


def _ipv6_address(host: str, port: int) -> tuple[str, int, int, int]:
    """Return the socket address, with the scope where the host names a zone."""
    host, _, zone = host.partition("%")
    if not zone:
        return (host, port, 0, 0)
    return (host, port, 0, int(zone) if zone.isdigit() else socket.if_nametoindex(zone))
