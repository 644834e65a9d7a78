"""What every message is: a type, bytes in both directions, a form for machines.

Owns `Message` and `EmptyMessage`, and `UnknownMessage`, which keeps the bytes of what nobody
here knows. Knows no transport.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar, Self

__all__ = ["EmptyMessage", "Message", "UnknownMessage", "json_value"]


def json_value(value: object) -> object:
    """Turn a field's value into what JSON has: bytes become hex, messages become objects."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (tuple, list)):
        return [json_value(item) for item in value]
    to_json = getattr(value, "to_json", None)
    return value if to_json is None else to_json()


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
        """Write the payload, without any header."""
        raise NotImplementedError

    def to_json(self) -> dict[str, object]:
        """Return the fields by name, with bytes as hex."""
        return {field.name: json_value(getattr(self, field.name)) for field in fields(self)}


@dataclass(slots=True)
class EmptyMessage(Message):
    """Base of the messages that have no fields."""

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
