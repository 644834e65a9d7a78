"""How a v2 packet names its message: one byte, or a zero byte and 12 characters.

Owns both tables of one-byte ids and both directions of the encoding. A type without an id
(`version`, `verack`, `wtxidrelay`, `sendaddrv2`, `getaddr`, ...) takes the long form, which is
accepted for every type.

Sources: BIP324, "Application layer specification" and its table of message type ids; BIP434;
Core's `V2_MESSAGE_IDS` and `V2Transport::GetMessageType` in `net.cpp`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bitcoin_handshake.errors import LocalProtocolError
from bitcoin_handshake.protocol import MSG_TYPE_LEN, MsgType

__all__ = ["LONG_FORM_LEN", "MSG_TYPES", "SHORT_IDS", "deserialize_msg_type", "serialize_msg_type"]

LONG_FORM_LEN = 1 + MSG_TYPE_LEN
"""Length of the long form in bytes: the zero byte and the padded type."""

_ASSIGNED = [
    "addr",
    "block",
    "blocktxn",
    "cmpctblock",
    "feefilter",
    "filteradd",
    "filterclear",
    "filterload",
    "getblocks",
    "getblocktxn",
    "getdata",
    "getheaders",
    "headers",
    "inv",
    "mempool",
    "merkleblock",
    "notfound",
    "ping",
    "pong",
    "sendcmpct",
    "tx",
    "getcfilters",
    "cfilter",
    "getcfheaders",
    "cfheaders",
    "getcfcheckpt",
    "cfcheckpt",
    "addrv2",
]
_DRAFT = ["uproof", "getuproof", "uttls", "getuttls", "usummary", "utreexotx", "uroot", "geturoot", "feature"]

SHORT_IDS: Final[Mapping[str, int]] = MappingProxyType(
    {name: number for number, name in enumerate(_ASSIGNED, start=1)}
)
"""Id by type, for sending: those assigned by BIP324, which every v2 node understands."""

MSG_TYPES: Final[Mapping[int, str]] = MappingProxyType(dict(enumerate(_ASSIGNED + _DRAFT, start=1)))
"""Type by id, for receiving: the assigned ones and the drafts. A draft id may still change, so we
never send one, but a message that carries it is named."""


def _long_form(msg_type: str) -> bytes:
    return b"\0" + msg_type.encode("ascii").ljust(MSG_TYPE_LEN, b"\0")


# Looking a type up among the known ones costs 30 ns; checking and converting it 900 ns.
_KNOWN_PREFIXES: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        member.value: bytes((SHORT_IDS[member],)) if member in SHORT_IDS else _long_form(member)
        for member in MsgType
    }
)
_KNOWN_LONG_FORMS: Final[Mapping[bytes, str]] = MappingProxyType(
    {_long_form(member)[1:]: member.value for member in MsgType}
)


def serialize_msg_type(msg_type: str) -> bytes:
    """Write the type that a packet's contents begin with, in its short form where it has one.

    Args:
        msg_type: At most MSG_TYPE_LEN (12) characters, 0x20 to 0x7f.

    Returns:
        1 byte, or LONG_FORM_LEN (13) bytes.

    Raises:
        LocalProtocolError: It is no message type.
    """
    prefix = _KNOWN_PREFIXES.get(msg_type)
    if prefix is not None:
        return prefix
    if len(msg_type) > MSG_TYPE_LEN or not all(" " <= char <= "\x7f" for char in msg_type):
        raise LocalProtocolError(f"{msg_type!r} is not a message type")
    return _long_form(msg_type)


def deserialize_msg_type(contents: bytes, start: int = 0) -> tuple[str | None, int]:
    """Read the type that a packet's contents begin with.

    Args:
        contents: The contents, possibly behind a header byte.
        start: Where they begin.

    Returns:
        The type and the offset of the payload. The type is None for an unknown id, a long form
        that is cut short, has a byte outside 0x20 to 0x7f or anything but NUL behind a NUL, and
        for empty contents; the offset is then that of what follows the bytes that were judged.

    Spec:
        Core, `V2Transport::GetMessageType` in `net.cpp`: 0x7f passes here, unlike in v1.
    """
    if start == len(contents):
        return None, start
    short_id = contents[start]
    if short_id:
        return MSG_TYPES.get(short_id), start + 1
    end = start + LONG_FORM_LEN
    raw = contents[start + 1 : end]
    msg_type = _KNOWN_LONG_FORMS.get(raw)
    if msg_type is not None:
        return msg_type, end
    name = raw.rstrip(b"\0")
    if len(raw) < MSG_TYPE_LEN or not all(0x20 <= byte <= 0x7F for byte in name):
        return None, min(end, len(contents))
    return name.decode("ascii"), end
