"""The main job as a library call: what is dialled, what is not, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pytest

from bitcoin_handshake import resolver as resolver_module
from bitcoin_handshake import survey as survey_module
from bitcoin_handshake.api import BATCH, probe_many
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.engine.limits import MAX_LOOKUPS
from bitcoin_handshake.errors import BadTarget, EnvironmentFailure, InputError, NameNotFound, NoAddresses
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import refusal
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.resolver import Resolution, ResolvedAddress
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.survey import Survey, SurveyOptions
from bitcoin_handshake.targets import Target, parse_target
from tests.healthy import Endless, node_port
from tests.helpers import CHECKOUT

REGTEST = CHAINS[Chain.REGTEST]
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


class Collected:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.results: list[ProbeResult] = []

    def write(self, result: ProbeResult) -> None:
        self.results.append(result)

    async def drain(self) -> None:
        pass


def _options(**changes: object) -> SurveyOptions:
    probe_options = ProbeOptions(chain=REGTEST, timeout_s=60.0)
    return SurveyOptions(**({"probe": probe_options} | changes))  # type: ignore[arg-type]  # by name


async def _batches(*batches: Sequence[str | BadTarget]) -> AsyncIterator[list[Target | BadTarget]]:
    for batch in batches:
        yield [parse_target(each) if isinstance(each, str) else each for each in batch]


async def _surveyed(*batches: Sequence[str | BadTarget], **changes: object) -> list[ProbeResult]:
    sink = Collected()
    summary = await Survey(_options(**changes), sink).run(_batches(*batches))
    assert summary.total == len(sink.results)
    return sink.results


def _words(result: ProbeResult) -> str:
    address = "-" if result.netaddr is None else result.netaddr.host
    return " ".join([result.target, address, result.outcome, result.code or ""]).rstrip()


Names = dict[str, tuple[bool, list[str]]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What names stand for: whether the hosts file says so, and their addresses.

    The real look-ups have tests of their own, and tests/integration joins both.
    """
    known: Names = {}

    async def resolve(
        name: str, *, resolver: str | None, families: Iterable[Network], timeout_s: float
    ) -> Resolution:
        await asyncio.sleep(0)
        if name not in known:
            raise NameNotFound(name=name)
        local, hosts = known[name]
        every = [NetAddr.from_text(host, 1) for host in hosts]
        addresses = [ResolvedAddress(each.host, each.network) for each in every if each.network in families]
        if not addresses:
            raise NoAddresses(name=name)
        return Resolution(name=name, addresses=tuple(addresses), elapsed_ms=1.5, local=local)

    monkeypatch.setattr(resolver_module, "resolve", resolve)
    return known


pytestmark = pytest.mark.asyncio


async def test_typed_addresses_are_dialled_each_time_they_are_typed(network: SimulatedNetwork) -> None:
    port = node_port(network)
    results = await _surveyed(["127.1.0.1", f"127.1.0.2:{port}"], ["127.1.0.1"], port=port)
    assert Counter(map(_words, results)) == {
        "127.1.0.1 127.1.0.1 ok": 2,
        f"127.1.0.2:{port} 127.1.0.2 ok": 1,
    }
    assert {tuple(each.seeds) for each in results} == {()}


async def test_the_chain_s_own_port_is_the_default(network: SimulatedNetwork) -> None:
    (result,) = await _surveyed(["127.1.0.1"])
    assert result.netaddr == NetAddr.from_text("127.1.0.1", REGTEST.default_port)


async def test_learned_addresses_are_dialled_once_and_name_every_seed(
    network: SimulatedNetwork, names: Names
) -> None:
    names |= {
        "a.test": (False, ["127.1.0.1", "127.1.0.2"]),
        "b.test": (False, ["127.1.0.2", "127.1.0.3"]),
    }
    results = await _surveyed(["a.test", "b.test", "a.test."], port=node_port(network), allow_private=True)
    assert {each.netaddr.host: (each.target, list(each.seeds)) for each in results if each.netaddr} == {
        "127.1.0.1": ("a.test", ["a.test"]),
        "127.1.0.2": ("a.test", ["a.test", "b.test"]),
        "127.1.0.3": ("b.test", ["b.test"]),
    }
    assert {each.outcome for each in results} == {"ok"}
    assert {each.resolve_ms for each in results} == {1.5}
    assert len(results) == 3


async def test_names_of_a_later_batch_dial_nothing_twice(network: SimulatedNetwork, names: Names) -> None:
    names |= {"a.test": (False, ["127.1.0.1"]), "b.test": (False, ["127.1.0.1"])}
    results = await _surveyed(["a.test"], ["b.test"], port=node_port(network), allow_private=True)
    assert len(results) == 1
    ports = await _surveyed(["a.test", "b.test:1"], port=node_port(network), allow_private=True)
    assert sorted(map(_words, ports)) == [
        "a.test 127.1.0.1 ok",
        "b.test:1 127.1.0.1 failed connect.refused",
    ]


async def test_a_record_that_is_written_gets_no_more_names(network: SimulatedNetwork, names: Names) -> None:
    """Of a hundred thousand names behind one address, all would be kept and looked through."""
    names |= dict.fromkeys(["a.test", "b.test", "c.test"], (False, ["10.0.0.1"]))
    (result,) = await _surveyed(["a.test", "b.test"], *[[]] * 20, ["c.test"], port=node_port(network))
    assert list(result.seeds) == ["a.test", "b.test"]


async def test_a_name_that_is_asked_for_twice_is_listed_once(network: SimulatedNetwork, names: Names) -> None:
    names |= {"a.test": (False, ["10.0.0.1"]), "b.test": (False, ["10.0.0.1"])}
    results = await _surveyed(["a.test", "b.test", "a.test"], port=node_port(network))
    assert [list(result.seeds) for result in results] == [["a.test", "b.test"]]


async def test_learned_private_addresses_are_skipped(
    network: SimulatedNetwork, names: Names, caplog: pytest.LogCaptureFixture
) -> None:
    names |= {"a.test": (False, ["127.1.0.1", "10.0.0.1"]), "b.test": (False, ["127.1.0.1"])}
    with caplog.at_level(logging.WARNING, logger="bitcoin_handshake"):
        results = await _surveyed(["a.test", "b.test"], port=node_port(network))
    assert {_words(each): list(each.seeds) for each in results} == {
        "a.test 127.1.0.1 skipped policy.not_routable": ["a.test", "b.test"],
        "a.test 10.0.0.1 skipped policy.not_routable": ["a.test"],
    }
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["a.test", "b.test"]
    assert all("--allow-private" in record.getMessage() for record in caplog.records)
    assert network.fleet.accepted == 0


async def test_addresses_that_were_left_out_are_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept = ResolvedAddress("10.0.0.1", Network.IPV4)

    async def resolve(name: str, **_options: object) -> Resolution:
        return Resolution(name=name, addresses=(kept,), elapsed_ms=1.5, dropped=2204)

    monkeypatch.setattr(resolver_module, "resolve", resolve)
    with caplog.at_level(logging.WARNING, logger="bitcoin_handshake"):
        await _surveyed(["a.test"], port=1)
    assert caplog.messages[0] == "a.test: 2204 addresses beyond the first 1 were left out"


async def test_nothing_is_said_of_private_addresses_where_others_remain(
    network: SimulatedNetwork,
    names: Names,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No address of this machine is globally routable, so that one is declared to be."""
    routable = "127.1.0.1"
    monkeypatch.setattr(
        survey_module, "refusal", lambda each: None if each.host == routable else refusal(each)
    )
    names |= {"a.test": (False, ["10.0.0.1", routable]), "b.test": (True, ["127.1.0.2"])}
    with caplog.at_level(logging.WARNING, logger="bitcoin_handshake"):
        results = await _surveyed(["a.test", "b.test"], port=node_port(network))
    assert sorted(map(_words, results)) == [
        "a.test 10.0.0.1 skipped policy.not_routable",
        "a.test 127.1.0.1 ok",
        "b.test 127.1.0.2 ok",
    ]
    assert caplog.records == []


@pytest.mark.parametrize(
    "batches", [(["a.test", "localhost"],), (["a.test"], ["localhost"]), (["localhost"], ["a.test"])]
)
async def test_names_of_this_machine_are_dialled_wherever_they_are(
    network: SimulatedNetwork, names: Names, batches: Sequence[Sequence[str]]
) -> None:
    names |= {"a.test": (False, ["127.1.0.1"]), "localhost": (True, ["127.1.0.1"])}
    results = await _surveyed(*batches, port=node_port(network))
    assert "localhost 127.1.0.1 ok" in map(_words, results)
    assert network.fleet.accepted == 1


async def test_a_typed_private_address_is_dialled(network: SimulatedNetwork) -> None:
    (result,) = await _surveyed(["127.1.0.1"], port=node_port(network), allow_private=False)
    assert result.outcome == "ok"


async def test_names_without_address_are_one_failure_each(names: Names) -> None:
    results = await _surveyed(["nosuch.test", "other.test:5"])
    assert sorted(map(_words, results)) == [
        "nosuch.test - failed resolve.nxdomain",
        "other.test:5 - failed resolve.nxdomain",
    ]
    assert {each.phase for each in results} == {"resolve"}


async def test_bad_targets_are_records_and_the_run_goes_on(network: SimulatedNetwork) -> None:
    results = await _surveyed(
        [BadTarget(text="1.2.3", why="three numbers"), "127.1.0.1", BadTarget(text="", why="empty")],
        port=node_port(network),
    )
    assert sorted(map(_words, results)) == [
        " - failed input.bad_target",
        "1.2.3 - failed input.bad_target",
        "127.1.0.1 127.1.0.1 ok",
    ]
    assert [each.phase for each in results if each.code] == [None, None]


async def test_what_the_options_or_the_network_exclude_is_skipped(
    network: SimulatedNetwork, names: Names
) -> None:
    names["both.test"] = (False, ["127.1.0.1", "2001:db8::1"])
    names["six.test"] = (False, ["2001:db8::1"])
    targets = ["127.1.0.2", "2001:db8::2", ONION, I2P, "both.test", "six.test"]
    only_v4 = await _surveyed(
        targets, families=frozenset({Network.IPV4}), allow_private=True, port=node_port(network)
    )
    assert sorted(map(_words, only_v4)) == sorted(
        [
            "127.1.0.2 127.1.0.2 ok",
            "2001:db8::2 2001:db8::2 skipped policy.address_family",
            f"{ONION} {ONION} skipped policy.no_proxy",
            f"{I2P} {I2P} skipped policy.no_proxy",
            "both.test 127.1.0.1 ok",
            "six.test - failed resolve.no_addresses",
        ]
    )
    ports = {each.netaddr.host: each.netaddr.port for each in only_v4 if each.netaddr}
    assert (ports[ONION], ports[I2P]) == (node_port(network), 0), "SAM 3.1 has no ports"
    (only_v6,) = await _surveyed(["127.1.0.1"], families=frozenset({Network.IPV6}))
    assert only_v6.code == "policy.address_family"


async def test_no_target_is_no_record() -> None:
    assert await _surveyed() == []
    assert await _surveyed([], []) == []


@pytest.mark.parametrize(
    "changes",
    [{"port": 0}, {"port": 65536}, {"concurrency": 0}, {"concurrency": -1}, {"families": frozenset()}],
)
async def test_options_out_of_range_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        _options(**changes)


async def test_no_more_at_once_than_asked_for(network: SimulatedNetwork) -> None:
    options = _options(concurrency=3, port=node_port(network))
    seen = []

    class Sink(Collected):
        def write(self, result: ProbeResult) -> None:
            super().write(result)
            seen.append(survey._pool.dialer.in_flight)

    survey = Survey(options, Sink())
    await survey.run(_batches(["127.1.0.1"] * 50))
    assert len(seen) == 50
    assert max(seen) <= 3
    assert survey.summary.to_text_line() == "Finished! Handshake results: 50 OK | 0 PARTIALLY OK | 0 FAILED"
    assert (survey.summary.addresses, survey.summary.dialled) == (50, 50)
    assert not survey.summary.interrupted


async def test_the_first_results_come_before_the_last_target(network: SimulatedNetwork) -> None:
    arrived = asyncio.Event()

    class Sink(Collected):
        def write(self, result: ProbeResult) -> None:
            super().write(result)
            arrived.set()

    async def batches() -> AsyncIterator[list[Target | BadTarget]]:
        yield [parse_target("127.1.0.1")]
        await arrived.wait()
        yield [parse_target("127.1.0.2")]

    sink = Sink()
    summary = await Survey(_options(port=node_port(network)), sink).run(batches())
    assert summary.ok == 2


async def test_results_wait_for_nobody_s_look_up(
    network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = asyncio.Event()

    async def resolve(name: str, **_options: object) -> Resolution:
        await looked_up.wait()
        raise NameNotFound(name=name)

    monkeypatch.setattr(resolver_module, "resolve", resolve)
    stream = probe_many(["slow.test", "127.1.0.1"], chain=Chain.REGTEST, port=node_port(network))
    assert (await anext(stream)).outcome == "ok"
    looked_up.set()
    assert (await anext(stream)).code == "resolve.nxdomain"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_thousands_of_names_are_looked_up_a_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = Counter[str]()

    async def resolve(name: str, **_options: object) -> Resolution:
        at_once["now"] += 1
        at_once["most"] = max(at_once["most"], at_once["now"])
        await asyncio.sleep(0)
        at_once["now"] -= 1
        raise NameNotFound(name=name)

    monkeypatch.setattr(resolver_module, "resolve", resolve)
    results = [result async for result in probe_many(f"n{index}.test" for index in range(2000))]
    assert len({result.target for result in results}) == 2000
    assert 1 < at_once["most"] <= MAX_LOOKUPS


async def test_endless_names_are_taken_as_they_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(name: str, **_options: object) -> Resolution:
        if name == "n0.test":
            raise NameNotFound(name=name)
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # never

    monkeypatch.setattr(resolver_module, "resolve", resolve)
    targets = Endless(lambda index: "1.2.3" if index == 0 else f"n{index}.test")
    stream = probe_many(targets)
    await anext(stream)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert targets.taken <= 3 * BATCH
    await stream.aclose()


async def test_stop_ends_it_with_what_is_known() -> None:
    class Sink(Collected):
        def write(self, result: ProbeResult) -> None:
            super().write(result)
            if len(self.results) == 3:
                survey.stop()

    async def endless() -> AsyncIterator[list[Target | BadTarget]]:
        while True:
            yield [BadTarget(text="x", why="no")]
            await asyncio.sleep(0)

    sink = Sink()
    survey = Survey(_options(), sink)
    summary = await survey.run(endless())
    assert summary.interrupted
    assert summary.failed == len(sink.results) >= 3


class _StopAt:
    """A transcript sink that stops a survey at a connection, or at a line of one."""

    has_room = True

    def __init__(self, *, connection: int, words: str = "") -> None:
        self.survey: Survey
        self._connection = connection
        self._words = words
        self._begun = 0

    def begin(self, label: str) -> int:
        self._begun += 1
        self._look("")
        return self._begun

    def write(self, connection: int, lines: str, *, is_last: bool) -> None:
        self._look(lines)

    def _look(self, lines: str) -> None:
        if self._begun == self._connection and self._words in lines:
            self.survey.stop()


@pytest.mark.parametrize(
    ("transport", "linger_s", "sink"),
    [
        ("v1", 60.0, _StopAt(connection=1, words='"completed"')),
        ("auto", 60.0, _StopAt(connection=1, words='"completed"')),
        ("both", 60.0, _StopAt(connection=1, words='"completed"')),
        ("both", 0.1, _StopAt(connection=2, words='"completed"')),
        ("both", 0.0, _StopAt(connection=2)),
    ],
)
async def test_stop_keeps_a_handshake_that_was_completed(
    transport: str, linger_s: float, sink: _StopAt
) -> None:
    options = NetworkOptions(params=REGTEST, node_count=1, mix={"core": 1}, port=0, with_dns=False)
    async with SimulatedNetwork(options) as network:
        collected = Collected()
        sink.survey = Survey(
            _options(
                port=node_port(network),
                probe=ProbeOptions(
                    chain=REGTEST,
                    timeout_s=60.0,
                    linger_s=linger_s,
                    transport=TransportMode.from_text(transport),
                    transcripts=sink,
                ),
            ),
            collected,
        )
        summary = await sink.survey.run(_batches(["127.1.0.1"]))
    assert (summary.interrupted, summary.ok, summary.total) == (True, 1, 1)
    [result] = collected.results
    assert result.outcome is Outcome.OK
    if linger_s == 60.0:  # what was not waited for is not known
        assert not result.lingered


async def test_stop_may_come_before_the_run() -> None:
    survey = Survey(_options(), Collected())
    survey.stop()
    summary = await survey.run(_batches(["127.1.0.1"]))
    assert (summary.interrupted, summary.total, summary.dialled) == (True, 0, 0)


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), EnvironmentFailure("disk full"), ValueError("closed file")]
)
@pytest.mark.parametrize("where", ["write", "drain"])
async def test_a_sink_that_fails_ends_the_run(
    network: SimulatedNetwork, error: Exception, where: str
) -> None:
    class Sink(Collected):
        def write(self, result: ProbeResult) -> None:
            super().write(result)
            if where == "write" and len(self.results) == 2:
                raise error

        async def drain(self) -> None:
            if where == "drain" and self.results:
                raise error

    async def endless() -> AsyncIterator[list[Target | BadTarget]]:
        while True:
            yield [parse_target("127.1.0.1")]
            await asyncio.sleep(0)

    with pytest.raises(type(error)) as caught:
        await Survey(_options(port=node_port(network)), Sink()).run(endless())
    assert caught.value is error


async def test_targets_that_cannot_be_read_end_the_run() -> None:
    async def broken() -> AsyncIterator[list[Target | BadTarget]]:
        yield [BadTarget(text="x", why="no")]
        raise EnvironmentFailure("no such file")

    sink = Collected()
    with pytest.raises(EnvironmentFailure, match="no such file"):
        await Survey(_options(), sink).run(broken())
    assert len(sink.results) == 1


_STARVED = """
import asyncio, os, resource, socket, sys
from collections import Counter
from bitcoin_handshake import Chain, probe_many
from bitcoin_handshake.engine import pool
from bitcoin_handshake.errors import EnvironmentFailure

async def main(host, port, free, count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
    pool.SHORTAGE_LIMIT_S = 0.2
    taken = []
    outcomes = Counter()
    try:
        async for result in probe_many([host] * count, chain=Chain.REGTEST, port=port):
            outcomes[result.outcome.value] += 1
            if not free:
                resource.setrlimit(resource.RLIMIT_NOFILE, (3, 200))
                continue
            try:
                while True:
                    taken.append(os.dup(0))
            except OSError:
                pass
            for _ in range(free):
                os.close(taken.pop())
    except EnvironmentFailure as error:
        print(error)
    print(dict(outcomes) if free else list(outcomes))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
"""


@pytest.mark.parametrize(
    ("free", "targets", "printed"),
    [(5, 250, "{'ok': 250}\n"), (0, 5000, "cannot open any connection: Too many open files\n['ok']\n")],
)
async def test_a_shortage_slows_down_and_fails_no_node(
    network: SimulatedNetwork, free: int, targets: int, printed: str
) -> None:
    """Most descriptors are taken by somebody else while the run goes on, or all that are free."""
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-W",
            "ignore",
            "-c",
            _STARVED,
            "127.1.0.1",
            str(node_port(network)),
            str(free),
            str(targets),
        ),
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(CHECKOUT / "src")},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), CHILD_LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert output.decode() == printed


CHILD_LIMIT_S = 120.0
"""After this a child is killed: it hangs, or takes the machine's memory."""

_MANY_NAMES = """
import asyncio, resource, socket
from collections import Counter
from bitcoin_handshake import Chain, probe_many

async def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    silent = socket.create_server(("127.0.0.1", 0), backlog=4096)
    name_server = socket.socket(type=socket.SOCK_DGRAM)
    name_server.bind(("127.0.0.1", 0))
    targets = ["127.0.0.1:%d" % silent.getsockname()[1]] * 200 + ["n%d.test" % n for n in range(40)]
    resolver = "127.0.0.1:%d" % name_server.getsockname()[1]
    codes = Counter()
    async for result in probe_many(
        targets, chain=Chain.REGTEST, transport="v1", resolver=resolver, timeout_s=0.25
    ):
        codes[result.code] += 1
    print(sorted(codes.items()))

asyncio.run(main())
"""


@pytest.mark.slow
async def test_names_and_connections_share_the_descriptors() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", _MANY_NAMES),
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(CHECKOUT / "src")},
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), CHILD_LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert output.decode() == "[('peer.timeout', 200), ('resolve.timeout', 40)]\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.asyncio
async def test_a_name_that_the_hosts_file_blocks_is_not_dialled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{host} blocked.example other.example\n")
    resolve = resolver_module.resolve
    defaults = {**(resolve.__kwdefaults__ or {}), "hosts_path": hosts}
    monkeypatch.setattr(resolve, "__kwdefaults__", defaults)
    results = [result async for result in probe_many(["blocked.example"], timeout_s=1, allow_private=True)]
    assert [(result.outcome, result.code) for result in results] == [(Outcome.SKIPPED, "policy.blocked")]
    assert results[0].reason == f"the hosts file of this system blocks the name: it gives {host}"
