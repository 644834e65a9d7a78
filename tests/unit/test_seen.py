"""A set of addresses that takes little memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.seen import Seen


@given(st.lists(st.integers(0, 50)))
def test_is_a_set(values: list[int]) -> None:
    seen, known = Seen(), set()
    for value in values:
        assert seen.add(value) is (value not in known)
        known.add(value)
    assert len(seen) == len(known)


def test_grows_without_losing_any() -> None:
    seen = Seen()
    assert all(seen.add(("x", number)) for number in range(20_000))
    assert not any(seen.add(("x", number)) for number in range(20_000))
    assert len(seen._table) * 8 <= 20_000 * 32
