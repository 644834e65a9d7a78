"""Text of strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.cli.output.printable import formula_safe, number_safe, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢", "plain é 漢"),
        ("a\nb\x1b\x00\x9b", "a\\nb\\x1b\\x00\\x9b"),
        ("\u202e\u2066\ufeff", "\\u202e\\u2066\\ufeff"),
        ("\udc80", "\\udc80"),
        ("", ""),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters()))
def test_nothing_that_does_not_print_is_left(text: str) -> None:
    assert printable(text).isprintable()
    printable(text).encode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas(start: str) -> None:
    assert formula_safe(f"{start}1") == f"'{start}1"
    assert formula_safe(f"a{start}1") == f"a{start}1"


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "-1",
        "1.5",
        "1e5",
        "00012",
        "1,000",
        ".5",
        "0x1F",
        "inf",
        "NaN",
        "NA",
        "null",
        "TRUE",
        "2026-01-02",
        "10:30",
    ],
)
def test_what_readers_take_for_a_number_gets_an_apostrophe(text: str) -> None:
    assert number_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "/Satoshi:1.0/", "127.0.0.1:8333", "1a", "e5", "name", "2:high"])
def test_other_text_stays(text: str) -> None:
    assert number_safe(text) == text
