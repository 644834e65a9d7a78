"""The typed messages of the protocol, one module per family, and their registry.

The families are imported when one of their names, or the registry, is first asked for: a probe
needs `handshake`, `keepalive` and `preferences` only, and imports these three by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from bitcoin_handshake.errors import FieldTooLong
from bitcoin_handshake.messages.base import EmptyMessage, Message, UnknownMessage
from bitcoin_handshake.protocol import MAX_PROTOCOL_MESSAGE_LENGTH

if TYPE_CHECKING:
    from bitcoin_handshake.messages.addresses import (
        Addr,
        AddrEntry,
        AddrV2,
        AddrV2Entry,
        GetAddr,
        netaddr_from_key,
    )
    from bitcoin_handshake.messages.blocks import Block
    from bitcoin_handshake.messages.bloom import FilterAdd, FilterClear, FilterLoad, MerkleBlock
    from bitcoin_handshake.messages.compact_blocks import (
        BlockTxn,
        CmpctBlock,
        GetBlockTxn,
        PrefilledTransaction,
    )
    from bitcoin_handshake.messages.compact_filters import (
        CFCheckpt,
        CFHeaders,
        CFilter,
        GetCFCheckpt,
        GetCFHeaders,
        GetCFilters,
    )
    from bitcoin_handshake.messages.handshake import (
        Feature,
        SendAddrV2,
        SendTxRcncl,
        V1Address,
        Verack,
        Version,
        WtxidRelay,
    )
    from bitcoin_handshake.messages.headers import BlockHeader, GetBlocks, GetHeaders, Headers
    from bitcoin_handshake.messages.historical import (
        NAMES_WITHOUT_LAYOUT,
        Alert,
        AlertBody,
        CheckOrder,
        Reject,
        Reply,
        SubmitOrder,
    )
    from bitcoin_handshake.messages.inventory import GetData, Inv, InvItem, Mempool, NotFound
    from bitcoin_handshake.messages.keepalive import Ping, Pong
    from bitcoin_handshake.messages.packages import AncPkgInfo, GetPkgTxns, PkgTxns, SendPackages
    from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct, SendHeaders
    from bitcoin_handshake.messages.reconciliation import (
        ReconcilDiff,
        ReqRecon,
        ReqSketchExt,
        Sketch,
    )
    from bitcoin_handshake.messages.transactions import Transaction, Tx, TxInput, TxOutput

    REGISTRY: Mapping[str, type[Message]]
    """The class of each message type that is known here, the handshake first."""

__all__ = [
    "NAMES_WITHOUT_LAYOUT",
    "REGISTRY",
    "Addr",
    "AddrEntry",
    "AddrV2",
    "AddrV2Entry",
    "Alert",
    "AlertBody",
    "AncPkgInfo",
    "Block",
    "BlockHeader",
    "BlockTxn",
    "CFCheckpt",
    "CFHeaders",
    "CFilter",
    "CheckOrder",
    "CmpctBlock",
    "EmptyMessage",
    "Feature",
    "FeeFilter",
    "FilterAdd",
    "FilterClear",
    "FilterLoad",
    "GetAddr",
    "GetBlockTxn",
    "GetBlocks",
    "GetCFCheckpt",
    "GetCFHeaders",
    "GetCFilters",
    "GetData",
    "GetHeaders",
    "GetPkgTxns",
    "Headers",
    "Inv",
    "InvItem",
    "Mempool",
    "MerkleBlock",
    "Message",
    "NotFound",
    "Ping",
    "PkgTxns",
    "Pong",
    "PrefilledTransaction",
    "ReconcilDiff",
    "Reject",
    "Reply",
    "ReqRecon",
    "ReqSketchExt",
    "SendAddrV2",
    "SendCmpct",
    "SendHeaders",
    "SendPackages",
    "SendTxRcncl",
    "Sketch",
    "SubmitOrder",
    "Transaction",
    "Tx",
    "TxInput",
    "TxOutput",
    "UnknownMessage",
    "V1Address",
    "Verack",
    "Version",
    "WtxidRelay",
    "decode",
    "netaddr_from_key",
]

_MESSAGES = MappingProxyType(
    {
        "handshake": ("Version", "Verack", "WtxidRelay", "SendAddrV2", "SendTxRcncl", "Feature"),
        "addresses": ("Addr", "AddrV2", "GetAddr"),
        "keepalive": ("Ping", "Pong"),
        "inventory": ("Inv", "GetData", "NotFound", "Mempool"),
        "headers": ("GetBlocks", "GetHeaders", "Headers"),
        "blocks": ("Block",),
        "transactions": ("Tx",),
        "preferences": ("SendHeaders", "SendCmpct", "FeeFilter"),
        "compact_blocks": ("CmpctBlock", "GetBlockTxn", "BlockTxn"),
        "bloom": ("FilterLoad", "FilterAdd", "FilterClear", "MerkleBlock"),
        "compact_filters": (
            *("GetCFilters", "CFilter", "GetCFHeaders"),
            *("CFHeaders", "GetCFCheckpt", "CFCheckpt"),
        ),
        "reconciliation": ("ReqRecon", "Sketch", "ReqSketchExt", "ReconcilDiff"),
        "packages": ("SendPackages", "AncPkgInfo", "GetPkgTxns", "PkgTxns"),
        "historical": ("Reject", "Alert", "CheckOrder", "SubmitOrder", "Reply"),
    }
)
"""The message classes of each family."""

_PARTS = MappingProxyType(
    {
        "addresses": ("AddrEntry", "AddrV2Entry", "netaddr_from_key"),
        "compact_blocks": ("PrefilledTransaction",),
        "handshake": ("V1Address",),
        "headers": ("BlockHeader",),
        "historical": ("NAMES_WITHOUT_LAYOUT", "AlertBody"),
        "inventory": ("InvItem",),
        "transactions": ("Transaction", "TxInput", "TxOutput"),
    }
)
"""What else each family exports: the records inside its messages."""

_FAMILY_OF = MappingProxyType(
    {name: family for table in (_MESSAGES, _PARTS) for family, names in table.items() for name in names}
)


def __getattr__(name: str) -> object:
    """Import the family that defines `name` (PEP 562)."""
    if name == "REGISTRY":
        return _registry()
    family = _FAMILY_OF.get(name)
    if family is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{family}"), name)


@cache
def _registry() -> Mapping[str, type[Message]]:
    classes = (
        getattr(import_module(f"{__name__}.{family}"), name)
        for family, names in _MESSAGES.items()
        for name in names
    )
    return MappingProxyType({cls.msg_type: cls for cls in classes})


def decode(msg_type: str, payload: bytes) -> Message:
    """Read a payload as the message that its type names.

    Args:
        msg_type: Type of the message.
        payload: Its payload, at most MAX_PROTOCOL_MESSAGE_LENGTH (4,000,000) bytes.

    Returns:
        An instance of the registered class, or an `UnknownMessage` that keeps the bytes.

    Raises:
        WireError: The type is known and the payload is not one of it, or the payload is over
            the limit.
    """
    if len(payload) > MAX_PROTOCOL_MESSAGE_LENGTH:
        raise FieldTooLong(length=len(payload), limit=MAX_PROTOCOL_MESSAGE_LENGTH, field="payload")
    cls = _registry().get(msg_type)
    return UnknownMessage(msg_type, payload) if cls is None else cls.deserialize(payload)
