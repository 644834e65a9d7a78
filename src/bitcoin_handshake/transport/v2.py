"""The v2 transport: BIP324, encrypted, in both roles.

Owns the order of things on the wire: keys, garbage, terminators, decoys, the version packet, and
from then on messages. Does not know what a message means; the arithmetic is in `bip324`.

Rules, as BIP324 and Core's `V2Transport` in `net.cpp` have them:

* The responder compares what arrives with `magic || "version" || 5 NUL`, 16 bytes, one at a time.
  All equal: the peer speaks v1. The first difference: it speaks v2, and our key goes out.
* The initiator sends its 64-byte key alone. Its garbage follows with the terminator, once the
  responder's key has arrived: BIP324 does not order it otherwise, and a peer that speaks v1 only
  gets no more than these 64 bytes (bcoin counts ban points for every 24 bytes that are no header).
* The responder sends its key and its garbage together, as Core does.
* Each side that holds the peer's key sends its terminator, its decoys, its version packet, and need
  not wait before messages follow.
* The peer's garbage ends where its terminator is found, MAX_GARBAGE_LEN (4095) bytes at most.
* The first packet behind the terminator, decoy or not, is authenticated over the garbage.
* The first packet that is no decoy is the version packet; its contents are ignored.
* A packet that fails authentication, or is longer than the longest message, kills the stream.
* A message whose type cannot be read costs only itself.

States of receiving (Core's `RecvState`; APP_READY has no counterpart, for a decrypted packet is
returned at once):

    responder: KEY_MAYBE_V1 --- 16 bytes of v1 ---> V1
                    |
                difference
                    v
    initiator: --> KEY --> GARB_GARBTERM --> VERSION --> APP

Nothing is delivered before APP: what a peer sends before its version packet is authentic, flipped
bits in its garbage included, ends in an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from bitcoin_handshake.chain import KNOWN_MAGICS
from bitcoin_handshake.errors import (
    AnomalyCode,
    BadMagic,
    EnvironmentFailure,
    LocalProtocolError,
    LooksLikeV1,
    OtherChain,
    PeerError,
    Phase,
    SelfConnection,
)
from bitcoin_handshake.protocol import MAGIC_LEN, MAX_PROTOCOL_MESSAGE_LENGTH, MsgType
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD, ReceivedMessage, Transport
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.ellswift import ELLSWIFT_LEN, PRIVATE_KEY_LEN
from bitcoin_handshake.transport.bip324.keys import SessionId, derive_session_keys
from bitcoin_handshake.transport.bip324.packets import (
    HEADER_LEN,
    IGNORE_BIT,
    MAX_GARBAGE_LEN,
    PacketBuffer,
)
from bitcoin_handshake.transport.bip324.short_ids import (
    LONG_FORM_LEN,
    deserialize_msg_type,
    serialize_msg_type,
)
from bitcoin_handshake.transport.events import MAX_TRANSPORT_EVENTS, TransportEvent, TransportEventKind
from bitcoin_handshake.transport.foreign import (
    FOREIGN_HEAD_LEN,
    PEEK_LEN,
    V1_VERSION_TYPE,
    foreign_answer,
    foreign_at_end,
)

if TYPE_CHECKING:
    from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher

__all__ = ["MAX_CONTENTS_LEN", "V1_PREFIX_LEN", "RecvState", "V2Transport", "check_available"]

MAX_CONTENTS_LEN = LONG_FORM_LEN + MAX_PROTOCOL_MESSAGE_LENGTH
"""Upper limit of a packet's contents in bytes: 4,000,013 (Core, `V2Transport`)."""
V1_PREFIX_LEN = FOREIGN_HEAD_LEN
"""Bytes that tell v1 from v2: the magic and `version` with its five NULs (Core)."""


def check_available() -> None:
    """Load the two libraries that v2 needs, which otherwise load at the first connection.

    Raises:
        EnvironmentFailure: One of them does not load.
    """
    ellswift.check_available()
    try:
        _cipher_type()
    except ImportError as error:
        raise EnvironmentFailure(
            f"the v2 transport needs the package cryptography, which does not load: {error}"
        ) from error


class RecvState(Enum):
    """What the receiving side waits for."""

    KEY_MAYBE_V1 = "key_maybe_v1"  # responder: ends with the first byte that is not v1's, or with 16 that are
    KEY = "key"  # the peer's 64-byte key; aborted by a v1 `version` header in its place
    GARB_GARBTERM = "garb_garbterm"  # garbage and terminator; aborted after 4111 bytes without one
    VERSION = "version"  # decoys, then the version packet; aborted by a bad tag or an excessive length
    APP = "app"  # messages and decoys; aborted likewise
    V1 = "v1"  # responder: the peer speaks v1, a v1 transport has taken over


# Access by way of the class takes 0.12 us on Python 3.11, a global 0.01.
_KEY_MAYBE_V1, _KEY, _GARB_GARBTERM = RecvState.KEY_MAYBE_V1, RecvState.KEY, RecvState.GARB_GARBTERM
_VERSION, _APP = RecvState.VERSION, RecvState.APP


class V2Transport:
    """One end of a v2 connection; see `transport.base.Transport` for the interface.

    Everything random is an argument. An error that `next_message` has raised it raises again, and
    bytes that arrive after it are dropped.

    Args:
        magic: MAGIC_LEN (4) bytes in wire order.
        initiating: Whether we opened the connection.
        keys: A private key of 32 bytes and its encoding of 64 (`bip324.ellswift.create`).
        garbage: 0 to MAX_GARBAGE_LEN (4095) bytes to send after our key.
        decoys: Contents of decoy packets to send before the version packet.
        version_contents: Contents of our version packet; peers ignore them.
        max_kept_payload: Payloads over this many bytes are authenticated and counted, not kept.
        max_packet_contents: Longest packet accepted, in bytes of contents. A packet is held whole
            until its tag is checked, so that this and EXPANSION (20) is what a peer can make us
            hold.
        v1_factory: Makes what a responder becomes when its peer speaks v1; without it such a peer
            is an error.
        trace: Whether to keep events for `next_transport_event`.

    Attributes:
        name: `v2`; `v1` once a responder has turned into that.
        phase: What is still awaited, or None once messages can flow.
        recv_state: The state of receiving.
        session_id: 32 bytes once the peer's key is there, else None. It proves nothing before
            `phase` is None.
        garbage_received: Length of the peer's garbage, or None before its terminator is found.
        decoys_received: Authentic decoys so far, before and after the version packet.
        version_contents_received: Length of the contents of the peer's version packet, or None.

    Raises:
        LocalProtocolError: A length is wrong.
    """

    __slots__ = (
        "_buffer",
        "_cipher",
        "_decoys",
        "_ellswift",
        "_error",
        "_events",
        "_garbage",
        "_initiating",
        "_magic",
        "_max_kept_payload",
        "_outgoing",
        "_pending",
        "_private_key",
        "_v1",
        "_v1_factory",
        "_version_contents",
        "decoys_received",
        "garbage_received",
        "name",
        "phase",
        "recv_state",
        "session_id",
        "version_contents_received",
    )

    def __init__(
        self,
        *,
        magic: bytes,
        initiating: bool,
        keys: tuple[bytes, bytes],
        garbage: bytes,
        decoys: Sequence[bytes] = (),
        version_contents: bytes = b"",
        max_kept_payload: int = MAX_KEPT_PAYLOAD,
        max_packet_contents: int = MAX_CONTENTS_LEN,
        v1_factory: Callable[[], Transport] | None = None,
        trace: bool = False,
    ) -> None:
        private_key, encoded = keys
        if len(magic) != MAGIC_LEN or len(private_key) != PRIVATE_KEY_LEN or len(encoded) != ELLSWIFT_LEN:
            raise LocalProtocolError("magic, private key and encoding are 4, 32 and 64 bytes")
        if len(garbage) > MAX_GARBAGE_LEN:
            raise LocalProtocolError(f"{len(garbage)} bytes of garbage, {MAX_GARBAGE_LEN} are allowed")
        self._magic = magic
        self._initiating = initiating
        self._private_key = private_key
        self._ellswift = encoded
        self._garbage = garbage
        self._decoys = decoys
        self._version_contents = version_contents
        self._max_kept_payload = max_kept_payload
        self._v1_factory = v1_factory
        self._v1: Transport | None = None
        self._cipher: BIP324Cipher | None = None
        self._buffer = PacketBuffer(max_packet_contents)
        self._outgoing: list[bytes] = []
        self._pending: list[tuple[str, bytes]] = []
        self._events: list[TransportEvent] | None = [] if trace else None
        self._error: PeerError | None = None
        self.name = "v2"
        self.phase: Phase | None = Phase.KEY
        self.session_id: SessionId | None = None
        self.garbage_received: int | None = None
        self.decoys_received = 0
        self.version_contents_received: int | None = None
        self.recv_state = _KEY if initiating else _KEY_MAYBE_V1
        if initiating:
            self._send_key()

    @property
    def key_received(self) -> bool:
        """Whether the peer's 64 bytes are complete."""
        return self._cipher is not None

    @property
    def packets_sent(self) -> int:
        """Packets made for sending, decoys and the version packet included."""
        return self._cipher.packets_sent if self._cipher is not None else 0

    @property
    def packets_received(self) -> int:
        """Authentic packets received, decoys and the version packet included."""
        return self._cipher.packets_received if self._cipher is not None else 0

    @property
    def consumed(self) -> int:
        """Bytes received and used, as `Transport` says."""
        return self._v1.consumed if self._v1 is not None else self._buffer.consumed

    @property
    def buffered(self) -> int:
        """Bytes held now, waiting for more."""
        return self._v1.buffered if self._v1 is not None else len(self._buffer)

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the peer, in any segmentation, and answer its part of the handshake."""
        if self._v1 is not None:
            self._v1.receive_data(data)
            return
        if self._error is not None:
            return
        self._buffer.feed(data)
        if self.recv_state is _APP:
            return
        try:
            while self._continue_handshake():
                pass
        except PeerError as error:
            self._fail(error)

    def next_message(self) -> ReceivedMessage | None:
        """Return the next whole message, or None where more bytes are needed.

        Raises:
            LooksLikeV1: The peer sent a v1 header instead of a key.
            BadMagic: The same, to a responder, with a magic that is not ours; to an initiator, a
                subclass that says which other protocol the peer speaks.
            SelfConnection: The peer sent our own key back.
            NoGarbageTerminator: 4111 bytes behind the key hold no terminator.
            PacketTooLarge: A packet is longer than `max_packet_contents`.
            AuthenticationFailed: A packet's tag does not match.
        """
        if self._v1 is not None:
            return self._v1.next_message()
        if self._error is not None:
            raise self._error.with_traceback(None)
        cipher = self._cipher
        if self.recv_state is not _APP or cipher is None:
            return None
        try:
            while (plaintext := self._buffer.next_packet(cipher)) is not None:
                if not plaintext[0] & IGNORE_BIT:
                    return self._deliver(plaintext)
                self._count_decoy(plaintext)
        except PeerError as error:
            self._fail(error)
            raise
        self._buffer.drop_used()
        return None

    def foreign_at_end(self) -> BadMagic | None:
        """Name the service that spoke where a key should have been; None where nothing says so."""
        if self.recv_state is not _KEY or not self._initiating:
            return None
        error = foreign_at_end(self._buffer.peek(PEEK_LEN), self._magic)
        if error is not None:
            self._buffer.take(len(self._buffer))
            self._fail(error)
        return error

    def next_transport_event(self) -> TransportEvent | None:
        """Return the next of what happened below the messages, or None.

        Without `trace` there is never any. A message is preceded by what came before it. Only the
        first MAX_TRANSPORT_EVENTS (1000) are kept for a caller that does not fetch them.
        """
        return self._events.pop(0) if self._events else None

    def send_message(self, msg_type: str, payload: bytes) -> None:
        """Queue a message; before the peer's key has arrived it is kept until then.

        Raises:
            LocalProtocolError: `msg_type` is none, or the message does not fit into a packet.
        """
        if self._v1 is not None:
            self._v1.send_message(msg_type, payload)
            return
        prefix = serialize_msg_type(msg_type)
        cipher = self._cipher
        if cipher is not None:
            self._outgoing.append(cipher.encrypt(prefix + payload))
        elif self._error is None:
            self._pending.append((msg_type, payload))

    def send_decoy(self, contents: bytes) -> None:
        """Queue a decoy packet behind the version packet (those before it: argument `decoys`).

        Raises:
            LocalProtocolError: There are no keys yet.
        """
        if self._cipher is None:
            raise LocalProtocolError("no decoy can be sent before the peer's key has arrived")
        self._outgoing.append(self._cipher.encrypt(contents, ignore=True))

    def data_to_send(self) -> bytes:
        """Return and forget the bytes that wait to be written, possibly none.

        After a failure these are what was queued before it: Core, which hangs up, drops them.
        """
        if self._v1 is not None:
            return self._v1.data_to_send()
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def _continue_handshake(self) -> bool:
        """Take one step, and tell whether there may be another to take."""
        state = self.recv_state
        cipher = self._cipher
        if cipher is None:
            return self._receive_key() if state is _KEY else self._tell_v1_from_v2()
        if state is _GARB_GARBTERM:
            return self._receive_garbage(cipher)
        return state is _VERSION and self._receive_version_packet(cipher)

    def _tell_v1_from_v2(self) -> bool:
        head = self._buffer.peek(V1_PREFIX_LEN)
        if not (self._magic + V1_VERSION_TYPE).startswith(head):
            self.recv_state = _KEY
            self._send_key()
            return True
        if len(head) == V1_PREFIX_LEN:
            self._become_v1()
        return False

    def _become_v1(self) -> None:
        if self._v1_factory is None:
            self._buffer.take(V1_PREFIX_LEN)
            raise LooksLikeV1
        self._v1 = v1 = self._v1_factory()
        self.recv_state = RecvState.V1
        self.name = "v1"
        self.phase = None
        self._note(TransportEventKind.V1, V1_PREFIX_LEN, offset=V1_PREFIX_LEN)
        v1.receive_data(self._buffer.peek(len(self._buffer)))
        self._buffer.clear()
        for msg_type, payload in self._pending:
            v1.send_message(msg_type, payload)
        self._pending.clear()

    def _send_key(self) -> None:
        self._outgoing.append(self._ellswift)
        if not self._initiating:
            self._outgoing.append(self._garbage)

    def _receive_key(self) -> bool:
        buffer = self._buffer
        self._refuse_foreign(buffer.peek(PEEK_LEN))
        if len(buffer) < ELLSWIFT_LEN:
            return False
        theirs = buffer.take(ELLSWIFT_LEN)
        if theirs == self._ellswift:
            raise SelfConnection
        self._derive_keys(theirs)
        self.recv_state = _GARB_GARBTERM
        self.phase = Phase.GARBAGE
        self._note(TransportEventKind.KEY, ELLSWIFT_LEN)
        return True

    def _refuse_foreign(self, head: bytes) -> None:
        # Core's responder hangs up on a v1 peer of another chain; its initiator does not look. Ours
        # does, and at more. Whose magic it is comes out of the connection in v1 that LooksLikeV1
        # suggests.
        if self._initiating:
            foreign = foreign_answer(head, self._magic)
            if foreign is not None:
                error, length = foreign
                self._buffer.take(length)
                raise error
        elif head[MAGIC_LEN:V1_PREFIX_LEN] == V1_VERSION_TYPE:
            self._buffer.take(V1_PREFIX_LEN)
            raise self._other_chain(head[:MAGIC_LEN])

    def _other_chain(self, magic: bytes) -> PeerError:
        if chain := KNOWN_MAGICS.get(magic):
            return OtherChain(received=magic, expected=self._magic, chain=chain)
        return BadMagic(received=magic, expected=self._magic)

    def _derive_keys(self, theirs: bytes) -> None:
        secret = ellswift.xdh(self._ellswift, theirs, self._private_key, initiating=self._initiating)
        keys = derive_session_keys(secret, self._magic)
        self.session_id = keys.session_id
        self._cipher = cipher = _cipher_type()(keys, initiating=self._initiating)
        outgoing = self._outgoing
        aad = self._garbage
        if self._initiating:
            outgoing.append(aad)
        outgoing.append(cipher.send_terminator)
        for contents in self._decoys:
            outgoing.append(cipher.encrypt(contents, aad=aad, ignore=True))
            aad = b""
        outgoing.append(cipher.encrypt(self._version_contents, aad=aad))
        for msg_type, payload in self._pending:
            outgoing.append(cipher.encrypt(serialize_msg_type(msg_type) + payload))
        self._pending.clear()
        self._garbage = self._private_key = b""

    def _receive_garbage(self, cipher: BIP324Cipher) -> bool:
        length = self._buffer.take_garbage(cipher.receive_terminator)
        if length is None:
            return False
        self.garbage_received = length
        self.recv_state = _VERSION
        self.phase = Phase.VERSION_PACKET
        self._note(TransportEventKind.GARBAGE, length)
        return True

    def _receive_version_packet(self, cipher: BIP324Cipher) -> bool:
        plaintext = self._buffer.next_packet(cipher)
        if plaintext is None:
            return False
        if plaintext[0] & IGNORE_BIT:
            self._count_decoy(plaintext)
            return True
        self.version_contents_received = len(plaintext) - HEADER_LEN
        self.recv_state = _APP
        self.phase = None
        self._note(TransportEventKind.VERSION_PACKET, self.version_contents_received)
        return False

    def _deliver(self, plaintext: bytes) -> ReceivedMessage:
        empty = _EMPTY_MESSAGES.get(plaintext)
        if empty is not None:
            return empty
        msg_type, start = deserialize_msg_type(plaintext, HEADER_LEN)
        size = len(plaintext) - start
        payload = plaintext[start:] if size <= self._max_kept_payload else None
        if msg_type is not None:
            return ReceivedMessage(msg_type, payload, size)
        shown = plaintext[HEADER_LEN:start].decode("latin-1").encode("unicode_escape").decode("ascii")
        return ReceivedMessage(shown, payload, size, AnomalyCode.V2_BAD_MSG_TYPE)

    def _count_decoy(self, plaintext: bytes) -> None:
        self.decoys_received += 1
        self._note(TransportEventKind.DECOY, len(plaintext) - HEADER_LEN)

    def _note(self, kind: TransportEventKind, size: int, offset: int | None = None) -> None:
        if self._events is not None and len(self._events) < MAX_TRANSPORT_EVENTS:
            self._events.append(TransportEvent(kind, self.consumed if offset is None else offset, size))

    def _fail(self, error: PeerError) -> None:
        error.phase = self.phase
        error.offset = self.consumed
        self._error = error
        self._buffer.clear()
        self._pending.clear()


# Three of the four messages of a healthy handshake are empty and the same from every peer.
_EMPTY_MESSAGES = MappingProxyType(
    {
        bytes(HEADER_LEN) + serialize_msg_type(member.value): ReceivedMessage(member.value, b"", 0)
        for member in MsgType
    }
)


# The ciphers load with the first key that arrives, for they bring a library of 16 ms; an import
# statement in the method would cost 1 us for every connection.
@cache
def _cipher_type() -> type[BIP324Cipher]:
    from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher

    return BIP324Cipher
