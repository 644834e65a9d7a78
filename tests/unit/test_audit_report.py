"""Examinations as text, Markdown, Nagios and as changes."""

from __future__ import annotations

from typing import Any

from bitcoin_handshake.audit.doctor import Examination
from bitcoin_handshake.audit.facts import AddressFacts
from bitcoin_handshake.audit.report import changes, markdown, nagios, overall, text
from bitcoin_handshake.audit.rules import Context, examine
from tests.audits import record, version

CONTEXT = Context(reference_height=850_000, reference_source="--height", lingered=True)


def _examination(target: str = "192.0.2.7", **facts: Any) -> Examination:
    records = [record(**facts)]
    findings = examine([AddressFacts.from_record(one) for one in records], CONTEXT)
    return Examination(target=target, findings=findings, records=records)


def test_text_begins_with_the_sum_and_the_most_serious_finding() -> None:
    lines = list(text(_examination(version=version(time_offset_s=7200))))
    assert lines[0] == "192.0.2.7: 1 warning"
    assert lines[1].startswith("  WARNING  The clock of the node is wrong, or ours is: offset +7200 s")
    assert lines[1].endswith("(clock.wrong)")
    assert lines[2].startswith("           -> Synchronise the clocks")
    assert next(iter(text(_examination()))) == "192.0.2.7: all is well"


def test_markdown_is_a_table_that_a_user_agent_cannot_break() -> None:
    lines = list(markdown(_examination(version=version(user_agent="/a|b<script>/"))))
    assert lines[0] == "### 192.0.2.7: all is well"
    (software,) = [line for line in lines if "software.seen" in line]
    assert "/a\\|b&lt;script>/" in software
    assert software.replace("\\|", "").count("|") == 6


def test_nagios_has_one_line_with_performance_data_in_seconds() -> None:
    line = nagios([_examination(version=version(user_agent="/a|b/"))])
    assert line == (
        "BITCOIN OK - 192.0.2.7: The node completes the handshake over v2 | "
        "'192.0.2.7:8333 connect'=0.020000s '192.0.2.7:8333 ping'=0.021500s '192.0.2.7:8333 height'=850000"
    )
    warning = nagios([_examination(version=version(time_offset_s=None))])
    assert warning.startswith("BITCOIN WARNING - 192.0.2.7: The clock of the node is wrong")


def test_the_worst_of_all_counts() -> None:
    assert overall([_examination(), _examination(anomalies=["message.malformed"])]) == 1


def test_changes_are_findings_that_came_and_went() -> None:
    before, now = _examination(), _examination(version=version(time_offset_s=7200))
    assert [line.split(" ")[1:3] for line in changes([before], [now])] == [["+", "WARNING"], ["-", "OK"]]
    assert list(changes([now], [now])) == []


def test_messages_that_were_recorded_are_drawn() -> None:
    messages = [{"direction": "sent", "msg_type": "version", "size": 102, "at_ms": 1.0}]
    one = _examination(messages=messages)
    assert list(text(one))[-1].lstrip().startswith("1.0 ms  |-- version 102 B")
    assert list(markdown(one))[-2:] == ["    us->>node: version 102 B (1.0 ms)", "```"]
    assert "mermaid" not in "".join(markdown(_examination()))
