"""Whom we do not dial because they, or the user, asked for it: the opt-out list.

Owns the reading of its entries (address, CIDR range, name, a file of them) and the judgement of a target.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import ip_network

from bitcoin_handshake.errors import EnvironmentFailure, InputError, OptedOut
from bitcoin_handshake.netaddr import NetAddr, Network

__all__ = ["OptOut"]

MAX_FILE_BYTES = 64 * 1024 * 1024


class OptOut:
    """A list of those who are not dialled.

    Args:
        entries: IPv4 or IPv6 addresses and ranges (`192.0.2.0/24`), host names with everything below
            them, onion and I2P names, and files of such lines; # begins a comment.

    Raises:
        InputError: An entry is none of these.
        EnvironmentFailure: A file cannot be read.
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self._names: set[str] = set()
        ranges: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for entry, source in _lines(entries):
            self._add(entry, source, ranges)
        self._ranges = {version: _merged(found) for version, found in ranges.items()}

    def __bool__(self) -> bool:
        return bool(self._names) or any(starts for starts, _ in self._ranges.values())

    def refusal(self, netaddr: NetAddr) -> OptedOut | None:
        """Return why an address is not dialled, or None."""
        if netaddr.network in (Network.ONION, Network.I2P):
            return OptedOut(entry=netaddr.host) if netaddr.host in self._names else None
        starts, ends = self._ranges[4 if netaddr.network is Network.IPV4 else 6]
        if not starts:
            return None
        value = int.from_bytes(netaddr.packed)
        index = bisect_right(starts, value) - 1
        return OptedOut(entry=netaddr.host) if index >= 0 and value <= ends[index] else None

    def name_refusal(self, name: str) -> OptedOut | None:
        """Return why a name is not looked up, or None: it or a parent of it is on the list."""
        labels = name.rstrip(".").lower().split(".")
        for index in range(len(labels)):
            parent = ".".join(labels[index:])
            if parent in self._names:
                return OptedOut(entry=parent)
        return None

    def _add(self, entry: str, source: str, ranges: dict[int, list[tuple[int, int]]]) -> None:
        try:
            network = ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            self._add_name(entry, source)
        else:
            first, last = int(network.network_address), int(network.broadcast_address)
            ranges[network.version].append((first, last))

    def _add_name(self, entry: str, source: str) -> None:
        name = entry.rstrip(".").lower()
        if "/" in name or not name.isascii() or any(character.isspace() for character in name) or not name:
            raise InputError(f"{source}: {entry[:80]!r} is no address, range, name or file")
        if name.endswith((".onion", ".i2p")):
            try:
                name = NetAddr.from_text(name, 0).host
            except InputError as error:
                raise InputError(f"{source}: {error}") from None
        self._names.add(name)


def _lines(entries: Iterable[str]) -> Iterable[tuple[str, str]]:
    for entry in entries:
        if not os.path.isfile(entry):
            if "/" in entry and not _is_range(entry):
                raise EnvironmentFailure(f"--exclude: cannot read {entry}: No such file or directory")
            yield entry, "--exclude"
            continue
        try:
            if os.path.getsize(entry) > MAX_FILE_BYTES:
                raise InputError(f"--exclude: {entry} is over {MAX_FILE_BYTES} bytes")
            with open(entry, encoding="utf-8-sig") as file:
                for number, line in enumerate(file, 1):
                    text = line.partition("#")[0].strip()
                    if text:
                        yield text, f"--exclude: {entry}, line {number}"
        except OSError as error:
            raise EnvironmentFailure(f"--exclude: cannot read {entry}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise InputError(f"--exclude: {entry} is not UTF-8") from None


def _is_range(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _merged(ranges: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Join ranges that overlap; return their first and their last addresses, in order."""
    starts: list[int] = []
    ends: list[int] = []
    for first, last in sorted(ranges):
        if ends and first <= ends[-1] + 1:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
