"""A proxy as a person writes it: `HOST:PORT`, `socks5://USER:PASSWORD@HOST:PORT`, `http://...`, `unix:PATH`.

Owns `Proxy` and the reading of its text forms. A proxy is named by its address: looking up its name
would be a DNS question that goes around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.engine.socks5 import Credentials
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.netaddr import NetAddr, Network

__all__ = ["Proxy", "ProxyKind", "parse_proxy"]

SOCKS_PORT = 9050
SAM_PORT = 7656
MAX_UNIX_PATH_LEN = 107
"""Bytes of the path of a Unix socket on Linux."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL).fullmatch
_PLACE = re.compile(r"(?:\[([^\]]*)\]|([^:]*))(?::([0-9]{1,5}))?/?").fullmatch
_LOCALHOST = "127.0.0.1"


class ProxyKind(StrEnum):
    """What a proxy speaks."""

    SOCKS5 = "socks5"
    HTTP = "http"
    SAM = "sam"


_SCHEMES = {"socks5": ProxyKind.SOCKS5, "socks5h": ProxyKind.SOCKS5, "http": ProxyKind.HTTP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One proxy.

    Attributes:
        kind: What it speaks.
        route: Where it listens.
        credentials: User name and password, or None.
    """

    kind: ProxyKind
    route: Route
    credentials: Credentials | None = None

    @property
    def place(self) -> str:
        """Where it listens, as text."""
        netaddr = self.route.netaddr
        return f"unix:{self.route.path}" if netaddr is None else netaddr.to_text()

    def to_text(self) -> str:
        """Write it without its password."""
        return f"http://{self.place}" if self.kind is ProxyKind.HTTP else self.place


def parse_proxy(text: str, *, is_sam: bool = False) -> Proxy:
    """Read a proxy.

    Args:
        text: `HOST[:PORT]` (SOCKS5, port 9050), `[IPV6][:PORT]`, `socks5://` or `http://` before it,
            `USER[:PASSWORD]@` between them, percent-encoded; `unix:PATH`.
        is_sam: Read a SAM bridge: an address and a port, 7656 where there is none.

    Raises:
        InputError: It is none of these; the reason says what to do.
    """
    kind = ProxyKind.SAM if is_sam else ProxyKind.SOCKS5
    rest = text
    match = _SCHEME(text)
    if match is not None:
        scheme, rest = match[1].lower(), match[2]
        if is_sam or scheme not in _SCHEMES:
            raise InputError(f"{scheme}:// is not supported: {_forms(is_sam=is_sam)}")
        kind = _SCHEMES[scheme]
    if rest.startswith("unix:"):
        return Proxy(kind=kind, route=_unix_route(rest.removeprefix("unix:")))
    user, at, place = rest.rpartition("@")
    if at and is_sam:
        raise InputError(f"a SAM bridge takes no user name: {_forms(is_sam=True)}")
    credentials = _credentials(user) if at else None
    return Proxy(kind=kind, route=Route(netaddr=_netaddr(place, kind)), credentials=credentials)


def _forms(*, is_sam: bool) -> str:
    if is_sam:
        return "HOST:PORT or unix:PATH is needed"
    return "HOST:PORT, socks5://[USER:PASSWORD@]HOST:PORT, http://HOST:PORT or unix:PATH is needed"


def _unix_route(path: str) -> Route:
    if not path or "\0" in path:
        raise InputError("unix: needs the path of a socket")
    if len(path.encode(errors="surrogateescape")) > MAX_UNIX_PATH_LEN:
        raise InputError(f"the path of a Unix socket has at most {MAX_UNIX_PATH_LEN} bytes")
    return Route(path=path)


def _credentials(text: str) -> Credentials:
    user, _, password = text.partition(":")
    return Credentials(unquote_to_bytes(user), unquote_to_bytes(password))


def _netaddr(place: str, kind: ProxyKind) -> NetAddr:
    match = _PLACE(place)
    host = "" if match is None else match[1] or match[2] or ""
    if match is None or not host:
        raise InputError(f"{place[:80]!r} is not a proxy: {_forms(is_sam=kind is ProxyKind.SAM)}")
    if match[3] is None and kind is ProxyKind.HTTP:
        raise InputError("an HTTP proxy needs its port: http://HOST:PORT")
    port = int(match[3]) if match[3] else SAM_PORT if kind is ProxyKind.SAM else SOCKS_PORT
    if not 1 <= port <= 65535:
        raise InputError(f"port {port} of a proxy is not between 1 and 65535")
    try:
        netaddr = NetAddr.from_text(_LOCALHOST if host.lower() == "localhost" else host, port)
    except InputError:
        raise InputError(
            f"{host[:80]!r} is not the address of a proxy: give an IP address; "
            "looking up a name would go around the proxy"
        ) from None
    if netaddr.network not in (Network.IPV4, Network.IPV6):
        raise InputError(f"a proxy has an IPv4 or IPv6 address, not {netaddr.network}")
    return netaddr
