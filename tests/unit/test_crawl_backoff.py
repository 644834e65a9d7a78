"""The pause after failures."""

from __future__ import annotations

from bitcoin_handshake.crawl.backoff import FIRST_PAUSE_S, MAX_PAUSE_S, may_try, pause_s


def test_the_pause_doubles_up_to_a_week() -> None:
    assert [pause_s(failures) // 3600 for failures in range(10)] == [0, 1, 2, 4, 8, 16, 32, 64, 128, 168]
    assert pause_s(10**9) == MAX_PAUSE_S


def test_a_node_is_tried_when_its_pause_is_over() -> None:
    assert not may_try(1, 1000, now_unix=1000 + FIRST_PAUSE_S - 1)
    assert may_try(1, 1000, now_unix=1000 + FIRST_PAUSE_S)
    assert may_try(0, 1000, now_unix=1000)


def test_a_clock_that_was_set_back_keeps_nobody_out() -> None:
    assert may_try(9, 2000, now_unix=1999)
