"""Looks whether something answers SOCKS5 at a place."""

from __future__ import annotations

from collections.abc import Callable

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.socks5 import Socks5Greeting
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.routes.proxy import Proxy

__all__ = ["CHECK_TIMEOUT_S", "SocksCheck"]

CHECK_TIMEOUT_S = 3.0
"""How long a proxy on this machine may take to answer a greeting."""
_NO_TARGET = NetAddr(Network.IPV4, "", 0)


class SocksCheck(Connection):
    """Greets a SOCKS5 proxy and asks nothing of it.

    Args:
        proxy: Which.
        on_end: Called with None where it answers SOCKS5, else with the reason.
    """

    __slots__ = ("_on_end",)

    def __init__(self, proxy: Proxy, on_end: Callable[[Exception | None], None]) -> None:
        super().__init__(_NO_TARGET, timeout_s=CHECK_TIMEOUT_S)
        self.route = proxy.route
        self._on_end = on_end

    def open_protocol(self, now: float) -> ByteProtocol:
        """Send the greeting."""
        return Socks5Greeting(now=now, deadline=self.deadline)

    def close(self) -> None:
        """Pass on the result."""
        self._on_end(self.error if self.protocol is None else self.protocol.error)

    def fail(self, bug: Exception) -> None:
        """Pass on an internal error."""
        self._on_end(bug)
