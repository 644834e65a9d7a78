"""getcfilters, cfilter, getcfheaders, cfheaders, getcfcheckpt, cfcheckpt."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import FieldTooLong, Truncated, WireError
from bitcoin_handshake.messages import CFCheckpt, CFHeaders, CFilter, GetCFilters, Message
from tests.message_literals import COMPACT_FILTERS, HASH_A, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), COMPACT_FILTERS, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), COMPACT_FILTERS, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


def test_2000_filter_hashes_are_the_most() -> None:
    most = CFHeaders.deserialize(bytes(65) + b"\xfd\xd0\x07" + bytes(32 * 2000))
    assert len(most.filter_hashes) == 2000
    with pytest.raises(FieldTooLong):
        CFHeaders.deserialize(bytes(65) + b"\xfd\xd1\x07" + bytes(32 * 2001))


def test_counts_and_lengths_are_not_believed() -> None:
    for cls, head in ((CFHeaders, 65), (CFCheckpt, 33), (CFilter, 33)):
        with pytest.raises(Truncated):
            cls.deserialize(bytes(head) + b"\xfd\xd0\x07" + bytes(99))
    for cls, head in ((CFCheckpt, 33), (CFilter, 33)):
        with pytest.raises(FieldTooLong):
            cls.deserialize(bytes(head) + b"\xfe\x01\x00\x00\x02" + bytes(99))


def test_a_request_in_the_form_for_machines() -> None:
    assert GetCFilters(0, 5, HASH_A).to_json() == {
        "filter_type": 0,
        "start_height": 5,
        "stop_hash": HASH_A[::-1].hex(),
        "trailing": "",
    }
