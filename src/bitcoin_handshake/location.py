"""Where addresses are: the autonomous system and the country, from files that the user has.

Owns the reading of those files: an asmap as Bitcoin Core has it, or MMDB files (MaxMind's format, which
IPinfo and DB-IP use too; needs the extra `geo`). No data comes with the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bitcoin_handshake.asmap import MAX_ASMAP_LEN, Asmap
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.netaddr import NetAddr, Network

if TYPE_CHECKING:
    import maxminddb

__all__ = ["AsmapFile", "Location", "MmdbFile", "open_locations"]

_IP = frozenset((Network.IPV4, Network.IPV6))
_MAPPED = bytes(10) + b"\xff\xff"


class Location(Protocol):
    """What knows where an address is."""

    def asn(self, netaddr: NetAddr) -> int | None:
        """Return the number of its autonomous system; None where it is not known, or no IP address."""

    def country(self, netaddr: NetAddr) -> str | None:
        """Return its country, two letters (ISO 3166); None where it is not known."""


class AsmapFile:
    """An asmap of Bitcoin Core.

    Raises:
        EnvironmentFailure: It cannot be read.
        InputError: It is damaged, or no asmap.
    """

    def __init__(self, path: Path) -> None:
        with _explained(path), path.open("rb") as file:
            data = file.read(MAX_ASMAP_LEN + 1)
        try:
            self._map = Asmap(data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def asn(self, netaddr: NetAddr) -> int | None:
        """See `Location`."""
        if netaddr.network not in _IP:
            return None
        packed = ip_address(netaddr.host.partition("%")[0]).packed
        return self._map.lookup(packed if len(packed) == 16 else _MAPPED + packed) or None

    def country(self, netaddr: NetAddr) -> str | None:
        """Return None: an asmap knows no countries."""
        return None


class MmdbFile:
    """An MMDB file with autonomous systems, countries, or both.

    Raises:
        EnvironmentFailure: It cannot be read, or the extra `geo` is not installed.
        InputError: It is no MMDB file.
    """

    def __init__(self, path: Path) -> None:
        try:
            import maxminddb
        except ImportError:
            raise EnvironmentFailure(
                "MMDB files need the extra geo: pip install 'bitcoin-handshake[geo]'"
            ) from None
        try:
            with _explained(path):
                self._reader: maxminddb.Reader = maxminddb.open_database(path)
        except maxminddb.InvalidDatabaseError as error:
            raise InputError(f"{path} is not an MMDB file: {error}") from None

    def asn(self, netaddr: NetAddr) -> int | None:
        """See `Location`."""
        found = self._record(netaddr)
        for key in ("autonomous_system_number", "asn", "as_number"):
            value = found.get(key)
            if isinstance(value, str):
                value = value.upper().removeprefix("AS")
                value = int(value) if value.isascii() and value.isdigit() else None
            if isinstance(value, int):
                return value
        return None

    def country(self, netaddr: NetAddr) -> str | None:
        """See `Location`."""
        found = self._record(netaddr)
        value = found.get("country") or found.get("country_code")
        if isinstance(value, Mapping):
            value = value.get("iso_code")
        return value if isinstance(value, str) and len(value) == 2 else None

    def _record(self, netaddr: NetAddr) -> Mapping[str, Any]:
        if netaddr.network not in _IP:
            return {}
        try:
            found = self._reader.get(netaddr.host.partition("%")[0])
        except ValueError:  # an IPv6 address, and a file of IPv4 only
            return {}
        return found if isinstance(found, Mapping) else {}


class _explained:
    """Turn an error of the system into one line with the file's name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise EnvironmentFailure(f"cannot read {self._path}: {error.strerror or error}") from None


class _Several:
    """Files that are asked one after the other."""

    def __init__(self, files: list[Location]) -> None:
        self._files = files

    def asn(self, netaddr: NetAddr) -> int | None:
        return next((found for each in self._files if (found := each.asn(netaddr)) is not None), None)

    def country(self, netaddr: NetAddr) -> str | None:
        return next((found for each in self._files if (found := each.country(netaddr)) is not None), None)


def open_locations(*, asmap: str | None = None, mmdb: tuple[str, ...] = ()) -> Location | None:
    """Open the files of `--asmap` and `--mmdb`; None where neither is given.

    Raises:
        EnvironmentFailure, InputError: See `AsmapFile` and `MmdbFile`.
    """
    files: list[Location] = [] if asmap is None else [AsmapFile(Path(asmap))]
    files += [MmdbFile(Path(each)) for each in mmdb]
    return _Several(files) if files else None
