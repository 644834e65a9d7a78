"""Package relay (BIP331): `sendpackages`, `ancpkginfo`, `getpkgtxns`, `pkgtxns`.

No Core release sends these.

Sources: BIP331, "New Messages".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import HASHES, SERVICES, Message
from bitcoin_handshake.messages.headers import HASH_LEN
from bitcoin_handshake.messages.transactions import (
    Transaction,
    read_transactions,
    serialize_transactions,
)
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed

__all__ = ["MAX_PACKAGE_COUNT", "AncPkgInfo", "GetPkgTxns", "PkgTxns", "SendPackages"]

MAX_PACKAGE_COUNT = 100
"""Upper limit of the transactions in a package."""

_VERSIONS = Struct("<Q")


@dataclass(slots=True)
class SendPackages(Message):
    """The `sendpackages` message (BIP331): between version and verack only.

    Wire (little-endian):
        8   versions   uint64   bit 0 PKG_RELAY_PKGTXNS, bit 1 PKG_RELAY_ANC

    Tolerates: unknown bits (kept).
    """

    msg_type: ClassVar[str] = MsgType.SENDPACKAGES.value

    versions: int = field(metadata=SERVICES)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read 8 bytes.

        Raises:
            Truncated: Fewer are there.
        """
        reader = Reader(payload)
        return cls(reader.u64("versions"), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return _VERSIONS.pack(self.versions) + self.trailing


@dataclass(slots=True)
class _WtxidList(Message):
    """Base of the two messages that are lists of witness transaction ids."""

    wtxids: tuple[bytes, ...] = field(metadata=HASHES)
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            Truncated: It ends inside an id.
            NonMinimalCompactSize: The count is written too long.
            FieldTooLong: There are over 100 ids.
        """
        reader = Reader(payload)
        count = reader.count("wtxids", entry_len=HASH_LEN, limit=MAX_PACKAGE_COUNT)
        return cls(tuple([reader.read(HASH_LEN, "wtxid") for _ in range(count)]), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        wtxids = [serialize_fixed(wtxid, HASH_LEN) for wtxid in self.wtxids]
        return b"".join((serialize_compact_size(len(wtxids)), *wtxids, self.trailing))


@dataclass(slots=True)
class AncPkgInfo(_WtxidList):
    """The `ancpkginfo` message (BIP331): the unconfirmed ancestors of the last id, and itself.

    Wire:
        ..  wtxids   CompactSize   at most MAX_PACKAGE_COUNT (100)
        each entry:
            32  wtxid   hash
    """

    msg_type: ClassVar[str] = MsgType.ANCPKGINFO.value


@dataclass(slots=True)
class GetPkgTxns(_WtxidList):
    """The `getpkgtxns` message (BIP331): asks for all of these transactions or none.

    Wire:
        ..  wtxids   CompactSize   at most MAX_PACKAGE_COUNT (100)
        each entry:
            32  wtxid   hash
    """

    msg_type: ClassVar[str] = MsgType.GETPKGTXNS.value


@dataclass(slots=True)
class PkgTxns(Message):
    """The `pkgtxns` message (BIP331): the transactions that `getpkgtxns` asked for.

    Wire:
        ..  transactions   CompactSize, at most MAX_PACKAGE_COUNT (100) + transactions as in `tx`
    """

    msg_type: ClassVar[str] = MsgType.PKGTXNS.value

    transactions: tuple[Transaction, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            WireError: It ends early, has over 100 transactions, or one is malformed (see
                `Transaction.read`).
        """
        reader = Reader(payload)
        return cls(read_transactions(reader, limit=MAX_PACKAGE_COUNT), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return serialize_transactions(self.transactions) + self.trailing
