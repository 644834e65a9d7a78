"""An exception survives what a store, a worker process and a reading library do with it."""

from __future__ import annotations

import copy
import json
import pickle

from hypothesis import assume, given

from bitcoin_handshake.errors import BitcoinHandshakeError, from_code
from tests.failures import failures


def _assert_same(error: BitcoinHandshakeError, other: BitcoinHandshakeError) -> None:
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)
    assert repr(other) == repr(error)
    assert other is not error


@given(failures())
def test_survives_pickle(error: BitcoinHandshakeError) -> None:
    _assert_same(error, pickle.loads(pickle.dumps(error)))


@given(failures())
def test_survives_copies(error: BitcoinHandshakeError) -> None:
    _assert_same(error, copy.deepcopy(error))
    _assert_same(error, copy.copy(error))


@given(failures())
def test_survives_facts_as_json(error: BitcoinHandshakeError) -> None:
    assume("code" in vars(type(error)) and type(error) is not BitcoinHandshakeError)
    _assert_same(error, from_code(error.code.value, json.loads(json.dumps(error.facts()))))
