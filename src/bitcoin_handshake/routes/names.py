"""Resolves a name through Tor: RESOLVE, several times, each over a circuit of its own."""

from __future__ import annotations

from collections.abc import Callable

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.socks5 import Command, Credentials, Socks5Client, name_bytes
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.routes.proxy import Proxy

__all__ = ["RESOLVE_QUESTIONS", "ResolveThroughTor"]

RESOLVE_QUESTIONS = 8
"""Questions for one name: each gives one address, that of another exit another one."""
_NO_TARGET = NetAddr(Network.IPV4, "", 0)


class ResolveThroughTor(Connection):
    """One RESOLVE.

    Args:
        proxy: Tor's SOCKS5 port.
        name: What is looked up.
        credentials: Those of the circuit.
        timeout_s: Seconds for it.
        on_end: Called with the host of the reply, or with the reason why there is none.
    """

    __slots__ = ("_credentials", "_name", "_on_end")

    def __init__(
        self,
        proxy: Proxy,
        name: str,
        *,
        credentials: Credentials | None,
        timeout_s: float,
        on_end: Callable[[str | Exception], None],
    ) -> None:
        super().__init__(_NO_TARGET, timeout_s=timeout_s)
        self.route = proxy.route
        self._name = name
        self._credentials = credentials
        self._on_end = on_end

    def open_protocol(self, now: float) -> Socks5Client:
        """Ask."""
        return Socks5Client(
            name_bytes(self._name, 0),
            now=now,
            deadline=self.deadline,
            credentials=self._credentials,
            command=Command.RESOLVE,
        )

    def close(self) -> None:
        """Pass on the answer."""
        protocol = self.protocol
        if isinstance(protocol, Socks5Client) and protocol.error is None:
            self._on_end(protocol.bound_host)
        else:
            error = self.error if protocol is None else protocol.error
            self._on_end(error or ConnectionError("closed"))

    def fail(self, bug: Exception) -> None:
        """Pass on an internal error."""
        self._on_end(bug)
