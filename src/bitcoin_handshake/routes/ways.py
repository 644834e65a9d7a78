"""What is said to a proxy before the node's own protocol: one `Way` for each kind of proxy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.engine.socks5 import Credentials, Socks5Client, address_bytes, name_bytes
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.routes.proxy import Proxy

__all__ = ["HttpWay", "SamWay", "SocksWay", "Way"]

Then = Callable[[float], ByteProtocol]


class Way(Protocol):
    """A proxy that connects us to nodes.

    Attributes:
        route: Where its socket is.
        place: That as text.
        has_worked: Whether it connected us, or answered, earlier in this run.
        has_connected: Whether it connected us to a node.
        is_isolated: Whether each node needs a name of its own.
    """

    has_worked: bool
    has_connected: bool
    is_isolated: bool

    @property
    def route(self) -> Route:
        """Where the proxy listens."""

    @property
    def place(self) -> str:
        """Where the proxy listens, as text."""

    def client(
        self, netaddr: NetAddr, name: str, *, isolation: bytes, now: float, deadline: float, then: Then
    ) -> ByteProtocol:
        """Return what asks it for a connection.

        Args:
            netaddr: The node.
            name: Its name, which the proxy looks up in place of the address; '' for none.
            isolation: What keeps the streams of nodes apart, where the proxy is Tor.
            now, deadline: Monotonic seconds.
            then: Makes the protocol that speaks with the node.
        """


class _ProxyWay:
    """What the ways through a proxy of the options share."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.has_worked = False
        self.has_connected = False
        self.is_isolated = False

    @property
    def route(self) -> Route:
        return self.proxy.route

    @property
    def place(self) -> str:
        return self.proxy.to_text()


class SocksWay(_ProxyWay):
    """Through a SOCKS5 proxy.

    Args:
        proxy: Which.
        is_isolated: Whether each node gets credentials of its own, so that Tor builds a circuit of its
            own for it; only where the proxy has none.
    """

    def __init__(self, proxy: Proxy, *, is_isolated: bool) -> None:
        super().__init__(proxy)
        self.is_isolated = is_isolated and proxy.credentials is None

    def credentials(self, isolation: bytes) -> Credentials | None:
        """Return what is offered to the proxy for one node."""
        return Credentials(isolation, isolation) if self.is_isolated else self.proxy.credentials

    def client(
        self, netaddr: NetAddr, name: str, *, isolation: bytes, now: float, deadline: float, then: Then
    ) -> ByteProtocol:
        """Return the client of one connection."""
        return Socks5Client(
            name_bytes(name, netaddr.port) if name else address_bytes(netaddr),
            now=now,
            deadline=deadline,
            credentials=self.credentials(isolation),
            then=then,
        )


class HttpWay(_ProxyWay):
    """Through an HTTP proxy."""

    def client(
        self, netaddr: NetAddr, name: str, *, isolation: bytes, now: float, deadline: float, then: Then
    ) -> ByteProtocol:
        """Return the client of one connection."""
        from bitcoin_handshake.engine.http_connect import HttpConnectClient

        return HttpConnectClient(
            f"{name}:{netaddr.port}" if name else netaddr.to_text(),
            now=now,
            deadline=deadline,
            credentials=self.proxy.credentials,
            then=then,
        )


class SamWay(_ProxyWay):
    """Through the session of an I2P router.

    Args:
        proxy: Its SAM bridge.
        session_id: Name of the session.
    """

    def __init__(self, proxy: Proxy, session_id: str) -> None:
        super().__init__(proxy)
        self.session_id = session_id
        self.has_worked = True

    def client(
        self, netaddr: NetAddr, name: str, *, isolation: bytes, now: float, deadline: float, then: Then
    ) -> ByteProtocol:
        """Return the client of one stream."""
        from bitcoin_handshake.engine.sam import SamStream

        return SamStream(netaddr.host, session_id=self.session_id, now=now, deadline=deadline, then=then)
