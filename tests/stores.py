"""A small store for the tests of what reads one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.store.crawl_store import CrawlFile
from tests.crawls import ipv4, record

AGENT = '/Satoshi:29.0.0("a b")/'


def version(**values: Any) -> dict[str, Any]:
    """Make the record of a node that answered."""
    made: dict[str, Any] = record()
    made["version"] |= values
    return made


def two_runs(path: Path) -> None:
    """Fill a store: in the second run one node is gone, one is upgraded, one is new."""
    first = CrawlFile(path, CHAINS[Chain.REGTEST], vantage="here")
    first.add_nodes([(5, 9, ipv4(1, 1)), (6, 9, ipv4(1, 2))], None)
    first.add_visit(0, record(), 10)
    first.add_visit(1, record(), 10)
    first.close(state="finished")
    second = CrawlFile(path, CHAINS[Chain.REGTEST])
    second.add_nodes([(7, 9, ipv4(1, 3))], 1)
    second.add_visit(0, record("failed"), None)
    second.add_visit(1, version(user_agent=AGENT), 10)
    second.add_visit(
        2,
        version(services="8000000000000000", start_height=800_002, user_agent="=cmd()", time_offset_s=-90),
        10,
    )
    second.close(state="finished")
