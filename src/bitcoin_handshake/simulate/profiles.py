"""The healthy peers: releases of Core, other implementations, odd but valid forms.

Owns one `Profile` per kind of peer whose handshake completes. What they send in which segments
is the concern of `behaviours`.

Sources: FACTS of Core's releases (own version, what follows `verack`); BIP14, BIP37, BIP60 for
the forms of `version`; BIP330 for sendtxrcncl.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bitcoin_handshake.messages.base import Message
from bitcoin_handshake.messages.handshake import SendTxRcncl, Version
from bitcoin_handshake.messages.keepalive import Ping
from bitcoin_handshake.protocol import (
    FEATURE_VERSION,
    MAX_PROTOCOL_MESSAGE_LENGTH,
    MAX_SUBVERSION_LENGTH,
    MIN_PEER_PROTO_VERSION,
    MsgType,
    ServiceFlags,
)
from bitcoin_handshake.simulate.core import (
    AFTER_VERACK_12,
    AFTER_VERACK_14,
    AFTER_VERACK_OLD,
    CORE,
    CORE_SERVICES,
    CORE_V1,
    Messages,
    Profile,
)
from bitcoin_handshake.simulate.script import NodeFacts
from bitcoin_handshake.simulate.v2_form import V2Form
from bitcoin_handshake.transport.bip324.packets import MAX_GARBAGE_LEN

__all__ = [
    "ANCIENT_FORMS",
    "BCOIN",
    "BTCD",
    "CHATTY",
    "CORE_0_8",
    "CORE_0_12",
    "CORE_0_20",
    "CORE_23",
    "CORE_32",
    "CORE_TXRCNCL",
    "EXTREMES",
    "KNOTS",
    "LARGE_MESSAGE",
    "LIBBITCOIN",
    "OLDEST",
    "ONE_SEGMENT",
    "PRUNED",
    "UNKNOWN_MESSAGES",
    "V2_DECOYS",
    "V2_GARBAGE_4095",
    "V2_LATER_DECOYS",
    "V2_ONLY",
    "V2_VERSION_CONTENTS",
    "hostile_user_agent",
]

_NETWORK = ServiceFlags.NODE_NETWORK.value
_BLOOM = ServiceFlags.NODE_BLOOM.value
_WITNESS = ServiceFlags.NODE_WITNESS.value
_LIMITED = ServiceFlags.NODE_NETWORK_LIMITED.value

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1
CHATTY_COUNT = 200

CORE_23 = replace(CORE_V1, user_agent=b"/Satoshi:23.0.0/", after_verack=AFTER_VERACK_14)
CORE_0_20 = replace(
    CORE_V1, user_agent=b"/Satoshi:0.20.2/", protocol_version=70015, after_verack=AFTER_VERACK_14
)
CORE_0_12 = replace(
    CORE_V1,
    user_agent=b"/Satoshi:0.12.1/",
    protocol_version=70012,
    services=_NETWORK | _BLOOM,
    after_verack=AFTER_VERACK_12,
)
CORE_0_8 = replace(
    CORE_V1,
    user_agent=b"/Satoshi:0.8.6/",
    protocol_version=70001,
    services=_NETWORK,
    after_verack=AFTER_VERACK_OLD,
    final_alert=False,
)
OLDEST = replace(CORE_0_8, user_agent=b"", protocol_version=MIN_PEER_PROTO_VERSION)
"""Core 0.3.18: the lowest version that is accepted today; no user agents yet, no relay flag."""
CORE_32 = replace(CORE_V1, user_agent=b"/Satoshi:32.0.0/", protocol_version=FEATURE_VERSION)
PRUNED = replace(CORE_V1, services=_WITNESS | _LIMITED)
KNOTS = replace(
    CORE_V1,
    user_agent=b"/Satoshi:28.1.0/Knots:20250305/",
    services=CORE_SERVICES | _BLOOM | ServiceFlags.NODE_REPLACE_BY_FEE.value,
)
BTCD = Profile(
    user_agent=b"/btcwire:0.5.0/btcd:0.26.2/",
    services=_NETWORK | _BLOOM | _WITNESS | ServiceFlags.NODE_COMPACT_FILTERS.value,
    omits=frozenset({MsgType.WTXIDRELAY.value}),
    after_verack=AFTER_VERACK_OLD,
    final_alert=False,
    strict=True,
)
BCOIN = Profile(
    user_agent=b"/bcoin:2.2.0/",
    protocol_version=70015,
    services=_NETWORK | _WITNESS,
    after_verack=AFTER_VERACK_OLD,
    final_alert=False,
    speaks_first=True,
)
LIBBITCOIN = replace(BCOIN, user_agent=b"/libbitcoin:4.0.0/", protocol_version=70013)


def _one(message: Message) -> tuple[str, bytes]:
    return message.msg_type, message.serialize()


def _sendtxrcncl(node: NodeFacts) -> Messages:
    return [_one(SendTxRcncl(1, node.random.getrandbits(64)))]


def _unknown_messages(node: NodeFacts) -> Iterator[tuple[str, bytes]]:
    """Types that nobody knows, types that few know, and known ones in the wrong place."""
    for index in range(20):
        yield f"unknown{index}", node.random.randbytes(node.random.randrange(400))
    yield "x", b""
    yield "twelve-chars", b"\0"
    yield "with space ~", b"\xff" * 100
    yield MsgType.FEATURE.value, b"\x04abcd\x00"
    yield MsgType.SENDPACKAGES.value, bytes(8)
    yield MsgType.SENDCMPCT.value, b"\1"  # does not parse
    yield MsgType.FEEFILTER.value, b""  # does not parse
    yield MsgType.GETADDR.value, b""
    yield MsgType.REJECT.value, b"\x02tx\x10\x03bad"


def _chatter(node: NodeFacts) -> Iterator[tuple[str, bytes]]:
    """What nodes before 0.14 did not hold back until `verack`, in quantity."""
    for index in range(CHATTY_COUNT):
        match index % 3:
            case 0:
                yield _one(Ping(node.random.getrandbits(64)))
            case 1:
                yield MsgType.INV.value, b"\1" + b"\1\0\0\0" + node.random.randbytes(32)
            case _:
                yield MsgType.ADDR.value, b"\1" + bytes(30)


def _large_message(_node: NodeFacts) -> Messages:
    return [("largest", bytes(MAX_PROTOCOL_MESSAGE_LENGTH))]


CORE_TXRCNCL = replace(CORE_V1, between=_sendtxrcncl)
UNKNOWN_MESSAGES = replace(CORE_V1, between=_unknown_messages)
CHATTY = replace(CORE_0_12, between=_chatter)
LARGE_MESSAGE = replace(CORE_V1, between=_large_message)
V2_ONLY = replace(CORE, v2=V2Form(speaks_v1=False))
V2_GARBAGE_4095 = replace(CORE, v2=V2Form(garbage_len=MAX_GARBAGE_LEN))
V2_DECOYS = replace(CORE, v2=V2Form(decoys=(b"", b"decoy" * 100, bytes(10_000))))
V2_LATER_DECOYS = replace(CORE, v2=V2Form(has_later_decoys=True))
V2_VERSION_CONTENTS = replace(CORE, v2=V2Form(version_contents=b"something of the future"))
ONE_SEGMENT = replace(CORE_V1, eager=True)


def _ends_after_addr_recv(version: Version) -> bytes:
    return replace(version, addr_from=None).serialize()


def _ends_after_nonce(version: Version) -> bytes:
    return replace(version, user_agent=None).serialize()


def _ends_after_user_agent(version: Version) -> bytes:
    return replace(version, start_height=None).serialize()


def _ends_after_height(version: Version) -> bytes:
    return replace(version, relay=None).serialize()


def _with_trailing_bytes(version: Version) -> bytes:
    return replace(version, trailing=bytes(range(64))).serialize()


ANCIENT_FORMS = {
    "ancient-addr-recv": replace(OLDEST, version_form=_ends_after_addr_recv),
    "ancient-nonce": replace(OLDEST, version_form=_ends_after_nonce),
    "ancient-user-agent": replace(OLDEST, version_form=_ends_after_user_agent),
    "ancient-height": replace(OLDEST, version_form=_ends_after_height),
}
"""Forms of `version` that end early, each where Core lets it end."""


def hostile_user_agent() -> bytes:
    """Write MAX_SUBVERSION_LENGTH (256) bytes that harm whoever prints them as they are.

    A spreadsheet formula, terminal control, line ends, a bidirectional override, markup, bytes
    that are not UTF-8.
    """
    harm = (
        b"=cmd|' /C calc'!A0,\"\r\n\x1b[2J\x1b]0;owned\x07\x1b[31m"
        b"\xe2\x80\xae\xe2\x81\xa6<script>alert(1)</script>[red]\x00\xff\xfe\xc0\xaf\x9b31m"
        b"\nFinished! Handshake results: 999 OK | 0 PARTIALLY OK | 0 FAILED\n"
    )
    return harm.ljust(MAX_SUBVERSION_LENGTH, b"\xf0")


EXTREMES = {
    "hostile-user-agent": replace(CORE_V1, user_agent=hostile_user_agent()),
    "huge-timestamp": replace(CORE_V1, timestamp=INT64_MAX),
    "negative-timestamp": replace(CORE_V1, timestamp=-INT64_MAX - 1),
    "negative-height": replace(CORE_V1, start_height=-INT32_MAX - 1),
    "huge-height": replace(CORE_V1, start_height=INT32_MAX),
    "future-version": replace(CORE_V1, protocol_version=INT32_MAX),
    "unknown-services": replace(CORE_V1, services=2**64 - 1),
    "odd-relay": replace(CORE_V1, relay=255),
    "trailing-bytes": replace(CORE_V1, version_form=_with_trailing_bytes),
}
"""Valid values at the edge of their fields."""
