"""The tree of exceptions: one failure, one class, one stable code, one sentence."""

from __future__ import annotations

from collections import Counter

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.codes import FailureCode
from bitcoin_handshake.errors import BitcoinHandshakeError
from tests.failures import CLASSES, sample_fields


def test_every_failure_code_is_the_code_of_exactly_one_class() -> None:
    owners = Counter(
        vars(cls)["code"] for cls in CLASSES if "code" in vars(cls) and cls is not BitcoinHandshakeError
    )
    assert owners == Counter(FailureCode)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_class_builds_its_sentence_from_its_facts(cls: type[BitcoinHandshakeError]) -> None:
    error = cls(**sample_fields(cls))
    assert error.detail == str(error)
    assert isinstance(error.code, FailureCode)
    assert "\n" not in str(error)
    if "__str__" in vars(cls):
        assert str(error)


def test_our_callers_mistakes_are_value_errors() -> None:
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.BadTarget, errors.InputError)


def test_what_a_peer_does_is_a_peer_error_and_what_we_do_is_not() -> None:
    theirs = {cls for cls in CLASSES if issubclass(cls, errors.PeerError)}
    assert theirs >= {
        errors.WireError,
        errors.V1TransportError,
        errors.V2TransportError,
        errors.HandshakeError,
    }
    assert theirs >= {errors.PeerClosed, errors.PeerReset, errors.PeerTimeout, errors.PeerFlood}
    ours = {errors.LocalProtocolError, errors.InternalError, errors.ConnectError, errors.Skipped}
    assert not theirs & ours


def test_a_long_bad_target_is_shortened() -> None:
    error = errors.BadTarget(text="x" * 1_000_000, why="too long")
    assert len(str(error)) < 120
    assert "..." in str(error)


def test_a_bad_target_shows_control_characters_escaped() -> None:
    assert "\x1b" not in str(errors.BadTarget(text="\x1b[31mred", why="no"))
