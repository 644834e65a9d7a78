"""The picture of a connection's messages: within 80 columns, and safe with any message type."""

from __future__ import annotations

from typing import Any

import pytest

from bitcoin_handshake.audit.ladder import MAX_DRAWN, WIDTH, ladder, mermaid
from tests.audits import record


def _message(direction: str = "sent", msg_type: str = "version", size: int = 102) -> dict[str, Any]:
    return {"direction": direction, "msg_type": msg_type, "size": size, "at_ms": 1.25}


def test_ladder_has_an_arrow_for_each_message() -> None:
    messages = [_message(), _message("received", "verack", 0)]
    assert list(ladder(record(messages=messages))) == [
        "             us" + " " * 39 + "192.0.2.7:8333",
        "     1.2 ms  |-- version 102 B ---------------------->|",
        "     1.2 ms  |<-- verack 0 B -------------------------|",
    ]


def test_mermaid_is_a_block() -> None:
    messages = [_message(), _message("received", "verack", 0)]
    assert list(mermaid(record(messages=messages))) == [
        "```mermaid",
        "sequenceDiagram",
        "    participant us",
        "    participant node",
        "    us->>node: version 102 B (1.2 ms)",
        "    node->>us: verack 0 B (1.2 ms)",
        "```",
    ]


@pytest.mark.parametrize("messages", [None, []])
def test_without_messages_there_is_no_picture(messages: list[Any] | None) -> None:
    assert not list(ladder(record(messages=messages)))
    assert not list(mermaid(record(messages=messages)))


def test_ladder_fits_80_columns_whatever_the_peer_sends() -> None:
    messages = [_message("received", "\\x00" * 12, 4_000_000), _message("received", "")]
    drawn = list(ladder(record(messages=messages, address=f"{'a' * 56}.onion:8333")))
    assert max(map(len, drawn)) <= WIDTH
    assert "(no type)" in drawn[2]


def test_a_message_type_cannot_end_the_mermaid_block() -> None:
    drawn = list(mermaid(record(messages=[_message("received", "```;<b>:#")])))
    assert drawn[4] == "    node->>us: ????b??? 102 B (1.2 ms)".replace("????b???", "?????b???")
    assert sum("```" in line for line in drawn) == 2


def test_a_flood_is_cut() -> None:
    flood = record(messages=[_message("received", "inv", 37)] * (MAX_DRAWN + 5))
    assert len(list(ladder(flood))) == MAX_DRAWN + 2
    assert list(ladder(flood))[-1].strip() == "and 5 more"
    assert "    Note over us,node: and 5 more" in list(mermaid(flood))
