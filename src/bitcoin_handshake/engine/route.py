"""Where the socket of a connection goes, if not to the target itself.

What is said to a proxy before the target's own protocol begins is a `ByteProtocol` in front of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitcoin_handshake.netaddr import NetAddr

__all__ = ["Route"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A proxy that the socket connects to, in place of the target.

    Attributes:
        netaddr: Its IPv4 or IPv6 address and its port; None for a Unix socket.
        path: The path of its Unix socket; "" for TCP.

    Raises:
        ValueError: It has neither, or both.
    """

    netaddr: NetAddr | None = None
    path: str = ""

    def __post_init__(self) -> None:
        if (self.netaddr is None) is not bool(self.path):
            raise ValueError("a route has either an address or a path")
