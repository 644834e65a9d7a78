"""One line: what passes, and in which words everything else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bitcoin_handshake.handshake import Action
from bitcoin_handshake.transcript.format import EVENTS, action_name, line_of, read_line
from tests.transcripts import behaviour_transcript, captured_v1, captured_v2

RECORDS = {
    record["event"] + record.get("direction", ""): record
    for sink in (
        captured_v1(0),
        captured_v2(secrets=True),
        behaviour_transcript("http"),
        behaviour_transcript("resets"),
        behaviour_transcript("silent"),
        behaviour_transcript("flood", limit=1000),
    )
    for record in sink.records
} | {"interrupted": {"event": "interrupted", "connection": 1}}


def _line(event: str, **changes: Any) -> bytes:
    return json.dumps(RECORDS[event] | changes).encode()


def test_a_sample_of_every_event() -> None:
    assert {name.removesuffix("sent").removesuffix("received") for name in RECORDS} == set(EVENTS)


@pytest.mark.parametrize("event", RECORDS)
def test_what_is_written_is_read(event: str) -> None:
    line = line_of(RECORDS[event])
    assert line.endswith("}\n")
    assert line.isascii()
    assert read_line(line.encode()) == RECORDS[event]


@pytest.mark.parametrize("event", RECORDS)
def test_every_key_is_needed_and_checked(event: str) -> None:
    record = RECORDS[event]
    for name in EVENTS[record["event"]]:
        missing = json.dumps({key: value for key, value in record.items() if key != name}).encode()
        with pytest.raises(ValueError, match=name):
            read_line(missing)
        with pytest.raises(ValueError, match=name):
            read_line(_line(event, **{name: [1, "x"]}))


def test_keys_of_later_versions_are_left_out() -> None:
    assert read_line(_line("closed", weather="fine")) == RECORDS["closed"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "not JSON"),
        (b"{", r"not JSON \(Expecting property name.* at column 2\)"),
        (b"[]", "not a JSON object"),
        (b"{}", "no 'event'"),
        (b'{"event": 7}', "no 'event'"),
        (b'{"event": "closed\xff"}', "not UTF-8"),
        (b'{"event": "rain", "connection": 1}', "unknown event 'rain'"),
        (b'{"event": "connection", "connection": 1}', "no version"),
        (_line("connection", transcript=2), "transcript version 2; this release reads 1"),
        (_line("connection", transcript=True), "no version"),
        (_line("closed", at_ms=-1), "'at_ms' must be a number of milliseconds"),
        (b'{"event": "closed", "connection": 1, "at_ms": NaN}', "NaN is not JSON"),
        (
            b'{"event": "closed", "connection": 1, "at_ms": 1, "facts": {"length": 1e999}}',
            "a number is too large",
        ),
        (b'{"event": "closed", "connection": 1, "at_ms": 1e999}', "a number is too large"),
        (b'{"event": "closed", "connection": ' + b"9" * 5000 + b', "at_ms": 1}', "4300 digits"),
        (_line("closed", connection=-1), "'connection' must be a whole number"),
        (_line("messagereceived", size=1), "'payload' has 97 bytes|'payload' has .* 'size' says 1"),
        (_line("messagereceived", payload="0G"), "'payload' must be hex"),
        (_line("messagereceived", payload="0"), "'payload' must be hex"),
        (_line("messagereceived", payload="AB"), "'payload' must be hex"),
        (_line("messagereceived", state="tired"), "'state' must be a state"),
        (_line("messagereceived", anomalies=["x"]), "'anomalies' must be a list of anomaly codes"),
        (_line("connection", magic="f9beb4"), "'magic' must be 8 hex digits"),
        (b'{"event":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (
            b'{"event":"failed","connection":1,"at_ms":1,"code":"foreign.http","phase":null,"offset":0,'
            b'"reason":"","facts":{"a":' + b"[" * 50 + b"]" * 50 + b"}}",
            "nested too deeply",
        ),
    ],
)
def test_bad_lines_are_refused_in_words(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_line(line)


def test_names_of_actions() -> None:
    assert action_name(Action.TAKE_VERSION) == "take_version"
    assert action_name(None) is None
