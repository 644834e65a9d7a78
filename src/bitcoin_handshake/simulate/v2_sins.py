"""The peers that err in v2, below the messages: one generator of steps per sin.

Owns what they send in place of a key, garbage, terminator or packet, written by hand on BIP324's
ciphers, and `Listener`, which lets the same peers be healthy in v1. See `sins` for what the
generators are.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from bitcoin_handshake.conversation.steps import CLOSE, Delay, Send, Step, Steps
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.simulate.core import CORE, version_payload
from bitcoin_handshake.simulate.script import LIFETIME_S, End, NodeFacts, Peer, Script
from bitcoin_handshake.simulate.v2_form import key_pair, speaks_v1
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher, FSChaCha20
from bitcoin_handshake.transport.bip324.ellswift import ELLSWIFT_LEN
from bitcoin_handshake.transport.bip324.keys import derive_session_keys
from bitcoin_handshake.transport.bip324.packets import LENGTH_LEN, MAX_GARBAGE_LEN
from bitcoin_handshake.transport.v2 import MAX_CONTENTS_LEN

__all__ = [
    "Listener",
    "close_after_key",
    "drip_key",
    "flipped_length",
    "no_terminator",
    "too_large_packet",
    "too_much_garbage",
    "v1_after_key",
    "wrong_tag",
]

GARBAGE_LEN = 100
ENDLESS_GARBAGE_LEN = 8000


class _Line:
    """The keys of one connection, once the client's key has come."""

    def __init__(self, peer: Peer, theirs: bytes) -> None:
        self.private_key, self.key = key_pair(peer.node)
        secret = ellswift.xdh(self.key, theirs, self.private_key, initiating=False)
        self.keys = derive_session_keys(secret, peer.node.params.magic)
        self.cipher = BIP324Cipher(self.keys, initiating=False)
        self.garbage = peer.node.random.randbytes(GARBAGE_LEN)

    @property
    def opening(self) -> bytes:
        """Key, garbage and terminator."""
        return self.key + self.garbage + self.cipher.send_terminator

    def version_packet(self) -> bytes:
        """The packet that comes next."""
        return self.cipher.encrypt(b"", aad=self.garbage)


def _meet(peer: Peer) -> Generator[Step, None, _Line]:
    """Wait for the client's key."""
    data = b""
    while len(data) < ELLSWIFT_LEN:
        data += yield from peer.data()
    return _Line(peer, data[:ELLSWIFT_LEN])


def too_much_garbage(peer: Peer) -> Steps:
    """Send 4096 bytes of garbage, one more than is allowed, and all the rest as it should be."""
    line = yield from _meet(peer)
    line.garbage = peer.node.random.randbytes(MAX_GARBAGE_LEN + 1)
    yield Send(line.opening + line.version_packet())


def no_terminator(peer: Peer) -> Steps:
    """Send garbage and never its end."""
    line = yield from _meet(peer)
    yield Send(line.key + peer.node.random.randbytes(ENDLESS_GARBAGE_LEN))


def wrong_tag(peer: Peer) -> Steps:
    """Send a version packet whose tag does not match."""
    line = yield from _meet(peer)
    packet = line.version_packet()
    yield Send(line.opening + packet[:-1] + bytes((packet[-1] ^ 1,)))


def flipped_length(peer: Peer) -> Steps:
    """Send a version packet with a bit of its length flipped, and a decoy behind it."""
    line = yield from _meet(peer)
    packet = line.version_packet()
    decoy = line.cipher.encrypt(bytes(GARBAGE_LEN), ignore=True)
    yield Send(line.opening + bytes((packet[0] ^ 1,)) + packet[1:] + decoy)


def too_large_packet(peer: Peer) -> Steps:
    """Announce a packet one byte longer than the longest message."""
    line = yield from _meet(peer)
    length = (MAX_CONTENTS_LEN + 1).to_bytes(LENGTH_LEN, "little")
    yield Send(line.opening + FSChaCha20(line.keys.responder_l).crypt(length))


def v1_after_key(peer: Peer) -> Steps:
    """Send a key, then a `version` in v1."""
    line = yield from _meet(peer)
    payload = version_payload(peer.node, CORE, nonce=peer.node.random.getrandbits(64))
    yield Send(line.key + peer.frame(MsgType.VERSION.value, payload))


def drip_key(peer: Peer) -> Steps:
    """Send a key one byte at a time."""
    line = yield from _meet(peer)
    for byte in line.key:
        yield Send(bytes((byte,)))
        yield Delay(peer.node.drip_s)


def close_after_key(peer: Peer) -> Steps:
    """Send a key, and close."""
    line = yield from _meet(peer)
    yield Send(line.key)
    yield CLOSE


class Listener:
    """A script that the client's first bytes choose: one for v1, one for everything else.

    Args:
        node: The node that the client connected to.
        v1: Makes the script for a client of v1, of a monotonic time.
        v2: Makes the other one.
        now: Time of the connection, monotonic seconds.
    """

    __slots__ = ("_head", "_node", "_script", "_until", "_v1", "_v2", "end")

    def __init__(
        self,
        node: NodeFacts,
        v1: Callable[[float], Script],
        v2: Callable[[float], Script],
        *,
        now: float,
    ) -> None:
        self._node = node
        self._v1 = v1
        self._v2 = v2
        self._head = b""
        self._script: Script | None = None
        self._until = now + LIFETIME_S
        self.end: End | None = None

    @property
    def deadline(self) -> float | None:
        """That of the script, once there is one."""
        return self._until if self._script is None else self._script.deadline

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes from the client, in any segmentation. Never raises."""
        if self._script is None:
            data = self._head + data
            is_v1 = speaks_v1(self._node.params.magic, data)
            if is_v1 is None:
                self._head = data
                return
            self._script = (self._v1 if is_v1 else self._v2)(now)
        self._script.receive_data(data, now=now)
        self.end = self._script.end

    def receive_eof(self, *, now: float) -> None:
        """The client closed its side: so do we."""
        if self._script is not None:
            self._script.receive_eof(now=now)
        self.end = End.CLOSE

    def handle_timeout(self, *, now: float) -> None:
        """The deadline has passed."""
        if self._script is None:
            self.end = End.CLOSE
        else:
            self._script.handle_timeout(now=now)
            self.end = self._script.end

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none."""
        return b"" if self._script is None else self._script.data_to_send()
