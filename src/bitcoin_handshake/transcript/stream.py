"""Raw bytes and hex, cut into messages for those who want to read them.

Owns the recognition of what an input is and of whose chain, and the place and reason where it
ends. A stream is any number of v1 messages one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from bitcoin_handshake.chain import CHAINS, KNOWN_MAGICS
from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.protocol import HEADER_LEN, MAGIC_LEN, MAX_PROTOCOL_MESSAGE_LENGTH
from bitcoin_handshake.transport.base import ReceivedMessage
from bitcoin_handshake.transport.v1 import V1Transport

__all__ = ["Damage", "HexText", "StreamMessage", "chain_name", "detect_magic", "read_hex", "read_stream"]

_HEADER = Struct("<4s12sI4s")
_MSG_TYPE = re.compile(rb"[\x20-\x7e]{1,12}\0*")
_NOT_HEX = re.compile(rb"[^0-9a-fA-F\s]")


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One message of a stream.

    Attributes:
        offset: Of its first byte.
        message: As the transport delivers it, its payload kept whole.
    """

    offset: int
    message: ReceivedMessage


@dataclass(frozen=True, slots=True)
class Damage:
    """Where and why a stream ends before its end.

    Attributes:
        offset: Of the first byte that is no part of a whole message.
        why: What is wrong there.
    """

    offset: int
    why: str


@dataclass(frozen=True, slots=True)
class HexText:
    """What a text in hex holds.

    Attributes:
        data: The bytes up to the first character that is no hex digit.
        damage: What that is and where; None where all is hex. Its offset counts bytes of `data`.
    """

    data: bytes
    damage: Damage | None


def read_hex(text: bytes) -> HexText:
    """Read hex digits with any whitespace between them."""
    bad = _NOT_HEX.search(text)
    digits = b"".join((text[: bad.start()] if bad else text).split())
    data = bytes.fromhex(digits[: len(digits) & ~1].decode())
    if bad is not None:
        line = text.count(b"\n", 0, bad.start()) + 1
        column = bad.start() - (text.rfind(b"\n", 0, bad.start()) + 1) + 1
        shown = ascii(bad[0].decode("latin-1"))
        return HexText(data, Damage(len(data), f"{shown} at line {line}, column {column} is no hex digit"))
    if len(digits) % 2:
        return HexText(data, Damage(len(data), "an odd number of hex digits: half a byte is left"))
    return HexText(data, None)


def detect_magic(data: bytes) -> bytes | None:
    """Recognise the magic at the beginning of a stream.

    Args:
        data: The stream; its first message is looked at where the magic is not a known one.

    Returns:
        MAGIC_LEN (4) bytes, or None where no message begins there.
    """
    magic = data[:MAGIC_LEN]
    if magic in KNOWN_MAGICS:
        return magic
    if len(data) < HEADER_LEN:
        return None
    _, raw_type, length, checksum = _HEADER.unpack_from(data)
    if length > MAX_PROTOCOL_MESSAGE_LENGTH or not _MSG_TYPE.fullmatch(raw_type):
        return None
    payload = data[HEADER_LEN : HEADER_LEN + length]
    is_cut = len(payload) < length
    return magic if is_cut or sha256(sha256(payload).digest()).digest()[:4] == checksum else None


def chain_name(magic: bytes) -> str:
    """Say whose magic it is: a chain of ours, another known one, or its hex digits."""
    for chain, params in CHAINS.items():
        if params.magic == magic:
            return chain.value
    return KNOWN_MAGICS.get(magic, f"custom ({magic.hex()})")


def read_stream(data: bytes, magic: bytes) -> Iterator[StreamMessage | Damage]:
    """Cut a stream into its messages; a damage, if any, comes last.

    A wrong checksum or message type costs only its message, which says so in `anomaly`.

    Args:
        data: Any bytes.
        magic: MAGIC_LEN (4) bytes in wire order.
    """
    transport = V1Transport(magic, max_kept_payload=MAX_PROTOCOL_MESSAGE_LENGTH)
    transport.receive_data(data)
    while True:
        offset = transport.consumed
        try:
            message = transport.next_message()
        except PeerError as error:
            yield Damage(offset, str(error))
            return
        if message is None:
            break
        yield StreamMessage(offset, message)
    rest = data[offset:]
    if rest:
        yield Damage(offset, _why_it_ends(rest))


def _why_it_ends(rest: bytes) -> str:
    if len(rest) < HEADER_LEN:
        return f"ends inside a header: {len(rest)} of {HEADER_LEN} bytes"
    _, raw_type, length, _ = _HEADER.unpack_from(rest)
    name = ascii(raw_type.rstrip(b"\0").decode("latin-1"))
    return f"ends inside the payload of {name}: {len(rest) - HEADER_LEN} of {length} bytes"
