"""Reads Bitcoin Core's asmap format: which autonomous system an IP address belongs to.

Owns the check and the interpreter of its bit code, and no file. An asmap is a program of four instructions
that is run with the bits of an address: RETURN an AS number, JUMP where a bit is 1, MATCH some bits, set
the DEFAULT. Numbers have a variable length; see `_number`.

Source: Core 28.1, `Interpret` and `SanityCheckASMap` in `util/asmap.cpp`, `GetMappedAS` in
`netgroup.cpp`.
"""

from __future__ import annotations

from bitcoin_handshake.errors import InputError

__all__ = ["MAX_ASMAP_LEN", "Asmap"]

MAX_ASMAP_LEN = 32 * 1024 * 1024
"""Bytes of an asmap that are read at most; those that Core is built with have under 2 MB."""
IP_BITS = 128
_RETURN, _JUMP, _MATCH, _DEFAULT = range(4)
_TYPE_SIZES = (0, 0, 1)
_ASN_SIZES = (15, 16, 17, 18, 19, 20, 21, 22, 23, 24)
_MATCH_SIZES = (1, 2, 3, 4, 5, 6, 7, 8)
_JUMP_SIZES = tuple(range(5, 31))
MAX_PADDING = 7
_BITS_OF_BYTE = [bytes(byte >> bit & 1 for bit in range(8)) for byte in range(256)]


class _Damaged(Exception):
    """The code is not one that Core accepts."""


class Asmap:
    """An asmap that was checked as Core checks it.

    Args:
        data: The file.

    Raises:
        InputError: It is damaged, or no asmap.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > MAX_ASMAP_LEN:
            raise InputError(f"an asmap has at most {MAX_ASMAP_LEN} bytes, not {len(data)}")
        self._bits = b"".join([_BITS_OF_BYTE[byte] for byte in data])  # lowest bit of each byte first
        try:
            self._check()
        except (_Damaged, IndexError):
            raise InputError("it is damaged, or not an asmap as Bitcoin Core has it") from None

    def lookup(self, address: bytes) -> int:
        """Return the number of the autonomous system of an address, or 0 where the map has none.

        Args:
            address: 16 bytes in network byte order; IPv4 as `::ffff:a.b.c.d`.
        """
        value = int.from_bytes(address)
        left = IP_BITS
        pos = default = 0
        while True:
            kind, pos = self._number(pos, 0, _TYPE_SIZES)
            if kind == _RETURN:
                return self._number(pos, 1, _ASN_SIZES)[0]
            if kind == _JUMP:
                jump, pos = self._number(pos, 17, _JUMP_SIZES)
                left -= 1
                if value >> left & 1:
                    pos += jump
            elif kind == _MATCH:
                match, pos = self._number(pos, 2, _MATCH_SIZES)
                length = match.bit_length() - 1
                left -= length
                if value >> left & ((1 << length) - 1) != match - (1 << length):
                    return default
            else:
                default, pos = self._number(pos, 1, _ASN_SIZES)

    def _number(self, pos: int, lowest: int, sizes: tuple[int, ...]) -> tuple[int, int]:
        """Read a number: a 1 for each size that is too small, a 0 (not for the last size), and its bits.

        Returns:
            The number, and where the next one begins.

        Raises:
            IndexError: The code ends in it.
        """
        bits = self._bits
        value = lowest
        for size in sizes:
            if size != sizes[-1]:
                is_larger = bits[pos]
                pos += 1
                if is_larger:
                    value += 1 << size
                    continue
            end = pos + size
            if end > len(bits):
                break
            for bit in bits[pos:end]:
                size -= 1
                value += bit << size
            return value, end
        raise IndexError

    def _check(self) -> None:
        """Walk through all of the code once, as `SanityCheckASMap` does.

        Raises:
            _Damaged, IndexError: Core would not take it.
        """
        size = len(self._bits)
        pos = 0
        left = IP_BITS
        jumps: list[tuple[int, int]] = []  # where each one goes, and how many bits are left there
        before = _JUMP
        had_short_match = False
        while pos < size:
            _require(not jumps or pos < jumps[-1][0])
            kind, pos = self._number(pos, 0, _TYPE_SIZES)
            if kind == _RETURN:
                _require(before != _DEFAULT)
                _, pos = self._number(pos, 1, _ASN_SIZES)
                if not jumps:
                    _require(size - pos <= MAX_PADDING and not any(self._bits[pos:]))
                    return
                target, left = jumps.pop()
                _require(pos == target)
                kind = _JUMP
            elif kind == _JUMP:
                jump, pos = self._number(pos, 17, _JUMP_SIZES)
                _require(left > 0 and jump <= size - pos)
                left -= 1
                _require(not jumps or pos + jump < jumps[-1][0])
                jumps.append((pos + jump, left))
            elif kind == _MATCH:
                match, pos = self._number(pos, 2, _MATCH_SIZES)
                length = match.bit_length() - 1
                if before != _MATCH:
                    had_short_match = False
                is_short = length < 8
                _require(not (is_short and had_short_match))
                had_short_match = is_short
                _require(left >= length)
                left -= length
            else:
                _require(before != _DEFAULT)
                _, pos = self._number(pos, 1, _ASN_SIZES)
            before = kind
        raise _Damaged


def _require(condition: bool) -> None:
    if not condition:
        raise _Damaged
