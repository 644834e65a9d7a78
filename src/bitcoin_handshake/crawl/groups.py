"""Neighbourhoods of addresses: who is likely to be under one hand.

Owns the group of a packed key (see `messages.address_keys`). Core's addrman uses the same groups.

Sources: Core's `CNetAddr::GetGroup` and `NetGroupManager::GetGroup` in `netgroup.cpp`: IPv4 /16,
IPv6 /32 (he.net 2001:470::/32 by /36), Tor, I2P and CJDNS by the first 4 bits; addresses that hold an
IPv4 address (6to4, Teredo, NAT64) belong to the group of that.
"""

from __future__ import annotations

from bitcoin_handshake.netaddr import NetworkId

__all__ = ["address_group", "network_of_key"]

_IPV4 = NetworkId.IPV4.value
_IPV6 = NetworkId.IPV6.value
_CJDNS = NetworkId.CJDNS.value
_IPV4_HEAD = b"\x01\x04"
_HE_NET = bytes.fromhex("20010470")
_TEREDO = bytes.fromhex("20010000")
_NAT64 = bytes.fromhex("0064ff9b") + bytes(8)


def network_of_key(key: bytes) -> int:
    """Return the BIP155 network id of a packed key."""
    return key[0]


def address_group(key: bytes) -> bytes:
    """Return the group of a packed key, a few bytes that are equal for neighbours."""
    network_id = key[0]
    if network_id == _IPV4:
        return key[:4]
    if network_id != _IPV6:
        # CJDNS addresses all begin with 0xfc.
        digit = key[3] if network_id == _CJDNS else key[2]
        return bytes((network_id, digit >> 4))
    if key.startswith(b"\x20\x02", 2):
        return _IPV4_HEAD + key[4:6]
    if key.startswith(_NAT64, 2):
        return _IPV4_HEAD + key[14:16]
    if key.startswith(_TEREDO, 2):
        return _IPV4_HEAD + bytes((key[14] ^ 0xFF, key[15] ^ 0xFF))
    if key.startswith(_HE_NET, 2):
        return key[:6] + bytes((key[6] >> 4,))
    return key[:6]
