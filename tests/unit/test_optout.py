"""The opt-out list."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.optout import OptOut

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"


def _refused(optout: OptOut, *hosts: str) -> list[bool]:
    return [optout.refusal(NetAddr.from_text(host, 8333)) is not None for host in hosts]


def test_addresses_and_ranges() -> None:
    optout = OptOut(["192.0.2.7", "10.0.0.0/8", "[2001:db8::1]", "2001:470::/32", ONION])
    assert _refused(optout, "192.0.2.7", "10.255.0.1", "2001:db8::1", "2001:470:ffff::", ONION) == [True] * 5
    assert _refused(optout, "192.0.2.8", "11.0.0.0", "2001:db8::2", "2001:471::") == [False] * 4


def test_ranges_that_overlap_are_one() -> None:
    optout = OptOut(["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8", "9.9.9.9"])
    assert _refused(optout, "10.200.0.1", "10.1.2.3", "11.1.1.1", "9.9.9.9", "9.9.9.10", "12.0.0.0") == [
        True, True, True, True, False, False,
    ]  # fmt: skip


def test_a_name_stands_for_all_below_it() -> None:
    optout = OptOut(["Example.org."])
    assert optout.name_refusal("seed.example.org") is not None
    assert optout.name_refusal("EXAMPLE.ORG.") is not None
    assert optout.name_refusal("badexample.org") is None
    assert optout.name_refusal("org") is None


def test_files_hold_one_entry_a_line(tmp_path: Path) -> None:
    path = tmp_path / "optout.txt"
    path.write_text("# who asked us\n192.0.2.0/24  # since 2026\n\nexample.org\n")
    optout = OptOut([str(path)])
    assert bool(optout)
    assert _refused(optout, "192.0.2.99", "192.0.3.1") == [True, False]
    assert optout.name_refusal("example.org") is not None


def test_an_empty_list_refuses_nobody() -> None:
    optout = OptOut([])
    assert not optout
    assert _refused(optout, "1.2.3.4", "2001:470::1", ONION) == [False] * 3


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "a b", "bücher.example", "x.onion", ""])
def test_refuses_what_is_none_of_these(entry: str) -> None:
    with pytest.raises((InputError, EnvironmentFailure), match="--exclude"):
        OptOut([entry])


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(EnvironmentFailure, match="cannot read /nowhere/at/all"):
        OptOut(["/nowhere/at/all"])


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        OptOut([str(path)])
