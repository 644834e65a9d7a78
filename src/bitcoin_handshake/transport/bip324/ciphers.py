"""The ciphers of BIP324: two rekeying wrappers and the pair that a session needs.

Owns packet encryption and the change of keys every REKEY_INTERVAL (224) packets in each
direction. Does not know garbage or messages. Importing it loads the library `cryptography`.

Sources: BIP324, "Symmetric encryption of a packet"; RFC 8439; Core's `bip324.cpp` and
`crypto/chacha20poly1305.cpp` (`FSChaCha20`, `FSChaCha20Poly1305`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from struct import Struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from bitcoin_handshake.errors import AuthenticationFailed, LocalProtocolError
from bitcoin_handshake.transport.bip324.keys import SessionKeys
from bitcoin_handshake.transport.bip324.packets import IGNORE_BIT, LENGTH_LEN

__all__ = ["REKEY_INTERVAL", "BIP324Cipher", "FSChaCha20", "FSChaCha20Poly1305"]

REKEY_INTERVAL = 224
"""Packets in one direction between two changes of keys."""

_MAX_CONTENTS_LEN = 2**24 - 1
_KEY_LEN = 32
_pack_nonce = Struct("<IQ").pack
_LAST_COUNTER = REKEY_INTERVAL - 1
# BIP324: the nonce of the packet that makes the next key has 0xffffffff for its counter.
_REKEY_COUNTER = 0xFFFFFFFF
# Block counter 0, then the four zero bytes that BIP324's nonce begins with.
_pack_stream_nonce = Struct("<8xQ").pack

_LENGTHS_LEN = REKEY_INTERVAL * LENGTH_LEN
_ZEROS = bytes(_LENGTHS_LEN + _KEY_LEN)

_PLAIN_HEADER = b"\x00"
_DECOY_HEADER = bytes((IGNORE_BIT,))


class FSChaCha20:
    """The length cipher: one running ChaCha20 key stream per epoch of REKEY_INTERVAL chunks.

    Args:
        key: 32 bytes.

    Attributes:
        next_mask: Returns what the next length is combined with by exclusive or, LENGTH_LEN (3)
            bytes little-endian as a number; call once per packet, in order.

    Spec:
        BIP324, "Rekeying wrappers: FSChaCha20Poly1305 and FSChaCha20".
    """

    __slots__ = ("next_mask",)

    def __init__(self, key: bytes) -> None:
        self.next_mask: Callable[[], int] = _masks(key).__next__

    def crypt(self, chunk: bytes | bytearray) -> bytes:
        """Encrypt or decrypt the next chunk; call once per chunk, in order.

        Args:
            chunk: The length field, LENGTH_LEN (3) bytes.

        Returns:
            As many bytes.
        """
        return (int.from_bytes(chunk, "little") ^ self.next_mask()).to_bytes(LENGTH_LEN, "little")


# The stream of an epoch in one call of the library takes 1.2 us; each of its 224 pieces by itself 0.5.
def _masks(key: bytes) -> Iterator[int]:
    for rekey_counter in count():
        cipher = Cipher(ChaCha20(key, _pack_stream_nonce(rekey_counter)), mode=None)
        stream = cipher.encryptor().update(_ZEROS)
        for start in range(0, _LENGTHS_LEN, LENGTH_LEN):
            yield int.from_bytes(stream[start : start + LENGTH_LEN], "little")
        key = stream[_LENGTHS_LEN:]


class FSChaCha20Poly1305:
    """The packet cipher: the AEAD of RFC 8439 with a counted nonce and a new key every epoch.

    Args:
        key: 32 bytes.

    Spec:
        BIP324, "Rekeying wrappers: FSChaCha20Poly1305 and FSChaCha20".
    """

    __slots__ = ("_aead", "_counter", "_rekey_counter")

    def __init__(self, key: bytes) -> None:
        self._aead = ChaCha20Poly1305(key)
        self._counter = 0
        self._rekey_counter = 0

    @property
    def packet_count(self) -> int:
        """Packets that this cipher has passed, decoys included."""
        return self._rekey_counter * REKEY_INTERVAL + self._counter

    def encrypt(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt the next packet.

        Returns:
            The ciphertext and the tag, TAG_LEN (16) bytes longer than `plaintext`.
        """
        counter = self._counter
        result = self._aead.encrypt(_pack_nonce(counter, self._rekey_counter), plaintext, aad)
        self._counter = counter + 1
        if counter == _LAST_COUNTER:
            self._rekey()
        return result

    def decrypt(self, ciphertext: bytes | bytearray | memoryview, aad: bytes) -> bytes:
        """Decrypt and authenticate the next packet.

        Args:
            ciphertext: The ciphertext and the tag, at least TAG_LEN (16) bytes.
            aad: What the sender authenticated along with it.

        Returns:
            The plaintext.

        Raises:
            AuthenticationFailed: The tag does not match. The cipher does not move on.
        """
        counter = self._counter
        try:
            result = self._aead.decrypt(_pack_nonce(counter, self._rekey_counter), ciphertext, aad)
        except InvalidTag:
            raise AuthenticationFailed(packet_index=self.packet_count) from None
        self._counter = counter + 1
        if counter == _LAST_COUNTER:
            self._rekey()
        return result

    def _rekey(self) -> None:
        nonce = _pack_nonce(_REKEY_COUNTER, self._rekey_counter)
        self._aead = ChaCha20Poly1305(self._aead.encrypt(nonce, bytes(_KEY_LEN), b"")[:_KEY_LEN])
        self._counter = 0
        self._rekey_counter += 1


class BIP324Cipher:
    """Packets in both directions of one session.

    Args:
        keys: The session's keys.
        initiating: Whether we are the initiator.

    Attributes:
        send_terminator: What ends our garbage, 16 bytes.
        receive_terminator: What ends the peer's garbage, 16 bytes.
        decrypt_packet: `decrypt` with `aad` by position, one call less on the way.

    Spec:
        BIP324, "Overall packet encryption and decryption pseudocode".
    """

    __slots__ = (
        "_encrypt_packet",
        "_next_receive_mask",
        "_next_send_mask",
        "_receive_packet",
        "_send_packet",
        "decrypt_packet",
        "receive_terminator",
        "send_terminator",
    )

    def __init__(self, keys: SessionKeys, *, initiating: bool) -> None:
        ours = (keys.initiator_l, keys.initiator_p, keys.initiator_terminator)
        theirs = (keys.responder_l, keys.responder_p, keys.responder_terminator)
        if not initiating:
            ours, theirs = theirs, ours
        self._next_send_mask = FSChaCha20(ours[0]).next_mask
        self._send_packet = FSChaCha20Poly1305(ours[1])
        self._encrypt_packet = self._send_packet.encrypt
        self.send_terminator = ours[2]
        self._next_receive_mask = FSChaCha20(theirs[0]).next_mask
        self._receive_packet = FSChaCha20Poly1305(theirs[1])
        self.decrypt_packet = self._receive_packet.decrypt
        self.receive_terminator = theirs[2]

    @property
    def packets_sent(self) -> int:
        """Packets encrypted, decoys and the version packet included."""
        return self._send_packet.packet_count

    @property
    def packets_received(self) -> int:
        """Packets decrypted and found authentic, decoys and the version packet included."""
        return self._receive_packet.packet_count

    def encrypt(self, contents: bytes, *, aad: bytes = b"", ignore: bool = False) -> bytes:
        """Encrypt the next packet of our direction.

        Args:
            contents: At most 2**24 - 1 bytes.
            aad: Our garbage for the first packet, else empty.
            ignore: Whether the packet is a decoy.

        Returns:
            The packet, EXPANSION (20) bytes longer than `contents`.

        Raises:
            LocalProtocolError: The contents are too long for the length field.
        """
        length = len(contents)
        if length > _MAX_CONTENTS_LEN:
            raise LocalProtocolError(f"{length} bytes do not fit into a v2 packet")
        masked = (length ^ self._next_send_mask()).to_bytes(LENGTH_LEN, "little")
        return masked + self._encrypt_packet((_DECOY_HEADER if ignore else _PLAIN_HEADER) + contents, aad)

    def decrypt_length(self, encrypted: bytes | bytearray) -> int:
        """Decrypt the length field of the peer's next packet.

        Advances the length cipher: call exactly once per packet, in order.

        Args:
            encrypted: The length field as received, LENGTH_LEN (3) bytes.

        Returns:
            Length of the packet's contents in bytes, 0 to 2**24 - 1. Header byte and tag are not
            counted. It is not authenticated before the packet is.
        """
        return int.from_bytes(encrypted, "little") ^ self._next_receive_mask()

    def decrypt(self, packet: bytes | bytearray | memoryview, *, aad: bytes = b"") -> bytes:
        """Decrypt and authenticate the peer's next packet.

        Args:
            packet: What follows the length field: contents + HEADER_LEN (1) + TAG_LEN (16) bytes.
            aad: The peer's garbage for its first packet, else empty.

        Returns:
            The header byte and the contents, in one piece so that nothing is copied.

        Raises:
            AuthenticationFailed: The tag does not match.
        """
        return self._receive_packet.decrypt(packet, aad)
