"""Everything that a v2 session derives from its shared secret.

Owns the HKDF labels and the split of the terminators. Knows no curve, no cipher and no stream.

Sources: BIP324, "Keys and session ID derivation" (`initialize_v2_transport`); RFC 5869 (HKDF); RFC
2104 (HMAC).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NewType

__all__ = ["GARBAGE_TERMINATOR_LEN", "SESSION_ID_LEN", "SessionId", "SessionKeys", "derive_session_keys"]

GARBAGE_TERMINATOR_LEN = 16
SESSION_ID_LEN = 32

SessionId = NewType("SessionId", bytes)

_SALT_PREFIX = b"bitcoin_v2_shared_secret"
_BLOCK_LEN = 64  # of SHA-256
_IPAD = bytes(byte ^ 0x36 for byte in range(256))
_OPAD = bytes(byte ^ 0x5C for byte in range(256))
# RFC 5869: an output of one block is HMAC(prk, info || 0x01).
_INFOS = tuple(
    label + b"\x01"
    for label in (
        b"initiator_L",
        b"initiator_P",
        b"responder_L",
        b"responder_P",
        b"garbage_terminators",
        b"session_id",
    )
)


# Not frozen: that costs 1.1 us more, of the 16 that all keys of a handshake take.
@dataclass(slots=True, repr=False)
class SessionKeys:
    """The keys of one session; `l` keys encrypt lengths, `p` keys packets.

    Attributes:
        initiator_l: Lengths, initiator to responder, 32 bytes.
        initiator_p: Packets, initiator to responder, 32 bytes.
        responder_l: Lengths, responder to initiator, 32 bytes.
        responder_p: Packets, responder to initiator, 32 bytes.
        initiator_terminator: What the initiator sends behind its garbage, 16 bytes.
        responder_terminator: What the responder sends behind its garbage, 16 bytes.
        session_id: 32 bytes, equal on both sides where nobody sits in the middle.
    """

    initiator_l: bytes
    initiator_p: bytes
    responder_l: bytes
    responder_p: bytes
    initiator_terminator: bytes
    responder_terminator: bytes
    session_id: SessionId


def derive_session_keys(ecdh_secret: bytes, magic: bytes) -> SessionKeys:
    """Derive the keys of a session.

    Args:
        ecdh_secret: What `ellswift.xdh` returns, 32 bytes.
        magic: Magic of the chain, 4 bytes in wire order. Two sides that disagree about it derive
            different keys and never find each other's terminator.

    Returns:
        All keys, both terminators and the session id.

    Spec:
        BIP324, "Keys and session ID derivation".
    """
    inner, outer = _pads(_SALT_PREFIX + magic)
    prk = sha256(outer + sha256(inner + ecdh_secret).digest()).digest()
    inner, outer = _pads(prk)
    initiator_l, initiator_p, responder_l, responder_p, terminators, session_id = [
        sha256(outer + sha256(inner + info).digest()).digest() for info in _INFOS
    ]
    return SessionKeys(
        initiator_l,
        initiator_p,
        responder_l,
        responder_p,
        terminators[:GARBAGE_TERMINATOR_LEN],
        terminators[GARBAGE_TERMINATOR_LEN:],
        SessionId(session_id),
    )


def _pads(key: bytes) -> tuple[bytes, bytes]:
    """Return what HMAC-SHA256 puts before the data and before the inner hash, for a key of one block.

    Seven HMACs take 6 us this way; `hmac.digest`, for which OpenSSL makes a context each time, takes
    14, and the HKDF class of `cryptography` 17 (bench/forms.py).
    """
    block = key.ljust(_BLOCK_LEN, b"\0")
    return block.translate(_IPAD), block.translate(_OPAD)
