"""The interface carries plain data only."""

from __future__ import annotations

import pickle

from bitcoin_handshake.crawl.executor import Executor, VisitReport
from tests.crawls import TableExecutor, ipv4, record


def test_a_report_survives_the_way_to_another_process() -> None:
    report = VisitReport(ipv4(1, 1), record(), [("addrv2", b"\x00")])
    assert pickle.loads(pickle.dumps(report)) == report


def test_the_table_of_the_tests_is_an_executor() -> None:
    executor: Executor = TableExecutor({}, at_once=3)
    executor.submit([ipv4(1, 1)])
    assert (executor.room, executor.in_flight) == (2, 1)
