"""Addresses of nodes on the five networks: text forms, byte forms, what is routable.

Owns `NetAddr` and `Network`, the BIP155 network ids and the conversions. Does not dial, does
not resolve, and does not decide whom we dial (`policy` does).

Sources: BIP155; Core's `netaddress.cpp` (`SetNetFromBIP155Network`, `SetTor`, `SetI2P`,
`IsRoutable`); RFC 5952 for IPv6 text.
"""

from __future__ import annotations

import binascii
import re
from base64 import b32decode, b32encode
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from hashlib import sha3_256
from types import MappingProxyType

from bitcoin_handshake.errors import BadEncoding, FieldTooLong, InputError
from bitcoin_handshake.protocol import MAX_ADDRV2_LEN

__all__ = ["ADDRV1_LEN", "NetAddr", "Network", "NetworkId", "host_from_addrv2", "ipv4_text"]

ADDRV1_LEN = 16
"""Length of an address in `addr` and `version` in bytes: IPv6, or IPv4 mapped into it."""

IPV4_MAPPED_PREFIX = bytes(10) + b"\xff\xff"
ONIONCAT_PREFIX = bytes.fromhex("fd87d87eeb43")
INTERNAL_PREFIX = bytes.fromhex("fd6b88c08724")
CJDNS_PREFIX = 0xFC

_CANONICAL_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!$)|$)){4}", re.ASCII)
_ONION_SUFFIX = ".onion"
_I2P_SUFFIX = ".b32.i2p"
_ONION_VERSION = b"\x03"
_CJDNS_TEXT = re.compile(r"fc[0-9a-f]{2}:").match
_ZONE = re.compile(r"[A-Za-z0-9._~@-]{1,64}")


class Network(StrEnum):
    """Which kind of address, in Core's words."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    ONION = "onion"
    I2P = "i2p"
    CJDNS = "cjdns"


class NetworkId(IntEnum):
    """Network ids of `addrv2` (BIP155)."""

    IPV4 = 1
    IPV6 = 2
    TORV2 = 3
    TORV3 = 4
    I2P = 5
    CJDNS = 6
    YGGDRASIL = 7


ADDRV2_LENGTHS = MappingProxyType(
    {
        NetworkId.IPV4: 4,
        NetworkId.IPV6: 16,
        NetworkId.TORV3: 32,
        NetworkId.I2P: 32,
        NetworkId.CJDNS: 16,
    }
)
"""Length in bytes of an address of each network that Core knows."""

_NETWORKS = MappingProxyType(
    {
        NetworkId.IPV4: Network.IPV4,
        NetworkId.IPV6: Network.IPV6,
        NetworkId.TORV3: Network.ONION,
        NetworkId.I2P: Network.I2P,
        NetworkId.CJDNS: Network.CJDNS,
    }
)
_NETWORK_IDS = MappingProxyType({network: id_ for id_, network in _NETWORKS.items()})


@dataclass(frozen=True, slots=True)
class NetAddr:
    """Host and port of a node, in canonical text.

    Attributes:
        network: Which of the five networks.
        host: Canonical text: dotted IPv4, RFC 5952 IPv6, `.onion` or `.b32.i2p` in lower case.
        port: 0 to 65535; 0 for I2P.
    """

    network: Network
    host: str
    port: int

    @classmethod
    def from_text(cls, host: str, port: int, *, cjdns: bool = False) -> NetAddr:
        """Read an address without its port, in any accepted spelling.

        Args:
            host: IPv4, IPv6 (with or without a zone, without brackets), onion v3 or I2P name.
            port: 0 to 65535.
            cjdns: Take fc00::/8 for CJDNS rather than for private IPv6.

        Raises:
            InputError: It is none of these.
        """
        if not 0 <= port <= 65535:
            raise InputError(f"port {port} is not between 0 and 65535")
        if _CANONICAL_IPV4.fullmatch(host):  # 1 us, where the long way takes 4
            return cls(Network.IPV4, host, port)
        if not host.isascii():  # upper() and lower() turn some other letters into ASCII ones
            raise InputError(f"{host!r} is not an address: it holds characters outside ASCII")
        if ":" in host:
            return cls._from_ipv6_text(host, port, cjdns=cjdns)
        lower = host.lower()
        if lower.endswith(_ONION_SUFFIX):
            _check_onion(lower)
            return cls(Network.ONION, lower, port)
        if lower.endswith(_I2P_SUFFIX):
            _check_i2p(lower)
            return cls(Network.I2P, lower, port)
        from ipaddress import AddressValueError, IPv4Address

        try:
            return cls(Network.IPV4, str(IPv4Address(host)), port)
        except AddressValueError as error:
            raise InputError(f"{host!r} is not an address: {error}") from None

    @classmethod
    def _from_ipv6_text(cls, host: str, port: int, *, cjdns: bool) -> NetAddr:
        from ipaddress import AddressValueError, IPv6Address

        try:
            address = IPv6Address(host)
        except AddressValueError as error:
            raise InputError(f"{host!r} is not an IPv6 address: {error}") from None
        if address.scope_id is not None and not _ZONE.fullmatch(address.scope_id):
            raise InputError(f"{host!r} is not an IPv6 address: its zone is not the name of an interface")
        if address.ipv4_mapped is not None:
            return cls(Network.IPV4, str(address.ipv4_mapped), port)
        is_cjdns = cjdns and address.packed[0] == CJDNS_PREFIX
        return cls(Network.CJDNS if is_cjdns else Network.IPV6, str(address), port)

    @classmethod
    def from_addrv1(cls, address: bytes, port: int) -> NetAddr:
        """Read the 16-byte form of `addr` and `version`: IPv6, or IPv4 mapped into it.

        Raises:
            BadEncoding: It is not 16 bytes.
        """
        if len(address) != ADDRV1_LEN:
            raise BadEncoding(field="address", why=f"{len(address)} bytes instead of 16")
        if address.startswith(IPV4_MAPPED_PREFIX):
            return cls(Network.IPV4, ipv4_text(address[12:]), port)
        return cls(Network.IPV6, _ipv6_text(address), port)

    @classmethod
    def from_addrv2(cls, network_id: int, address: bytes, port: int) -> NetAddr | None:
        """Read an address as BIP155 writes it.

        Returns:
            None where the entry must be skipped: an unknown network, Tor v2, an IPv4-mapped,
            OnionCat or internal address as IPv6, CJDNS that does not begin with 0xfc.

        Raises:
            BadEncoding: A known network with a wrong length: the whole message is bad.
            FieldTooLong: More than MAX_ADDRV2_LEN (512) bytes: likewise.
        """
        host = host_from_addrv2(network_id, address)
        return None if host is None else cls(_NETWORKS[NetworkId(network_id)], host, port)

    @property
    def packed(self) -> bytes:
        """The address in network byte order: 4, 16 or 32 bytes."""
        match self.network:
            case Network.IPV4:
                from ipaddress import IPv4Address

                return IPv4Address(self.host).packed
            case Network.IPV6 | Network.CJDNS:
                from ipaddress import IPv6Address

                return IPv6Address(self.host.partition("%")[0]).packed
            case Network.ONION:
                return b32decode(self.host[: -len(_ONION_SUFFIX)].upper())[:32]
            case Network.I2P:
                return b32decode(self.host[: -len(_I2P_SUFFIX)].upper() + "====")

    def as_cjdns(self) -> NetAddr:
        """Take an IPv6 address of fc00::/8 for CJDNS, and any other as it is."""
        if self.network is Network.IPV6 and _CJDNS_TEXT(self.host):
            return NetAddr(Network.CJDNS, self.host, self.port)
        return self

    def to_addrv1(self) -> bytes:
        """Write the 16-byte form; sixteen zero bytes where there is none (onion, I2P, CJDNS)."""
        if self.network is Network.IPV4:
            return IPV4_MAPPED_PREFIX + self.packed
        if self.network is Network.IPV6:
            return self.packed
        return bytes(ADDRV1_LEN)

    @property
    def network_id(self) -> NetworkId:
        """The BIP155 id of the network."""
        return _NETWORK_IDS[self.network]

    def to_text(self) -> str:
        """Write host and port: `host:port`, or `[host]:port` for IPv6 and CJDNS."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return self.to_text()


def ipv4_text(address: bytes) -> str:
    """Write four bytes as dotted IPv4."""
    a, b, c, d = address
    return f"{a}.{b}.{c}.{d}"


# `ipaddress` takes 2 ms to import, which a run without IPv6 does not need.
def _ipv6_text(address: bytes) -> str:
    from ipaddress import IPv6Address

    return str(IPv6Address(address))


def host_from_addrv2(network_id: int, address: bytes) -> str | None:
    """Write the host of an `addrv2` entry as text; see `NetAddr.from_addrv2`."""
    if len(address) > MAX_ADDRV2_LEN:
        raise FieldTooLong(length=len(address), limit=MAX_ADDRV2_LEN, field="address")
    length = ADDRV2_LENGTHS.get(network_id)  # type: ignore[call-overload]  # any int may be asked for
    if length is None:
        return None
    if len(address) != length:
        raise BadEncoding(
            field="address", why=f"{len(address)} bytes instead of {length} for network {network_id}"
        )
    match network_id:
        case NetworkId.IPV4:
            return ipv4_text(address)
        case NetworkId.IPV6:
            hidden = (IPV4_MAPPED_PREFIX, ONIONCAT_PREFIX, INTERNAL_PREFIX)
            return None if address.startswith(hidden) else _ipv6_text(address)
        case NetworkId.CJDNS:
            return _ipv6_text(address) if address[0] == CJDNS_PREFIX else None
        case NetworkId.TORV3:
            return _onion_text(address)
        case _:
            return _i2p_text(address)


def _onion_checksum(key: bytes) -> bytes:
    return sha3_256(b".onion checksum" + key + _ONION_VERSION).digest()[:2]


def _onion_text(key: bytes) -> str:
    return b32encode(key + _onion_checksum(key) + _ONION_VERSION).decode().lower() + _ONION_SUFFIX


def _i2p_text(digest: bytes) -> str:
    return b32encode(digest).decode().rstrip("=").lower() + _I2P_SUFFIX


def _check_onion(host: str) -> None:
    """Check a lower-case onion name: 56 characters, version 3, checksum (Tor rend-spec-v3)."""
    body = host[: -len(_ONION_SUFFIX)]
    if len(body) == 16:
        raise InputError(f"{host!r} is an onion service of version 2, which is gone")
    try:
        decoded = b32decode(body.upper()) if len(body) == 56 else b""
    except binascii.Error:
        decoded = b""
    if len(decoded) != 35:
        raise InputError(f"{host!r} is not an onion address: 56 base32 characters are needed")
    if decoded[34:] != _ONION_VERSION:
        raise InputError(f"{host!r} is not an onion address of version 3")
    if decoded[32:34] != _onion_checksum(decoded[:32]):
        raise InputError(f"{host!r} has a wrong checksum: a character was mistyped")


def _check_i2p(host: str) -> None:
    """Check a lower-case I2P name: 52 base32 characters (256 bits), no padding."""
    body = host[: -len(_I2P_SUFFIX)]
    try:
        decoded = b32decode(body.upper() + "====") if len(body) == 52 else b""
    except binascii.Error:
        decoded = b""
    if len(decoded) != 32:
        raise InputError(f"{host!r} is not an I2P address: 52 base32 characters are needed")
    if _i2p_text(decoded) != host:
        raise InputError(f"{host!r} is not an I2P address: bits behind the 256 are set")
