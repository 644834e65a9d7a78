"""The packet ciphers against BIP324's vectors, across changes of keys, and against tampering."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from bitcoin_handshake.errors import AuthenticationFailed, LocalProtocolError
from bitcoin_handshake.transport.bip324.ciphers import (
    REKEY_INTERVAL,
    BIP324Cipher,
    FSChaCha20,
    FSChaCha20Poly1305,
)
from bitcoin_handshake.transport.bip324.keys import derive_session_keys
from bitcoin_handshake.transport.bip324.packets import EXPANSION, IGNORE_BIT, LENGTH_LEN
from tests.v2_peers import MAGIC, PacketVector, packet_vectors

SHORT_ROWS, LONG_ROWS = range(5), range(5, 7)


def pair(seed: int = 0) -> tuple[BIP324Cipher, BIP324Cipher]:
    keys = derive_session_keys(bytes([seed]) * 32, MAGIC)
    return BIP324Cipher(keys, initiating=True), BIP324Cipher(keys, initiating=False)


def check(vector: PacketVector) -> None:
    """Encrypt the row's packet at its index, and let the other side read the whole stream."""
    cipher = BIP324Cipher(vector.keys, initiating=vector.initiating)
    other = BIP324Cipher(vector.keys, initiating=not vector.initiating)
    for _ in range(vector.index):
        filler = cipher.encrypt(b"")
        assert other.decrypt_length(filler[:LENGTH_LEN]) == 0
        assert other.decrypt(filler[LENGTH_LEN:]) == b"\0"
    packet = cipher.encrypt(vector.contents, aad=vector.aad, ignore=vector.ignore)
    assert len(packet) == len(vector.contents) + EXPANSION
    assert packet.endswith(vector.ciphertext_end)
    assert packet == vector.ciphertext or not vector.ciphertext
    assert other.decrypt_length(packet[:LENGTH_LEN]) == len(vector.contents)
    header = IGNORE_BIT if vector.ignore else 0
    assert other.decrypt(packet[LENGTH_LEN:], aad=vector.aad) == bytes((header,)) + vector.contents
    assert cipher.packets_sent == other.packets_received == vector.index + 1


@pytest.mark.parametrize("row", SHORT_ROWS)
def test_encrypts_and_decrypts_the_packet_vector(row: int) -> None:
    vector = packet_vectors()[row]
    assert vector.ciphertext or vector.ciphertext_end
    check(vector)


@pytest.mark.slow
@pytest.mark.parametrize("row", LONG_ROWS)
def test_encrypts_and_decrypts_the_packet_vector_of_megabytes(row: int) -> None:
    vector = packet_vectors()[row]
    assert len(vector.contents) > 4_000_000
    check(vector)


def test_terminators_of_a_vector_belong_to_their_sides() -> None:
    for vector in packet_vectors():
        cipher = BIP324Cipher(vector.keys, initiating=vector.initiating)
        other = BIP324Cipher(vector.keys, initiating=not vector.initiating)
        assert cipher.send_terminator == other.receive_terminator != cipher.receive_terminator
        assert other.send_terminator == cipher.receive_terminator


def test_length_cipher_is_one_stream_that_changes_its_key_after_224_chunks() -> None:
    zeros = bytes(LENGTH_LEN)
    cipher = FSChaCha20(b"\7" * 32)
    stream = [cipher.crypt(zeros) for _ in range(REKEY_INTERVAL)]
    library = Cipher(ChaCha20(b"\7" * 32, bytes(16)), mode=None).encryptor()
    whole = library.update(bytes(LENGTH_LEN * REKEY_INTERVAL + 32))
    assert b"".join(stream) == whole[:-32]
    # The next epoch runs under the key that followed in the stream, with the counter in its nonce.
    second = cipher.crypt(zeros)
    nonce = bytes(8) + (1).to_bytes(8, "little")
    assert second == Cipher(ChaCha20(whole[-32:], nonce), mode=None).encryptor().update(zeros)
    assert second != whole[-32:][:LENGTH_LEN]
    restarted = FSChaCha20(whole[-32:])
    assert restarted.crypt(zeros) != second
    mirror = FSChaCha20(b"\7" * 32)
    assert [mirror.crypt(chunk) for chunk in stream] == [zeros] * REKEY_INTERVAL
    assert mirror.crypt(second) == zeros


def test_rfc_8439_nonce_layout_is_counter_then_epoch() -> None:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    key = b"\x11" * 32
    cipher = FSChaCha20Poly1305(key)
    for counter in range(3):
        nonce = counter.to_bytes(4, "little") + bytes(8)
        assert cipher.encrypt(b"x", b"aad") == ChaCha20Poly1305(key).encrypt(nonce, b"x", b"aad")
    for _ in range(3, REKEY_INTERVAL):
        cipher.encrypt(b"", b"")
    next_key = ChaCha20Poly1305(key).encrypt(b"\xff" * 4 + bytes(8), bytes(32), b"")[:32]
    nonce = bytes(4) + (1).to_bytes(8, "little")
    assert cipher.encrypt(b"x", b"") == ChaCha20Poly1305(next_key).encrypt(nonce, b"x", b"")


def test_directions_and_epochs_are_independent() -> None:
    a, b = pair()
    for number in range(2 * REKEY_INTERVAL + 3):
        packet = a.encrypt(bytes([number % 256]), ignore=number % 2 == 1)
        assert b.decrypt_length(packet[:LENGTH_LEN]) == 1
        assert b.decrypt(packet[LENGTH_LEN:])[1:] == bytes([number % 256])
    answer = b.encrypt(b"answer")
    assert a.decrypt_length(answer[:LENGTH_LEN]) == 6
    assert a.decrypt(answer[LENGTH_LEN:]) == b"\0answer"
    assert (a.packets_sent, a.packets_received) == (2 * REKEY_INTERVAL + 3, 1)
    assert (b.packets_sent, b.packets_received) == (1, 2 * REKEY_INTERVAL + 3)


def test_same_contents_never_look_the_same() -> None:
    a, _ = pair()
    assert len({a.encrypt(b"same") for _ in range(2 * REKEY_INTERVAL)}) == 2 * REKEY_INTERVAL


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda packet, aad: (packet[:-1] + bytes([packet[-1] ^ 1]), aad), id="tag"),
        pytest.param(lambda packet, aad: (bytes([packet[0] ^ 0x80]) + packet[1:], aad), id="header"),
        pytest.param(lambda packet, aad: (packet, aad + b"x"), id="aad"),
        pytest.param(lambda packet, aad: (packet[:-1], aad), id="cut"),
        pytest.param(lambda packet, aad: (packet[-16:], aad), id="tag only"),
    ],
)
def test_tampering_fails_and_names_the_packet(spoil) -> None:  # type: ignore[no-untyped-def]
    a, b = pair()
    b.decrypt(a.encrypt(b"first")[LENGTH_LEN:])
    packet, aad = spoil(a.encrypt(b"second", aad=b"aad")[LENGTH_LEN:], b"aad")
    with pytest.raises(AuthenticationFailed) as caught:
        b.decrypt(packet, aad=aad)
    assert caught.value.packet_index == 1
    assert b.packets_received == 1


def test_contents_beyond_the_length_field_are_a_bug_of_ours() -> None:
    a, _ = pair()
    assert len(a.encrypt(bytes(2**24 - 1))) == 2**24 - 1 + EXPANSION
    with pytest.raises(LocalProtocolError):
        a.encrypt(bytes(2**24))
