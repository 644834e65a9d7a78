"""Text of strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.cli.output.printable import formula_safe, printable


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
