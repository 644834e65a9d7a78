"""Real proxies: Tor as a private network, microsocks and tinyproxy, an I2P network of i2pd."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bitcoin_handshake import Chain, probe, probe_many
from bitcoin_handshake.records import ProbeResult
from tests.helpers import CHECKOUT, unavailable
from tests.integration.servers import find_binary, free_port, running

pytestmark = [pytest.mark.node, pytest.mark.slow]

SCRIPTS = Path(__file__).parent / "networks"
READY_S = 90.0
TOR_STARTS = 3
"""A network of directory authorities that does not agree in READY_S seconds is made anew."""
STOPPED_SERVICE = (
    "onion.introduction_failed",
    "onion.introduction_timed_out",
    "onion.rendezvous_failed",
    "socks5.host_unreachable",
    "socks5.ttl_expired",
    "proxy.timeout",
)
"""What Tor says of a service whose descriptor is still published depends on how far it gets."""
REGTEST = Chain.REGTEST


@contextmanager
def _script(command: list[str], ready: Path, log: Path, **variables: str) -> Iterator[None]:
    """Run a script that stays in the foreground, from its file `ready` on until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | variables,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + READY_S
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
                process_wait(process, 0.1)
            yield
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def process_wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a process ends, and no longer than that."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class TorNetwork:
    """A private Tor network with an onion service in front of a simulated node."""

    socks: str
    control: str
    onion: str
    folder: Path

    def kill(self, member: str) -> None:
        """End the `client` or the `service` for good, and wait until it is gone."""
        pid = int((self.folder / member / "pid").read_text())
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + READY_S
        while not _has_ended(pid):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the {member} does not end")


def _has_ended(pid: int) -> bool:
    """Whether a process is gone, or only waits for its parent to notice."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # gone before the file was opened, or while it was read
        return True
    return state.rpartition(")")[2].split()[0] in "ZX"


@pytest.fixture(scope="module")
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorNetwork]:
    for program in ("tor", "tor-gencert"):
        find_binary(program, hint="apt-get install tor")
    port = free_port()
    with _node([sys.executable, "-c", _NODE, "127.0.0.1", str(port)]), ExitStack() as running_network:
        for attempt in range(TOR_STARTS):
            folder = tmp_path_factory.mktemp("tor")
            command = ["bash", str(SCRIPTS / "tor-network.sh"), str(folder / "net"), f"127.0.0.1:{port}"]
            ready = folder / "net" / "env"
            base = str(free_port() // 200 * 200)
            try:
                running_network.enter_context(_script(command, ready, folder / "log", TOR_BASE_PORT=base))
                break
            except RuntimeError:
                if attempt == TOR_STARTS - 1:
                    raise
        pairs = dict(pair.split("=", 1) for pair in ready.read_text().split())
        _wait_for_descriptor(pairs["ONION"], pairs["SOCKS"])
        yield TorNetwork(
            socks=pairs["SOCKS"],
            control=pairs["CONTROL"],
            onion=pairs["ONION"],
            folder=folder / "net",
        )


def _wait_for_descriptor(onion: str, socks: str) -> None:
    """Wait until the service is published, which Tor does some seconds after it is ready."""
    deadline = time.monotonic() + READY_S
    while (result := _probe(onion, onion=socks)).code == "onion.descriptor_not_found":
        if time.monotonic() > deadline:
            raise RuntimeError(f"the onion service was not published: {result.error}")


def _probe(target: str, **options: object) -> ProbeResult:
    return asyncio.run(probe(target, chain=REGTEST, **options))  # type: ignore[arg-type]  # by keyword


def _verdict(result: ProbeResult) -> tuple[str, str | None, str | None]:
    return result.outcome.value, result.phase, result.code


def _control(tor: TorNetwork, question: str) -> str:
    host, port = tor.control.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as sock, sock.makefile("rwb") as file:
        file.write(b'AUTHENTICATE ""\r\nGETINFO ' + question.encode() + b"\r\nQUIT\r\n")
        file.flush()
        return file.read().decode()


@pytest.mark.parametrize("transport", ["v1", "v2"])
def test_shakes_hands_with_an_onion_service(tor: TorNetwork, transport: str) -> None:
    result = _probe(tor.onion, onion=tor.socks, transport=transport)
    assert _verdict(result) == ("ok", None, None)
    assert result.transport == transport


def test_each_node_has_a_circuit_of_its_own(tor: TorNetwork) -> None:
    before = set(re.findall(r'SOCKS_USERNAME="(\w+)"', _control(tor, "circuit-status")))
    for _ in range(2):
        assert _verdict(_probe(tor.onion, onion=tor.socks, transport="v1")) == ("ok", None, None)
    after = set(re.findall(r'SOCKS_USERNAME="(\w+)"', _control(tor, "circuit-status")))
    assert len(after - before) == 2


def test_an_unknown_service_is_not_published(tor: TorNetwork) -> None:
    # The key of a service that is not there; Tor checks that it is a point of the curve.
    unknown = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"
    assert _verdict(_probe(unknown, onion=tor.socks)) == ("failed", "proxy", "onion.descriptor_not_found")


def test_a_port_that_the_service_does_not_offer_is_refused(tor: TorNetwork) -> None:
    host = tor.onion.rpartition(":")[0]
    assert _verdict(_probe(f"{host}:9", onion=tor.socks)) == ("failed", "proxy", "socks5.refused")


def test_a_proxy_for_everything_reaches_onion_services_too(tor: TorNetwork) -> None:
    assert _verdict(_probe(tor.onion, proxy=tor.socks)) == ("ok", None, None)


def test_a_tor_that_is_gone_makes_no_node_fail(tor: TorNetwork) -> None:
    gone = f"127.0.0.1:{free_port()}"
    assert _verdict(_probe(tor.onion, onion=gone)) == ("skipped", "proxy", "proxy.unreachable")


def test_a_tor_that_is_not_bootstrapped_is_no_fault_of_the_node(tmp_path: Path) -> None:
    program = find_binary("tor", hint="apt-get install tor")
    torrc = tmp_path / "torrc"
    # Its only directory authority is a closed port of this machine.
    authority = f"nobody orport=9 v3ident={'A' * 40} 127.0.0.1:9 {'B' * 40}"
    torrc.write_text(f"DirAuthority {authority}\nUseDefaultFallbackDirs 0\nSocksTimeout 2\n")

    def command(port: int) -> list[str]:
        return [
            program,
            "-f",
            str(torrc),
            "--SocksPort",
            f"{port}",
            "--DataDirectory",
            str(tmp_path / "data"),
        ]

    with running(tmp_path, command) as server:
        onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"
        result = _probe(onion, onion=server.address, onion_timeout_s=8.0)
    assert result.phase == "proxy"
    assert result.outcome.value == "failed"
    assert result.code in ("socks5.general_failure", "proxy.timeout", "socks5.ttl_expired", "proxy.closed")


# The two below end parts of the network, and so come last.


def test_a_service_that_has_stopped_is_a_failure_of_the_node(tor: TorNetwork) -> None:
    tor.kill("service")
    result = _probe(tor.onion, onion=tor.socks, onion_timeout_s=60.0)
    assert (result.outcome.value, result.phase) == ("failed", "proxy")
    assert result.code in STOPPED_SERVICE


@pytest.mark.asyncio
async def test_a_tor_that_is_killed_in_the_middle_of_a_run_is_told(tor: TorNetwork) -> None:
    host = tor.onion.rpartition(":")[0]
    targets = [f"{host}:{port}" for port in range(9, 15)]
    results: list[tuple[str, str | None, str | None]] = []
    async for result in probe_many(targets, chain=REGTEST, onion=tor.socks, concurrency=1):
        if not results:
            tor.kill("client")
        results.append(_verdict(result))
    assert results[0][:2] == ("failed", "proxy")
    assert results[-1] == ("skipped", "proxy", "proxy.stopped")


# --- microsocks and tinyproxy in a network namespace ---------------------------------------------

_INSIDE = """
import asyncio, json, sys
from bitcoin_handshake import Chain, probe_many

async def main():
    async for result in probe_many(json.loads(sys.argv[1]), chain=Chain.REGTEST, **json.loads(sys.argv[2])):
        print(json.dumps([result.target, result.outcome.value, result.phase, result.code]))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def namespace_of_proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., list[str]]]:
    if os.geteuid() != 0:
        unavailable("a network namespace needs root")
    for program in ("microsocks", "tinyproxy", "nft", "ip"):
        find_binary(program, hint="apt-get install microsocks tinyproxy nftables iproute2")
    folder = tmp_path_factory.mktemp("proxies")
    script = str(SCRIPTS / "socks-namespace.sh")
    variables = os.environ | {"TMPDIR": str(folder), "BH_NS": f"bh{os.getpid()}"}

    def call(*arguments: str) -> list[str]:
        done = subprocess.run(
            ["bash", script, *arguments],
            stdout=subprocess.PIPE, text=True, env=variables, timeout=60, check=False,
        )  # fmt: skip
        assert not done.returncode
        return done.stdout.splitlines()

    call("up")
    try:
        command = [
            "ip",
            "netns",
            "exec",
            f"bh{os.getpid()}proxy",
            sys.executable,
            "-c",
            _NODE,
            "0.0.0.0",
            "18444",
        ]
        with _node(command):
            yield call
    finally:
        call("down")


@contextmanager
def _node(command: list[str]) -> Iterator[None]:
    """Run a simulated node until the end of the block."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT) as node:
        assert node.stdout is not None
        try:
            assert node.stdout.readline() == b"ready\n"
            yield
        finally:
            node.terminate()


_NODE = """
import asyncio, sys
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork

async def main():
    options = NetworkOptions(
        node_count=1, mix=parse_behaviours("core"), with_dns=False,
        port=int(sys.argv[2]), addresses=(sys.argv[1],),
    )
    async with SimulatedNetwork(options):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def _inside(call: Callable[..., list[str]], targets: list[str], **options: object) -> list[list[str | None]]:
    lines = call("run", sys.executable, "-c", _INSIDE, json.dumps(targets), json.dumps(options))
    return sorted(json.loads(line) for line in lines)


@pytest.mark.parametrize(
    "proxy", ["10.77.0.1:1080", "socks5://user:secret@10.77.0.1:1081", "http://10.77.0.1:8888"]
)
def test_nothing_leaves_outside_the_proxy(namespace_of_proxies: Callable[..., list[str]], proxy: str) -> None:
    results = _inside(namespace_of_proxies, ["11.1.2.3:18444", "seed.example.test"], proxy=proxy, timeout_s=5)
    assert results[0] == ["11.1.2.3:18444", "ok", None, None]
    assert results[1][:3] == ["seed.example.test", "failed", "proxy"]  # nobody knows the name there
    assert namespace_of_proxies("count") == ["0"]


@pytest.mark.parametrize(
    ("proxy", "target", "code"),
    [
        ("10.77.0.1:1080", "11.1.2.3:9", "socks5.refused"),
        ("socks5://user:wrong@10.77.0.1:1081", "11.1.2.3:18444", "proxy.auth_failed"),
        ("10.77.0.1:1081", "11.1.2.3:18444", "proxy.auth_required"),
        ("10.77.0.1:8888", "11.1.2.3:18444", None),
        ("http://10.77.0.1:8888", "11.1.2.3:9", "http_proxy.not_allowed"),
        ("http://10.77.0.1:1080", "11.1.2.3:18444", None),
    ],
)
def test_real_proxies_say_no_in_their_own_ways(
    namespace_of_proxies: Callable[..., list[str]], proxy: str, target: str, code: str | None
) -> None:
    [[_, outcome, phase, found]] = _inside(namespace_of_proxies, [target], proxy=proxy, timeout_s=3)
    assert (outcome, phase) == ("failed", "proxy")
    assert found == code if code else str(found).startswith("proxy.")
    assert namespace_of_proxies("count") == ["0"]


I2pNetwork = tuple[Callable[..., list[list[str]]], str]
"""Runs a survey inside the network, and the address of its node."""


# --- I2P -----------------------------------------------------------------------------------------


I2P_ATTEMPTS = 6
"""A look-up of a destination that is not published takes 20 seconds."""
I2P_SAM_PORTS = (16101, 16103, 16104)
"""The SAM bridges of the routers that do not host the node."""


@pytest.fixture(scope="module")
def i2p(tmp_path_factory: pytest.TempPathFactory) -> Iterator[I2pNetwork]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        unavailable("a network namespace needs root and unshare")
    find_binary("i2pd", hint="apt-get install i2pd")
    folder = tmp_path_factory.mktemp("i2p")
    command = ["unshare", "-n", "bash", str(SCRIPTS / "i2p-network.sh"), str(folder / "net")]
    with _script(command, folder / "net" / "ready", folder / "log"):
        enter = ["nsenter", f"--net=/proc/{(folder / 'net' / 'pid').read_text().strip()}/ns/net"]

        def inside(targets: list[str], **options: object) -> list[list[str]]:
            done = subprocess.run(
                [*enter, sys.executable, "-c", _INSIDE, json.dumps(targets), json.dumps(options)],
                capture_output=True, text=True, cwd=CHECKOUT, timeout=170, check=False,
            )  # fmt: skip
            return [json.loads(line) for line in done.stdout.splitlines()]

        with _node([*enter, sys.executable, "-c", _NODE, "127.0.0.1", "18444"]):
            yield inside, (folder / "net" / "address").read_text().strip()


def _ask_i2p(inside: Callable[..., list[list[str]]], node: str) -> list[str]:
    """Ask for a node at one router after the other: one that is gone says nothing about the node."""
    for port in I2P_SAM_PORTS:
        ((_, *answer),) = inside([node], i2psam=f"127.0.0.1:{port}")
        if answer[0] != "skipped":
            break
    return answer


def test_shakes_hands_through_i2p_and_knows_who_is_not_there(i2p: I2pNetwork) -> None:
    inside, node = i2p
    unknown = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"
    # A router publishes its destination some time after its tunnels are ready.
    for _ in range(I2P_ATTEMPTS):
        known = _ask_i2p(inside, node)
        if known[0] == "ok":
            break
    assert known == ["ok", None, None]
    found = _ask_i2p(inside, unknown)
    assert found[:2] == ["failed", "proxy"]
    assert found[2] in ("sam.invalid_key", "sam.key_not_found")
