"""Facts of an address from a record of schema version 1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bitcoin_handshake.audit.facts import AddressFacts
from bitcoin_handshake.errors import InputError
from tests.audits import record


def test_the_fields_of_a_record_become_facts() -> None:
    facts = AddressFacts.from_record(json.loads(json.dumps(record())))
    assert facts.name == "192.0.2.7:8333"
    assert (facts.outcome, facts.v1.status, facts.v2.status) == ("ok", "not_tried", "completed")
    assert facts.services == 0xC09
    assert facts.start_height == 850_000
    assert facts.ping_ms == 21.5


def test_a_record_without_version_has_none_of_its_facts() -> None:
    facts = AddressFacts.from_record(record(version=None, address=None))
    assert facts.name == "seed.example"
    assert (facts.services, facts.user_agent, facts.services_names) == (None, None, ())


def test_the_words_of_a_reject_are_kept() -> None:
    reject = {"message": "version", "code": 17, "reason": "obsolete"}
    assert AddressFacts.from_record(record(reject=reject)).reject == "version: obsolete"


@pytest.mark.parametrize(
    "broken",
    [{}, {"schema": 2}, {**record(), "transports": None}, {**record(), "version": {"services": "xyz"}}],
    ids=["empty", "schema", "transports", "services"],
)
def test_what_is_no_record_is_an_input_error(broken: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="record"):
        AddressFacts.from_record(broken)
