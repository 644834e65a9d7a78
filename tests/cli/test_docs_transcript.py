"""docs/transcript.md names every event and every key, and no other; its examples are run."""

from __future__ import annotations

import re

import bitcoin_handshake
from bitcoin_handshake.cli import decode, handshake, replay
from bitcoin_handshake.transcript.format import EVENTS, MAX_LINE_BYTES, MAX_TRANSCRIPT_BYTES, RAW_PIECE_BYTES
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD
from tests.helpers import CHECKOUT
from tests.transcripts import captured_v1, captured_v2

PAGE = (CHECKOUT / "docs" / "transcript.md").read_text()


def _rows(table: str) -> list[list[str]]:
    text = PAGE[PAGE.index(f"<!-- {table} -->") : PAGE.index(f"<!-- end of {table} -->")]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [line.strip("|").split("|") for line in lines]


def test_every_event_and_its_keys() -> None:
    documented = {
        re.findall("`(.+?)`", row[0])[0]: set(re.findall("`(.+?)`", row[1])) for row in _rows("events")
    }
    assert documented == {event: set(keys) - {"connection"} for event, keys in EVENTS.items()}


def test_what_a_message_received_has_besides() -> None:
    received = captured_v1(0).records[2]
    documented = {re.findall("`(.+?)`", row[0])[0] for row in _rows("reaction")}
    assert documented == set(received) - set(EVENTS["message"]) - {"event"}


def test_secrets_are_those_of_the_example() -> None:
    [example] = re.findall(r'"secrets": \{(.*)\}', PAGE)
    assert re.findall(r'"(\w+)":', example) == list(captured_v2(secrets=True).records[0]["secrets"])


def test_limits() -> None:
    assert (MAX_TRANSCRIPT_BYTES, MAX_LINE_BYTES) == (1024 * 1024, 4 * 1024 * 1024)
    assert (MAX_KEPT_PAYLOAD, RAW_PIECE_BYTES) == (64 * 1024, 256 * 1024)
    for words in ("about 1 MiB", "over 4 MiB", "(64 KiB)", "256 KiB a line"):
        assert words in PAGE


def test_options_that_are_named_exist() -> None:
    options = {
        option for module in (handshake, decode, replay) for p in module.command.params for option in p.opts
    }
    assert set(re.findall(r"(--[a-z-]+)\b", PAGE.replace("<!--", "").replace("-->", ""))) <= options


def test_library_names_exist() -> None:
    [names] = re.findall(r"from bitcoin_handshake import (.+)", PAGE)
    assert set(names.split(", ")) <= set(bitcoin_handshake.__all__)
