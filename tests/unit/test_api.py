"""`probe` and `probe_many`: what they take, hand out, and leave behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from bitcoin_handshake import api
from bitcoin_handshake.api import BATCH, MAX_UNREAD_RESULTS, probe, probe_many, run_survey
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import BadTarget, EnvironmentFailure, InputError
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.simulate.network import SimulatedNetwork
from bitcoin_handshake.survey import SurveyOptions
from tests.healthy import Endless, node_port

pytestmark = pytest.mark.asyncio

REGTEST = CHAINS[Chain.REGTEST]
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"


async def test_no_target_is_no_record() -> None:
    assert [result async for result in probe_many([])] == []


@pytest.mark.parametrize(
    "changes", [{"port": 0}, {"concurrency": 0}, {"timeout_s": 0.0}, {"transport": "v3"}]
)
async def test_options_out_of_range_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        await anext(probe_many(["127.0.0.1"], **changes))  # type: ignore[arg-type]  # by name


async def test_targets_that_cannot_be_read_end_the_run() -> None:
    def broken_lines() -> Iterator[str]:
        yield "1.2.3"
        raise EnvironmentFailure("no such file")

    options = SurveyOptions(probe=ProbeOptions(chain=REGTEST))
    with pytest.raises(EnvironmentFailure, match="no such file"):
        _ = [result async for result in run_survey(broken_lines(), options=options)]


@pytest.mark.parametrize("text", ["127.1.0.1", "1.2.3", ONION])
async def test_endless_targets_are_taken_as_they_are_used(network: SimulatedNetwork, text: str) -> None:
    targets = Endless(lambda _: text)
    results = []
    stream = probe_many(targets, chain=Chain.REGTEST, port=node_port(network), concurrency=8)
    async for result in stream:
        results.append(result)
        if len(results) == 300:
            break
    await stream.aclose()
    assert targets.taken <= 300 + MAX_UNREAD_RESULTS + 4 * BATCH
    if text == "127.1.0.1":
        assert targets.taken <= 300 + 5 * BATCH
        assert {each.outcome for each in results} == {"ok"}


async def test_a_reader_that_stops_reading_stops_the_targets(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_UNREAD_RESULTS", 20)
    targets = Endless(lambda _: "127.1.0.1")
    stream = probe_many(targets, chain=Chain.REGTEST, port=node_port(network), concurrency=4)
    first = await anext(stream)
    assert first.outcome == "ok"
    for _ in range(3000):
        await asyncio.sleep(0)
    settled = targets.taken
    for _ in range(3000):
        await asyncio.sleep(0)
    assert targets.taken == settled
    more = [await anext(stream) for _ in range(1000)]
    assert {each.outcome for each in more} == {"ok"}
    assert targets.taken > settled, "it goes on when the reader does"
    await stream.aclose()


async def test_stop_closes_what_is_open(network: SimulatedNetwork) -> None:
    before = len(os.listdir("/proc/self/fd"))
    stream = probe_many(["127.1.0.1"] * 200, chain=Chain.REGTEST, port=node_port(network))
    await anext(stream)
    await stream.aclose()
    await asyncio.sleep(0)
    for _ in range(100):  # the nodes see the ends
        await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) <= before + 2


async def test_a_bad_resolver_is_the_caller_s_error() -> None:
    with pytest.raises(InputError):
        _ = [result async for result in probe_many(["seed.test"], resolver="not an address")]


async def test_probe_takes_an_address(network: SimulatedNetwork) -> None:
    netaddr = network.nodes[0].netaddr
    for target in (netaddr, netaddr.to_text()):
        result = await probe(target, chain=Chain.REGTEST)
        assert (result.outcome, result.netaddr) == ("ok", netaddr)
    default = await probe("127.9.9.9", chain=REGTEST)
    assert default.netaddr == NetAddr.from_text("127.9.9.9", REGTEST.default_port)
    assert (await probe(f"{ONION}:8333")).code == "policy.no_proxy"
    with pytest.raises(BadTarget, match="probe_many"):
        await probe("seed.test")
    with pytest.raises(InputError):
        await probe("1.2.3")
