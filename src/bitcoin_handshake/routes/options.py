"""Which networks are used, and by which way: what the caller chose, in Core's words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.netaddr import Network

if TYPE_CHECKING:
    from bitcoin_handshake.routes.proxy import Proxy

__all__ = ["DIRECT", "RouteOptions"]

OFF = "0"
"""In place of a proxy: the network is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteOptions:
    """The ways that may be taken.

    Attributes:
        proxy: Takes everything but I2P, or None to connect directly.
        onion: Takes onion services; None for `proxy`, else for a Tor that is found on this machine.
        i2psam: SAM bridge of an I2P router; None for one that is found on this machine.
        onion_off, i2p_off: Whether that network is not used.
        cjdnsreachable: Whether fc00::/8 is CJDNS and not private IPv6.
        onlynet: The networks that are used; None for all.
    """

    proxy: Proxy | None = None
    onion: Proxy | None = None
    i2psam: Proxy | None = None
    onion_off: bool = False
    i2p_off: bool = False
    cjdnsreachable: bool = False
    onlynet: frozenset[Network] | None = None

    @classmethod
    def from_text(
        cls,
        *,
        proxy: str | None = None,
        onion: str | None = None,
        i2psam: str | None = None,
        cjdnsreachable: bool = False,
        onlynet: Collection[str] = (),
    ) -> RouteOptions:
        """Read the options as a person writes them; '0' in place of a proxy switches it off.

        Raises:
            InputError: One of them is malformed, or of another type; it begins with the option's name.
        """
        if isinstance(onlynet, str | bytes) or not isinstance(onlynet, Collection):
            raise InputError(f"onlynet must be several names of networks, not {type(onlynet).__name__}")
        names = [str(name).lower() for name in onlynet]
        unknown = [name for name in names if name not in [*Network, "tor"]]
        if unknown:
            raise InputError(f"onlynet: unknown network {unknown[0]!r}: one of {', '.join(Network)}")
        if not isinstance(cjdnsreachable, bool):
            raise InputError(f"cjdnsreachable must be True or False, not {type(cjdnsreachable).__name__}")
        return cls(
            proxy=_read("proxy", proxy),
            onion=_checked_onion(_read("onion", onion)),
            i2psam=_read("i2psam", i2psam, is_sam=True),
            onion_off=onion == OFF,
            i2p_off=i2psam == OFF,
            cjdnsreachable=cjdnsreachable,
            onlynet=frozenset(Network("onion" if name == "tor" else name) for name in names) or None,
        )


def _read(name: str, text: str | None, *, is_sam: bool = False) -> Proxy | None:
    if text is None or text == OFF:
        return None
    if not isinstance(text, str):
        raise InputError(f"{name} must be text such as 127.0.0.1:9050, not {type(text).__name__}")
    # A run without a proxy needs neither this nor the 40 errors of proxies.
    from bitcoin_handshake.routes.proxy import parse_proxy

    try:
        return parse_proxy(text, is_sam=is_sam)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _checked_onion(proxy: Proxy | None) -> Proxy | None:
    if proxy is not None and proxy.kind == "http":
        raise InputError("onion: onion services are reached through SOCKS5, not through an HTTP proxy")
    return proxy


DIRECT = RouteOptions()
