"""Keep the connection open for some seconds after the handshake, and measure a ping.

What the peer announces late (`sendheaders`, `sendcmpct`, `feefilter`) is collected by the handshake
meanwhile.
"""

from __future__ import annotations

from bitcoin_handshake.conversation.base import HANG_UP, NOTHING, Conversation, Messages
from bitcoin_handshake.errors import AnomalyCode, PeerError, Phase
from bitcoin_handshake.measured import elapsed_ms
from bitcoin_handshake.protocol import BIP0031_VERSION, MsgType
from bitcoin_handshake.records import Features
from bitcoin_handshake.transport.base import ReceivedMessage

__all__ = ["Linger", "linger_or_hang_up"]

_PING = MsgType.PING.value
_PONG = MsgType.PONG.value


class Linger:
    """Send one `ping`, and listen until the time is over.

    Args:
        linger_s: Seconds from the end of the handshake, over 0.
        ping_nonce: Nonce of the `ping`, 64 bits.

    Attributes:
        ping_ms: Milliseconds between the `ping` and its `pong`; None before.
        error: Why the connection ended before the time was over, or None.
    """

    __slots__ = (
        "_nonce",
        "_pinged_at",
        "anomalies",
        "deadline",
        "error",
        "finished",
        "linger_s",
        "ping_ms",
        "ping_nonce",
    )

    phase = Phase.VERACK
    buffered = 0

    def __init__(self, linger_s: float, *, ping_nonce: int = 0) -> None:
        self.linger_s = linger_s
        self.ping_nonce = ping_nonce
        self.deadline: float | None = None
        self.finished = False
        self.error: PeerError | None = None
        self.anomalies: tuple[AnomalyCode, ...] = ()
        self.ping_ms: float | None = None
        self._nonce = ping_nonce.to_bytes(8, "little")
        self._pinged_at = 0.0

    @property
    def progress(self) -> int:
        """1 once the `pong` has come."""
        return 0 if self.ping_ms is None else 1

    @property
    def result(self) -> None:
        """None: the ping has a field of its own in the record."""
        return None

    def start(self, features: Features, *, common_version: int, now: float) -> Messages:
        """Send the `ping`, which peers up to BIP0031_VERSION (60000) do not answer."""
        self.deadline = now + self.linger_s
        if common_version <= BIP0031_VERSION:
            return NOTHING
        self._pinged_at = now
        return ((_PING, self._nonce),)

    def receive(self, message: ReceivedMessage, *, now: float) -> Messages:
        """Take the time of the first right `pong`."""
        if message.msg_type == _PONG:
            if message.payload != self._nonce:
                self.anomalies = (AnomalyCode.WRONG_PONG,)
            elif self.ping_ms is None:
                self.ping_ms = elapsed_ms(self._pinged_at, now)
        return NOTHING

    def handle_timeout(self, *, now: float) -> Messages:
        """End well."""
        self.close(None)
        return NOTHING

    def close(self, error: PeerError | None) -> None:
        """Note why the connection ended."""
        if not self.finished:
            self.finished = True
            self.deadline = None
            self.error = error


def linger_or_hang_up(linger_s: float, *, ping_nonce: int) -> Conversation:
    """Return the conversation that listens for so many seconds; with 0 seconds the one that hangs up."""
    return Linger(linger_s, ping_nonce=ping_nonce) if linger_s > 0 else HANG_UP
