"""A session in either role: whatever a peer sends, and however it ends, there is one verdict."""

from __future__ import annotations

from hashlib import sha256

from bitcoin_handshake.conversation import HANG_UP, Conversation, GetAddr, Linger
from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.session import HandshakeCompleted, PeerFailed, Session
from bitcoin_handshake.transport.v1 import V1Transport

MAGIC = b"\xf9\xbe\xb4\xd9"
TYPES = [each.value.encode() for each in MsgType]
VERSION = LocalVersion(user_agent=b"/fuzz/").serialize(nonce=1, time_unix=0, ip=bytes(16), port=0)


def one_input(data: bytes) -> None:
    """Read the first byte as options, and the rest as messages or as raw bytes."""
    if not data:
        return
    options = data[0]
    session = Session(
        V1Transport(MAGIC),
        Handshake(VERSION, initiating=bool(options & 1), own_nonces={1}),
        now=0.0,
        deadline=10.0,
        conversation=_conversation(options),
    )
    for piece in _messages(data[1:]) if options & 4 else [data[1:]]:
        session.receive_data(piece, now=1.0)
        session.data_to_send()
    if options & 8:
        session.receive_eof(now=2.0, reset=bool(options & 16))
    else:
        session.handle_timeout(now=10.0)
    assert session.finished
    assert session.is_complete == (session.error is None)
    assert session.error is None or isinstance(session.error, PeerError)
    verdicts = 0
    while (event := session.next_event()) is not None:
        verdicts += isinstance(event, HandshakeCompleted | PeerFailed)
    assert verdicts == 1


def _conversation(options: int) -> Conversation:
    if options & 2:
        return Linger(5.0, ping_nonce=2)
    return GetAddr(wait_s=5.0) if options & 32 else HANG_UP


def _messages(data: bytes) -> list[bytes]:
    """Make whole messages of the bytes: a type, a length, that much payload."""
    pieces = []
    while len(data) >= 2:
        msg_type, length = TYPES[data[0] % len(TYPES)], data[1]
        payload, data = data[2 : 2 + length], data[2 + length :]
        checksum = sha256(sha256(payload).digest()).digest()[:4]
        header = MAGIC + msg_type.ljust(12, b"\0") + len(payload).to_bytes(4, "little") + checksum
        pieces.append(header + payload)
    return pieces
