"""What the two v2 targets share: turning a fuzzer's bytes into streams that get deep.

Random bytes never pass an authenticated cipher, so a target that only fed them would stop at the
garbage. The first byte chooses how the rest is used: raw, as what a peer with real keys says
(packets, decoys, garbage, in an order that the input decides), or as damage done to such a stream.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher
from bitcoin_handshake.transport.bip324.keys import derive_session_keys
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport

__all__ = ["one_input"]

MAGIC = bytes.fromhex("f9beb4d9")
MAX_PACKET_CONTENTS = 1000
MAX_HELD = MAX_PACKET_CONTENTS + 20

_OUR_PRIVATE_KEY = b"\x11" * 32
_PEER_PRIVATE_KEY = b"\x22" * 32
_OURS = ellswift.create(_OUR_PRIVATE_KEY, bytes(32))
_PEERS = ellswift.create(_PEER_PRIVATE_KEY, bytes(32))
_KEYS = {
    initiating: derive_session_keys(
        ellswift.xdh(_PEERS, _OURS, _PEER_PRIVATE_KEY, initiating=not initiating), MAGIC
    )
    for initiating in (True, False)
}


def one_input(data: bytes, *, initiating: bool) -> None:
    """Feed one input to a transport in the given role; anything but a PeerError is a finding."""
    mode, step, rest = (*data[:2], *bytes(2 - len(data[:2])), data[2:])
    stream = rest
    if mode % 4:
        stream = b"".join(_conversation(rest, initiating=initiating))
    if mode % 4 == 2 and stream:
        spoiled = bytearray(stream)
        spoiled[int.from_bytes(rest[:2], "little") % len(stream)] ^= mode >> 2 | 1
        stream = bytes(spoiled)
    transport = V2Transport(
        magic=MAGIC,
        initiating=initiating,
        keys=(_OUR_PRIVATE_KEY, _OURS),
        garbage=rest[:5],
        max_kept_payload=100,
        max_packet_contents=MAX_PACKET_CONTENTS,
        v1_factory=lambda: V1Transport(MAGIC, max_kept_payload=100),
    )
    _feed(transport, stream, step or 256)


def _conversation(script: bytes, *, initiating: bool) -> Iterator[bytes]:
    """What a peer with real keys says; each part of the script is a kind, a length and contents."""
    cipher = BIP324Cipher(_KEYS[initiating], initiating=not initiating)
    garbage = script[: script[0] % 64] if script else b""
    yield _PEERS + garbage + cipher.send_terminator
    aad, pos = garbage, len(garbage)
    while pos + 2 <= len(script):
        kind, length = script[pos], script[pos + 1]
        contents = script[pos + 2 : pos + 2 + length]
        pos += 2 + length
        if kind == 0xFF:
            yield contents  # not a packet at all
            continue
        yield cipher.encrypt(contents * (kind >> 4), aad=aad, ignore=bool(kind & 1))
        aad = b""


def _feed(transport: V2Transport, stream: bytes, step: int) -> None:
    error: PeerError | None = None
    delivered = 0
    for start in range(0, len(stream), step):
        transport.receive_data(stream[start : start + step])
        transport.data_to_send()
        failed_before = error
        try:
            while (message := transport.next_message()) is not None:
                assert message.payload is None or len(message.payload) == message.size <= 100
                assert message.msg_type.isascii()
                delivered += 1
        except PeerError as caught:
            error = caught
        assert failed_before is None or error is failed_before, "a failure is final"
        assert transport.buffered <= max(4111, MAX_HELD) + 64
        assert transport.consumed + transport.buffered <= start + step
    assert not delivered or transport.name == "v1" or transport.version_contents_received is not None
