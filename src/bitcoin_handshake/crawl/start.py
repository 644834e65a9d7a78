"""Where a crawl begins: targets that were typed, and the DNS seeds of the chain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from time import time

from bitcoin_handshake.crawl.gossip import TellEntry
from bitcoin_handshake.crawl.runner import Heard
from bitcoin_handshake.errors import ResolveFailed
from bitcoin_handshake.messages.address_keys import key_of
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import refusal
from bitcoin_handshake.proxied_names import resolve_by_proxy
from bitcoin_handshake.routes.options import DIRECT, RouteOptions
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.targets import Target

__all__ = ["find_start"]

_log = logging.getLogger(__name__)


async def find_start(
    targets: Sequence[Target],
    *,
    port: int,
    families: frozenset[Network],
    resolver: str | None,
    timeout_s: float,
    allow_private: bool,
    routes: RouteOptions = DIRECT,
) -> list[Heard]:
    """Resolve names, and return each source with the addresses that it gave.

    Args:
        targets: Names and addresses. What was typed is not judged; what a name gave is.
        port: Port of those that name none.
        families: Networks to ask names for.
        resolver: `ADDR[:PORT]` of the DNS server; None for the system's.
        timeout_s: Limit of each look-up.
        allow_private: Take addresses in special-purpose ranges too.
        routes: With a proxy for everything, names are looked up through it; only Tor can do that.
    """
    now_unix = int(time())
    names = [target for target in targets if target.netaddr is None]
    typed = [
        _entry(_with_port(target.netaddr, port), now_unix) for target in targets if target.netaddr is not None
    ]
    start: list[Heard] = [(b"typed", typed)] if typed else []
    if not names:
        return start
    from bitcoin_handshake.resolver import Resolution, resolve

    router = Router(routes, lambda: None)

    async def look_up(target: Target) -> Resolution | None:
        if routes.proxy is not None:
            found = await resolve_by_proxy(router, target.host, timeout_s=timeout_s)
            if found is None:
                _log.warning(
                    "%s: the proxy looks up no names (Tor does): name addresses to begin at", target.host
                )
            return found
        try:
            return await resolve(target.host, resolver=resolver, families=families, timeout_s=timeout_s)
        except ResolveFailed as error:
            _log.warning("%s: %s", target.host, error)
            return None

    for target, answer in zip(names, await asyncio.gather(*map(look_up, names)), strict=True):
        if answer is None:
            continue
        found = [NetAddr(address.network, address.host, target.port or port) for address in answer.addresses]
        taken = [each for each in found if allow_private or answer.local or refusal(each) is None]
        if len(taken) < len(found):
            _log.warning(
                "%s: %d of %d addresses are private or reserved and were left out",
                target.host, len(found) - len(taken), len(found),
            )  # fmt: skip
        _log.info("%s: %d addresses", target.host, len(taken))
        start.append((target.host.encode(), [_entry(each, now_unix) for each in taken]))
    router.close()
    return start


def _with_port(netaddr: NetAddr, port: int) -> NetAddr:
    if netaddr.port or netaddr.network is Network.I2P:
        return netaddr
    return NetAddr(netaddr.network, netaddr.host, port)


def _entry(netaddr: NetAddr, now_unix: int) -> TellEntry:
    return now_unix, 0, key_of(netaddr)
