"""Names, numbers and limits of the protocol, as Bitcoin Core and the BIPs have them.

Owns constants only. Sources: Core's `protocol.h`, `net.h`, `node/protocol_version.h`,
`net_processing.cpp`; BIP155 and BIP324 for what they define.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag, StrEnum
from functools import lru_cache

__all__ = [
    "BIP0031_VERSION",
    "CHECKSUM_LEN",
    "FEATURE_VERSION",
    "FEEFILTER_VERSION",
    "HEADER_LEN",
    "INVALID_CB_NO_BAN_VERSION",
    "MAGIC_LEN",
    "MAX_ADDRV2_LEN",
    "MAX_ADDR_TO_SEND",
    "MAX_HEADERS_RESULTS",
    "MAX_INV_SZ",
    "MAX_LOCATOR_SZ",
    "MAX_PROTOCOL_MESSAGE_LENGTH",
    "MAX_SAFE_INTEGER",
    "MAX_SIZE",
    "MAX_SUBVERSION_LENGTH",
    "MIN_PEER_PROTO_VERSION",
    "MSG_TYPE_LEN",
    "PROTOCOL_VERSION",
    "SENDHEADERS_VERSION",
    "SHORT_IDS_BLOCKS_VERSION",
    "WTXID_RELAY_VERSION",
    "InvType",
    "MsgType",
    "ServiceFlags",
    "safe_integer",
    "services_names",
    "unsafe_text",
]

MAGIC_LEN = 4
MSG_TYPE_LEN = 12
CHECKSUM_LEN = 4
HEADER_LEN = 24
"""Length of a v1 header in bytes: magic 4, message type 12, payload length 4, checksum 4."""

MAX_SIZE = 0x02000000
"""Upper limit of a CompactSize that is a length or a count (`serialize.h`)."""
MAX_PROTOCOL_MESSAGE_LENGTH = 4_000_000
"""Upper limit of a payload in bytes (`net.h`)."""
MAX_SUBVERSION_LENGTH = 256
"""Upper limit of the user agent in bytes (`net.h`)."""
MAX_ADDR_TO_SEND = 1000
"""Upper limit of entries in `addr` and `addrv2` (`net_processing.cpp`)."""
MAX_ADDRV2_LEN = 512
"""Upper limit of one address in `addrv2` in bytes (BIP155)."""
MAX_INV_SZ = 50_000
"""Upper limit of entries in `inv`, `getdata` and `notfound` (`net_processing.cpp`)."""
MAX_LOCATOR_SZ = 101
"""Upper limit of hashes in a block locator (`net_processing.cpp`)."""
MAX_HEADERS_RESULTS = 2000
"""Upper limit of entries in `headers` (`net_processing.h`)."""

PROTOCOL_VERSION = 70016
"""The protocol version that we announce: that of Core 0.21 to 31."""
MIN_PEER_PROTO_VERSION = 31800
BIP0031_VERSION = 60000  # pong for versions above it
SENDHEADERS_VERSION = 70012
FEEFILTER_VERSION = 70013
SHORT_IDS_BLOCKS_VERSION = 70014
INVALID_CB_NO_BAN_VERSION = 70015
WTXID_RELAY_VERSION = 70016  # sendaddrv2 too, in practice
FEATURE_VERSION = 70017


class MsgType(StrEnum):
    """Message types by name, at most MSG_TYPE_LEN (12) ASCII characters each."""

    VERSION = "version"
    VERACK = "verack"
    WTXIDRELAY = "wtxidrelay"
    SENDADDRV2 = "sendaddrv2"
    SENDTXRCNCL = "sendtxrcncl"
    FEATURE = "feature"
    ADDR = "addr"
    ADDRV2 = "addrv2"
    GETADDR = "getaddr"
    PING = "ping"
    PONG = "pong"
    INV = "inv"
    GETDATA = "getdata"
    NOTFOUND = "notfound"
    GETBLOCKS = "getblocks"
    GETHEADERS = "getheaders"
    HEADERS = "headers"
    SENDHEADERS = "sendheaders"
    BLOCK = "block"
    TX = "tx"
    MEMPOOL = "mempool"
    FEEFILTER = "feefilter"
    SENDCMPCT = "sendcmpct"
    CMPCTBLOCK = "cmpctblock"
    GETBLOCKTXN = "getblocktxn"
    BLOCKTXN = "blocktxn"
    MERKLEBLOCK = "merkleblock"
    FILTERLOAD = "filterload"
    FILTERADD = "filteradd"
    FILTERCLEAR = "filterclear"
    GETCFILTERS = "getcfilters"
    CFILTER = "cfilter"
    GETCFHEADERS = "getcfheaders"
    CFHEADERS = "cfheaders"
    GETCFCHECKPT = "getcfcheckpt"
    CFCHECKPT = "cfcheckpt"
    REJECT = "reject"
    ALERT = "alert"
    CHECKORDER = "checkorder"
    SUBMITORDER = "submitorder"
    REPLY = "reply"
    REQRECON = "reqrecon"
    SKETCH = "sketch"
    REQSKETCHEXT = "reqsketchext"
    RECONCILDIFF = "reconcildiff"
    SENDPACKAGES = "sendpackages"
    ANCPKGINFO = "ancpkginfo"
    GETPKGTXNS = "getpkgtxns"
    PKGTXNS = "pkgtxns"


class InvType(IntEnum):
    """Types of an inventory entry (`protocol.h`; BIP144, BIP152, BIP331, BIP339)."""

    TX = 1
    BLOCK = 2
    FILTERED_BLOCK = 3  # getdata only
    CMPCT_BLOCK = 4  # getdata only
    WTX = 5
    PKGTXNS = 6  # notfound only
    ANCPKGINFO = 7  # getdata only
    WITNESS_TX = 1 << 30 | 1  # getdata only
    WITNESS_BLOCK = 1 << 30 | 2  # getdata only


class ServiceFlags(IntFlag):
    """Service bits of a node, a 64-bit mask (`protocol.h` and the BIPs named in it)."""

    NODE_NETWORK = 1 << 0
    NODE_GETUTXO = 1 << 1
    NODE_BLOOM = 1 << 2
    NODE_WITNESS = 1 << 3
    NODE_XTHIN = 1 << 4
    NODE_BITCOIN_CASH = 1 << 5
    NODE_COMPACT_FILTERS = 1 << 6
    NODE_SEGWIT2X = 1 << 7
    NODE_NETWORK_LIMITED = 1 << 10
    NODE_P2P_V2 = 1 << 11
    NODE_UTREEXO = 1 << 12
    NODE_UTREEXO_ARCHIVE = 1 << 13
    NODE_REPLACE_BY_FEE = 1 << 26
    NODE_REDUCED_DATA = 1 << 27
    NODE_BLAKE2B = 1 << 28
    NODE_LIBRE_RELAY = 1 << 29


_SERVICE_NAMES = {flag.value.bit_length() - 1: str(flag.name)[5:] for flag in ServiceFlags}


@lru_cache(maxsize=1024)
def services_names(services: int) -> tuple[str, ...]:
    """Name the bits of a service mask, lowest first.

    Args:
        services: A 64-bit mask, 0 to 2**64 - 1.

    Returns:
        Names without the `NODE_` prefix, as Core's `getpeerinfo` prints them; an unknown bit
        is `UNKNOWN[2^n]`, as there.

    Spec:
        Core, `serviceFlagsToStr` in `protocol.cpp`.
    """
    return tuple(
        _SERVICE_NAMES.get(bit) or f"UNKNOWN[2^{bit}]"
        for bit in range(services.bit_length())
        if services >> bit & 1
    )


MAX_SAFE_INTEGER = 2**53 - 1
"""Integers up to this size are exact in every JSON reader: jq, JavaScript and pandas included."""


def safe_integer(value: int) -> int | None:
    """Return the number, or None where a JSON reader would change or refuse it."""
    return value if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else None


def unsafe_text(value: int) -> str | None:
    """Return the decimal digits of a number that `safe_integer` does not return, else None."""
    return None if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER else str(value)
