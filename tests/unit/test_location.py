"""Autonomous systems and countries, from an asmap and from MMDB files."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.location import AsmapFile, MmdbFile, open_locations
from bitcoin_handshake.netaddr import NetAddr

V4 = NetAddr.from_text("1.1.1.1", 8333)
V6 = NetAddr.from_text("2606:4700::1", 8333)
ONION = NetAddr.from_text("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 8333)


def _mmdb(path: Path, record: dict[str, object], *, ip_version: int = 6) -> Path:
    writer = MMDBWriter(ip_version, "test", ipv4_compatible=ip_version == 6)
    writer.insert_network(IPSet(["1.1.1.0/24"]), record)
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("record", "asn", "country"),
    [
        ({"autonomous_system_number": 13335}, 13335, None),
        ({"asn": "AS13335", "country_code": "AU"}, 13335, "AU"),
        ({"country": {"iso_code": "AU"}}, None, "AU"),
        ({"asn": "AS", "country": "Australia"}, None, None),
        ({}, None, None),
    ],
)
def test_the_layouts_of_mmdb_files(
    tmp_path: Path, record: dict[str, object], asn: int | None, country: str | None
) -> None:
    file = MmdbFile(_mmdb(tmp_path / "x.mmdb", record))
    assert (file.asn(V4), file.country(V4)) == (asn, country)
    assert (file.asn(V6), file.country(ONION)) == (None, None)


def test_a_file_of_ipv4_knows_no_ipv6(tmp_path: Path) -> None:
    file = MmdbFile(_mmdb(tmp_path / "x.mmdb", {"asn": 7}, ip_version=4))
    assert (file.asn(V4), file.asn(V6)) == (7, None)


def test_an_asmap_file(tmp_path: Path) -> None:
    path = tmp_path / "asmap.dat"
    path.write_bytes(bytes(3))
    file = AsmapFile(path)
    assert (file.asn(V4), file.asn(V6), file.asn(ONION)) == (1, 1, None)
    assert file.country(V4) is None


def test_files_are_asked_in_turn(tmp_path: Path) -> None:
    (tmp_path / "asmap.dat").write_bytes(bytes(3))
    mmdb = _mmdb(tmp_path / "x.mmdb", {"asn": 7, "country_code": "AU"})
    both = open_locations(asmap=str(tmp_path / "asmap.dat"), mmdb=(str(mmdb),))
    assert both is not None
    assert (both.asn(V4), both.country(V4), both.country(V6)) == (1, "AU", None)
    assert open_locations() is None


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for kind in (AsmapFile, MmdbFile):
        with pytest.raises(EnvironmentFailure, match="cannot read"):
            kind(path)
        path.write_text("no such thing")
        with pytest.raises(InputError, match=str(path)):
            kind(path)
        path.unlink()
