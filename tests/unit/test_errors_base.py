"""What every exception can do."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from bitcoin_handshake import errors
from bitcoin_handshake.codes import Phase
from bitcoin_handshake.errors import BitcoinHandshakeError
from tests.failures import CLASSES, sample_fields


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_field_is_in_facts_and_repr(cls: type[BitcoinHandshakeError]) -> None:
    error = cls(**sample_fields(cls))
    assert list(error.facts()) == list(sample_fields(cls))
    assert all(f"{name}=" in repr(error) for name in sample_fields(cls))


def test_facts_are_plain_values() -> None:
    error = errors.BadMagic(received=b"\x01\x02", expected=b"\xf9\xbe", phase=Phase.KEY)
    assert error.facts() == {
        "phase": "key",
        "offset": None,
        "retry_v1": False,
        "received": "0102",
        "expected": "f9be",
    }
    assert type(error.facts()["phase"]) is str


def test_repr_shows_the_fields() -> None:
    assert repr(errors.ConnectTimeout(waited_s=2.5)) == "ConnectTimeout(waited_s=2.5)"


def test_exceptions_are_compared_by_identity() -> None:
    one = errors.ConnectRefused()
    assert one != errors.ConnectRefused()
    assert one in {one}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_only_a_plain_sentence_is_positional(cls: type[BitcoinHandshakeError]) -> None:
    positional = [each.name for each in dataclasses.fields(cls) if each.init and not each.kw_only]
    assert positional in ([], ["what"])


def test_what_was_set_later_and_notes_are_copied() -> None:
    error = errors.LooksLikeV1()
    error.phase = Phase.KEY
    error.add_note("seen in a test")
    for other in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (other.phase, other.retry_v1, other.__notes__) == (Phase.KEY, True, ["seen in a test"])


def test_a_bad_target_has_its_sentence_from_its_facts() -> None:
    error = errors.BadTarget(text="a b", why="white space inside")
    assert (str(error), error.detail) == (error.what, error.what)
    assert error.facts() == {"text": "a b", "why": "white space inside", "place": ""}
    placed = errors.BadTarget(text="a b", why="white space inside", place="list:3")
    assert str(placed) == f"list:3: {error}"
