"""The registry of behaviours; what comes of each is in tests/adversarial."""

from __future__ import annotations

import re

import pytest

from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS, behaviours_table, behaviours_text
from tests.helpers import CHECKOUT
from tests.simulated import REGTEST, converse, initiator, node_facts, script_of


def test_names_can_be_typed_in_a_mix() -> None:
    for name, behaviour in BEHAVIOURS.items():
        assert behaviour.name == name
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name)
        assert name != "all"


def test_descriptions_are_one_line_of_a_table() -> None:
    for behaviour in BEHAVIOURS.values():
        assert re.fullmatch(r"[^\n|]{5,80}", behaviour.description)


@pytest.mark.parametrize("mode", TransportMode)
def test_only_ok_has_neither_phase_nor_code(mode: TransportMode) -> None:
    for behaviour in BEHAVIOURS.values():
        expected = behaviour.expected_in(mode)
        is_ok = expected.outcome is Outcome.OK
        assert (expected.phase is None) == is_ok
        assert (expected.code is None) == is_ok


def test_documented_table_is_the_registry() -> None:
    documented = (CHECKOUT / "docs" / "behaviours.md").read_text()
    assert behaviours_table() in documented


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_same_seed_same_bytes(name: str) -> None:
    first, again = (converse(initiator(), script_of(name, node_facts(seed=7))) for _ in range(2))
    assert first == again


def test_other_seed_other_nonces() -> None:
    first, other = (converse(initiator(), script_of("core", node_facts(seed=seed))) for seed in (7, 8))
    assert first != other


def test_segments_are_single_bytes() -> None:
    segments = converse(initiator(), script_of("segments"))
    assert {len(segment) for segment in segments} == {1}


def test_half_messages_cut_every_message_in_two() -> None:
    whole = converse(initiator(), script_of("core-v1"))
    halves = converse(initiator(), script_of("half-messages"))
    assert b"".join(halves) == b"".join(whole)
    assert len(halves) == 5
    assert all(not segment.startswith(REGTEST.magic) for segment in halves[1:])


def test_btcd_sends_each_message_by_itself() -> None:
    segments = converse(initiator(), script_of("btcd"))
    assert [segment[4:16].rstrip(b"\0") for segment in segments] == [b"version", b"sendaddrv2", b"verack"]


def test_the_list_for_a_terminal_has_every_behaviour_in_80_columns() -> None:
    lines = behaviours_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if not line.startswith(" ")] == list(BEHAVIOURS)
    assert "    auto: ok; v1: ok; v2: ok; both: ok" in lines
