"""The messages that carry addresses: `addr`, `addrv2` (BIP155), `getaddr`.

A crawler reads millions of entries and throws most of them away as known, so no object is made
of an entry before somebody asks: a message keeps its payload, checks it once, and hands out
*keys*, one bytes value for each entry that may be used. `entries()` makes the objects.

A key is the entry in the form of BIP155 without time and services, whichever message it came
in: network id (1), CompactSize length (1), address, port (2, big-endian). Equal keys are equal
addresses. `netaddr_from_key` reads one.

Sources: BIP155; Core's `CNetAddr::UnserializeV2Stream`, `SetNetFromBIP155Network` and
`ProcessAddrs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.errors import BadEncoding
from bitcoin_handshake.messages.address_keys import addrv2_keys
from bitcoin_handshake.messages.base import EmptyMessage, Message
from bitcoin_handshake.netaddr import (
    ADDRV1_LEN,
    INTERNAL_PREFIX,
    IPV4_MAPPED_PREFIX,
    ONIONCAT_PREFIX,
    NetAddr,
    NetworkId,
)
from bitcoin_handshake.protocol import MAX_ADDR_TO_SEND, MAX_ADDRV2_LEN, MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed, serialize_var_bytes

__all__ = ["Addr", "AddrEntry", "AddrV2", "AddrV2Entry", "GetAddr", "netaddr_from_key"]

_ENTRY = Struct("<IQ16s2s")
_TIME = Struct("<I")

ADDR_ENTRY_LEN = 30
"""Length of an `addr` entry in bytes: time 4, services 8, ip 16, port 2."""
MIN_ADDRV2_ENTRY_LEN = 9
"""Length of the shortest `addrv2` entry in bytes: time 4, services 1, id 1, length 1, port 2."""

_IPV6 = NetworkId.IPV6.value
_NEVER_IN_ADDR = (ONIONCAT_PREFIX, INTERNAL_PREFIX)
_IPV4_KEY = b"\x01\x04"
_IPV6_KEY = b"\x02\x10"


def netaddr_from_key(key: bytes) -> NetAddr:
    """Read host and port out of a key that `Addr.keys` or `AddrV2.keys` gave."""
    netaddr = NetAddr.from_addrv2(key[0], key[2:-2], int.from_bytes(key[-2:]))
    if netaddr is None:
        raise BadEncoding(field="key", why=f"network {key[0]} has no address of that form")
    return netaddr


@dataclass(slots=True)
class AddrEntry:
    """One entry of `addr`.

    Attributes:
        time: When the node was last seen, says the sender; Unix seconds, 0 to 2**32 - 1.
        services: 64-bit mask.
        ip: 16 bytes: IPv6, or IPv4 mapped into it.
        port: 0 to 65535; big-endian on the wire.
    """

    time: int
    services: int
    ip: bytes
    port: int

    @property
    def netaddr(self) -> NetAddr | None:
        """Host and port; None for OnionCat and Core's internal names, which nobody can dial."""
        return None if self.ip.startswith(_NEVER_IN_ADDR) else NetAddr.from_addrv1(self.ip, self.port)

    def serialize(self) -> bytes:
        """Write the 30 bytes."""
        return _ENTRY.pack(
            self.time, self.services, serialize_fixed(self.ip, ADDRV1_LEN), self.port.to_bytes(2)
        )

    def to_json(self) -> dict[str, object]:
        """Return time, services as 16 hex digits and `host:port`."""
        return {
            "time": self.time,
            "services": f"{self.services:016x}",
            **_address_json(self.netaddr, _IPV6, self.ip, self.port),
        }


@dataclass(slots=True)
class Addr(Message):
    """The `addr` message: addresses of nodes, IPv4 and IPv6 only.

    Wire (little-endian unless noted):
        ..  count      CompactSize   at most MAX_ADDR_TO_SEND (1000)
        each entry:
            4   time       uint32    seconds since the Unix epoch
            8   services   uint64
            16  ip         bytes16   IPv6, or IPv4 mapped into it
            2   port       uint16    big-endian

    Attributes:
        payload: The payload, whose count and length have been checked.

    Tolerates: any time, services, address and port; bytes behind the last entry.
    Rejects: more than 1000 entries, an end inside an entry.
    """

    msg_type: ClassVar[str] = MsgType.ADDR.value

    payload: bytes
    _start: int = field(repr=False, compare=False)
    _end: int = field(repr=False, compare=False)

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Check a payload and keep it.

        Raises:
            Truncated: It ends inside an entry.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: There are over 1000 entries.
        """
        reader = Reader(payload)
        count = reader.count("addr entries", entry_len=ADDR_ENTRY_LEN, limit=MAX_ADDR_TO_SEND)
        return cls(payload, reader.pos, reader.pos + count * ADDR_ENTRY_LEN)

    @classmethod
    def from_entries(cls, entries: Iterable[AddrEntry], *, trailing: bytes = b"") -> Self:
        """Build a message of at most 1000 entries.

        Raises:
            WireError: There are more.
        """
        parts = [entry.serialize() for entry in entries]
        return cls.deserialize(serialize_compact_size(len(parts)) + b"".join(parts) + trailing)

    @property
    def count(self) -> int:
        """Number of entries."""
        return (self._end - self._start) // ADDR_ENTRY_LEN

    @property
    def trailing(self) -> bytes:
        """Bytes behind the last entry."""
        return self.payload[self._end :]

    def keys(self) -> list[bytes]:
        """Return the key of each entry that may be used, in order, repetitions included."""
        rows = _ENTRY.iter_unpack(memoryview(self.payload)[self._start : self._end])
        return [
            _IPV4_KEY + ip[12:] + port if ip.startswith(IPV4_MAPPED_PREFIX) else _IPV6_KEY + ip + port
            for _, _, ip, port in rows
            if not ip.startswith(_NEVER_IN_ADDR)
        ]

    def entries(self) -> list[AddrEntry]:
        """Return all entries, in order, also those that nobody can use."""
        rows = _ENTRY.iter_unpack(memoryview(self.payload)[self._start : self._end])
        return [AddrEntry(time, services, ip, int.from_bytes(port)) for time, services, ip, port in rows]

    def serialize(self) -> bytes:
        """Write the payload."""
        return self.payload

    def to_json(self) -> dict[str, object]:
        """Return the entries as objects, and what stands behind them as hex."""
        return _addresses_json(self.entries(), self.trailing)


@dataclass(slots=True)
class AddrV2Entry:
    """One entry of `addrv2`.

    Attributes:
        time: When the node was last seen, says the sender; Unix seconds, 0 to 2**32 - 1.
        services: 64-bit mask; a CompactSize on the wire.
        network_id: BIP155 network id, 0 to 255; `NetworkId` names those that are known.
        address: In network byte order, at most MAX_ADDRV2_LEN (512) bytes.
        port: 0 to 65535; big-endian on the wire.
    """

    time: int
    services: int
    network_id: int
    address: bytes
    port: int

    @property
    def netaddr(self) -> NetAddr | None:
        """Host and port; None where the entry must be skipped (see `NetAddr.from_addrv2`)."""
        return NetAddr.from_addrv2(self.network_id, self.address, self.port)

    def serialize(self) -> bytes:
        """Write the entry: 9 bytes at least."""
        return b"".join(
            (
                _TIME.pack(self.time),
                serialize_compact_size(self.services),
                self.network_id.to_bytes(1),
                serialize_var_bytes(self.address),
                self.port.to_bytes(2),
            )
        )

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read one entry; whether the length is that of the network is not judged.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: Services or length are written too long.
            FieldTooLong: The address is over 512 bytes.
        """
        time = reader.u32("time")
        services = reader.compact_size("services", limit=None)
        network_id = reader.u8("network_id")
        address = reader.var_bytes("address", limit=MAX_ADDRV2_LEN)
        return cls(time, services, network_id, address, reader.u16_be("port"))

    def to_json(self) -> dict[str, object]:
        """Return time, services as 16 hex digits and `host:port`, or id and hex if unknown."""
        return {
            "time": self.time,
            "services": f"{self.services:016x}",
            **_address_json(self.netaddr, self.network_id, self.address, self.port),
        }


@dataclass(slots=True)
class AddrV2(Message):
    """The `addrv2` message (BIP155): addresses of nodes on any network.

    Wire (little-endian unless noted):
        ..  count      CompactSize   at most MAX_ADDR_TO_SEND (1000)
        each entry:
            4   time         uint32        seconds since the Unix epoch
            ..  services     CompactSize   64-bit mask, without the limit of lengths
            1   network_id   uint8         BIP155
            ..  address      CompactSize + bytes, at most MAX_ADDRV2_LEN (512)
            2   port         uint16        big-endian

    Attributes:
        payload: The payload, every entry of which has been checked.

    Tolerates, as Core does: unknown networks (kept, not in `keys`); IPv6 entries that hold an
        IPv4-mapped, OnionCat or internal address, and CJDNS that does not begin with 0xfc (both
        likewise); bytes behind the last entry.
    Rejects: more than 1000 entries, an address over 512 bytes, a wrong length for a network
        that is known, a non-minimal CompactSize, an end inside an entry.
    """

    msg_type: ClassVar[str] = MsgType.ADDRV2.value

    payload: bytes
    count: int = field(compare=False)
    _keys: list[bytes] = field(repr=False, compare=False)
    _end: int = field(repr=False, compare=False)

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Check every entry of a payload, and keep it.

        Raises:
            Truncated: It ends inside an entry.
            NonMinimalCompactSize: The count, services or a length are written too long.
            FieldTooLong: There are over 1000 entries, or an address is over 512 bytes.
            BadEncoding: An address has a wrong length for a network that is known.
        """
        reader = Reader(payload)
        count = reader.count("addrv2 entries", entry_len=MIN_ADDRV2_ENTRY_LEN, limit=MAX_ADDR_TO_SEND)
        keys, end = addrv2_keys(payload, reader.pos, count)
        return cls(payload, count, keys, end)

    @classmethod
    def from_entries(cls, entries: Iterable[AddrV2Entry], *, trailing: bytes = b"") -> Self:
        """Build a message of at most 1000 entries.

        Raises:
            WireError: There are more, or one breaks the rules of its network.
        """
        parts = [entry.serialize() for entry in entries]
        return cls.deserialize(serialize_compact_size(len(parts)) + b"".join(parts) + trailing)

    @property
    def trailing(self) -> bytes:
        """Bytes behind the last entry."""
        return self.payload[self._end :]

    def keys(self) -> list[bytes]:
        """Return the key of each entry that may be used, in order, repetitions included."""
        return self._keys

    def entries(self) -> list[AddrV2Entry]:
        """Return all entries, in order, also those that nobody can use."""
        reader = Reader(self.payload)
        return [AddrV2Entry.read(reader) for _ in range(reader.compact_size())]

    def serialize(self) -> bytes:
        """Write the payload."""
        return self.payload

    def to_json(self) -> dict[str, object]:
        """Return the entries as objects, and what stands behind them as hex."""
        return _addresses_json(self.entries(), self.trailing)


class GetAddr(EmptyMessage):
    """The `getaddr` message: asks for addresses, once per connection; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.GETADDR.value


def _address_json(netaddr: NetAddr | None, network_id: int, address: bytes, port: int) -> dict[str, object]:
    if netaddr is not None:
        return {"network": netaddr.network.value, "address": netaddr.to_text()}
    return {"network": None, "network_id": network_id, "address_hex": address.hex(), "port": port}


def _addresses_json(
    entries: Iterable[AddrEntry] | Iterable[AddrV2Entry], trailing: bytes
) -> dict[str, object]:
    return {"entries": [entry.to_json() for entry in entries], "trailing": trailing.hex()}
