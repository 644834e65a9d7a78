"""The DNS servers that one can name: plain DNS, DNS over TLS, DNS over HTTPS.

Owns the text forms. Sources: RFC 7858 (DNS over TLS, port 853), RFC 8484 (DNS over HTTPS).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from bitcoin_handshake.errors import InputError

__all__ = ["Server", "ServerKind"]

_HOST_AND_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]/]+))(?::([0-9]{1,5}))?")
_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")
_FORMS = "ADDR[:PORT], [IPV6]:PORT, tls://HOST[:PORT] or https://HOST[:PORT]/PATH"
DEFAULT_PATH = "/dns-query"


class ServerKind(StrEnum):
    """What a server speaks."""

    UDP = "udp"  # plain DNS: UDP, and TCP where an answer does not fit
    TLS = "tls"
    HTTPS = "https"


_PORTS = {ServerKind.UDP: 53, ServerKind.TLS: 853, ServerKind.HTTPS: 443}


@dataclass(frozen=True, slots=True)
class Server:
    """One DNS server.

    Attributes:
        kind: What it speaks.
        host: An IP address without brackets; for TLS and HTTPS also a name.
        port: 1 to 65535.
        path: Of the URL, where it speaks HTTPS; else ''.
    """

    kind: ServerKind
    host: str
    port: int
    path: str = ""

    @classmethod
    def from_text(cls, text: str) -> Server:
        """Read `ADDR`, `ADDR:PORT`, `[IPV6]:PORT`, `tls://HOST[:PORT]` or `https://HOST[:PORT]/PATH`.

        Raises:
            InputError: It is none of these.
        """
        scheme, separator, rest = text.partition("://")
        kind = ServerKind.UDP
        if separator:
            try:
                kind = ServerKind(scheme.lower())
            except ValueError:
                raise InputError(f"{text!r}: a DNS server is {_FORMS}, not {scheme}://") from None
        else:
            rest = text
        place, slash, path = rest.partition("/")
        if slash and kind is not ServerKind.HTTPS:
            raise InputError(f"{text!r}: only https:// has a path; a DNS server is {_FORMS}")
        if _is_ipv6(place):
            place = f"[{place}]"
        match = _HOST_AND_PORT.fullmatch(place)
        if match is None:
            raise InputError(f"{text!r} is not a DNS server: {_FORMS}")
        port = int(match[3] or _PORTS[kind])
        if not 1 <= port <= 65535:
            raise InputError(f"{text!r}: a port is a number from 1 to 65535")
        host = match[1] or match[2]
        if not _is_address(host) and (match[1] or kind is ServerKind.UDP or not _NAME.fullmatch(host)):
            what = "an IP address" if kind is ServerKind.UDP else "an IP address or a name"
            raise InputError(f"{text!r}: {host!r} is not {what}")
        return cls(kind, host, port, f"/{path}" if path else DEFAULT_PATH if kind is ServerKind.HTTPS else "")

    def to_text(self) -> str:
        """Return the form that `from_text` reads, with its port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme = "" if self.kind is ServerKind.UDP else f"{self.kind}://"
        return f"{scheme}{host}:{self.port}{self.path}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    return ":" in text and _is_address(text)
