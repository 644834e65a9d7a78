"""The typed messages of the protocol, one module per family, and their registry."""

from __future__ import annotations

from types import MappingProxyType

from bitcoin_handshake.messages.base import EmptyMessage, Message, UnknownMessage
from bitcoin_handshake.messages.handshake import (
    Feature,
    SendAddrV2,
    SendTxRcncl,
    V1Address,
    Verack,
    Version,
    WtxidRelay,
)
from bitcoin_handshake.messages.keepalive import Ping, Pong
from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct, SendHeaders

__all__ = [
    "REGISTRY",
    "EmptyMessage",
    "Feature",
    "FeeFilter",
    "Message",
    "Ping",
    "Pong",
    "SendAddrV2",
    "SendCmpct",
    "SendHeaders",
    "SendTxRcncl",
    "UnknownMessage",
    "V1Address",
    "Verack",
    "Version",
    "WtxidRelay",
    "decode",
]

_CLASSES: tuple[type[Message], ...] = (
    Version,
    Verack,
    WtxidRelay,
    SendAddrV2,
    SendTxRcncl,
    Feature,
    Ping,
    Pong,
    SendHeaders,
    SendCmpct,
    FeeFilter,
)

REGISTRY = MappingProxyType({cls.msg_type: cls for cls in _CLASSES})
"""The class of each message type that is known here."""


def decode(msg_type: str, payload: bytes) -> Message:
    """Read a payload as the message that its type names.

    Returns:
        An instance of the registered class, or an `UnknownMessage` that keeps the bytes.

    Raises:
        WireError: The type is known and the payload is not one of it.
    """
    cls = REGISTRY.get(msg_type)
    return UnknownMessage(msg_type, payload) if cls is None else cls.deserialize(payload)
