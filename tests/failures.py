"""Every exception class of the package, and fields to make one of each."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from hypothesis import strategies as st

from bitcoin_handshake import errors
from bitcoin_handshake.codes import Phase
from bitcoin_handshake.errors import BitcoinHandshakeError, proxies
from bitcoin_handshake.transcript.reader import DamagedTranscript

CLASSES: list[type[BitcoinHandshakeError]] = [
    value
    for value in [*vars(errors).values(), *(getattr(proxies, name) for name in proxies.__all__)]
    if inspect.isclass(value) and issubclass(value, BitcoinHandshakeError)
] + [DamagedTranscript]

# By annotation.
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "bytes": st.binary(max_size=20),
    "float": st.floats(min_value=0, max_value=1e6),
    "int": st.integers(min_value=0, max_value=1 << 64),
    "int | None": st.none() | st.integers(min_value=0, max_value=1 << 64),
    "str": st.text(max_size=100),
    "Phase": st.sampled_from(Phase),
    "Phase | None": st.none() | st.sampled_from(Phase),
}
_SAMPLES: dict[str, Any] = {
    "bool": True,
    "bytes": b"\x01\x02\x03\x04",
    "float": 2.5,
    "int": 300,
    "int | None": None,
    "str": "some words",
    "Phase": Phase.VERACK,
    "Phase | None": Phase.VERACK,
}


def _kinds(cls: type[BitcoinHandshakeError]) -> dict[str, str]:
    return {each.name: str(each.type) for each in dataclasses.fields(cls) if each.init}


def sample_fields(cls: type[BitcoinHandshakeError]) -> dict[str, Any]:
    """Return a value for each field that the constructor takes."""
    return {name: _SAMPLES[kind] for name, kind in _kinds(cls).items()}


def failures() -> st.SearchStrategy[BitcoinHandshakeError]:
    """Any exception with any facts."""
    return st.sampled_from(CLASSES).flatmap(
        lambda cls: st.builds(cls, **{name: _VALUES[kind] for name, kind in _kinds(cls).items()})
    )
