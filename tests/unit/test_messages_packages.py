"""sendpackages, ancpkginfo, getpkgtxns, pkgtxns (BIP331)."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import FieldTooLong, Truncated, WireError
from bitcoin_handshake.messages import AncPkgInfo, GetPkgTxns, Message, PkgTxns, SendPackages
from tests.message_literals import HASH_A, PACKAGES, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), PACKAGES, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), PACKAGES, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


@pytest.mark.parametrize(("cls", "length"), [(AncPkgInfo, 32), (GetPkgTxns, 32), (PkgTxns, 10)])
def test_100_transactions_are_the_most(cls: type[Message], length: int) -> None:
    most = b"\x64" + bytes(100 * length)
    assert cls.deserialize(most).serialize() == most
    with pytest.raises(FieldTooLong):
        cls.deserialize(b"\x65" + bytes(101 * length))
    with pytest.raises(Truncated):
        cls.deserialize(b"\x64" + bytes(100 * length - 1))


def test_packages_in_the_form_for_machines() -> None:
    assert SendPackages(3).to_json() == {"versions": "0000000000000003", "trailing": ""}
    assert GetPkgTxns((HASH_A,)).to_json()["wtxids"] == [HASH_A[::-1].hex()]
