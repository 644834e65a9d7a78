"""The sum line, the breakdown, and what they keep."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import AnomalyCode, ConnectRefused, NotRoutable, SpeaksHttp
from bitcoin_handshake.measured import V2Facts
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.summary import MAX_BREAKDOWN, Summary
from tests.results import TIMEOUT, V2_FACTS, probe_result, some_version


def test_counts_who_speaks_v2_and_who_claims_it() -> None:
    summary = Summary()
    assert summary.v2_text_line() == ""
    summary.count(probe_result(transport="v1", version=some_version()))
    summary.count(probe_result(transport="v1", version=some_version(services=0)))
    assert summary.v2_text_line() == "v2: 1 of 2 claims it, none was asked"
    summary.count(probe_result(transport="v2", v2=V2_FACTS, version=some_version()))
    summary.count(probe_result(transport="v2", v2=V2Facts(), outcome=Outcome.FAILED, error=TIMEOUT))
    assert summary.v2_text_line() == "v2: 1 of 2 speaks it, 2 claim it"


def test_counts_by_outcome() -> None:
    summary = Summary()
    assert summary.to_text_line() == "Finished! Handshake results: 0 OK | 0 PARTIALLY OK | 0 FAILED"
    outcomes = {Outcome.OK: 3, Outcome.PARTIAL: 18, Outcome.FAILED: 4}
    for outcome, count in outcomes.items():
        for _ in range(count):
            summary.count(probe_result(outcome=outcome))
    assert summary.to_text_line() == "Finished! Handshake results: 3 OK | 18 PARTIALLY OK | 4 FAILED"
    summary.count(probe_result(outcome=Outcome.SKIPPED))
    assert summary.to_text_line().endswith("18 PARTIALLY OK | 4 FAILED | 1 SKIPPED")
    assert summary.total == 26


def test_counts_reasons_by_kind() -> None:
    summary = Summary()
    for received in (b"HTTP", b"HTTP"):
        error = SpeaksHttp(received=received, expected=b"abcd")
        summary.count(probe_result(outcome=Outcome.FAILED, error=error))
    summary.count(probe_result(outcome=Outcome.FAILED, error=ConnectRefused()))
    for block in ("private", "loopback"):
        summary.count(probe_result(outcome=Outcome.SKIPPED, error=NotRoutable(block=block)))
    assert list(summary.reasons.values()) == [2, 1, 2]
    assert [key.rpartition(" ")[2] for key in summary.reasons] == [
        "(foreign.http)",
        "(connect.refused)",
        "(policy.not_routable)",
    ]


def test_keeps_a_bounded_number_of_user_agents() -> None:
    summary = Summary()
    for index in range(MAX_BREAKDOWN + 50):
        summary.count(probe_result(version=some_version(user_agent=b"/%d/" % index)))
    summary.count(probe_result(version=some_version(user_agent=b"/0/")))
    assert len(summary.user_agents) == MAX_BREAKDOWN + 1
    assert summary.user_agents["/0/"] == 2
    assert summary.user_agents["others"] == 50


def test_counts_nodes_with_anomalies() -> None:
    summary = Summary()
    summary.count(probe_result())
    assert summary.anomalies_text_line() == ""
    summary.count(probe_result(anomalies=[AnomalyCode.TRAILING_BYTES, AnomalyCode.MALFORMED]))
    assert summary.anomalies_text_line() == "1 node with anomalies; --json or -v shows them"
    summary.count(probe_result(anomalies=[AnomalyCode.MALFORMED]))
    assert summary.anomalies_text_line() == "2 nodes with anomalies; --json or -v shows them"


def test_an_interrupted_run_says_where_it_ended() -> None:
    summary = Summary(ok=1, failed=1, addresses=10, without_address=1, interrupted=True)
    end = "Handshake results: 1 OK | 0 PARTIALLY OK | 1 FAILED"
    assert summary.to_text_line() == f"Interrupted after 2 of 11! {end}"
    summary.is_open = True
    assert summary.to_text_line() == f"Interrupted after 2 of 11 or more! {end}"


def test_targets_without_an_address_are_expected_records() -> None:
    summary = Summary(addresses=3)
    summary.count(probe_result(outcome=Outcome.FAILED, netaddr=None, error=TIMEOUT))
    assert (summary.without_address, summary.expected) == (1, 4)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (3.21, "3.2 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (250.0, "4 min 10 s"),
     (7380.0, "2 h 3 min")],
)  # fmt: skip
def test_elapsed_time(seconds: float, text: str) -> None:
    assert Summary(elapsed_s=seconds).elapsed_text_line() == f"Elapsed: {text}"
