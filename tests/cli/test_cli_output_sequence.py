"""The picture of a connection: its width, its characters, its words."""

from __future__ import annotations

import pytest

from bitcoin_handshake.cli.output.sequence import MIN_WIDTH, sequence_lines
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from tests.transcripts import behaviour_transcript, captured_v1, captured_v2, conversations


@pytest.mark.parametrize("width", [0, MIN_WIDTH, 80, 1000])
@pytest.mark.parametrize("name", [name for name in BEHAVIOURS if "flood" not in name])
def test_every_line_has_the_width_and_nothing_of_the_peer(name: str, width: int) -> None:
    [conversation] = conversations(behaviour_transcript(name).text)
    lines = list(sequence_lines(conversation, width=width))
    assert {len(line) for line in lines} == {max(MIN_WIDTH, min(width, 160))}
    assert set("".join(lines)) <= set(map(chr, range(0x20, 0x7F))) | set("│─◀▶")
    assert "verdict: " in lines[-1]


def test_without_box_characters() -> None:
    [conversation] = conversations(captured_v1(1).text)
    lines = list(sequence_lines(conversation, width=60, ascii_only=True))
    assert all(line.isascii() for line in lines)
    assert lines[2] == "      1.0 ms |-- version 97 B ---------------------------->|"
    assert lines[4] == "      1.5 ms |<-- version 115 B ---------------------------|"
    assert lines[0].endswith("127.0.0.1:18444")


def test_a_transcript_without_its_end_says_so() -> None:
    [conversation] = conversations(captured_v1(1).text.rsplit("\n", 2)[0])
    assert "ends here, without a verdict" in list(sequence_lines(conversation, width=80))[-1]


def test_a_v2_message_is_said_when_the_key_to_encrypt_it_is_there() -> None:
    [conversation] = conversations(captured_v2(secrets=False).text)
    lines = list(sequence_lines(conversation, width=60, ascii_only=True))
    assert [line[12:].rstrip("-<>| ") for line in lines[1:6]] == [
        " |regtest v2, connected",
        " |-- v2 key and garbage",
        " |<-- v2 key, 64 bytes",
        " |-- version 94 B",
        " |  70016  /test:1/  height=0  time=17000000...",
    ]
    assert lines[4].startswith("      1.5 ms")


def test_a_long_address_is_cut() -> None:
    text = captured_v1(1).text.replace("127.0.0.1:18444", f"{'a' * 56}.onion:8333")
    [conversation] = conversations(text)
    assert {len(line) for line in sequence_lines(conversation, width=60)} == {60}
