"""`seeds` as its users run it, against simulated seeds."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork

LIMIT_S = 60.0
Run = Callable[..., tuple[int, str, str]]


@contextmanager
def _simulated(behaviours: str) -> Iterator[tuple[str, list[str]]]:
    """A network in a thread of its own; its seed, and the options that lead to it."""
    ready = threading.Event()
    found: list[SimulatedNetwork] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        options = NetworkOptions(node_count=6, mix=parse_behaviours(behaviours), port=0, with_ipv6=False)
        async with SimulatedNetwork(options) as network:
            found.append(network)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(LIMIT_S)
        port = found[0].nodes[0].netaddr.port
        options = ["-n", "regtest", "--resolver", found[0].dns, "--port", str(port), "--allow-private", "-4"]
        yield found[0].seed_name.rstrip("."), options
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(LIMIT_S)
        loop.close()


@pytest.fixture(scope="module")
def healthy() -> Iterator[tuple[str, list[str]]]:
    with _simulated("core") as found:
        yield found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["seeds", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_a_table(healthy: tuple[str, list[str]], run: Run) -> None:
    seed, options = healthy
    code, out, err = run(seed, *options)
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split()[1:4] == ["6", "100%", "100%"]
    assert out.splitlines()[-1] == f"{seed}: good: 6 of 6 nodes reachable (100%)"
    _, details, _ = run(seed, *options, "--details")
    assert details.startswith(out)
    assert "seed.functioning" in details


def test_json_and_markdown(healthy: tuple[str, list[str]], run: Run) -> None:
    seed, options = healthy
    _, out, _ = run(seed, *options, "--json", "--filters", "x9,x1")
    [record] = [json.loads(line) for line in out.splitlines()]
    assert (record["seed"], record["verdict"], sorted(record["filters"])) == (seed, "good", ["x1", "x9"])
    _, out, _ = run(seed, *options, "--markdown")
    assert out.startswith("| seed | nodes |")


def test_a_limit_for_cron(run: Run) -> None:
    with _simulated("core=50,refuses=50") as (seed, options):
        assert run(seed, *options, "--min-reachable", "50")[0] == 0
        assert run(seed, *options, "--min-reachable", "51")[0] == 1


def test_history(healthy: tuple[str, list[str]], run: Run, tmp_path: Path) -> None:
    seed, options = healthy
    db = str(tmp_path / "seeds.sqlite")
    for _ in range(3):
        assert run(seed, *options, "--db", db)[0] == 0
    code, out, _ = run("--history", "--db", db)
    assert (code, out.split()) == (0, [f"{seed:.27}".rstrip(), "███", "100%"]) or "███ 100%" in out
    _, out, _ = run("--history", "--db", db, "--json", seed)
    assert [row["share"] for row in json.loads(out)["audits"]] == [1.0] * 3
    code, _, err = run("--history", "--db", db, "other.example")
    assert (code, "has no audit of that" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["-n", "regtest"], 2, "regtest has no DNS seeds: name one"),
        (["-n", "nosuch"], 2, "nosuch"),
        (["1.1.1.1"], 2, "is not the name of a DNS seed"),
        (["seed.example", "--resolver", "dns.example"], 2, "is not an IP address"),
        (["seed.example", "--filters", "nine"], 2, "is not a filter"),
        (["seed.example", "--asmap", "/nonexistent"], 4, "cannot read /nonexistent"),
        (["seed.example", "--mmdb", "/nonexistent"], 4, "cannot read /nonexistent"),
        (["seed.example", "--asmap", "/dev/null"], 2, "/dev/null: it is damaged"),
        (["seed.example", "--trust-anchor", "/nonexistent", "--resolver", "127.0.0.1:9"], 4, "cannot read"),
        (["seed.example", "--resolver", "127.0.0.1:9", "--dns-timeout", "0.05"], 4, "no DNS server answers"),
        (["seed.example", "--proxy", "127.0.0.1:9050"], 2, "not with --proxy"),
        (["--history", "--db", "/nonexistent/x"], 4, "there is no store"),
        (["seed.example", "--json", "--markdown"], 2, "cannot be used together"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], code: int, why: str, run: Run) -> None:
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert why in err
    assert len(err.splitlines()) == 1
