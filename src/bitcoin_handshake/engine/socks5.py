"""SOCKS5 as a byte protocol: one connection through a proxy, or one name resolved by Tor.

    we                                    the proxy
    05 n methods                     ->
                                     <-   05 method
    01 len user len password         ->                      where the method is 02
                                     <-   01 status          status 0: accepted
    05 command 00 type address port  ->
                                     <-   05 reply 00 type address port

Types of an address: 1 (4 bytes), 3 (a length and a name), 4 (16 bytes). The bound address of the
answer is read completely, since the node's bytes follow directly. An answer that reports a failure is
judged by its first two bytes: many proxies send no more.

Sources: RFC 1928; RFC 1929; Tor's `socks-extensions.txt` (RESOLVE, extended errors); Core's
`netbase.cpp`, `Socks5`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from ipaddress import IPv6Address
from types import MappingProxyType

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.proxy_client import ProxyClient, http_prefix
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.errors.proxies import (
    OnionBadAddress,
    OnionDescriptorInvalid,
    OnionDescriptorNotFound,
    OnionIntroductionFailed,
    OnionIntroductionTimedOut,
    OnionMissingAuthorization,
    OnionRendezvousFailed,
    OnionWrongAuthorization,
    ProxyAuthFailed,
    ProxyAuthRequired,
    ProxyBadReply,
    ProxyError,
    ProxyNotSocks5,
    ProxySpeaksHttp,
    SocksAddressTypeNotSupported,
    SocksCommandNotSupported,
    SocksGeneralFailure,
    SocksHostUnreachable,
    SocksNetworkUnreachable,
    SocksNotAllowed,
    SocksRefused,
    SocksTtlExpired,
    SocksUnknownReply,
)
from bitcoin_handshake.netaddr import NetAddr, Network, ipv4_text

__all__ = [
    "MAX_CREDENTIAL_LEN",
    "Command",
    "Credentials",
    "Socks5Client",
    "Socks5Greeting",
    "address_bytes",
    "name_bytes",
]

MAX_CREDENTIAL_LEN = 255
"""Bytes of a user name or a password at most (RFC 1929)."""
MAX_NAME_LEN = 255

VERSION = 5
_AUTH_VERSION = 1
_NO_AUTHENTICATION = 0
_PASSWORD = 2
_NO_METHOD = 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_FIXED_LENGTHS = MappingProxyType({_IPV4: 4, _IPV6: 16})


class Command(IntEnum):
    """What the proxy is asked to do."""

    CONNECT = 0x01
    RESOLVE = 0xF0  # Tor: give the address of a name


class _Awaited(Enum):
    """Which answer comes next, in words."""

    METHOD = "answer to the SOCKS5 greeting"
    STATUS = "answer to the user name and password"
    REPLY = "reply to the SOCKS5 request"


_REPLIES: Mapping[int, type[ProxyError]] = MappingProxyType(
    {
        0x01: SocksGeneralFailure,
        0x02: SocksNotAllowed,
        0x03: SocksNetworkUnreachable,
        0x04: SocksHostUnreachable,
        0x05: SocksRefused,
        0x06: SocksTtlExpired,
        0x07: SocksCommandNotSupported,
        0x08: SocksAddressTypeNotSupported,
        0xF0: OnionDescriptorNotFound,
        0xF1: OnionDescriptorInvalid,
        0xF2: OnionIntroductionFailed,
        0xF3: OnionRendezvousFailed,
        0xF4: OnionMissingAuthorization,
        0xF5: OnionWrongAuthorization,
        0xF6: OnionBadAddress,
        0xF7: OnionIntroductionTimedOut,
    }
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password, as bytes.

    Attributes:
        username: 1 to MAX_CREDENTIAL_LEN (255) bytes.
        password: 0 to MAX_CREDENTIAL_LEN (255) bytes.

    Raises:
        InputError: A length is out of its range.
    """

    username: bytes
    password: bytes

    def __post_init__(self) -> None:
        if not 1 <= len(self.username) <= MAX_CREDENTIAL_LEN:
            raise InputError(f"a proxy's user name has 1 to 255 bytes, not {len(self.username)}")
        if len(self.password) > MAX_CREDENTIAL_LEN:
            raise InputError(f"a proxy's password has at most 255 bytes, not {len(self.password)}")

    def serialize(self) -> bytes:
        """Write the request of RFC 1929."""
        return b"\x01%c%b%c%b" % (len(self.username), self.username, len(self.password), self.password)


def address_bytes(netaddr: NetAddr) -> bytes:
    """Write type, address and port (big-endian) of a node: an IP address as such, else its name."""
    port = netaddr.port.to_bytes(2, "big")
    if netaddr.network is Network.IPV4:
        return b"\x01" + bytes(map(int, netaddr.host.split("."))) + port
    if netaddr.network in (Network.IPV6, Network.CJDNS):
        return b"\x04" + netaddr.packed + port
    return name_bytes(netaddr.host, netaddr.port)


def name_bytes(name: str, port: int) -> bytes:
    """Write type, name and port (big-endian).

    Raises:
        InputError: The name is not ASCII, or not 1 to 255 bytes long.
    """
    if not name.isascii() or not 1 <= len(name) <= MAX_NAME_LEN:
        raise InputError(f"a proxy takes names of 1 to 255 ASCII characters, not {name[:300]!r}")
    return b"\x03%c%b" % (len(name), name.encode()) + port.to_bytes(2, "big")


class Socks5Client(ProxyClient):
    """Asks a SOCKS5 proxy for one connection, or Tor for the address of a name.

    Args:
        destination: Type, address and port, see `address_bytes` and `name_bytes`.
        credentials: Offered besides no authentication; None offers none.
        command: What is asked for.
        now, deadline, then: See `ProxyClient`.

    Attributes:
        bound_host: The address in the reply: text of an IP address, or a name; '' before.
    """

    __slots__ = ("_awaited", "_credentials", "_request", "bound_host")

    def __init__(
        self,
        destination: bytes,
        *,
        now: float,
        deadline: float,
        credentials: Credentials | None = None,
        command: Command = Command.CONNECT,
        then: Callable[[float], ByteProtocol] | None = None,
    ) -> None:
        super().__init__(now=now, deadline=deadline, then=then)
        self._credentials = credentials
        self._request = b"\x05%c\x00%b" % (command, destination)
        self._awaited = _Awaited.METHOD
        self._output = b"\x05\x01\x00" if credentials is None else b"\x05\x02\x00\x02"
        self.bound_host = ""

    @property
    def awaited(self) -> str:
        """What the proxy has to send next, in words."""
        return self._awaited.value

    @property
    def is_asked(self) -> bool:
        """Whether the proxy has our whole request."""
        return self._awaited is _Awaited.REPLY

    def _read_answer(self, held: bytearray) -> bool:
        if self._awaited is _Awaited.REPLY:
            return self._read_reply(held)
        if self._awaited is _Awaited.STATUS:
            return self._read_status(held)
        return self._read_method(held)

    def _read_method(self, held: bytearray) -> bool:
        if held and held[0] != VERSION:
            return self._judge_foreign(held)
        if len(held) < 2:
            return False
        method = held[1]
        del held[:2]
        if method == _NO_AUTHENTICATION:
            self._send_request()
        elif method == _NO_METHOD:
            self._fail(ProxyAuthRequired())
        elif method == _PASSWORD and self._credentials is not None:
            self._awaited = _Awaited.STATUS
            self._output += self._credentials.serialize()
        else:
            self._fail(
                ProxyBadReply(why=f"it chose the authentication method {method}, which was not offered")
            )
        return True

    def _judge_foreign(self, held: bytearray) -> bool:
        is_http = http_prefix(held)
        if is_http is None:
            return False
        self._fail(ProxySpeaksHttp() if is_http else ProxyNotSocks5(version=held[0]))
        return True

    def _unfinished(self) -> ProxyError | None:
        held = self._held
        if self._awaited is _Awaited.METHOD and held and held[0] != VERSION:
            return ProxyNotSocks5(version=held[0])
        return None

    def _read_status(self, held: bytearray) -> bool:
        if len(held) < 2:
            return False
        version, status = held[:2]
        del held[:2]
        if version != _AUTH_VERSION:
            self._fail(ProxyBadReply(why=f"version {version} of the authentication instead of 1"))
        elif status:
            self._fail(ProxyAuthFailed())
        else:
            self._send_request()
        return True

    def _send_request(self) -> None:
        self._awaited = _Awaited.REPLY
        self._output += self._request

    def _read_reply(self, held: bytearray) -> bool:
        if len(held) < 2:
            return False
        if held[0] != VERSION:
            self._fail(ProxyBadReply(why=f"version {held[0]} of the reply instead of 5"))
        elif held[1]:
            reply = _REPLIES.get(held[1])
            self._fail(SocksUnknownReply(reply=held[1]) if reply is None else reply())
        elif len(held) < 5:
            return self._check_header(held)
        else:
            return self._read_bound_address(held)
        return True

    def _check_header(self, held: bytearray) -> bool:
        """Judge the reserved byte and the type as soon as they are there."""
        if len(held) > 2 and held[2]:
            self._fail(ProxyBadReply(why=f"the reserved byte of the reply is {held[2]}, not 0"))
        elif len(held) > 3 and held[3] not in _FIXED_LENGTHS and held[3] != _NAME:
            self._fail(ProxyBadReply(why=f"unknown address type {held[3]} in the reply"))
        return self.finished

    def _read_bound_address(self, held: bytearray) -> bool:
        if self._check_header(held):
            return True
        kind = held[3]
        start = 5 if kind == _NAME else 4
        end = start + _FIXED_LENGTHS.get(kind, held[4])
        if len(held) < end + 2:
            return False
        if self._request[1] == Command.RESOLVE:
            self.bound_host = _host_text(kind, bytes(held[start:end]))
        del held[: end + 2]
        self._succeed()
        return True


class Socks5Greeting(Socks5Client):
    """Greets a SOCKS5 proxy and asks nothing of it: finished when it chose an authentication method.

    Args:
        now, deadline: See `ProxyClient`.
    """

    __slots__ = ()

    def __init__(self, *, now: float, deadline: float) -> None:
        super().__init__(b"", now=now, deadline=deadline)

    def _send_request(self) -> None:
        self._succeed()


def _host_text(kind: int, address: bytes) -> str:
    if kind == _IPV4:
        return ipv4_text(address)
    return str(IPv6Address(address)) if kind == _IPV6 else address.decode("ascii", "replace")
