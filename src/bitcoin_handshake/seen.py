"""Remembers which addresses a run has dialled, in 8 to 32 bytes each.

Owns one table of 64-bit hashes with open addressing: a set of Python objects takes five times as much.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable

__all__ = ["Seen"]

FIRST_SIZE = 1024


class Seen:
    """A set that only grows. Two values are taken for one where their hashes are alike: once in 2**64."""

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * FIRST_SIZE))
        self._mask = FIRST_SIZE - 1
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, value: Hashable) -> bool:
        """Add a value; return whether it is new."""
        if not self._put(hash(value) & 0xFFFF_FFFF_FFFF_FFFF or 0x9E37_79B9_7F4A_7C15):
            return False
        self._count += 1
        if self._count * 2 > self._mask:
            self._grow()
        return True

    def _put(self, key: int) -> bool:
        table, mask = self._table, self._mask
        index = key & mask
        while (found := table[index]) and found != key:
            index = (index + 1) & mask
        if found:
            return False
        table[index] = key
        return True

    def _grow(self) -> None:
        old = self._table
        size = 4 * len(old)
        self._table = array("Q", bytes(8 * size))
        self._mask = size - 1
        for key in old:
            if key:
                self._put(key)
