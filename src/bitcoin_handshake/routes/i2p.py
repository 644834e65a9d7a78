"""Keeps the one I2P session that all streams share, and notices its end."""

from __future__ import annotations

from collections.abc import Callable
from os import urandom

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.sam import SAM_TIMEOUT_S, SamSession
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.routes.proxy import Proxy

__all__ = ["SessionKeeper"]

_NO_TARGET = NetAddr(Network.I2P, "", 0)


class SessionKeeper(Connection):
    """The controlling connection of a session.

    Args:
        proxy: The router's SAM bridge.
        timeout_s: Seconds that the router has for the session.
        on_ready: Called when streams may be opened.
        on_end: Called with the reason when the session is over, or could not be created.
    """

    __slots__ = ("_is_ready", "_on_end", "_on_ready", "session_id")

    def __init__(
        self,
        proxy: Proxy,
        *,
        on_ready: Callable[[SessionKeeper], None],
        on_end: Callable[[SessionKeeper, Exception], None],
        timeout_s: float = SAM_TIMEOUT_S,
    ) -> None:
        super().__init__(_NO_TARGET, timeout_s=timeout_s, is_traced=True)
        self.route = proxy.route
        self.session_id = f"bh{urandom(8).hex()}"
        self._on_ready = on_ready
        self._on_end = on_end
        self._is_ready = False

    def open_protocol(self, now: float) -> SamSession:
        """Begin the session."""
        return SamSession(self.session_id, now=now, deadline=self.deadline)

    def take_events(self) -> None:
        """Look whether the session has become ready."""
        if not self._is_ready and isinstance(self.protocol, SamSession) and self.protocol.is_ready:
            self._is_ready = True
            self._on_ready(self)

    def close(self) -> None:
        """Pass on why it is over."""
        error = self.error if self.protocol is None else self.protocol.error
        self._on_end(self, error or ConnectionError("closed"))

    def fail(self, bug: Exception) -> None:
        """Pass on an internal error."""
        self._on_end(self, bug)
