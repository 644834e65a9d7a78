"""The forms of an audit."""

from __future__ import annotations

import pytest

from bitcoin_handshake.audit.seeds.ask import Signatures
from bitcoin_handshake.audit.seeds.facts import SeedAudit
from bitcoin_handshake.audit.seeds.report import HISTORY_LEN, details, history_line, markdown, table
from tests.unit.test_audit_seeds_facts import HOSTS, _answer, _audit, _node

LONG = "dnsseed.bitcoin.dashjr-list-of-p2p-nodes.us"


def _audits() -> list[SeedAudit]:
    good = _audit([_node(host) for host in HOSTS])
    dead = SeedAudit(seed=LONG, answers=[_answer([])], nodes={}, signatures=Signatures("unknown", ""))
    return [good, dead]


def test_a_table_fits_a_terminal() -> None:
    lines = list(table(_audits()))
    assert all(len(line) <= 80 for line in lines[:3])
    assert lines[1].split() == ["s", "10", "100%", "100%", "-", "0%", "3600", "none", "good"]
    assert lines[2].startswith("dnsseed.bitcoin.dashjr-list… ")
    assert lines[4:] == ["s: good: 10 of 10 nodes reachable (100%)", f"{LONG}: dead: 1 x NOERROR"]


def test_markdown_is_a_table() -> None:
    head, rule, *rows = markdown(_audits())
    assert head.count("|") == rule.count("|") == rows[0].count("|")
    assert rows[-1] == f"* {LONG}: dead: 1 x NOERROR"


def test_details_name_every_point() -> None:
    audit = _audits()[0]
    text = "\n".join(details(audit))
    assert all(check.id in text for check in audit.checks())
    assert "10 x       /x/" in text


@pytest.mark.parametrize(
    ("shares", "drawn"),
    [([0.0, 0.5, 1.0], "▁▅█ 100%"), ([1.0, None], "█· 100%"), ([None], "·"), ([], "")],
)
def test_history(shares: list[float | None], drawn: str) -> None:
    assert history_line("seed.example", shares) == f"{'seed.example':<28} {drawn}"


def test_a_long_history_shows_its_end() -> None:
    assert history_line("s", [0.0] * 100).count("▁") == HISTORY_LEN
