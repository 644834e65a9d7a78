"""Who is dialled in a run, and how many at once: options, opt-out list, dry run, once per address.

Owns the judgement of a visit before its dial, and of a name before its look-up. Which addresses may be
dialled at all is `policy`'s, by which way they are reached `routes`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bitcoin_handshake.engine.limits import DEFAULT_CONCURRENCY, fit_concurrency
from bitcoin_handshake.engine.rate import RateLimits, is_loopback
from bitcoin_handshake.errors import DryRun, Skipped
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import exclusion
from bitcoin_handshake.routes.limits import LIMITS
from bitcoin_handshake.seen import Seen
from bitcoin_handshake.visit import Visit

if TYPE_CHECKING:
    from bitcoin_handshake.routes.proxy import Proxy
    from bitcoin_handshake.routes.router import Router

__all__ = ["Admission", "fit_networks", "rate_limits"]


class Admission:
    """See the module's docstring.

    Args:
        families: Those of IPv4 and IPv6 that are used.
        exclude: Whom not to dial; see `optout.OptOut`.
        dry_run: Whether nothing is dialled.
        no_resolve: Whether names are not looked up.
        proxy: Through which names are looked up, or None.

    Raises:
        InputError, EnvironmentFailure: See `optout.OptOut`.
    """

    def __init__(
        self,
        *,
        families: frozenset[Network],
        exclude: Sequence[str] = (),
        dry_run: bool = False,
        no_resolve: bool = False,
        proxy: Proxy | None = None,
    ) -> None:
        self._families = families
        self._optout = None
        self._seen = Seen()
        self._dry_run = dry_run
        self._no_resolve = no_resolve
        self._proxy = proxy
        if exclude:
            from bitcoin_handshake.optout import OptOut

            self._optout = OptOut(exclude)

    def refusal(self, visit: Visit, router: Router) -> Skipped | None:
        """Return why a visit is not dialled, or None."""
        netaddr = visit.netaddr
        excluded = exclusion(netaddr, self._families)
        if excluded is None and not visit.name:
            excluded = self.address_refusal(netaddr)
        if excluded is None and self._dry_run:
            excluded = router.refusal(netaddr) or DryRun(way=router.describe(netaddr))
        return excluded

    def address_refusal(self, netaddr: NetAddr) -> Skipped | None:
        """Return why an address is not dialled, if the opt-out list has it."""
        return None if self._optout is None else self._optout.refusal(netaddr)

    def is_first(self, visit: Visit) -> bool:
        """Tell whether an address was not dialled before; one on loopback may be dialled often."""
        if visit.retries or visit.name or is_loopback(visit.netaddr):
            return True
        return self._seen.add(visit.netaddr)

    def name_refusal(self, name: str) -> Skipped | None:
        """Return why a name is not looked up, or None."""
        if self._optout is not None and (excluded := self._optout.name_refusal(name)) is not None:
            return excluded
        if not self._no_resolve:
            return None
        through = "" if self._proxy is None else f" through {self._proxy.to_text()}"
        return DryRun(way=f"the name would be looked up{through}")


def rate_limits(per_s: float | None, group_per_s: float | None) -> RateLimits | None:
    """Return the limits of rate, or None where there are none."""
    if per_s is None and group_per_s is None:
        return None
    return RateLimits(per_s=per_s, group_per_s=group_per_s)


def fit_networks(wanted: int | None) -> tuple[int, dict[Network, int]]:
    """Tell how many connections of fast networks may be open at once, and how many of each slow one.

    Raises:
        EnvironmentFailure: Not even one fits.
    """
    fast = wanted or DEFAULT_CONCURRENCY
    slow = {
        network: min(limits.concurrency, fast)
        for network, limits in LIMITS.items()
        if limits.concurrency is not None
    }
    room = fit_concurrency(fast + sum(slow.values()))
    if room < fast + sum(slow.values()):
        slow = {network: max(1, min(limit, room // 8)) for network, limit in slow.items()}
        fast = max(1, room - sum(slow.values()))
    return fast, slow
