"""Arguments of the library's calls: each is checked where it enters, and named where it is wrong.

Owns the checks that the public entry points share. Every refusal is an `InputError` that begins
with the parameter's name; what is returned is of the type that the rest works with.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import NoReturn

from bitcoin_handshake.chain import Chain, ChainParams, chain_from_text
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import Network

__all__ = ["chain", "flag", "networks", "octets", "seconds", "several", "transport", "whole_number"]


def seconds(name: str, value: object, *, zero: bool = False) -> float:
    """Check a time in seconds: an int or float, finite and over 0, or 0 where `zero` allows it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(name, "a number of seconds", value)
    try:
        number = float(value)
    except OverflowError:
        raise InputError(f"{name} must be a finite number of seconds") from None
    if not isfinite(number) or number < 0 or (not zero and number == 0):
        wanted = "0 seconds or more" if zero else "over 0 seconds"
        raise InputError(f"{name} must be {wanted} and finite, not {number:g}")
    return number


def whole_number(name: str, value: object, *, low: int, high: int | None = None) -> int:
    """Check an int from `low` to `high`, both included; None for no upper bound."""
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse(name, "a whole number", value)
    if value < low or (high is not None and value > high):
        bounds = f"{low} or more" if high is None else f"from {low} to {high}"
        raise InputError(f"{name} must be {bounds}, not {value}")
    return value


def flag(name: str, value: object) -> bool:
    """Check a bool."""
    if not isinstance(value, bool):
        _refuse(name, "True or False", value)
    return value


def octets(name: str, value: object, *, max_len: int) -> bytes:
    """Check bytes, `max_len` of them at most."""
    if isinstance(value, str):
        raise InputError(f"{name} must be bytes, not str: encode it first, {name}=b'...'")
    if not isinstance(value, bytes | bytearray | memoryview):
        _refuse(name, "bytes", value)
    taken = bytes(value)
    if len(taken) > max_len:
        raise InputError(f"{name} has {len(taken)} bytes, over {max_len}")
    return taken


def chain(name: str, value: object) -> ChainParams:
    """Check a chain: its parameters, a `Chain`, or its name."""
    if isinstance(value, ChainParams):
        return value
    if isinstance(value, Chain):
        return value.params
    if not isinstance(value, str):
        _refuse(name, "a Chain, its name, or ChainParams", value)
    try:
        return chain_from_text(value)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def transport(name: str, value: object) -> TransportMode:
    """Check a transport mode, or its name."""
    if not isinstance(value, str):
        _refuse(name, "a TransportMode or its name", value)
    try:
        return TransportMode.from_text(value)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def networks(name: str, value: object) -> frozenset[Network]:
    """Check a collection of networks or of their names, one or more."""
    given = several(name, value)
    try:
        found = frozenset(Network(str(each)) for each in given)
    except ValueError:
        raise InputError(f"{name} must hold networks: {', '.join(Network)}") from None
    if not found:
        raise InputError(f"{name} is empty: there is no address family to dial")
    return found


def several(name: str, value: object) -> Iterable[object]:
    """Check something to iterate over that is not one text."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InputError(f"{name} must be several in a list or another iterable, not one {_kind(value)}")
    return value


def _refuse(name: str, wanted: str, value: object) -> NoReturn:
    raise InputError(f"{name} must be {wanted}, not {_kind(value)}")


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
