"""The buffer that cuts a received stream: bounds, resumed searches, memory given back."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import AuthenticationFailed, NoGarbageTerminator, PacketTooLarge
from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher
from bitcoin_handshake.transport.bip324.keys import derive_session_keys
from bitcoin_handshake.transport.bip324.packets import EXPANSION, MAX_GARBAGE_LEN, PacketBuffer
from tests.v2_peers import MAGIC

TERMINATOR = bytes(range(100, 116))


def ciphers() -> tuple[BIP324Cipher, BIP324Cipher]:
    keys = derive_session_keys(bytes(32), MAGIC)
    return BIP324Cipher(keys, initiating=True), BIP324Cipher(keys, initiating=False)


def test_peek_keeps_and_take_uses_up() -> None:
    buffer = PacketBuffer(100)
    buffer.feed(b"abcdef")
    assert buffer.peek(4) == b"abcd"
    assert (len(buffer), buffer.consumed) == (6, 0)
    assert buffer.take(4) == b"abcd"
    assert (len(buffer), buffer.consumed) == (2, 4)
    assert buffer.peek(4) == b"ef"
    buffer.clear()
    assert (len(buffer), buffer.consumed) == (0, 4)


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, MAX_GARBAGE_LEN])
@pytest.mark.parametrize("step", [1, 7, 5000])
def test_finds_the_terminator_in_any_cut(length: int, step: int) -> None:
    buffer = PacketBuffer(100)
    stream = b"k" * 3 + bytes(length) + TERMINATOR + b"rest"
    found = None
    buffer.feed(stream[:3])
    buffer.take(3)
    for start in range(3, len(stream), step):
        buffer.feed(stream[start : start + step])
        if found is None:
            found = buffer.take_garbage(TERMINATOR)
    assert found == length
    assert buffer.peek(10) == b"rest"
    assert buffer.consumed == len(stream) - 4


def test_gives_up_after_4111_bytes_and_not_before() -> None:
    buffer = PacketBuffer(100)
    buffer.feed(bytes(MAX_GARBAGE_LEN + 15))
    assert buffer.take_garbage(TERMINATOR) is None
    buffer.feed(b"\0")
    with pytest.raises(NoGarbageTerminator) as caught:
        buffer.take_garbage(TERMINATOR)
    assert caught.value.received == buffer.consumed == 4111


def test_terminator_behind_too_much_garbage_is_not_looked_for() -> None:
    buffer = PacketBuffer(100)
    buffer.feed(bytes(MAX_GARBAGE_LEN + 1) + TERMINATOR)
    with pytest.raises(NoGarbageTerminator):
        buffer.take_garbage(TERMINATOR)


def test_search_resumes_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    class Spy(bytearray):
        def find(self, what, start=None, end=None):  # type: ignore[no-untyped-def]
            looked_at.append(len(self) - start)
            return super().find(what, start, end)

    buffer = PacketBuffer(100)
    monkeypatch.setattr(buffer, "_data", Spy(b"x"))
    for _ in range(1000):
        buffer.feed(b"x")
        assert buffer.take_garbage(TERMINATOR) is None
    assert max(looked_at) <= 16


def test_garbage_authenticates_the_first_packet_only() -> None:
    sender, receiver = ciphers()
    buffer = PacketBuffer(100)
    buffer.feed(b"garbage" + TERMINATOR)
    buffer.feed(sender.encrypt(b"decoy", aad=b"garbage", ignore=True) + sender.encrypt(b"second"))
    assert buffer.take_garbage(TERMINATOR) == 7
    assert buffer.next_packet(receiver) == b"\x80decoy"
    assert buffer.next_packet(receiver) == b"\0second"
    assert buffer.next_packet(receiver) is None


@pytest.mark.parametrize("size", [0, 1, 100, 16 * 1024 - EXPANSION, 16 * 1024, 50_000])
def test_packets_come_out_whole_in_any_cut(size: int) -> None:
    sender, receiver = ciphers()
    buffer = PacketBuffer(50_000)
    contents = bytes(size)
    stream = sender.encrypt(contents) + sender.encrypt(b"next")
    plaintexts = []
    for start in range(0, len(stream), 701):
        buffer.feed(stream[start : start + 701])
        while (plaintext := buffer.next_packet(receiver)) is not None:
            plaintexts.append(plaintext)
    assert plaintexts == [b"\0" + contents, b"\0next"]
    assert (len(buffer), buffer.consumed) == (0, len(stream))


def test_length_over_the_limit_fails_before_the_packet_arrives() -> None:
    sender, receiver = ciphers()
    buffer = PacketBuffer(10)
    buffer.feed(sender.encrypt(bytes(10)))
    assert buffer.next_packet(receiver) == bytes(11)
    buffer.feed(sender.encrypt(bytes(11))[:2])
    assert buffer.next_packet(receiver) is None
    buffer.clear()
    sender, receiver = ciphers()
    buffer = PacketBuffer(10)
    buffer.feed(sender.encrypt(bytes(11))[:3])
    with pytest.raises(PacketTooLarge) as caught:
        buffer.next_packet(receiver)
    assert (caught.value.length, caught.value.limit, buffer.consumed) == (11, 10, 3)


@pytest.mark.parametrize("size", [5, 40_000])
def test_bad_tag_counts_the_whole_packet_and_lets_the_buffer_go(size: int) -> None:
    sender, receiver = ciphers()
    buffer = PacketBuffer(50_000)
    packet = bytearray(sender.encrypt(bytes(size)))
    packet[-1] ^= 1
    buffer.feed(bytes(packet) + b"behind")
    with pytest.raises(AuthenticationFailed) as caught:
        buffer.next_packet(receiver)
    assert buffer.consumed == len(packet)
    # The exception holds on to frames; the buffer must be free of views of it all the same.
    buffer.clear()
    buffer.feed(b"x")
    assert caught.value.__traceback__ is not None
