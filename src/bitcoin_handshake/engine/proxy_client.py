"""What the clients of all proxies share: the bytes held, the deadline, and how they end.

Owns `ProxyClient`, a `ByteProtocol` in front of the node's own protocol. A subclass says what it sends
and reads one answer at a time. Whatever a proxy does ends in one exception of `errors.proxies`.
"""

from __future__ import annotations

from collections.abc import Callable

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.errors.proxies import ProxyClosed, ProxyError, ProxyReset, ProxySilent, ProxyTimeout

__all__ = ["ProxyClient", "http_prefix"]

_HTTP = b"HTTP/"


def http_prefix(data: bytes | bytearray) -> bool | None:
    """Tell whether an answer is HTTP: it begins with `HTTP/`; None while that is not decided."""
    if data.startswith(_HTTP):
        return True
    return None if len(data) < len(_HTTP) and _HTTP.startswith(data) else False


class ProxyClient:
    """Asks a proxy for one connection.

    Args:
        now: When the connection to the proxy was established, monotonic seconds.
        deadline: When the node's own protocol must have begun.
        then: Makes the protocol that speaks with the node; None where nothing follows.

    Attributes:
        deadline: As given; None once finished.
        finished: Whether the proxy has connected us, or failed.
        error: Why it failed, or None.
        unread: Bytes of the node that came together with the proxy's last answer.
        bytes_received: Bytes of the proxy, with those of the node that are unread.
    """

    __slots__ = (
        "_held",
        "_output",
        "_started",
        "bytes_received",
        "deadline",
        "error",
        "finished",
        "next_protocol",
        "unread",
    )

    is_flooding = False

    def __init__(self, *, now: float, deadline: float, then: Callable[[float], ByteProtocol] | None) -> None:
        self.next_protocol = then
        self.deadline: float | None = deadline
        self.finished = False
        self.error: ProxyError | None = None
        self.unread = b""
        self.bytes_received = 0
        self._started = now
        self._held = bytearray()
        self._output = b""

    @property
    def buffered(self) -> int:
        """Bytes of the proxy that are held now."""
        return len(self._held)

    @property
    def awaited(self) -> str:
        """What the proxy has to send next, in words."""
        raise NotImplementedError

    @property
    def is_asked(self) -> bool:
        """Whether the proxy has our whole request, so that a silence is the node's."""
        raise NotImplementedError

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes of the proxy, in any segmentation."""
        held = self._held
        self.bytes_received += len(data)
        held += data
        while not self.finished and self._read_answer(held):
            pass
        if self.finished:
            if self.error is None:
                self.unread = bytes(held)
            held.clear()

    def receive_eof(self, *, now: float, reset: bool) -> None:
        """Take the end of the proxy's bytes."""
        kind = ProxyReset if reset else ProxyClosed
        self._fail(self._unfinished() or kind(awaited=self.awaited, bytes_received=self.bytes_received))

    def handle_timeout(self, *, now: float) -> None:
        """Give up; a proxy that has our request and sent nothing since is waiting for the node."""
        error = self._unfinished()
        waited_s = round(now - self._started, 3)
        if error is None and self.is_asked and not self._held:
            error = ProxyTimeout(waited_s=waited_s)
        self._fail(
            error or ProxySilent(awaited=self.awaited, waited_s=waited_s, bytes_received=self.bytes_received)
        )

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        data, self._output = self._output, b""
        return data

    def _read_answer(self, held: bytearray) -> bool:
        """Read the next answer and remove its bytes; return False where bytes are missing."""
        raise NotImplementedError

    def _unfinished(self) -> ProxyError | None:
        """Judge bytes that are held when no more come; None where they tell nothing by themselves."""
        return None

    def _fail(self, error: ProxyError) -> None:
        self.error = error
        self._succeed()

    def _succeed(self) -> None:
        self.finished = True
        self.deadline = None
