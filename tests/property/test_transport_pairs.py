"""Any two transports under a random interleaving, with claims that hold after every step.

The driver sends messages and carries any number of bytes in either direction, in any order. After
every step: what a side received is a prefix of what the other sent, every byte carried is either
consumed or buffered, phases only advance, and the two session ids are equal as soon as both exist.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.errors import BadMagic, Phase
from bitcoin_handshake.transport.base import Transport
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport
from tests.helpers import chunked
from tests.v2_peers import (
    MAGIC,
    ManualPeer,
    Message,
    failure,
    initiator,
    key_pair,
    messages,
    pump,
    responder,
)

PHASES: Final = [Phase.KEY, Phase.GARBAGE, Phase.VERSION_PACKET, None]

small_bytes = st.binary(max_size=60)
garbage = st.one_of(small_bytes, st.binary(min_size=4000, max_size=4095))
msg_types = st.sampled_from(["version", "verack", "ping", "addrv2", "feature", "unheard-of"])
sides = st.integers(0, 1)

send_step = st.tuples(st.just("send"), sides, msg_types, small_bytes)
carry_step = st.tuples(st.just("carry"), sides, st.integers(0, 200), st.just(b""))
steps = st.lists(st.one_of(send_step, carry_step), max_size=60)


class Wire:
    """Two transports, and what is on its way between them."""

    def __init__(self, first: Transport, second: Transport) -> None:
        self.ends = (first, second)
        self.on_the_way = [bytearray(), bytearray()]  # by sender
        self.carried = [0, 0]
        self.sent: list[list[Message]] = [[], []]
        self.received: list[list[Message]] = [[], []]
        self.phases = [first.phase, second.phase]

    def send(self, side: int, msg_type: str, payload: bytes) -> None:
        self.ends[side].send_message(msg_type, payload)
        self.sent[side].append((msg_type, payload))

    def carry(self, side: int, count: int) -> None:
        """Carry at most `count` bytes that `side` has sent."""
        self.on_the_way[side] += self.ends[side].data_to_send()
        data = bytes(self.on_the_way[side][:count])
        del self.on_the_way[side][:count]
        self.carried[side] += len(data)
        self.ends[1 - side].receive_data(data)
        self.received[1 - side] += messages(self.ends[1 - side])

    def settle(self) -> None:
        while any(self.on_the_way) or any(self._refill(side) for side in (0, 1)):
            for side in (0, 1):
                self.carry(side, 100_000)
                self.check()

    def _refill(self, side: int) -> bool:
        self.on_the_way[side] += self.ends[side].data_to_send()
        return bool(self.on_the_way[side])

    def check(self) -> None:
        for side in (0, 1):
            end, other = self.ends[side], 1 - side
            received = self.received[side]
            assert received == self.sent[other][: len(received)]
            assert end.consumed + end.buffered == self.carried[other]
            assert PHASES.index(end.phase) >= PHASES.index(self.phases[side])
            self.phases[side] = end.phase
            if received:
                assert end.phase is None
        ids = [end.session_id for end in self.ends if isinstance(end, V2Transport)]
        assert None in ids or len(set(ids)) <= 1


def drive(wire: Wire, script: list[tuple[str, int, object, bytes]]) -> None:
    """Run the script, then carry all that is left; everything sent must then have arrived."""
    for action, side, argument, payload in script:
        if action == "send":
            assert isinstance(argument, str)
            wire.send(side, argument, payload)
        else:
            assert isinstance(argument, int)
            wire.carry(side, argument)
        wire.check()
    wire.settle()
    assert wire.received[0] == wire.sent[1]
    assert wire.received[1] == wire.sent[0]
    assert [end.phase for end in wire.ends] == [None, None]


@given(
    script=steps,
    ours=garbage,
    theirs=garbage,
    decoys=st.lists(small_bytes, max_size=3).map(tuple),
    version_contents=small_bytes,
)
def test_v2_with_v2(
    script: list[tuple[str, int, object, bytes]],
    ours: bytes,
    theirs: bytes,
    decoys: tuple[bytes, ...],
    version_contents: bytes,
) -> None:
    a = initiator(garbage=ours, decoys=decoys)
    b = responder(garbage=theirs, version_contents=version_contents)
    drive(Wire(a, b), script)
    assert a.session_id == b.session_id is not None
    assert (a.garbage_received, b.garbage_received) == (len(theirs), len(ours))
    assert (a.decoys_received, b.decoys_received) == (0, len(decoys))
    assert (a.packets_sent, b.packets_sent) == (b.packets_received, a.packets_received)


@given(script=steps)
def test_v1_with_v1(script: list[tuple[str, int, object, bytes]]) -> None:
    drive(Wire(V1Transport(MAGIC), V1Transport(MAGIC)), script)


@given(script=steps)
def test_v1_to_a_v2_responder(script: list[tuple[str, int, object, bytes]]) -> None:
    wire = Wire(V1Transport(MAGIC), responder(garbage=b"never sent"))
    wire.phases[1] = Phase.KEY
    wire.send(0, "version", b"a v1 initiator speaks first")
    drive(wire, script)
    assert wire.ends[1].name == "v1"


@given(garbage=garbage, cuts=st.lists(st.integers(0, 4200), max_size=5))
def test_v2_to_a_v1_responder_gets_no_byte(garbage: bytes, cuts: list[int]) -> None:
    a, v1 = initiator(garbage=garbage), V1Transport(MAGIC)
    for piece in chunked(a.data_to_send(), cuts):
        v1.receive_data(piece)
    assert isinstance(failure(v1), BadMagic)
    assert v1.data_to_send() == b""
    assert (a.phase, a.consumed, a.buffered, failure(a)) == (Phase.KEY, 0, 0, None)


@pytest.mark.parametrize("initiating", [True, False])
@given(data=st.data())
def test_any_split_gives_the_same(initiating: bool, data: st.DataObject) -> None:
    """Same messages, same events, same output, same facts, whatever the segmentation."""
    peer = ManualPeer(initiating=not initiating, ours=key_pair(0 if initiating else 1)[1])
    stream = peer.opening(data.draw(small_bytes))
    for contents in data.draw(st.lists(st.binary(max_size=30), max_size=8)):
        stream += peer.cipher.encrypt(contents, ignore=data.draw(st.booleans()))
    flip = data.draw(st.none() | st.integers(0, 8 * len(stream) - 1))
    if flip is not None:
        spoiled = bytearray(stream)
        spoiled[flip // 8] ^= 1 << flip % 8
        stream = bytes(spoiled)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    make = initiator if initiating else responder
    assert outcome(make(), chunked(stream, cuts)) == outcome(make(), [stream])


def outcome(transport: V2Transport, pieces: list[bytes]) -> tuple[object, ...]:
    received: list[object] = []
    output = transport.data_to_send()
    error = None
    for piece in pieces:
        transport.receive_data(piece)
        output += transport.data_to_send()
        while error is None:
            try:
                message = transport.next_message()
            except Exception as caught:
                error = caught
                break
            if message is None:
                break
            received.append((message.msg_type, message.payload, message.anomaly))
    events = [repr(event) for event in iter(transport.next_transport_event, None)]
    state = (transport.phase, transport.consumed, transport.buffered, transport.session_id)
    counts = (transport.garbage_received, transport.decoys_received, transport.packets_received)
    return received, output, events, state, counts, type(error), str(error)


@given(text=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=10))
def test_any_bytes_end_in_nothing_or_a_documented_error(text: bytes, cuts: list[int]) -> None:
    for transport in (initiator(), responder(), responder(falls_back=False)):
        for piece in chunked(text, cuts):
            transport.receive_data(piece)
            failure(transport)
        assert transport.consumed + transport.buffered <= len(text)


@given(first=small_bytes, second=small_bytes)
def test_pumping_two_ends_connects_them(first: bytes, second: bytes) -> None:
    a, b = initiator(garbage=first), responder(garbage=second)
    pump(a, b)
    assert a.phase is b.phase is None
