"""Transactions, and the `tx` message that carries one.

Sources: BIP144; Core's `UnserializeTransaction` and `SerializeTransaction` in
`primitives/transaction.h`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import ClassVar, Self

from bitcoin_handshake.errors import BadEncoding, LocalProtocolError
from bitcoin_handshake.messages.base import HASH, Message, fields_json, hash_text
from bitcoin_handshake.messages.headers import HASH_LEN
from bitcoin_handshake.protocol import MAX_SIZE, MsgType
from bitcoin_handshake.wire import Reader, serialize_compact_size, serialize_fixed, serialize_var_bytes

__all__ = [
    "MIN_TX_LEN",
    "Transaction",
    "Tx",
    "TxInput",
    "TxOutput",
    "read_transactions",
    "serialize_transactions",
]

MIN_TX_LEN = 10
"""Length of the shortest transaction in bytes: version 4, two counts of 1, lock time 4."""
MIN_TX_INPUT_LEN = 41
"""Length of the shortest input in bytes: outpoint 36, script length 1, sequence 4."""
MIN_TX_OUTPUT_LEN = 9
"""Length of the shortest output in bytes: value 8, script length 1."""
WITNESS_FLAG = 1

_VERSION = Struct("<i")
_OUTPOINT = Struct("<32sI")
_U32 = Struct("<I")
_VALUE = Struct("<q")


@dataclass(slots=True)
class TxInput:
    """One input of a transaction.

    Attributes:
        prev_txid: Transaction spent from, 32 bytes in wire order.
        prev_index: Which of its outputs, 0 to 2**32 - 1 (that for a coinbase).
        script_sig: Any bytes.
        sequence: 0 to 2**32 - 1.
        witness: The items of the witness stack; () where there are none.
    """

    prev_txid: bytes = field(metadata=HASH)
    prev_index: int
    script_sig: bytes = b""
    sequence: int = 0xFFFFFFFF
    witness: tuple[bytes, ...] = ()

    def serialize(self) -> bytes:
        """Write the input without its witness."""
        return b"".join(
            (
                _OUTPOINT.pack(serialize_fixed(self.prev_txid, HASH_LEN), self.prev_index),
                serialize_var_bytes(self.script_sig),
                _U32.pack(self.sequence),
            )
        )

    def to_json(self) -> dict[str, object]:
        """Return the fields, the transaction id byte-reversed."""
        return fields_json(self)


@dataclass(slots=True)
class TxOutput:
    """One output of a transaction.

    Attributes:
        value: Satoshi, signed 64-bit.
        script_pubkey: Any bytes.
    """

    value: int
    script_pubkey: bytes = b""

    def serialize(self) -> bytes:
        """Write the output."""
        return _VALUE.pack(self.value) + serialize_var_bytes(self.script_pubkey)

    def to_json(self) -> dict[str, object]:
        """Return the fields."""
        return fields_json(self)


@dataclass(slots=True)
class Transaction:
    """A transaction.

    Attributes:
        version: Signed 32-bit.
        inputs: At least one, except where there are no outputs either (a form that parses and
            is never valid).
        outputs: Any number.
        lock_time: 0 to 2**32 - 1.
    """

    version: int
    inputs: tuple[TxInput, ...]
    outputs: tuple[TxOutput, ...]
    lock_time: int = 0

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read a transaction with or without witnesses.

        Raises:
            Truncated: The bytes end inside it, or a count is more than they can hold.
            NonMinimalCompactSize: A count or length is written too long.
            FieldTooLong: A count or length is over MAX_SIZE.
            BadEncoding: The flag byte has unknown bits, or it announces witnesses and every
                stack is empty (Core's "Superfluous witness record").
        """
        version = reader.i32("tx version")
        inputs = _read_inputs(reader)
        flag = 0
        if inputs:
            outputs = _read_outputs(reader)
        else:
            # No inputs: this zero was the marker of BIP144, and its flag comes next; with flag 0
            # it is the count of outputs, and there are none.
            flag = reader.u8("witness flag")
            if flag & ~WITNESS_FLAG:
                raise BadEncoding(field="witness flag", why=f"unknown bits in {flag:#04x}")
            inputs = _read_inputs(reader) if flag else inputs
            outputs = _read_outputs(reader) if flag else ()
        if flag:
            _read_witnesses(reader, inputs)
        return cls(version, inputs, outputs, reader.u32("lock_time"))

    @property
    def has_witness(self) -> bool:
        """Whether any input has a witness, and the transaction is therefore written with them."""
        return any(input_.witness for input_ in self.inputs)

    def serialize(self, *, include_witness: bool = True) -> bytes:
        """Write the transaction, in the form of BIP144 where it has witnesses.

        Raises:
            LocalProtocolError: It has outputs and no inputs, for which there is no unambiguous
                form.
        """
        if self.outputs and not self.inputs:
            raise LocalProtocolError("a transaction with outputs and no inputs has no wire form")
        with_witness = include_witness and self.has_witness
        parts = [_VERSION.pack(self.version)]
        if with_witness:
            parts.append(bytes((0, WITNESS_FLAG)))
        parts.append(serialize_compact_size(len(self.inputs)))
        parts += [input_.serialize() for input_ in self.inputs]
        parts.append(serialize_compact_size(len(self.outputs)))
        parts += [output.serialize() for output in self.outputs]
        if with_witness:
            for input_ in self.inputs:
                parts.append(serialize_compact_size(len(input_.witness)))
                parts += [serialize_var_bytes(item) for item in input_.witness]
        parts.append(_U32.pack(self.lock_time))
        return b"".join(parts)

    @property
    def txid(self) -> bytes:
        """Double SHA-256 of the form without witnesses, 32 bytes in wire order."""
        return sha256(sha256(self.serialize(include_witness=False)).digest()).digest()

    @property
    def wtxid(self) -> bytes:
        """Double SHA-256 of the form with witnesses, 32 bytes in wire order (BIP141)."""
        return sha256(sha256(self.serialize()).digest()).digest()

    def to_json(self) -> dict[str, object]:
        """Return both ids and the fields."""
        return {
            "txid": hash_text(self.txid),
            "wtxid": hash_text(self.wtxid),
            **fields_json(self),
        }


@dataclass(slots=True)
class Tx(Message):
    """The `tx` message: one transaction, with its witnesses if it has any (BIP144).

    Wire (little-endian):
        4   version     int32
        2   flag        marker 00 and flag 01; only where an input has a witness
        ..  inputs      CompactSize
        each entry:
            32  prev_txid    hash
            4   prev_index   uint32
            ..  script_sig   CompactSize + bytes
            4   sequence     uint32
        ..  outputs     CompactSize
        each entry:
            8   value           int64    satoshi
            ..  script_pubkey   CompactSize + bytes
        ..  witnesses   for each input CompactSize + items, each CompactSize + bytes; as flag
        4   lock_time   uint32

    Rejects: a flag byte with unknown bits, witnesses that are all empty.
    """

    msg_type: ClassVar[str] = MsgType.TX.value

    transaction: Transaction
    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload; raises as `Transaction.read`."""
        reader = Reader(payload)
        return cls(Transaction.read(reader), reader.rest())

    def serialize(self) -> bytes:
        """Write the payload."""
        return self.transaction.serialize() + self.trailing


def read_transactions(reader: Reader, *, limit: int = MAX_SIZE) -> tuple[Transaction, ...]:
    """Read a count, at most `limit`, and that many transactions.

    Raises:
        WireError: As `Transaction.read`; FieldTooLong also where the count is over `limit`.
    """
    count = reader.count("transactions", entry_len=MIN_TX_LEN, limit=limit)
    return tuple([Transaction.read(reader) for _ in range(count)])


def serialize_transactions(transactions: Iterable[Transaction]) -> bytes:
    """Write a count and the transactions."""
    parts = [transaction.serialize() for transaction in transactions]
    return serialize_compact_size(len(parts)) + b"".join(parts)


def _read_inputs(reader: Reader) -> tuple[TxInput, ...]:
    inputs = []
    for _ in range(reader.count("tx inputs", entry_len=MIN_TX_INPUT_LEN)):
        prev_txid, prev_index = reader.unpack(_OUTPOINT, "outpoint")
        script_sig = reader.var_bytes("script_sig")
        inputs.append(TxInput(prev_txid, prev_index, script_sig, reader.u32("sequence")))
    return tuple(inputs)


def _read_outputs(reader: Reader) -> tuple[TxOutput, ...]:
    outputs = []
    for _ in range(reader.count("tx outputs", entry_len=MIN_TX_OUTPUT_LEN)):
        value = reader.i64("value")
        outputs.append(TxOutput(value, reader.var_bytes("script_pubkey")))
    return tuple(outputs)


def _read_witnesses(reader: Reader, inputs: tuple[TxInput, ...]) -> None:
    for input_ in inputs:
        count = reader.count("witness items", entry_len=1)
        input_.witness = tuple([reader.var_bytes("witness item") for _ in range(count)])
    if not any(input_.witness for input_ in inputs):
        raise BadEncoding(field="witness", why="announced, and every stack is empty")
