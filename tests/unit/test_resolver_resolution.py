"""What comes out of a look-up."""

from __future__ import annotations

from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver.resolution import MAX_ADDRESSES_PER_NAME, ResolvedAddress, unique_addresses


def _address(number: int, ttl: int | None = None) -> ResolvedAddress:
    return ResolvedAddress(f"127.0.{number >> 8}.{number & 255}", Network.IPV4, ttl)


def test_the_first_entry_of_each_host_stays_in_order() -> None:
    addresses = [_address(2, 5), _address(1, 9), _address(2, 7), _address(3)]
    assert unique_addresses(addresses) == ((_address(2, 5), _address(1, 9), _address(3)), 0)


def test_more_than_the_limit_is_counted_and_not_kept() -> None:
    kept, dropped = unique_addresses(_address(number) for number in range(MAX_ADDRESSES_PER_NAME + 3))
    assert kept == tuple(_address(number) for number in range(MAX_ADDRESSES_PER_NAME))
    assert dropped == 3


def test_nothing_is_nothing() -> None:
    assert unique_addresses([]) == ((), 0)
