"""What every message is: a type, bytes in both directions, a form for machines.

Owns `Message` and `EmptyMessage`, and `UnknownMessage`, which keeps the bytes of what nobody
here knows; and the forms that fields take in JSON. Knows no transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import ClassVar, Self

from bitcoin_handshake.protocol import MAX_SAFE_INTEGER, safe_integer

__all__ = [
    "BITS",
    "HASH",
    "HASHES",
    "NONCE",
    "SERVICES",
    "TEXT",
    "EmptyMessage",
    "Message",
    "UnknownMessage",
    "fields_json",
    "hash_text",
    "json_value",
]


def _is_safe(value: object) -> bool:
    if isinstance(value, int):
        return -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER
    return not isinstance(value, list) or all(map(_is_safe, value))


def _map_integers(value: object, change: Callable[[int], object]) -> object:
    if isinstance(value, list):
        return [_map_integers(item, change) for item in value]
    return change(value) if isinstance(value, int) else value


def json_value(value: object) -> object:
    """Turn a field's value into what JSON has: bytes become hex, messages become objects."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (tuple, list)):
        return [json_value(item) for item in value]
    to_json = getattr(value, "to_json", None)
    return value if to_json is None else to_json()


def hash_text(value: bytes) -> str:
    """Write a hash as people do: hex of the bytes in reversed order."""
    return value[::-1].hex()


def _hashes_text(values: Iterable[bytes]) -> list[str]:
    return [hash_text(value) for value in values]


def _hex16(value: int) -> str:
    return f"{value:016x}"


def _hex8(value: int) -> str:
    return f"{value:08x}"


def _peer_text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


HASH: Mapping[str, object] = MappingProxyType({"json": hash_text})
"""Metadata of a field that is a hash: JSON shows it byte-reversed, in hex."""
HASHES: Mapping[str, object] = MappingProxyType({"json": _hashes_text})
"""Metadata of a field that is a sequence of hashes."""
SERVICES: Mapping[str, object] = MappingProxyType({"json": _hex16})
"""Metadata of a field that is a mask of services: JSON shows 16 hex digits."""
NONCE = SERVICES
"""Metadata of a field that is a 64-bit nonce or salt: JSON shows 16 hex digits."""
BITS: Mapping[str, object] = MappingProxyType({"json": _hex8})
"""Metadata of a field that is a compact target: JSON shows 8 hex digits, as Core does."""
TEXT: Mapping[str, object] = MappingProxyType({"json": _peer_text})
"""Metadata of a field that holds a peer's text: what is not UTF-8 becomes `\\\\xNN` in JSON.

Control characters stay: whoever prints the text escapes them.
"""


def fields_json(record: Message | object) -> dict[str, object]:
    """Return the fields of a message, or of a record inside one, in the form for machines.

    A number beyond MAX_SAFE_INTEGER (2**53 - 1) in size is None, and a field of the same name with
    `_text` behind it holds the exact digits; for a list of numbers it holds all of them.
    """
    result: dict[str, object] = {}
    for field in fields(record):  # type: ignore[arg-type]  # every caller is a dataclass
        value = getattr(record, field.name)
        to_json = field.metadata.get("json", json_value)
        shown = None if value is None else to_json(value)
        if _is_safe(shown):
            result[field.name] = shown
        else:
            result[field.name] = _map_integers(shown, safe_integer)
            result[f"{field.name}_text"] = _map_integers(shown, str)
    return result


@dataclass(slots=True)
class Message:
    """Base of the typed messages.

    Attributes:
        msg_type: Type of the message, at most 12 ASCII characters.
        trailing: Bytes behind the last field that we know; kept, so that accepted bytes
            serialise back to the same bytes.
    """

    msg_type: ClassVar[str]

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload.

        Raises:
            WireError: The payload is not that of this message.
        """
        raise NotImplementedError

    def serialize(self) -> bytes:
        """Write the payload, without any header.

        Raises:
            LocalProtocolError: A field whose length the layout fixes has another.
            struct.error, OverflowError: A number does not fit into its field.
        """
        raise NotImplementedError

    def to_json(self) -> dict[str, object]:
        """Return the fields by name.

        Hashes are byte-reversed hex, services and 64-bit nonces 16 hex digits, other bytes hex.
        """
        return fields_json(self)


@dataclass(slots=True)
class EmptyMessage(Message):
    """Base of the messages that have no fields.

    A subclass adds no field, so it needs no decorator of its own: each takes half a millisecond at import.
    """

    trailing: bytes = b""

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload; whatever it holds is kept as `trailing`."""
        return cls(payload)

    def serialize(self) -> bytes:
        """Write the payload: nothing, or what was kept."""
        return self.trailing


@dataclass(slots=True)
class UnknownMessage(Message):
    """A message whose type is not known here, or whose fields nobody specified.

    Attributes:
        type_: Its type as received.
        payload: Its payload, any bytes.
    """

    msg_type: ClassVar[str] = ""
    type_: str
    payload: bytes

    @classmethod
    def deserialize(cls, payload: bytes) -> Self:
        """Read a payload whose type is not known."""
        return cls("", payload)

    def serialize(self) -> bytes:
        """Write the payload back as it came."""
        return self.payload
