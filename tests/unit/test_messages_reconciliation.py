"""reqrecon, sketch, reqsketchext, reconcildiff (BIP330)."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import FieldTooLong, Truncated, WireError
from bitcoin_handshake.messages import Message, ReconcilDiff, Sketch
from tests.message_literals import RECONCILIATION, assert_both_ways, name_of


@pytest.mark.parametrize(("message", "data"), RECONCILIATION, ids=name_of)
def test_literal_bytes_both_ways(message: Message, data: bytes) -> None:
    assert_both_ways(message, data)


@pytest.mark.parametrize(("message", "data"), RECONCILIATION, ids=name_of)
def test_every_cut_is_a_wire_error_or_another_whole_message(message: Message, data: bytes) -> None:
    for length in range(len(data)):
        try:
            shorter = type(message).deserialize(data[:length])
        except WireError:
            continue
        assert shorter.serialize() == data[:length]
        assert shorter != message


def test_a_sketch_of_65536_bytes_is_the_longest() -> None:
    assert len(Sketch.deserialize(b"\xfe\x00\x00\x01\x00" + bytes(65_536)).skdata) == 65_536
    with pytest.raises(FieldTooLong):
        Sketch.deserialize(b"\xfe\x01\x00\x01\x00" + bytes(65_537))


def test_16384_ids_are_the_most() -> None:
    most = ReconcilDiff.deserialize(b"\x01\xfd\x00\x40" + bytes(4 * 16_384))
    assert len(most.ask_shortids) == 16_384
    with pytest.raises(FieldTooLong):
        ReconcilDiff.deserialize(b"\x01\xfd\x01\x40" + bytes(4 * 16_385))
    with pytest.raises(Truncated):
        ReconcilDiff.deserialize(b"\x01\xfd\x00\x40" + bytes(4 * 16_383 + 3))


def test_success_keeps_its_raw_byte() -> None:
    message = ReconcilDiff.deserialize(b"\x07\x00")
    assert message.success == 7
    assert message.serialize() == b"\x07\x00"
