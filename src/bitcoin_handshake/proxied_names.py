"""Looks names up through a proxy: no DNS question leaves this machine."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING

from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver.resolution import Resolution, ResolvedAddress

if TYPE_CHECKING:
    from bitcoin_handshake.routes.router import Router

__all__ = ["resolve_by_proxy"]

_log = logging.getLogger(__name__)


async def resolve_by_proxy(router: Router, name: str, *, timeout_s: float) -> Resolution | None:
    """Ask Tor for the addresses of a name.

    Args:
        router: The ways of the run, one of them a proxy for everything.
        name: DNS name.
        timeout_s: Limit in seconds of each question.

    Returns:
        None where the proxy is to be given the name itself, and connects to one of its addresses.
    """
    began = monotonic()
    hosts = await router.resolve(name, timeout_s=timeout_s)
    if isinstance(hosts, Exception) or not hosts:
        _log.info(
            "%s: the proxy is given the name and connects to one of its addresses; "
            "the others are not seen (%s)",
            name,
            hosts or "Tor gave no address",
        )
        return None
    _log.info("%s: Tor gave %d addresses; each RESOLVE gives one of them", name, len(hosts))
    return Resolution(
        name=name,
        addresses=tuple(
            ResolvedAddress(host, Network.IPV6 if ":" in host else Network.IPV4) for host in hosts
        ),
        elapsed_ms=round((monotonic() - began) * 1000, 1),
        server="Tor",
    )
