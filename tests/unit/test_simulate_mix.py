"""Mixes of behaviours: reading them, and giving them to nodes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.simulate.mix import DEFAULT_MIX, assign_behaviours, parse_behaviours


def test_reads_names_and_shares() -> None:
    assert parse_behaviours("core=90,silent=5,http") == {"core": 90, "silent": 5, "http": 1}
    assert parse_behaviours(" core = 0.5 , ssh ") == {"core": 0.5, "ssh": 1}
    assert parse_behaviours("all") == dict.fromkeys(BEHAVIOURS, 1.0)


def test_default_mix_can_be_read() -> None:
    assert parse_behaviours(DEFAULT_MIX)["core"] > 50


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("coer", "did you mean core"),
        ("verak-first", "did you mean verack-first"),
        ("", "name of a behaviour is missing; 'simulate --list-behaviours'"),
        ("core,", "name of a behaviour is missing"),
        ("=1", "name of a behaviour is missing"),
        ("zzzzzz", "unknown behaviour 'zzzzzz': 'simulate --list-behaviours' lists them"),
        ("core,core", "twice"),
        ("all,core", "twice"),
        ("core=", "not a positive number"),
        ("core=0", "not a positive number"),
        ("core=-1", "not a positive number"),
        ("core=nan", "not a positive number"),
        ("core=inf", "not a positive number"),
        ("core=1e308,http=1e308", "'core=1e308': the share is not a positive number up to 1,000,000,000"),
        ("core=x", "not a positive number"),
        ("core=1=2", "not a positive number"),
    ],
)
def test_refuses_what_makes_no_mix(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        parse_behaviours(text)


def _numbers(text: str, count: int, seed: int = 0) -> Counter[str]:
    return Counter(each.name for each in assign_behaviours(parse_behaviours(text), count, seed=seed))


def test_numbers_are_the_shares() -> None:
    assert _numbers("core=90,silent=5,http=5", 100) == {"core": 90, "silent": 5, "http": 5}
    assert _numbers("core=9,silent", 20) == {"core": 18, "silent": 2}
    assert _numbers("all", len(BEHAVIOURS)) == dict.fromkeys(BEHAVIOURS, 1)
    assert _numbers("core=2,silent,http", 2)["core"] == 1


def test_a_small_network_takes_any_of_equal_shares() -> None:
    drawn = {name for seed in range(20) for name in _numbers("all", 5, seed)}
    assert len(drawn) > 40


@given(
    mix=st.dictionaries(
        st.sampled_from(sorted(BEHAVIOURS)), st.floats(min_value=0.001, max_value=1e6), min_size=1
    ),
    count=st.integers(1, 300),
    seed=st.integers(),
)
def test_every_number_is_its_share_rounded(mix: dict[str, float], count: int, seed: int) -> None:
    assigned = assign_behaviours(mix, count, seed=seed)
    assert len(assigned) == count
    numbers = Counter(each.name for each in assigned)
    for name, weight in mix.items():
        assert abs(numbers[name] - count * weight / sum(mix.values())) < 1.000001
    assert assigned == assign_behaviours(mix, count, seed=seed)


def test_order_depends_on_the_seed() -> None:
    mix = parse_behaviours("core=50,silent=50")
    assert assign_behaviours(mix, 100, seed=1) != assign_behaviours(mix, 100, seed=2)
