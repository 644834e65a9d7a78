"""How many connections may begin in a second: overall, and for each neighbourhood of addresses.

Owns two token buckets over a time that is given. They hold no more than SLACK_S seconds' worth, so that
a second never sees a burst. Loopback has no limit.
"""

from __future__ import annotations

from bitcoin_handshake.netaddr import NetAddr, Network

__all__ = ["RateLimits", "group_of", "is_loopback"]

MAX_GROUPS = 65_536
"""Neighbourhoods that are remembered before those whose time is over are forgotten."""
SLACK_S = 0.02
"""What is made up for where we were late to begin a connection."""
_LOOPBACK = "127."


class RateLimits:
    """See the module's docstring. Times are monotonic seconds.

    Args:
        per_s: New connections a second, over 0; None for no limit.
        group_per_s: Likewise for each /24 of IPv4 and each /48 of IPv6.
    """

    def __init__(self, *, per_s: float | None, group_per_s: float | None) -> None:
        self._interval = 0.0 if per_s is None else 1.0 / per_s
        self._group_interval = 0.0 if group_per_s is None else 1.0 / group_per_s
        self._next = 0.0
        self._groups: dict[str, float] = {}

    def wait_s(self, now: float) -> float:
        """Return how long the next connection has to wait for the overall limit; 0 for not at all."""
        return max(0.0, self._next - now)

    def take(self, netaddr: NetAddr, now: float) -> None:
        """Count a connection against the overall limit."""
        if self._interval and not is_loopback(netaddr):
            self._next = max(self._next, now - SLACK_S) + self._interval

    def group_wait_s(self, netaddr: NetAddr, now: float) -> float:
        """Reserve the next turn of an address's neighbourhood; return the seconds until it comes."""
        if not self._group_interval or is_loopback(netaddr):
            return 0.0
        group = group_of(netaddr)
        if group is None:
            return 0.0
        at = max(self._groups.get(group, 0.0), now)
        if len(self._groups) >= MAX_GROUPS:
            self._groups = {key: value for key, value in self._groups.items() if value > now}
        self._groups[group] = at + self._group_interval
        return at - now


def is_loopback(netaddr: NetAddr) -> bool:
    """Tell whether an address is this machine's own."""
    return netaddr.host.startswith(_LOOPBACK) or netaddr.host == "::1"


def group_of(netaddr: NetAddr) -> str | None:
    """Name the neighbourhood of an address: the /24 of IPv4, the /48 of IPv6; None for others."""
    if netaddr.network is Network.IPV4:
        return netaddr.host.rpartition(".")[0]
    if netaddr.network is Network.IPV6:
        return netaddr.packed[:6].hex()
    return None
