"""Builds an exception from its code and its facts, as a stored or transmitted record has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import cache
from types import MappingProxyType

from bitcoin_handshake.codes import FailureCode, Phase
from bitcoin_handshake.errors import base, peer, reach, transports, wire
from bitcoin_handshake.errors.base import BitcoinHandshakeError, InputError

__all__ = ["from_code"]


def _classes() -> Iterable[type[BitcoinHandshakeError]]:
    from bitcoin_handshake.errors import proxies  # 40 classes, which a run without a proxy does not need

    for module in (base, peer, proxies, reach, transports, wire):
        for name in module.__all__:
            cls: type[BitcoinHandshakeError] = getattr(module, name)
            if "code" in vars(cls) and cls is not BitcoinHandshakeError:
                yield cls


@cache
def _class_of() -> Mapping[FailureCode, type[BitcoinHandshakeError]]:
    return {cls.code: cls for cls in _classes()}


def from_code(code: str, facts: Mapping[str, object]) -> BitcoinHandshakeError:
    """Build the exception of a code from what `facts` returned.

    Facts that the class does not have are ignored: a newer version may have written them.

    Raises:
        InputError: The code is unknown, or a fact is missing or of the wrong type.
    """
    try:
        cls = _class_of()[FailureCode(code)]
    except ValueError:
        raise InputError(f"unknown failure code {code!r}") from None
    own = {
        each.name: _read(str(each.type), facts[each.name], f"{code}: {each.name}")
        for each in fields(cls)
        if each.init and each.name in facts
    }
    try:
        return cls(**own)
    except TypeError:
        raise InputError(f"a fact of {code} is missing: {sorted(own)} are there") from None


def _read(kind: str, value: object, name: str) -> object:
    """Turn a plain value into that of a field whose annotation is `kind`."""
    if value is None and kind.endswith(" | None"):
        return None
    try:
        return _READERS[kind.removesuffix(" | None")](value)
    except ValueError:
        raise InputError(f"{name} is not of type {kind}: {value!r}") from None


def _exactly(*types: type) -> Callable[[object], object]:
    def read(value: object) -> object:
        if type(value) not in types:  # a boolean is not a number here
            raise ValueError
        return value

    return read


def _bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError
    return bytes.fromhex(value)


def _phase(value: object) -> Phase:
    return Phase(str(value))


# By annotation: fields have no other types (a test proves it).
_READERS: Mapping[str, Callable[[object], object]] = MappingProxyType(
    {
        "bool": _exactly(bool),
        "bytes": _bytes,
        "float": _exactly(float, int),
        "int": _exactly(int),
        "str": _exactly(str),
        "Phase": _phase,
    }
)
