"""The `block` message.

Sources: BIP144; Core's `CBlock` in `primitives/block.h`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from bitcoin_handshake.messages.base import Message
from bitcoin_handshake.messages.headers import BlockHeader
from bitcoin_handshake.messages.transactions import (
    Transaction,
    read_transactions,
    serialize_transactions,
)
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.wire import Reader

__all__ = ["Block"]


@dataclass(slots=True)
class Block(Message):
    """The `block` message: a header and all transactions of the block.

    Wire (little-endian):
        80  header         header
        ..  transactions   CompactSize + transactions, each as in `tx`

    Limits: none of its own but MAX_PROTOCOL_MESSAGE_LENGTH (4,000,000 bytes).
    """

    msg_type: ClassVar[str] = MsgType.BLOCK.value

    header: BlockHeader
    transactions: tuple[Transaction, ...]
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload of at least 81 bytes.

        Raises:
            WireError: It ends early, or a transaction is malformed (see `Transaction.read`).
        """
        reader = Reader(payload)
        header = BlockHeader.read(reader)
        return cls(header, read_transactions(reader), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return self.header.serialize() + serialize_transactions(self.transactions) + self.trailing
