"""Our look-ups against unbound and dnsmasq; dig, unbound and dnsmasq against the simulated seed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bitcoin_handshake.errors import NameNotFound, NoAddresses, ResolveRefused
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver import Resolution, resolve
from bitcoin_handshake.simulate.dns import DnsServer
from bitcoin_handshake.simulate.zone import DnsBehaviour, SeedNode
from tests.integration.conftest import ServeNames
from tests.integration.servers import LOOPBACK, find_binary, running
from tests.scripted_dns import on_both_loops

pytestmark = pytest.mark.node

SEED = "seed.test"
REPEATS = 20


def _hosts(resolution: Resolution) -> set[str]:
    return {each.host for each in resolution.addresses}


# Our look-ups.


@on_both_loops
async def test_unbound_is_asked_and_answers_every_time(unbound: ServeNames) -> None:
    addresses = {*(f"127.0.1.{n}" for n in range(1, 26)), "::1"}
    server = unbound({SEED: sorted(addresses)})
    for _ in range(REPEATS):
        resolution = await resolve(SEED, resolver=server.address)
        assert _hosts(resolution) == addresses
        assert resolution.server == server.address


@on_both_loops
async def test_unbound_truncates_and_gives_the_rest_over_tcp(unbound: ServeNames) -> None:
    addresses = {f"127.0.{n >> 7}.{n & 127}" for n in range(300)}
    server = unbound({SEED: sorted(addresses)})
    for _ in range(REPEATS):
        resolution = await resolve(SEED, resolver=server.address)
        assert _hosts(resolution) == addresses
        assert resolution.queries[0].truncated
        assert resolution.queries[0].via_tcp


@on_both_loops
async def test_unbound_knows_no_such_name(unbound: ServeNames) -> None:
    server = unbound({SEED: ["127.0.0.1"]})
    with pytest.raises(NameNotFound):
        await resolve("nobody.test", resolver=server.address)
    with pytest.raises(NoAddresses):
        await resolve(SEED, resolver=server.address, families=[Network.IPV6])


Dnsmasq = Callable[..., list[str]]


@pytest.fixture
def dnsmasq() -> Dnsmasq:
    """Give a function that writes dnsmasq's command line for a port."""
    program = find_binary("dnsmasq", hint="apt-get install dnsmasq")

    def command(port: int, *options: str) -> list[str]:
        quiet = [
            "--no-daemon",
            "--conf-file=/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--user=",
            "--pid-file=",
        ]
        listen = [f"--port={port}", f"--listen-address={LOOPBACK}", "--bind-interfaces"]
        return [program, *quiet, *listen, *options]

    return command


@on_both_loops
async def test_dnsmasq_is_asked(dnsmasq: Dnsmasq, tmp_path: Path) -> None:
    options = [f"--host-record={SEED},127.0.0.1,::1", f"--cname=alias.test,{SEED}", "--local=/test/"]
    with running(tmp_path, lambda port: dnsmasq(port, *options)) as server:
        for _ in range(REPEATS):
            assert _hosts(await resolve(SEED, resolver=server.address)) == {"127.0.0.1", "::1"}
        assert _hosts(await resolve("alias.test", resolver=server.address)) == {"127.0.0.1", "::1"}
        with pytest.raises(NameNotFound):
            await resolve("nobody.test", resolver=server.address)
        with pytest.raises(ResolveRefused):
            await resolve("elsewhere.example", resolver=server.address)


# The simulated seed.

NODES = [SeedNode(f"127.0.1.{n}", 0x809 if n > 95 else 9) for n in range(1, 101)] + [SeedNode("::1")]
IPV4_HOSTS = {f"127.0.1.{n}" for n in range(1, 101)}


@asynccontextmanager
async def _seed(behaviour: DnsBehaviour = DnsBehaviour.ANSWER) -> AsyncIterator[int]:
    """The port of a simulated seed with 100 nodes."""
    server = DnsServer(SEED, NODES, behaviour=behaviour)
    _, port = await server.start(LOOPBACK)
    try:
        yield port
    finally:
        await server.close()


async def _dig(port: int, *arguments: str) -> str:
    program = find_binary("dig", hint="apt-get install bind9-dnsutils")
    process = await asyncio.create_subprocess_exec(
        program,
        f"@{LOOPBACK}",
        "-p",
        str(port),
        "+time=5",
        "+tries=1",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return output.decode()


@on_both_loops
async def test_dig_reads_the_simulated_seed() -> None:
    async with _seed() as port:
        assert set((await _dig(port, SEED, "A", "+short")).split()) == IPV4_HOSTS
        assert (await _dig(port, SEED, "AAAA", "+short")).split() == ["::1"]
        assert len((await _dig(port, SEED, "A", "+short", "+tcp")).split()) == 100
        assert len((await _dig(port, f"x809.{SEED}", "+short")).split()) == 5
        whole = await _dig(port, SEED)
        assert "Truncated, retrying in TCP mode" in whole
        assert "status: NOERROR" in whole
        assert "malformed" not in whole.lower()
        cut = await _dig(port, SEED, "+ignore", "+noedns")
        assert "flags: qr aa tc rd" in cut
        assert "ANSWER: 30," in cut
        assert "status: NXDOMAIN" in await _dig(port, f"www.{SEED}")
        assert "status: REFUSED" in await _dig(port, "other.test")
        assert "status: NOERROR" in await _dig(port, SEED, "+edns=1")


@on_both_loops
async def test_dnsmasq_forwards_to_the_simulated_seed(dnsmasq: Dnsmasq, tmp_path: Path) -> None:
    async with _seed() as port:
        forward = f"--server=/{SEED}/{LOOPBACK}#{port}"
        with running(tmp_path, lambda own_port: dnsmasq(own_port, forward)) as server:
            resolution = await resolve(SEED, resolver=server.address)
            assert _hosts(resolution) == {*IPV4_HOSTS, "::1"}
            with pytest.raises(NameNotFound):
                await resolve(f"www.{SEED}", resolver=server.address)


_UNBOUND = """
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
forward-zone:
  name: "{seed}."
  forward-addr: 127.0.0.1@{seed_port}
remote-control:
  control-enable: no
"""


@on_both_loops
async def test_unbound_forwards_to_the_simulated_seed(tmp_path: Path) -> None:
    program = find_binary("unbound", hint="apt-get install unbound")
    config = tmp_path / "unbound.conf"
    async with _seed() as seed_port:

        def command(port: int) -> list[str]:
            config.write_text(_UNBOUND.format(port=port, folder=tmp_path, seed=SEED, seed_port=seed_port))
            return [program, "-d", "-c", str(config)]

        with running(tmp_path, command) as server:
            resolution = await resolve(SEED, resolver=server.address)
            assert _hosts(resolution) == {*IPV4_HOSTS, "::1"}
            assert _hosts(await resolve(f"x809.{SEED}", resolver=server.address)) == {
                f"127.0.1.{n}" for n in range(96, 101)
            }
            with pytest.raises(NameNotFound):
                await resolve(f"www.{SEED}", resolver=server.address)
