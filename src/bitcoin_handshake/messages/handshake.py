"""The messages of the handshake: version, verack and what may stand between them.

Sources: Core's `ProcessMessage` in `net_processing.cpp`; BIP14, BIP37, BIP60 (version), BIP155
(sendaddrv2), BIP330 (sendtxrcncl), BIP339 (wtxidrelay), BIP434 (feature).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.errors import BadEncoding, TrailingBytes
from bitcoin_handshake.messages.base import NONCE, SERVICES, TEXT, EmptyMessage, Message
from bitcoin_handshake.netaddr import ADDRV1_LEN, NetAddr
from bitcoin_handshake.protocol import MAX_SUBVERSION_LENGTH, MsgType
from bitcoin_handshake.wire import Reader, serialize_fixed, serialize_var_bytes

__all__ = ["Feature", "SendAddrV2", "SendTxRcncl", "V1Address", "Verack", "Version", "WtxidRelay"]

_HEAD = Struct("<iQqQ16s2s")
_FROM_AND_NONCE = Struct("<Q16s2sQ")
_ADDRESS = Struct("<Q16s2s")
_TO_USER_AGENT = Struct("<iQqQ16sBBQ16sBBQB")
_HEIGHT_AND_RELAY = Struct("<iB")
_START_HEIGHT = Struct("<i")
_TXRCNCL = Struct("<IQ")

MIN_FEATURE_ID_LEN = 4
MAX_FEATURE_ID_LEN = 80
MAX_FEATURE_DATA_LEN = 512


@dataclass(slots=True)
class V1Address:
    """An address inside `version`: 26 bytes, without a time.

    Attributes:
        services: 64-bit mask.
        ip: 16 bytes: IPv6, or IPv4 mapped into it.
        port: 0 to 65535; big-endian on the wire.
    """

    services: int = 0
    ip: bytes = bytes(16)
    port: int = 0

    @property
    def netaddr(self) -> NetAddr:
        """Host and port."""
        return NetAddr.from_addrv1(self.ip, self.port)

    def serialize(self) -> bytes:
        """Write the 26 bytes."""
        return _ADDRESS.pack(self.services, serialize_fixed(self.ip, ADDRV1_LEN), self.port.to_bytes(2))

    def to_json(self) -> dict[str, object]:
        """Return services as 16 hex digits, and `host:port`."""
        return {"services": f"{self.services:016x}", "address": self.netaddr.to_text()}


@dataclass(slots=True)
class Version(Message):
    """The `version` message: first message of a connection, from both sides.

    Wire (little-endian unless noted):
        4   protocol_version   int32
        8   services           uint64    ServiceFlags
        8   timestamp          int64     seconds since the Unix epoch
        26  addr_recv          services 8, ip 16, port 2 big-endian; no time
        26  addr_from          as above; since protocol version 106
        8   nonce              uint64    detects connection to self
        ..  user_agent         CompactSize + bytes, at most MAX_SUBVERSION_LENGTH (256); BIP14
        4   start_height       int32
        1   relay              uint8     optional; BIP37; any non-zero byte is true

    Tolerates, as Core's ProcessMessage does: an end after addr_recv, nonce, user_agent or
        start_height (those fields are then None); bytes after `relay` (kept in `trailing`); a
        user_agent that is not UTF-8 (kept).
    Rejects: an end inside a field or between addr_from and nonce, a non-minimal CompactSize, a
        user_agent over the limit.
    """

    msg_type: ClassVar[str] = MsgType.VERSION.value

    protocol_version: int
    services: int = field(metadata=SERVICES)
    timestamp: int
    addr_recv: V1Address
    addr_from: V1Address | None = None
    nonce: int | None = field(default=None, metadata=NONCE)
    user_agent: bytes | None = field(default=None, metadata=TEXT)
    start_height: int | None = None
    relay: int | None = None
    trailing: bytes = b""

    @property
    def wants_relay(self) -> bool:
        """Whether the sender wants transactions announced; true where the field is absent."""
        return self.relay is None or self.relay != 0

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 46 bytes.

        Raises:
            Truncated: It ends where no sender may end it.
            NonMinimalCompactSize: The user agent's length is written too long.
            FieldTooLong: The user agent is over 256 bytes.
        """
        if len(payload) > 80 and payload[80] < 253 and len(payload) == 86 + payload[80]:
            return cls._deserialize_whole(payload)
        reader = Reader(payload)
        protocol_version, services, timestamp, recv_services, recv_ip, recv_port = reader.unpack(
            _HEAD, "version up to addr_recv"
        )
        message = cls(
            protocol_version,
            services,
            timestamp,
            V1Address(recv_services, recv_ip, int.from_bytes(recv_port)),
        )
        end = reader.end
        if reader.pos < end:
            from_services, from_ip, from_port, message.nonce = reader.unpack(
                _FROM_AND_NONCE, "addr_from and nonce"
            )
            message.addr_from = V1Address(from_services, from_ip, int.from_bytes(from_port))
        if reader.pos < end:
            message.user_agent = reader.var_bytes("user_agent", limit=MAX_SUBVERSION_LENGTH)
        if reader.pos < end:
            (message.start_height,) = reader.unpack(_START_HEIGHT, "start_height")
        if reader.pos < end:
            message.relay = reader.u8("relay")
        if reader.pos < end:
            message.trailing = reader.rest()
        return message

    @classmethod
    def _deserialize_whole(cls, payload: bytes) -> Self:
        """Read what nearly every node sends: all fields, nothing behind them.

        Half the time that the general way takes (bench/messages.py). The caller has checked
        that the length fits a user agent of payload[80] bytes, the CompactSize of which is short.
        """
        fields = _TO_USER_AGENT.unpack_from(payload)
        start_height, relay = _HEIGHT_AND_RELAY.unpack_from(payload, len(payload) - 5)
        return cls(
            fields[0],
            fields[1],
            fields[2],
            V1Address(fields[3], fields[4], fields[5] << 8 | fields[6]),
            V1Address(fields[7], fields[8], fields[9] << 8 | fields[10]),
            fields[11],
            payload[81:-5],
            start_height,
            relay,
        )

    def serialize(self) -> bytes:
        """Write the payload, up to the first field that is None."""
        parts = [
            _HEAD.pack(
                self.protocol_version,
                self.services,
                self.timestamp,
                self.addr_recv.services,
                serialize_fixed(self.addr_recv.ip, ADDRV1_LEN),
                self.addr_recv.port.to_bytes(2),
            )
        ]
        if self.addr_from is not None and self.nonce is not None:
            parts += (self.addr_from.serialize(), self.nonce.to_bytes(8, "little"))
            if self.user_agent is not None:
                parts.append(serialize_var_bytes(self.user_agent))
                if self.start_height is not None:
                    parts.append(_START_HEIGHT.pack(self.start_height))
                    if self.relay is not None:
                        parts += (bytes((self.relay,)), self.trailing)
        return b"".join(parts)


class Verack(EmptyMessage):
    """The `verack` message: acknowledges `version`; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.VERACK.value


class WtxidRelay(EmptyMessage):
    """The `wtxidrelay` message (BIP339): between version and verack only; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.WTXIDRELAY.value


class SendAddrV2(EmptyMessage):
    """The `sendaddrv2` message (BIP155): between version and verack only; no fields."""

    __slots__ = ()
    msg_type: ClassVar[str] = MsgType.SENDADDRV2.value


@dataclass(slots=True)
class SendTxRcncl(Message):
    """The `sendtxrcncl` message (BIP330): between version and verack only.

    Wire (little-endian):
        4   version   uint32   1 today
        8   salt      uint64
    """

    msg_type: ClassVar[str] = MsgType.SENDTXRCNCL.value

    version: int
    salt: int = field(metadata=NONCE)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 12 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        version, salt = reader.unpack(_TXRCNCL, "version and salt")
        return cls(version, salt, reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return _TXRCNCL.pack(self.version, self.salt) + self.trailing


@dataclass(slots=True)
class Feature(Message):
    """The `feature` message (BIP434): between version and verack, protocol version 70017.

    Wire:
        ..  feature_id   CompactSize + 4 to 80 bytes
        ..  data         CompactSize + 0 to 512 bytes

    Rejects: anything behind `data` (the BIP asks for the exact length).
    """

    msg_type: ClassVar[str] = MsgType.FEATURE.value

    feature_id: bytes = field(metadata=TEXT)
    data: bytes

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It ends inside a field.
            BadEncoding: The id is under 4 bytes.
            FieldTooLong: A field is over its limit.
            TrailingBytes: Bytes stand behind the last field.
        """
        reader = Reader(payload)
        feature_id = reader.var_bytes("feature_id", limit=MAX_FEATURE_ID_LEN)
        if len(feature_id) < MIN_FEATURE_ID_LEN:
            raise BadEncoding(field="feature_id", why=f"{len(feature_id)} bytes, 4 at least")
        data = reader.var_bytes("data", limit=MAX_FEATURE_DATA_LEN)
        if reader.remaining:
            raise TrailingBytes(count=reader.remaining)
        return cls(feature_id, data)

    def serialize(self) -> bytes:
        """Write the payload."""
        return serialize_var_bytes(self.feature_id) + serialize_var_bytes(self.data)
