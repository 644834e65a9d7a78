"""What an initiator may find in the place of a v2 key: v1, or no Bitcoin at all.

Owns the recognition. Any 64 bytes are a key, and so a verdict needs enough of them that no key
reads so by chance: the likeliest mistake here comes once in 2**44 connections.
"""

from __future__ import annotations

from bitcoin_handshake.errors import LooksLikeV1, PeerError, SpeaksHttp, SpeaksSsh, SpeaksTls
from bitcoin_handshake.protocol import MAGIC_LEN, MSG_TYPE_LEN

__all__ = ["FOREIGN_HEAD_LEN", "V1_VERSION_TYPE", "foreign_answer"]

FOREIGN_HEAD_LEN = MAGIC_LEN + MSG_TYPE_LEN
"""Bytes that are looked at: 16."""
V1_VERSION_TYPE = b"version".ljust(MSG_TYPE_LEN, b"\0")

_TLS_ALERT = b"\x15\x03"
_TLS_ALERT_LEN = 7


def foreign_answer(head: bytes, magic: bytes) -> tuple[PeerError, int] | None:
    """Recognise what cannot be the beginning of a key.

    Args:
        head: The peer's first bytes, FOREIGN_HEAD_LEN (16) of them or fewer.
        magic: That of our chain, 4 bytes in wire order.

    Returns:
        What it is and how many bytes told, or None: a key, or too few bytes.
    """
    if head[MAGIC_LEN:] != V1_VERSION_TYPE and not head.startswith((magic, b"HTTP", b"SSH-", _TLS_ALERT)):
        return None  # nearly always, in a third of the time
    if head[MAGIC_LEN:] == V1_VERSION_TYPE or (head.startswith(magic) and _is_v1_header(head)):
        return LooksLikeV1(), FOREIGN_HEAD_LEN
    for prefix, kind in ((b"HTTP/1.", SpeaksHttp), (b"SSH-2.0-", SpeaksSsh), (b"SSH-1.99", SpeaksSsh)):
        if head.startswith(prefix):
            return kind(received=head[:MAGIC_LEN], expected=magic), len(prefix)
    if head.startswith(_TLS_ALERT) and _is_tls_alert(head):
        return SpeaksTls(received=head[:MAGIC_LEN], expected=magic), _TLS_ALERT_LEN
    return None


def _is_v1_header(head: bytes) -> bool:
    """Tell whether our magic is followed by a whole message type."""
    name = head[MAGIC_LEN:].rstrip(b"\0")
    return len(head) == FOREIGN_HEAD_LEN and name.isascii() and bool(name) and name.decode().isprintable()


def _is_tls_alert(head: bytes) -> bool:
    """Tell whether it is an alert, version 3.0 to 3.4, of 2 bytes, warning or fatal."""
    return len(head) >= _TLS_ALERT_LEN and head[2] <= 4 and head[3:5] == b"\0\2" and head[5] in (1, 2)
