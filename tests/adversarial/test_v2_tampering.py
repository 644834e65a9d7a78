"""One flipped bit anywhere in a v2 stream ends in failure, and never in a delivered message."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import (
    AuthenticationFailed,
    NoGarbageTerminator,
    PacketTooLarge,
    PeerError,
    SelfConnection,
)
from bitcoin_handshake.transport.v2 import V2Transport
from tests.v2_peers import ManualPeer, initiator, key_pair, responder

GARBAGE = b"garbage that is authenticated"
LIMIT = 2000
"""Longest contents that the receivers here accept, so that no flipped length can ask for more than
what follows in the stream."""

MESSAGES = [b"\0version\0\0\0\0\0" + bytes(30), b"\0verack\0\0\0\0\0\0", b"\x12nonce..."]


def receiver(*, initiating: bool) -> V2Transport:
    make = initiator if initiating else responder
    return make(max_packet_contents=LIMIT)


def build(*, initiating: bool) -> tuple[bytes, list[int], bytes]:
    """A whole stream to a receiver in that role.

    Returns:
        The stream to tamper with, the offsets at which each message's packet ends, and enough
        authentic packets behind it that every receiver which waits for more gets it.
    """
    peer = ManualPeer(initiating=not initiating, ours=key_pair(0 if initiating else 1)[1])
    stream = peer.key + GARBAGE + peer.terminator
    stream += peer.cipher.encrypt(b"decoy", aad=GARBAGE, ignore=True) + peer.cipher.encrypt(b"future")
    ends = []
    for contents in MESSAGES:
        stream += peer.cipher.encrypt(contents)
        ends.append(len(stream))
    tail = b"".join(peer.cipher.encrypt(bytes(100), ignore=True) for _ in range(60))
    return stream, ends, tail


def run(transport: V2Transport, stream: bytes) -> tuple[int, PeerError | None]:
    """How many messages came out, and what it ended with."""
    transport.receive_data(stream)
    count = 0
    try:
        while transport.next_message() is not None:
            count += 1
    except PeerError as error:
        return count, error
    return count, None


@pytest.mark.parametrize("initiating", [True, False])
def test_untouched_stream_delivers_everything(initiating: bool) -> None:
    stream, ends, tail = build(initiating=initiating)
    assert run(receiver(initiating=initiating), stream + tail) == (len(ends), None)


@pytest.mark.parametrize("initiating", [True, False])
def test_every_flipped_bit_ends_in_failure(initiating: bool) -> None:
    stream, ends, tail = build(initiating=initiating)
    seen: set[type[PeerError]] = set()
    for position in range(8 * len(stream)):
        spoiled = bytearray(stream + tail)
        spoiled[position // 8] ^= 1 << position % 8
        delivered, error = run(receiver(initiating=initiating), bytes(spoiled))
        before = sum(end <= position // 8 for end in ends)
        assert delivered == before, f"bit {position}"
        assert error is not None, f"bit {position}"
        seen.add(type(error))
    assert seen == {NoGarbageTerminator, AuthenticationFailed, PacketTooLarge}


@pytest.mark.parametrize("initiating", [True, False])
def test_flipped_garbage_fails_though_it_means_nothing(initiating: bool) -> None:
    stream, _, tail = build(initiating=initiating)
    for position in range(64, 64 + len(GARBAGE)):
        spoiled = bytearray(stream + tail)
        spoiled[position] ^= 0x10
        delivered, error = run(receiver(initiating=initiating), bytes(spoiled))
        assert delivered == 0
        assert isinstance(error, AuthenticationFailed)
        assert error.packet_index == 0


@pytest.mark.parametrize("initiating", [True, False])
def test_packets_cannot_be_dropped_repeated_or_swapped(initiating: bool) -> None:
    stream, ends, tail = build(initiating=initiating)
    first, second = stream[ends[0] : ends[1]], stream[ends[1] : ends[2]]
    head = stream[: ends[0]]
    for tampered in (head + second, head + first + first, head + second + first):
        delivered, error = run(receiver(initiating=initiating), tampered + tail)
        assert delivered == (2 if tampered.startswith(head + first) else 1)
        assert isinstance(error, (AuthenticationFailed, PacketTooLarge))


@pytest.mark.parametrize("initiating", [True, False])
def test_our_own_stream_sent_back_is_no_answer(initiating: bool) -> None:
    transport = receiver(initiating=initiating)
    if not initiating:
        transport.receive_data(b"\0")  # any byte but v1's first makes it speak
    echoed = transport.data_to_send()
    _, error = run(transport, echoed[0 if initiating else 1 :] + bytes(5000))
    assert isinstance(error, SelfConnection if initiating else NoGarbageTerminator)
