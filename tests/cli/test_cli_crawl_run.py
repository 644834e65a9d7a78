"""What the command says at its end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from bitcoin_handshake.chain import CHAINS, Chain, custom_chain
from bitcoin_handshake.cli.crawl_run import CrawlOptions, sum_text
from bitcoin_handshake.crawl.runner import CrawlCounts


def test_the_command_to_go_on() -> None:
    assert CrawlOptions(chain=CHAINS[Chain.MAINNET]).resume_command() == "bitcoin-handshake crawl --resume"
    options = CrawlOptions(
        chain=custom_chain(b"abcd"), timeout_s=3.0, transport="v1", concurrency=9, allow_private=True,
        gossip=True, db="a b.sqlite",
    )  # fmt: skip
    assert options.resume_command() == (
        "bitcoin-handshake crawl --resume --magic 61626364 --timeout 3 --transport v1 --concurrency 9"
        " --allow-private --gossip --db 'a b.sqlite'"
    )


def test_the_options_that_the_store_keeps_are_json() -> None:
    kept = json.loads(CrawlOptions(chain=CHAINS[Chain.SIGNET], targets=("a",), seed=5).kept())
    assert (kept["targets"], kept["seed"], kept["families"]) == (["a"], 5, ["ipv4", "ipv6"])


def test_the_sum() -> None:
    counts = CrawlCounts(known=10, visited=8, elapsed_s=2.0)
    counts.reachable = Counter(ipv4=3, ipv6=1)
    counts.codes = Counter({"connect.refused": 4})
    assert sum_text(counts, Path("a.sqlite")).splitlines() == [
        "10 addresses known, 8 visited in 2.0 s",
        "4 nodes reachable: 3 ipv4, 1 ipv6",
        "       4 connect.refused",
        "Kept in a.sqlite",
    ]
