"""The base of all exceptions, and those that are not about a peer or an address.

Owns `BitcoinHandshakeError`: facts as fields, plain values, copies. An exception whose only fact is
its own sentence (`what`) takes that one positionally; everything else is passed by keyword. A class that
adds no field needs no decorator: each decorator costs 0.1 ms at the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar

from bitcoin_handshake.codes import FailureCode

__all__ = [
    "BadTarget",
    "BitcoinHandshakeError",
    "EnvironmentFailure",
    "InputError",
    "InternalError",
    "LocalProtocolError",
]


@dataclass(kw_only=True, eq=False, repr=False)
class BitcoinHandshakeError(Exception):
    """Base of every exception that this package raises on purpose.

    The fields of an exception are its facts. An exception can be pickled and copied; its cause,
    context and traceback are not part of the copy.
    """

    code: ClassVar[FailureCode] = FailureCode.INTERNAL

    @property
    def detail(self) -> str:
        """What happened, in words, without the code."""
        return str(self)

    def facts(self) -> dict[str, object]:
        """Return the fields as plain values (text, numbers, booleans, None); bytes as hex.

        `errors.from_code` builds an equal exception from them and the code.
        """
        return {name: _plain(value) for name, value in self._fields().items()}

    def _fields(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_plain(value)!r}" for name, value in self._fields().items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild by keyword; an exception is otherwise rebuilt from its positional arguments."""
        own = self._fields()
        more = {name: value for name, value in vars(self).items() if name not in own}
        return _rebuilt, (type(self), own), more or None


def _rebuilt(cls: type[BitcoinHandshakeError], own: dict[str, Any]) -> BitcoinHandshakeError:
    return cls(**own)


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    return value.hex() if isinstance(value, bytes) else value


@dataclass(kw_only=True, eq=False, repr=False)
class InternalError(BitcoinHandshakeError):
    """A bug in bitcoin-handshake; it is never counted against a peer."""

    code = FailureCode.INTERNAL

    what: str = field(kw_only=False)

    def __str__(self) -> str:
        return f"internal error, please report it: {self.what}"


@dataclass(kw_only=True, eq=False, repr=False)
class InputError(BitcoinHandshakeError, ValueError):
    """The text or the options of the caller are wrong."""

    code = FailureCode.INPUT_BAD_OPTION

    what: str = field(kw_only=False)

    def __str__(self) -> str:
        return self.what


@dataclass(kw_only=True, eq=False, repr=False)
class BadTarget(InputError):
    """A target is neither a name nor an address.

    Attributes:
        text: As it was asked for.
        why: What is wrong with it.
        place: `FILE:LINE` where it is from a list, else empty.
    """

    code = FailureCode.INPUT_BAD_TARGET

    what: str = field(init=False)  # built from the facts
    text: str
    why: str
    place: str = ""

    def __post_init__(self) -> None:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        where = f"{self.place}: " if self.place else ""
        self.what = f"{where}{shown!r} is not a target: {self.why}"


@dataclass(kw_only=True, eq=False, repr=False)
class LocalProtocolError(BitcoinHandshakeError):
    """The core was used in a way that the protocol does not allow: a bug in bitcoin-handshake."""

    code = FailureCode.LOCAL_PROTOCOL

    what: str = field(kw_only=False)

    def __str__(self) -> str:
        return self.what


@dataclass(kw_only=True, eq=False, repr=False)
class EnvironmentFailure(BitcoinHandshakeError):
    """This machine cannot do what was asked: no such file, no descriptors, no proxy."""

    code = FailureCode.LOCAL_ENVIRONMENT

    what: str = field(kw_only=False)

    def __str__(self) -> str:
        return self.what
