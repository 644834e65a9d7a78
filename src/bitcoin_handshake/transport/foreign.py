"""What may answer in the place of a Bitcoin node: another service, or v1 where v2 was expected.

Owns the recognition of services by their first bytes. The verdict depends only on the bytes, never
on how they are split into reads. What follows the first PEEK_LEN (64) bytes is not looked at.

Any 64 bytes are a valid v2 key. A verdict in v2 therefore needs so many recognised bytes that a
random key contains them once in 2**42 connections at most. In v1, four bytes that are not a magic
have ended the connection already, and a few more are enough to name the service.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from bitcoin_handshake.errors import (
    BadMagic,
    ForeignProtocol,
    LooksLikeV1,
    PeerError,
    SpeaksFtp,
    SpeaksHttp,
    SpeaksImap,
    SpeaksMysql,
    SpeaksPop3,
    SpeaksSmtp,
    SpeaksSsh,
    SpeaksTelnet,
    SpeaksText,
    SpeaksTls,
    SpeaksVnc,
)
from bitcoin_handshake.protocol import MAGIC_LEN, MSG_TYPE_LEN

__all__ = [
    "FOREIGN_HEAD_LEN",
    "PEEK_LEN",
    "V1_VERSION_TYPE",
    "foreign_answer",
    "foreign_at_end",
    "foreign_in_v1",
]

FOREIGN_HEAD_LEN = MAGIC_LEN + MSG_TYPE_LEN
"""Bytes that tell a v1 header from a v2 key: 16."""
PEEK_LEN = 64
"""Bytes that are looked at: as many as a v2 key has."""
V1_VERSION_TYPE = b"version".ljust(MSG_TYPE_LEN, b"\0")

V1_TEXT_LEN = 16
"""Text characters that make a text service in v1, where no line ends before."""

_TLS_ALERT = b"\x15\x03"
_TLS_ALERT_LEN = 7
_TEXT = re.compile(rb"[\t\r\n -~]*")
_TELNET_V1 = re.compile(rb"\xff[\xfb-\xfe][\x00-\x31]\xff")
_TELNET_V2 = re.compile(rb"(?:\xff[\xfb-\xfe][\x00-\x31]){3}")
# A greeting (protocol 10 and a version such as `8.0.33`), or an error packet with a text.
_MYSQL_V2 = re.compile(
    rb"[\x05-\xff]\0\0\0(?:\x0a[0-9]{1,2}\.[0-9]{1,2}\.|\xff[\x00-\xff][\x03-\x07][ -~]{6})"
)
_MYSQL_FIRST = (b"\x0a", b"\xff")

# The first four bytes of services that are known by them.
_FIRST_FOUR: MappingProxyType[bytes, type[ForeignProtocol]] = MappingProxyType(
    {
        b"HTTP": SpeaksHttp,
        b"<!DO": SpeaksHttp,
        b"<htm": SpeaksHttp,
        b"<HTM": SpeaksHttp,
        b"SSH-": SpeaksSsh,
        b"+OK ": SpeaksPop3,
        b"* OK": SpeaksImap,
        b"* BY": SpeaksImap,
        b"* PR": SpeaksImap,
        b"RFB ": SpeaksVnc,
        b"-ERR": SpeaksText,
        b"ERRO": SpeaksText,
    }
)
# Reply codes of FTP, SMTP and others; the words of the line tell which one it is.
_REPLY_CODES = frozenset(
    code + mark
    for code in (b"200", b"201", b"220", b"421", b"500", b"502", b"530", b"554")
    for mark in (b" ", b"-")
)
# How much text is enough in v2. A known character is worth 8 bits, a text character 1.385 (98 of
# 256 values), a line end 16; 42 bits are needed.
_TEXT_NEEDED, _LINE_NEEDED = 31, 19
_TEXT_NEEDED_AFTER_PREFIX = 12


def foreign_answer(head: bytes, magic: bytes) -> tuple[PeerError, int] | None:
    """Recognise what cannot be the beginning of a v2 key.

    Args:
        head: The peer's first bytes, PEEK_LEN (64) of them or fewer.
        magic: That of our chain, 4 bytes in wire order.

    Returns:
        What it is and how many bytes told, or None: a key, or too few bytes.
    """
    is_version = head[MAGIC_LEN:FOREIGN_HEAD_LEN] == V1_VERSION_TYPE
    # Nearly all keys end here: one in 16 begins with four ASCII characters.
    if (
        not is_version
        and not head[:MAGIC_LEN].isascii()
        and not head.startswith((magic, b"\xff"))
        and head[1:4] != b"\0\0\0"
    ):
        return None
    if is_version or (head.startswith(magic) and _is_v1_header(head)):
        return LooksLikeV1(), FOREIGN_HEAD_LEN
    found = _binary_in_v2(head) or _text_in_v2(head)
    if found is None:
        return None
    kind, length = found
    return kind(received=head[:MAGIC_LEN], expected=magic), length


def foreign_in_v1(head: bytes, magic: bytes) -> BadMagic | None:
    """Name what sent bytes that do not begin with a known magic.

    Args:
        head: The unread bytes, MAGIC_LEN (4) to PEEK_LEN (64) of them.
        magic: That of our chain, 4 bytes in wire order.

    Returns:
        The verdict, or None where the bytes to come decide between two.
    """
    kind = _kind_in_v1(head)
    return None if kind is None else kind(received=head[:MAGIC_LEN], expected=magic)


def foreign_at_end(head: bytes, magic: bytes) -> BadMagic | None:
    """Name a text service that sent too little to be recognised before its end.

    Args:
        head: All that the peer sent, PEEK_LEN (64) bytes or the first of more.
        magic: That of our chain, 4 bytes in wire order.

    Returns:
        The verdict, or None where this is no text of at least four characters.
    """
    if len(head) < MAGIC_LEN or _text_len(head) != len(head):
        return None
    kind = _FIRST_FOUR.get(head[:MAGIC_LEN]) or _kind_of_line(head)
    return kind(received=head[:MAGIC_LEN], expected=magic)


def _kind_in_v1(head: bytes) -> type[BadMagic] | None:
    first = head[:MAGIC_LEN]
    if (kind := _FIRST_FOUR.get(first)) is not None:
        return kind
    if first in _REPLY_CODES:
        return _kind_of_line(head) if _has_line(head) else None
    if first[0] in (0x15, 0x16) and first[1] == 3 and first[2] <= 4:
        return SpeaksTls
    if _TELNET_V1.match(first):
        return SpeaksTelnet
    if first[1:] == b"\0\0\0" and first != bytes(MAGIC_LEN):
        if len(head) == MAGIC_LEN:
            return None
        return SpeaksMysql if head[4:5] in _MYSQL_FIRST else BadMagic
    if (length := _text_len(head)) < MAGIC_LEN:
        return BadMagic
    if length >= V1_TEXT_LEN or b"\n" in head[MAGIC_LEN - 1 : length]:
        return SpeaksText
    return None if length == len(head) else BadMagic


def _binary_in_v2(head: bytes) -> tuple[type[ForeignProtocol], int] | None:
    if head.startswith(_TLS_ALERT):
        return (SpeaksTls, _TLS_ALERT_LEN) if _is_tls_alert(head) else None
    if match := _MYSQL_V2.match(head):
        return SpeaksMysql, match.end()
    if match := _TELNET_V2.match(head):
        return SpeaksTelnet, match.end()
    return None


def _text_in_v2(head: bytes) -> tuple[type[ForeignProtocol], int] | None:
    first = head[:MAGIC_LEN]
    kind = _FIRST_FOUR.get(first)
    is_known = kind is not None or first in _REPLY_CODES
    decided = _TEXT_NEEDED_AFTER_PREFIX if is_known else _TEXT_NEEDED
    length = _text_len(head)
    line = head.find(b"\r\n", 0, length)
    if line >= (MAGIC_LEN if is_known else _LINE_NEEDED):
        decided = min(decided, line + 2)
    for prefix in (b"HTTP/1.", b"SSH-2.0-", b"SSH-1.99"):
        if kind is not None and head.startswith(prefix):
            return kind, len(prefix)
    if length < decided:
        return None
    if kind is not None:
        return kind, decided
    if first in _REPLY_CODES:
        if not _has_line(head):
            return None
        end = head.find(b"\n", 0, PEEK_LEN) + 1 or PEEK_LEN
        return _kind_of_line(head), max(decided, end)
    return SpeaksText, decided


def _text_len(head: bytes) -> int:
    match = _TEXT.match(head)
    return match.end() if match else 0


def _has_line(head: bytes) -> bool:
    return len(head) >= PEEK_LEN or b"\n" in head


def _kind_of_line(head: bytes) -> type[ForeignProtocol]:
    """Tell FTP from SMTP by the words of the first line."""
    if head[:MAGIC_LEN] not in _REPLY_CODES:
        return SpeaksText
    line = head[:PEEK_LEN].partition(b"\n")[0].upper()
    if b"SMTP" in line:
        return SpeaksSmtp
    return SpeaksFtp if b"FTP" in line else SpeaksText


def _is_v1_header(head: bytes) -> bool:
    """Tell whether our magic is followed by a whole message type."""
    name = head[MAGIC_LEN:FOREIGN_HEAD_LEN].rstrip(b"\0")
    is_whole = len(head) >= FOREIGN_HEAD_LEN
    return is_whole and name.isascii() and bool(name) and name.decode().isprintable()


def _is_tls_alert(head: bytes) -> bool:
    """Tell whether it is an alert, version 3.0 to 3.4, of 2 bytes, warning or fatal."""
    return len(head) >= _TLS_ALERT_LEN and head[2] <= 4 and head[3:5] == b"\0\2" and head[5] in (1, 2)
