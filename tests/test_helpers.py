"""The helpers that other tests trust."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import FakeClock, chunked, own_vectors, shared_vectors


@given(st.binary(max_size=200), st.lists(st.integers()))
def test_chunks_are_not_empty_and_join_to_the_same_bytes(data: bytes, cuts: list[int]) -> None:
    pieces = chunked(data, cuts)
    assert b"".join(pieces) == data
    assert all(pieces)
    assert len(pieces) <= len(cuts) + 1


def test_cuts_are_where_they_were_asked_for() -> None:
    assert chunked(b"abcdef", [2, 5]) == [b"ab", b"cde", b"f"]
    assert chunked(b"abcdef", range(6)) == [b"a", b"b", b"c", b"d", b"e", b"f"]
    assert chunked(b"", [1]) == []


def test_what_is_missing_skips_on_a_bare_checkout_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BITCOIN_HANDSHAKE_SHARED", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"messages\.json"):
        shared_vectors("messages.json")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"messages\.json"):
        shared_vectors("messages.json")
    vectors = tmp_path / "protocol" / "vectors"
    vectors.mkdir(parents=True)
    (vectors / "messages.json").touch()
    assert shared_vectors("messages.json") == vectors / "messages.json"


def test_own_vectors_are_in_the_checkout() -> None:
    assert own_vectors("networks.json").is_file()


def test_the_clock_moves_only_when_told() -> None:
    clock = FakeClock(now=5.0, time_unix=100.0)
    assert (clock(), clock.advance(2.5), clock.now, clock.time_unix) == (5.0, 7.5, 7.5, 102.5)
