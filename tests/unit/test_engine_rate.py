"""How many connections may begin, in time that the test says."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.rate import MAX_GROUPS, SLACK_S, RateLimits, group_of, is_loopback
from bitcoin_handshake.netaddr import NetAddr


def _at(host: str) -> NetAddr:
    return NetAddr.from_text(host, 8333)


def test_no_second_has_more_than_the_rate() -> None:
    rate = RateLimits(per_s=10, group_per_s=None)
    now, begun = 100.0, []
    while now < 103:
        wait_s = rate.wait_s(now)
        if wait_s:
            now += wait_s
        else:
            rate.take(_at("1.2.3.4"), now)
            begun.append(now)
    for start in begun:
        assert sum(start <= at < start + 1 for at in begun) <= 10 * (1 + SLACK_S) + 1
    assert len(begun) == pytest.approx(30, abs=1)


def test_loopback_takes_no_turn() -> None:
    rate = RateLimits(per_s=1, group_per_s=1)
    for _ in range(100):
        rate.take(_at("127.1.2.3"), 5.0)
        assert rate.group_wait_s(_at("::1"), 5.0) == 0
    assert rate.wait_s(5.0) == 0


def test_each_neighbourhood_has_turns_of_its_own() -> None:
    rate = RateLimits(per_s=None, group_per_s=2)
    assert [rate.group_wait_s(_at(f"1.2.3.{n}"), 7.0) for n in range(3)] == [0.0, 0.5, 1.0]
    assert rate.group_wait_s(_at("1.2.4.1"), 7.0) == 0
    assert rate.wait_s(7.0) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("1.2.3.4", "1.2.3.5", True),
        ("1.2.3.4", "1.2.4.4", False),
        ("2001:470:1::1", "2001:470:1:ffff::2", True),
        ("2001:470:1::1", "2001:470:2::1", False),
    ],
)
def test_neighbourhoods_are_24_and_48_bits(one: str, other: str, same: bool) -> None:
    assert (group_of(_at(one)) == group_of(_at(other))) is same


def test_other_networks_have_no_neighbourhoods() -> None:
    assert group_of(_at("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion")) is None
    assert not is_loopback(_at("128.0.0.1"))


def test_what_is_remembered_is_bounded() -> None:
    rate = RateLimits(per_s=None, group_per_s=1000)
    for number in range(MAX_GROUPS + 10):
        rate.group_wait_s(_at(f"{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}.1"), float(number))
    assert len(rate._groups) <= MAX_GROUPS
