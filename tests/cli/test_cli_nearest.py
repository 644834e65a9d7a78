"""The nearest name, or none."""

from __future__ import annotations

import pytest

from bitcoin_handshake.cli.nearest import nearest

NAMES = ("handshake", "demo", "simulate", "decode", "replay", "completion")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("dmeo", "demo"), ("Demo", "demo"), ("demos", "demo"), ("simulat", "simulate"),
        ("simulator", "simulate"),
        ("decoder", "decode"), ("replya", "replay"), ("handshak", "handshake"),
        ("localhost", None), ("node", None), ("seed", None), ("", None),
    ],
)  # fmt: skip
def test_nearest(word: str, name: str | None) -> None:
    assert nearest(word, NAMES) == name
