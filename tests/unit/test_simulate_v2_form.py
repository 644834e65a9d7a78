"""How a simulated peer tells v1 from v2, and what its v2 is like."""

from __future__ import annotations

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.simulate.v2_form import V2Form, key_pair, listen, speaks_v1, v2_responder
from bitcoin_handshake.transport.bip324.ellswift import ELLSWIFT_LEN
from bitcoin_handshake.transport.bip324.packets import MAX_GARBAGE_LEN
from tests.simulated import REGTEST, initiator, node_facts, v2_initiator

V1_PREFIX = REGTEST.magic + b"version\0\0\0\0\0"


@pytest.mark.parametrize("length", range(16))
def test_fewer_than_sixteen_equal_bytes_tell_nothing_yet(length: int) -> None:
    assert speaks_v1(REGTEST.magic, V1_PREFIX[:length]) is None


@pytest.mark.parametrize("position", range(16))
def test_sixteen_equal_bytes_are_v1_and_one_other_is_v2(position: int) -> None:
    assert speaks_v1(REGTEST.magic, V1_PREFIX + b"more") is True
    other = bytearray(V1_PREFIX)
    other[position] ^= 1
    assert speaks_v1(REGTEST.magic, bytes(other[: position + 1])) is False


def test_listens_to_both_or_to_v2_only() -> None:
    v1_opening = initiator().data_to_send()
    v2_opening = v2_initiator().data_to_send()
    node = node_facts()
    both = listen(node, V2Form(), v1_opening)
    assert both is not None
    assert both.name == "v1"
    assert listen(node, V2Form(), v1_opening[:5]) is None
    for form, opening in ((V2Form(), v2_opening), (V2Form(speaks_v1=False), v1_opening)):
        chosen = listen(node, form, opening)
        assert chosen is not None
        assert chosen.name == "v2"


def test_keys_and_garbage_come_from_the_node_itself() -> None:
    assert len(key_pair(node_facts(seed=1))[0]) == 32
    assert len(key_pair(node_facts(seed=1))[1]) == ELLSWIFT_LEN
    assert key_pair(node_facts(seed=1))[0] == key_pair(node_facts(seed=1))[0]
    assert key_pair(node_facts(seed=1))[0] != key_pair(node_facts(seed=2))[0]


@pytest.mark.parametrize("garbage_len", [0, 1, MAX_GARBAGE_LEN])
def test_garbage_has_the_length_that_the_form_names(garbage_len: int) -> None:
    node = node_facts()
    responder = v2_responder(node, V2Form(garbage_len=garbage_len), magic=CHAINS[Chain.REGTEST].magic)
    responder.receive_data(v2_initiator().data_to_send())
    while responder.next_message() is not None:
        pass
    # Key, garbage, terminator and an empty version packet of 20 bytes.
    assert len(responder.data_to_send()) == ELLSWIFT_LEN + garbage_len + 16 + 20
