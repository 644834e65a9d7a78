"""How a simulated peer chooses a transport, and what its v2 looks like from outside."""

from __future__ import annotations

import pytest

from bitcoin_handshake.simulate.core import CORE, CorePeer
from bitcoin_handshake.simulate.script import End
from bitcoin_handshake.simulate.v2_form import V2Form, key_pair, listen, speaks_v1, v2_responder
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from bitcoin_handshake.transport.v2 import V2Transport
from tests.simulated import REGTEST, START, converse, local_version, node_facts, script_of, v2_initiator

MAGIC = REGTEST.magic
PREFIX = MAGIC + b"version\0\0\0\0\0"
VERSION = serialize_message(MAGIC, "version", local_version())


def test_sixteen_bytes_tell_v1() -> None:
    for length in range(16):
        assert speaks_v1(MAGIC, PREFIX[:length]) is None
        assert speaks_v1(MAGIC, PREFIX[:length] + b"\xff") is False
    assert speaks_v1(MAGIC, PREFIX) is True
    assert speaks_v1(MAGIC, VERSION) is True


def test_chooses_once_it_can() -> None:
    node, form = node_facts(), V2Form()
    assert listen(node, form, PREFIX[:15]) is None
    assert isinstance(listen(node, form, PREFIX), V1Transport)
    assert isinstance(listen(node, form, b"\0"), V2Transport)
    assert isinstance(listen(node, V2Form(speaks_v1=False), PREFIX), V2Transport)


def test_a_client_of_v1_costs_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ellswift, "create", None)
    peer = CorePeer(node_facts(), CORE, client=None, now=START)
    for index in range(len(VERSION)):
        peer.receive_data(VERSION[index : index + 1], now=START)
    assert peer.data_to_send().startswith(PREFIX)


def test_keys_come_from_the_node_s_own_source() -> None:
    private_key, encoded = key_pair(node_facts(seed=3))
    assert (len(private_key), len(encoded)) == (32, 64)
    assert key_pair(node_facts(seed=3)) == (private_key, encoded)
    assert key_pair(node_facts(seed=4)) != (private_key, encoded)


def _transport(form: V2Form) -> V2Transport:
    """A client's transport after a handshake with a peer of this form."""
    client = V2Transport(magic=MAGIC, initiating=True, keys=key_pair(node_facts(seed=9)), garbage=b"")
    server = v2_responder(node_facts(), form, magic=MAGIC)
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())
    server.send_message("ping", bytes(8))
    client.receive_data(server.data_to_send())
    message = client.next_message()
    assert message is not None
    assert message.msg_type == "ping"
    return client


def test_garbage_has_the_length_that_was_asked_for() -> None:
    for length in (0, 1, 4095):
        assert _transport(V2Form(garbage_len=length)).garbage_received == length
    assert _transport(V2Form()).garbage_received in range(4096)


def test_decoys_before_and_behind_the_version_packet() -> None:
    assert _transport(V2Form()).decoys_received == 0
    assert _transport(V2Form(decoys=(b"", b"x"))).decoys_received == 2
    assert _transport(V2Form(has_later_decoys=True)).decoys_received == 1
    assert _transport(V2Form(version_contents=b"future")).version_contents_received == 6


def test_v1_of_another_chain_is_hung_up_on_without_a_byte() -> None:
    """As seen of Core: the key that it had queued is dropped."""
    peer = CorePeer(node_facts(), CORE, client=None, now=START)
    peer.receive_data(b"\xf9\xbe\xb4\xd9" + VERSION[4:], now=START)
    assert (peer.end, peer.data_to_send()) == (End.CLOSE, b"")


def test_four_wrong_bytes_alone_are_answered_by_a_key() -> None:
    """As seen of Core: only then it is sure that this is no v1 of its chain."""
    peer = CorePeer(node_facts(), CORE, client=None, now=START)
    peer.receive_data(b"\xf9\xbe\xb4\xd9", now=START)
    assert peer.end is None
    assert len(peer.data_to_send()) >= 64


def test_core_serves_both_transports() -> None:
    session = v2_initiator()
    converse(session, script_of("core"))
    assert (session.is_complete, session.transport.name) == (True, "v2")
    assert session.handshake.peer_version is not None
    assert session.handshake.peer_version.services == 0xC09


@pytest.mark.parametrize("in_one_piece", [False, True])
@pytest.mark.parametrize("name", ["core", "v2-decoys", "v2-garbage-4095"])
def test_key_and_garbage_may_come_in_one_piece_or_in_two(name: str, in_one_piece: bool) -> None:
    """Older initiators send their garbage with their key; ours waits for the peer's."""
    garbage = b"garbage" * 10
    session = v2_initiator()
    script = script_of(name)
    key = session.data_to_send()
    assert len(key) == 64
    script.receive_data(key + garbage if in_one_piece else key, now=START)
    session.receive_data(script.data_to_send(), now=START)
    rest = session.data_to_send()
    assert rest.startswith(garbage)
    script.receive_data(rest[len(garbage) :] if in_one_piece else rest, now=START)
    session.receive_data(script.data_to_send(), now=START)
    assert session.is_complete
