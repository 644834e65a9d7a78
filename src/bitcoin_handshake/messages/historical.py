"""Messages of the past: `reject` (BIP61), `alert`, and the three of pay-to-IP.

Also the names of messages whose payload nobody here reads (`NAMES_WITHOUT_LAYOUT`): proposals
that were never deployed, drafts, and messages of other chains. They decode to `UnknownMessage`.

Sources: BIP61; Core 0.12's `CAlert` (`alert.h`); Core 0.3's `ProcessMessage` (`main.cpp`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct, pack
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import HASH, TEXT, Message, fields_json
from bitcoin_handshake.messages.headers import HASH_LEN
from bitcoin_handshake.protocol import MSG_TYPE_LEN, MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed, serialize_var_bytes

__all__ = [
    "MAX_REJECT_MESSAGE_LENGTH",
    "NAMES_WITHOUT_LAYOUT",
    "REJECTS_WITH_HASH",
    "REJECT_CODES",
    "Alert",
    "AlertBody",
    "CheckOrder",
    "Reject",
    "Reply",
    "SubmitOrder",
]

MAX_REJECT_MESSAGE_LENGTH = 111
"""Upper limit of the reason of a `reject` in bytes."""
MAX_ALERT_COMMENT_LEN = 65_536
"""Upper limit of an alert's comment in bytes."""
MAX_ALERT_STATUS_LEN = 256
"""Upper limit of an alert's status text, and of its reserved text, in bytes."""

REJECT_CODES = {
    0x01: "malformed",
    0x10: "invalid",
    0x11: "obsolete",
    0x12: "duplicate",
    0x40: "nonstandard",
    0x41: "dust",
    0x42: "insufficientfee",
    0x43: "checkpoint",
}
"""Names of the codes of `reject` (BIP61)."""
REJECTS_WITH_HASH = (b"tx", b"block")
"""The messages whose `reject` holds a hash (BIP61)."""

NAMES_WITHOUT_LAYOUT = frozenset(
    (
        "review",  # 0.1 to 0.2, never used
        *("getutxos", "utxos"),  # BIP64, Bitcoin XT
        *("authreply", "authpropose"),  # BIP150, whose "authchallenge" is too long for a type
        *("encinit", "encack"),  # BIP151
        *("challenge", "solution"),  # BIP154
        "dandeliontx",  # BIP156
        *("fraud", "getfraud"),  # BIP180
        *("getoutputs", "outputs", "getspend", "getspends", "spend"),  # BIP33
        "disabletx",  # BIP338
        *("uproof", "getuproof", "uttls", "getuttls", "usummary"),  # BIP183 draft
        *("utreexotx", "uroot", "geturoot"),  # BIP183 draft
        *("xthinblock", "get_xthin", "buversion", "xversion", "xverack"),  # other chains
        *("protoconf", "authch"),  # other chains
    )
)
"""Known message types whose payload is kept as bytes in an `UnknownMessage`."""

_CODE = Struct("<i")
_ALERT_HEAD = Struct("<iqqii")
_ALERT_VERSIONS = Struct("<ii")
_PRIORITY = Struct("<i")


@dataclass(slots=True)
class Reject(Message):
    """The `reject` message (BIP61), sent by Core 0.9 to 0.19: why a message was refused.

    Wire:
        ..  message   CompactSize + bytes, at most MSG_TYPE_LEN (12): its type
        1   ccode     uint8
        ..  reason    CompactSize + bytes, at most MAX_REJECT_MESSAGE_LENGTH (111)
        32  data      hash   optional; of the transaction or block, where `message` is one

    Tolerates: unknown codes; no hash where one is due (`data` is then None); text that is not
        UTF-8.
    """

    msg_type: ClassVar[str] = MsgType.REJECT.value

    message: bytes = field(metadata=TEXT)
    ccode: int
    reason: bytes = field(metadata=TEXT)
    data: bytes | None = field(default=None, metadata=HASH)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 3 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: A length is written too long.
            FieldTooLong: A text is over its limit.
        """
        reader = Reader(payload)
        message = reader.var_bytes("message", limit=MSG_TYPE_LEN)
        ccode = reader.u8("ccode")
        reason = reader.var_bytes("reason", limit=MAX_REJECT_MESSAGE_LENGTH)
        data = None
        if message in REJECTS_WITH_HASH and reader.remaining:
            data = reader.read(HASH_LEN, "data")
        return cls(message, ccode, reason, data, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return b"".join(
            (
                serialize_var_bytes(self.message),
                self.ccode.to_bytes(1),
                serialize_var_bytes(self.reason),
                b"" if self.data is None else serialize_fixed(self.data, HASH_LEN),
                self.trailing,
            )
        )

    def to_json(self) -> dict[str, object]:
        """Return the fields, and the name of the code (None if unknown)."""
        return {**fields_json(self), "ccode_name": REJECT_CODES.get(self.ccode)}


@dataclass(slots=True)
class AlertBody:
    """What an `alert` signs.

    Attributes:
        version: Of the format; 1 for every alert there was.
        relay_until: Unix seconds after which it is no longer relayed.
        expiration: Unix seconds after which it is no longer shown.
        id: Its number.
        cancel: Alerts up to this number are cancelled.
        set_cancel: Further numbers that are cancelled.
        min_ver: Lowest protocol version that it is for.
        max_ver: Highest one.
        set_sub_ver: User agents that it is for; () for all.
        priority: The higher the more important.
        comment: Not shown to users.
        status_bar: What users were shown.
        reserved: Text without a meaning.
        trailing: Bytes behind the last field.
    """

    version: int
    relay_until: int
    expiration: int
    id: int
    cancel: int
    set_cancel: tuple[int, ...]
    min_ver: int
    max_ver: int
    set_sub_ver: tuple[bytes, ...]
    priority: int
    comment: bytes = field(metadata=TEXT)
    status_bar: bytes = field(metadata=TEXT)
    reserved: bytes = field(metadata=TEXT)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, body: bytes) -> Self:
        """Read a signed body; raises as `Alert.deserialize`."""
        reader = Reader(body)
        version, relay_until, expiration, id_, cancel = reader.unpack(_ALERT_HEAD, "alert head")
        count = reader.count("set_cancel", entry_len=4)
        set_cancel = reader.unpack(Struct(f"<{count}i"), "set_cancel")
        min_ver, max_ver = reader.unpack(_ALERT_VERSIONS, "min_ver and max_ver")
        count = reader.count("set_sub_ver", entry_len=1)
        set_sub_ver = tuple([reader.var_bytes("sub_ver") for _ in range(count)])
        return cls(
            version,
            relay_until,
            expiration,
            id_,
            cancel,
            set_cancel,
            min_ver,
            max_ver,
            set_sub_ver,
            reader.i32("priority"),
            reader.var_bytes("comment", limit=MAX_ALERT_COMMENT_LEN),
            reader.var_bytes("status_bar", limit=MAX_ALERT_STATUS_LEN),
            reader.var_bytes("reserved", limit=MAX_ALERT_STATUS_LEN),
            reader.rest(),
        )

    def serialize(self) -> bytes:
        """Write the body."""
        cancel_count = len(self.set_cancel)
        return b"".join(
            (
                _ALERT_HEAD.pack(self.version, self.relay_until, self.expiration, self.id, self.cancel),
                serialize_compact_size(cancel_count),
                pack(f"<{cancel_count}i", *self.set_cancel),
                _ALERT_VERSIONS.pack(self.min_ver, self.max_ver),
                serialize_compact_size(len(self.set_sub_ver)),
                *(serialize_var_bytes(sub_ver) for sub_ver in self.set_sub_ver),
                _PRIORITY.pack(self.priority),
                serialize_var_bytes(self.comment),
                serialize_var_bytes(self.status_bar),
                serialize_var_bytes(self.reserved),
                self.trailing,
            )
        )

    def to_json(self) -> dict[str, object]:
        """Return the fields."""
        return fields_json(self)


@dataclass(slots=True)
class Alert(Message):
    """The `alert` message, 0.3.11 to 0.12; later only the final one, to old peers.

    Wire (little-endian):
        ..  body   CompactSize + bytes, which are:
            4   version       int32
            8   relay_until   int64   Unix seconds
            8   expiration    int64   Unix seconds
            4   id            int32
            4   cancel        int32
            ..  set_cancel    CompactSize + int32 each
            4   min_ver       int32
            4   max_ver       int32
            ..  set_sub_ver   CompactSize, each CompactSize + bytes
            4   priority      int32
            ..  comment       CompactSize + bytes, at most MAX_ALERT_COMMENT_LEN (65,536)
            ..  status_bar    CompactSize + bytes, at most MAX_ALERT_STATUS_LEN (256)
            ..  reserved      CompactSize + bytes, at most MAX_ALERT_STATUS_LEN (256)
        ..  signature   CompactSize + bytes   ECDSA; not checked

    Tolerates: any signature, bytes behind `reserved` and behind `signature`.
    """

    msg_type: ClassVar[str] = MsgType.ALERT.value

    body: AlertBody
    signature: bytes
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It, or the body in it, ends inside a field.
            NonMinimalCompactSize: A count or length is written too long.
            FieldTooLong: A text is over its limit.
        """
        reader = Reader(payload)
        body = AlertBody.deserialize(reader.var_bytes("body"))
        return cls(body, reader.var_bytes("signature"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        body = serialize_var_bytes(self.body.serialize())
        return body + serialize_var_bytes(self.signature) + self.trailing


@dataclass(slots=True)
class _Order(Message):
    """Base of the two messages that offer a payment to an IP address."""

    reply_key: bytes = field(metadata=HASH)
    wallet_transaction: bytes

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 32 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        return cls(reader.read(HASH_LEN, "reply_key"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return serialize_fixed(self.reply_key, HASH_LEN) + self.wallet_transaction


@dataclass(slots=True)
class CheckOrder(_Order):
    """The `checkorder` message (pay-to-IP): may I pay you this?

    Wire:
        32  reply_key            hash   names the answer
        ..  wallet_transaction   bytes   to the end; the form of an early wallet, kept as it is
    """

    msg_type: ClassVar[str] = MsgType.CHECKORDER.value


@dataclass(slots=True)
class SubmitOrder(_Order):
    """The `submitorder` message (pay-to-IP): here is your payment.

    Wire:
        32  reply_key            hash   names the answer
        ..  wallet_transaction   bytes   to the end; the form of an early wallet, kept as it is
    """

    msg_type: ClassVar[str] = MsgType.SUBMITORDER.value


@dataclass(slots=True)
class Reply(Message):
    """The `reply` message (pay-to-IP): the answer to `checkorder` or `submitorder`.

    Wire (little-endian):
        32  reply_key   hash    that of the question
        4   code        int32   0: accepted; 1, 2: refused
        ..  script      CompactSize + bytes   optional; where to pay to
    """

    msg_type: ClassVar[str] = MsgType.REPLY.value

    reply_key: bytes = field(metadata=HASH)
    code: int
    script: bytes | None = None
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 36 bytes.

        Raises:
            Truncated: It ends inside a field.
            NonMinimalCompactSize: The script's length is written too long.
            FieldTooLong: The script's length is over MAX_SIZE.
        """
        reader = Reader(payload)
        reply_key = reader.read(HASH_LEN, "reply_key")
        code = reader.i32("code")
        script = reader.var_bytes("script") if reader.remaining else None
        return cls(reply_key, code, script, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        script = b"" if self.script is None else serialize_var_bytes(self.script) + self.trailing
        return serialize_fixed(self.reply_key, HASH_LEN) + _CODE.pack(self.code) + script
