"""Entries of `addrv2` and `addr` read at the speed of a crawl: packed keys, no object per entry.

A crawl of the whole network reads 25 million entries, nearly all of them known already. Most
messages hold nothing but entries of the five networks in their usual form; those are read by one
regular expression, whose loop runs in C. A message that the expression does not cover to the end
is read entry by entry, with the exact rules. Both give the same keys (tests compare them).

A key is the entry in the form of BIP155 without time and services: network id (1), length (1),
address (4, 16 or 32), port (2, big-endian): 8, 20 or 36 bytes.

Sources: BIP155; Core's `CNetAddr::UnserializeV2Stream`, `SetNetFromBIP155Network`.
"""

from __future__ import annotations

import re
from collections.abc import Container
from struct import Struct

from bitcoin_handshake.errors import Truncated
from bitcoin_handshake.netaddr import (
    ADDRV2_LENGTHS,
    CJDNS_PREFIX,
    INTERNAL_PREFIX,
    IPV4_MAPPED_PREFIX,
    ONIONCAT_PREFIX,
    NetAddr,
    NetworkId,
    host_from_addrv2,
)
from bitcoin_handshake.protocol import MAX_ADDRV2_LEN
from bitcoin_handshake.wire import Reader

__all__ = ["addrv2_keys", "dated_addr_entries", "dated_addrv2_entries", "key_of"]

_TIME = Struct("<I")
_V1_ENTRY = Struct("<IQ16s2s")

MAX_ENTRY_LEN = 49
"""Length of the longest entry that the expression covers, bytes: time 4, services 9, key 36."""

_LENGTHS_BY_ID = {int(id_): length for id_, length in ADDRV2_LENGTHS.items()}
_ADDRESS_LENGTHS = tuple(_LENGTHS_BY_ID.get(id_, -1) for id_ in range(256))  # -1: unknown network
_IPV6 = NetworkId.IPV6.value
_CJDNS = NetworkId.CJDNS.value
_NOT_IPV6 = (IPV4_MAPPED_PREFIX, ONIONCAT_PREFIX, INTERNAL_PREFIX)

# Services in the forms that are minimal for certain; what else is valid takes the slow way.
_SERVICES = rb"(?:\xfd.[^\x00]|[\x00-\xfc]|\xfe..(?!\x00\x00)..|\xff....(?!\x00\x00\x00\x00)....)"
_KEY = (
    rb"(\x01\x04......|\x04\x20.{34}|\x02\x10(?!"
    + b"|".join(map(re.escape, _NOT_IPV6))
    + rb").{18}|\x05\x20.{34}|\x06\x10\xfc.{17})"
)
# The last alternative takes everything from the first byte on that is not such an entry, and gives
# an empty key: so the keys stand for a run of entries without a gap, as long as none is empty.
_KEYS = re.compile(b"....%b%b|.+" % (_SERVICES, _KEY), re.DOTALL)
_DATED = re.compile(b"(....)(%b)%b|.+" % (_SERVICES, _KEY), re.DOTALL)


def addrv2_keys(payload: bytes, pos: int, count: int) -> tuple[list[bytes], int]:
    """Check `count` entries from `pos` on; return the keys of the usable ones, and the end.

    0.07 us per entry where the expression covers the message, 0.18 us where it does not
    (bench/messages.py).

    Args:
        payload: Payload of an `addrv2` message.
        pos: Offset of the first entry.
        count: How many there are.

    Raises:
        Truncated: It ends inside an entry.
        NonMinimalCompactSize: Services or a length are written too long.
        FieldTooLong: An address is over 512 bytes.
        BadEncoding: An address has a wrong length for a network that is known.
    """
    if len(payload) - pos <= count * MAX_ENTRY_LEN:  # else what follows the entries would be read too
        keys: list[bytes] = _KEYS.findall(payload, pos)
        if len(keys) == count and (not count or keys[-1]):
            return keys, len(payload)
    return _usable_keys(payload, pos, count)


def dated_addrv2_entries(payload: bytes, wanted: Container[bytes]) -> list[tuple[int, int, bytes]]:
    """Return time, services and key of the usable entries of an `addrv2` payload, in order.

    Args:
        payload: One that `AddrV2.deserialize` accepted: nothing is checked a second time.
        wanted: Keys of the entries that are wanted.
    """
    reader = Reader(payload)
    count = reader.compact_size()
    is_bounded = len(payload) - reader.pos <= count * MAX_ENTRY_LEN
    rows: list[tuple[bytes, bytes, bytes]] = _DATED.findall(payload, reader.pos) if is_bounded else []
    if len(rows) == count and (not count or rows[-1][2]):
        return [
            (int.from_bytes(time, "little"), _services(services), key)
            for time, services, key in rows
            if key in wanted
        ]
    entries = []
    for _ in range(count):
        time = reader.u32("time")
        services = reader.compact_size("services", limit=None)
        start = reader.pos
        network_id = reader.u8("network_id")
        address = reader.var_bytes("address", limit=MAX_ADDRV2_LEN)
        reader.read(2, "port")
        key = payload[start : reader.pos]
        if _is_usable(network_id, address) and key in wanted:
            entries.append((time, services, key))
    return entries


def dated_addr_entries(payload: bytes, wanted: Container[bytes]) -> list[tuple[int, int, bytes]]:
    """Return time, services and key of the usable entries of an `addr` payload, in order.

    Args:
        payload: One that `Addr.deserialize` accepted.
        wanted: Keys of the entries that are wanted.
    """
    reader = Reader(payload)
    count = reader.compact_size()
    rows = _V1_ENTRY.iter_unpack(memoryview(payload)[reader.pos : reader.pos + count * _V1_ENTRY.size])
    entries = []
    for time, services, ip, port in rows:
        if not ip.startswith((ONIONCAT_PREFIX, INTERNAL_PREFIX)):
            is_ipv4 = ip.startswith(IPV4_MAPPED_PREFIX)
            key = b"\x01\x04" + ip[12:] + port if is_ipv4 else b"\x02\x10" + ip + port
            if key in wanted:
                entries.append((time, services, key))
    return entries


def _services(encoded: bytes) -> int:
    return encoded[0] if len(encoded) == 1 else int.from_bytes(encoded[1:], "little")


def _is_usable(network_id: int, address: bytes) -> bool:
    if len(address) != _ADDRESS_LENGTHS[network_id]:
        return False
    if network_id == _IPV6:
        return not address.startswith(_NOT_IPV6)
    return network_id != _CJDNS or address[0] == CJDNS_PREFIX


def _usable_keys(data: bytes, pos: int, count: int) -> tuple[list[bytes], int]:
    """Read entry by entry: a loop over bytes and ints without a call in the usual case."""
    keys: list[bytes] = []
    append = keys.append
    lengths = _ADDRESS_LENGTHS
    try:
        for _ in range(count):
            pos += 4  # time
            first = data[pos]
            if first < 253:
                pos += 1
            elif first == 253 and (data[pos + 2] or data[pos + 1] >= 253):
                pos += 3
            else:
                pos = _services_end(data, pos)
            network_id = data[pos]
            length = data[pos + 1]
            if length != lengths[network_id]:
                pos = _unknown_entry_end(data, pos)
                continue
            end = pos + length + 4  # id, length, port
            if network_id == _IPV6:
                if not data.startswith(_NOT_IPV6, pos + 2):
                    append(data[pos:end])
            elif network_id != _CJDNS or data[pos + 2] == CJDNS_PREFIX:
                append(data[pos:end])
            pos = end
    except IndexError:
        raise Truncated(needed=1, available=0, field="addrv2 entry") from None
    if pos > len(data):
        raise Truncated(needed=pos - len(data), available=0, field="addrv2 entry")
    return keys, pos


def _services_end(data: bytes, pos: int) -> int:
    """Return the offset behind services that are written in an unusual length."""
    reader = Reader(data, pos)
    reader.compact_size("services", limit=None)
    return reader.pos


def _unknown_entry_end(data: bytes, pos: int) -> int:
    """Return the offset behind an entry whose length is not that of its network.

    `pos` is the offset of the network id.
    """
    reader = Reader(data, pos + 1)
    address = reader.var_bytes("address", limit=MAX_ADDRV2_LEN)
    host_from_addrv2(data[pos], address)  # raises where the network is known
    reader.read(2, "port")
    return reader.pos


def key_of(netaddr: NetAddr) -> bytes:
    """Return the packed key of an address; `messages.addresses.netaddr_from_key` reads it back."""
    packed = netaddr.packed
    return bytes((netaddr.network_id, len(packed))) + packed + netaddr.port.to_bytes(2)
