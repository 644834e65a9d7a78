"""One line about a message, and its bytes in rows."""

from __future__ import annotations

import pytest

from bitcoin_handshake.cli.output.messages import MAX_SUMMARY_CHARACTERS, hexdump_lines, summary
from bitcoin_handshake.messages import Message
from bitcoin_handshake.transcript.layout import Span, payload_spans
from tests.message_literals import ALL


@pytest.mark.parametrize(("message", "payload"), ALL)
def test_every_message_is_one_printable_line(message: Message, payload: bytes) -> None:
    text = summary(message.msg_type, message.to_json())
    assert text.isprintable()
    assert len(text) <= MAX_SUMMARY_CHARACTERS


@pytest.mark.parametrize(("message", "payload"), ALL)
def test_every_byte_is_in_the_hexdump(message: Message, payload: bytes) -> None:
    lines = list(hexdump_lines(payload_spans(message.msg_type, payload)))
    assert all(line.isprintable() for line in lines)
    assert bytes.fromhex("".join(line[14:61] for line in lines)) == payload


def test_values_are_short() -> None:
    assert summary("ping", {"nonce": "0102", "trailing": ""}) == "nonce=0102"
    assert summary(
        "x", {"a": None, "b": [], "c": [{"d": 1}], "e": [1, 2], "f": {"g": 1}, "trailing": "00"}
    ) == ("a=none  b=[0]  c=[1]  e=1,2  f={g=1}  trailing=00")
    assert summary("x", {"a": "y" * 100}) == f"a={'y' * 72}..."
    assert summary("x", None) == ""
    assert len(summary("x", {str(n): "y" * 70 for n in range(9)})) == MAX_SUMMARY_CHARACTERS


def test_rows_without_a_name_show_characters() -> None:
    assert list(hexdump_lines([Span(16, b"ab\x1b\xff", "", "")])) == [
        f"    00000010  61 62 1b ff{'':36}  ab.."
    ]
    assert list(hexdump_lines([Span(0, bytes(17), "name", "\x1b")])) == [
        f"    00000000  {' '.join(['00'] * 16)}  name \\x1b",
        "    00000010  00",
    ]


def test_a_long_meaning_is_cut() -> None:
    [line] = hexdump_lines([Span(0, b"\1", "comment", "y" * 65_536)])
    assert line.endswith("yyy...")
    assert len(line) == 63 + MAX_SUMMARY_CHARACTERS
