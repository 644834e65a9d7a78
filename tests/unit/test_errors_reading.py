"""Exceptions are built from a code and facts; wrong input is our caller's mistake."""

from __future__ import annotations

import dataclasses

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.codes import FailureCode, Phase
from bitcoin_handshake.errors import InputError, from_code, reading
from tests.failures import CLASSES


def test_every_code_can_be_read_back() -> None:
    assert set(reading._class_of()) == set(FailureCode)


def test_fields_have_types_that_can_be_read_back() -> None:
    kinds = {str(each.type).removesuffix(" | None") for cls in CLASSES for each in dataclasses.fields(cls)}
    assert kinds <= set(reading._READERS)


def test_builds_the_class_of_the_code() -> None:
    error = from_code("peer.closed", {"phase": "version", "bytes_received": 24})
    assert isinstance(error, errors.PeerClosed)
    assert (error.phase, error.bytes_received, error.retry_v1) == (Phase.VERSION, 24, False)
    assert error.phase is Phase.VERSION


def test_ignores_facts_of_a_newer_version() -> None:
    assert isinstance(from_code("connect.refused", {"later": 1}), errors.ConnectRefused)


@pytest.mark.parametrize(
    ("code", "facts", "reason"),
    [
        ("no.such", {}, "unknown failure code"),
        ("peer.closed", {"phase": "version"}, "is missing"),
        ("peer.closed", {"phase": "nowhere", "bytes_received": 0}, "phase is not of type Phase"),
        ("peer.closed", {"phase": None, "bytes_received": 0}, "phase is not of type Phase"),
        ("peer.closed", {"phase": "key", "bytes_received": True}, "bytes_received is not of type int"),
        ("peer.closed", {"phase": "key", "bytes_received": "1"}, "bytes_received is not of type int"),
        ("v1.bad_magic", {"received": "0x", "expected": "00"}, "received is not of type bytes"),
        ("v1.bad_magic", {"received": 1, "expected": "00"}, "received is not of type bytes"),
        ("v1.bad_magic", {"received": ["00"], "expected": "00"}, "received is not of type bytes"),
    ],
)
def test_wrong_input_is_an_input_error(code: str, facts: dict[str, object], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        from_code(code, facts)
