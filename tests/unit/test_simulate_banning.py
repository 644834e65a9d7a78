"""The peer that counts garbage and bans, byte by byte."""

from __future__ import annotations

import pytest

from bitcoin_handshake.simulate.banning import REJECT_PAYLOAD, BanningPeer
from bitcoin_handshake.simulate.script import End, NodeFacts
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.helpers import chunked
from tests.simulated import REGTEST, START, converse, initiator, local_version, node_facts, v2_initiator

CLIENT = ("127.0.0.1", 40000)
REJECT = serialize_message(REGTEST.magic, "reject", REJECT_PAYLOAD)


def peer(node: NodeFacts, client: tuple[str, int] | None = CLIENT) -> BanningPeer:
    return BanningPeer(node, client=client, now=START)


def types(data: bytes) -> list[str]:
    transport = V1Transport(REGTEST.magic)
    transport.receive_data(data)
    return [message.msg_type for message in iter(transport.next_message, None)]


def test_reject_is_bcoins() -> None:
    assert REJECT.hex() == (
        "fabfb5da72656a65637400000000000018000000" + REJECT[20:24].hex() + "00"
        "01"
        "15" + b"error parsing message".hex()
    )


@pytest.mark.parametrize("step", [1, 23, 24, 25, 500])
def test_the_tenth_piece_of_24_bytes_leads_to_a_ban(step: int) -> None:
    node = node_facts()
    one = peer(node)
    assert types(one.data_to_send()) == ["version"]
    for piece in chunked(bytes(239), range(0, 239, step)):
        one.receive_data(piece, now=START)
    assert one.end is None
    assert one.data_to_send() == REJECT * 9
    one.receive_data(b"\0", now=START)
    assert one.end is End.CLOSE
    assert node.banned == {"127.0.0.1"}
    again = peer(node, ("127.0.0.1", 40001))
    assert (again.end, again.data_to_send()) == (End.CLOSE, b"")
    assert peer(node, ("127.0.0.2", 40000)).end is None


def test_points_end_with_the_connection() -> None:
    node = node_facts()
    for _ in range(100):
        one = peer(node)
        one.receive_data(bytes(64), now=START)
        assert one.end is None
    assert node.banned == set()


def test_a_first_flight_in_v2_bans_nobody_and_v1_completes() -> None:
    node = node_facts()
    for _ in range(20):
        first = v2_initiator()
        flight = first.data_to_send()
        assert len(flight) == 64
        listener = peer(node)
        listener.receive_data(flight, now=START)
        first.receive_data(listener.data_to_send(), now=START)
        assert first.error is not None
        assert (first.error.code, first.error.retry_v1) == ("v2.looks_like_v1", True)
        assert first.data_to_send() == b""
        second = initiator()
        converse(second, peer(node))
        assert second.is_complete
    assert node.banned == set()


def test_a_good_message_after_garbage_is_still_read() -> None:
    one = peer(node_facts())
    version = serialize_message(REGTEST.magic, "version", local_version())
    one.receive_data(bytes(24) + version, now=START)
    assert "verack" in types(one.data_to_send())


def test_eof_and_deadline_end_it() -> None:
    one = peer(node_facts())
    one.receive_eof(now=START)
    assert one.end is End.CLOSE
    other = peer(node_facts())
    assert other.deadline is not None
    other.handle_timeout(now=other.deadline)
    assert other.end is End.CLOSE
