"""`probe` and `probe_many`: what they take, hand out, and leave behind."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator

import pytest

from bitcoin_handshake import api
from bitcoin_handshake.api import BATCH, MAX_UNREAD_RESULTS, probe, probe_many, run_survey
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
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
    with pytest.raises(InputError):
        await probe("1.2.3")


async def test_probe_resolves_localhost_and_dials_the_address_that_answers() -> None:
    """Whichever of ::1 and 127.0.0.1 listens: the other one refuses."""
    options = NetworkOptions(
        base_address="127.0.0.1", node_count=1, mix={"core": 1.0}, port=0, with_dns=False, with_ipv6=False
    )
    async with SimulatedNetwork(options) as network:
        port = network.nodes[0].netaddr.port
        result = await probe(f"localhost:{port}", chain="regtest")
    assert (result.outcome, result.target, result.seeds) == ("ok", f"localhost:{port}", ("localhost",))
    assert result.netaddr == NetAddr.from_text("127.0.0.1", port)
    assert result.resolve_ms is not None


async def test_a_name_that_does_not_resolve_is_a_result() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = f"127.0.0.1:{silent.getsockname()[1]}"
        result = await probe("node.example", resolver=resolver, timeout_s=0.2)
    assert (result.outcome, result.phase, result.code) == ("failed", "resolve", "resolve.timeout")
    assert result.target == "node.example"


class _Transcripts:
    """Stands for a sink where none is written to."""

    has_room = True

    def begin(self, label: str) -> int:
        raise NotImplementedError

    def write(self, connection: int, lines: str, *, is_last: bool) -> None:
        raise NotImplementedError


PROBE_ARGUMENTS: dict[str, object] = {
    "chain": REGTEST,
    "transport": TransportMode.BOTH,
    "timeout_s": 3.5,
    "linger_s": 0.5,
    "user_agent": b"/other:1/",
    "record_messages": True,
    "transcripts": _Transcripts(),
    "transcript_secrets": True,
}
SURVEY_ARGUMENTS: dict[str, object] = {
    "port": 4321,
    "families": frozenset({Network.IPV6}),
    "resolver": "127.0.0.1:5300",
    "concurrency": 7,
    "allow_private": True,
}


async def test_every_argument_of_probe_many_reaches_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[SurveyOptions] = []
    monkeypatch.setattr(api, "run_survey", lambda targets, *, options: taken.append(options))
    probe_many([], **PROBE_ARGUMENTS, **SURVEY_ARGUMENTS)  # type: ignore[arg-type]  # by name
    (options,) = taken
    assert {name: getattr(options.probe, name) for name in PROBE_ARGUMENTS} == PROBE_ARGUMENTS
    assert {name: getattr(options, name) for name in SURVEY_ARGUMENTS} == SURVEY_ARGUMENTS


async def test_every_argument_of_probe_reaches_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[SurveyOptions] = []

    async def take(target: object, options: SurveyOptions) -> None:
        taken.append(options)

    monkeypatch.setattr(api, "_probe_name", take)
    survey = {name: value for name, value in SURVEY_ARGUMENTS.items() if name != "concurrency"}
    await probe("node.example", **PROBE_ARGUMENTS, **survey)  # type: ignore[arg-type]  # by name
    (options,) = taken
    assert {name: getattr(options.probe, name) for name in PROBE_ARGUMENTS} == PROBE_ARGUMENTS
    assert {name: getattr(options, name) for name in survey} == survey
