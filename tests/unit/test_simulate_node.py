"""Connections of simulated nodes over loopback sockets, on both event loops."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
import uvloop

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from bitcoin_handshake.simulate.node import CLOSE_TIMEOUT_S, STALL_TIMEOUT_S, bind_node
from bitcoin_handshake.transport.v1 import serialize_message
from tests.helpers import FakeClock
from tests.simulated import REGTEST, initiator

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
HELLO = initiator().data_to_send()


@pytest.fixture(params=LOOPS, name="run")
def _run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    def run(main: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(asyncio.wait_for(main, 20))

    return run


def _network(behaviour: str, *, clock: FakeClock | None = None, **options: Any) -> SimulatedNetwork:
    return SimulatedNetwork(
        NetworkOptions(node_count=1, mix={behaviour: 1.0}, port=0, with_dns=False, **options),
        clock=clock or FakeClock(),
    )


async def _talk(network: SimulatedNetwork, talk: Talk) -> None:
    netaddr = network.nodes[0].netaddr
    reader, writer = await asyncio.open_connection(netaddr.host, netaddr.port)
    try:
        await talk(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


def test_a_close_delivers_all_bytes_though_the_client_sent_more(run: Callable[..., None]) -> None:
    """A socket that is closed with unread data resets, and may take our last bytes with it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO + bytes(200_000))
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400")
        assert answer.endswith(b"</h1>\n")

    async def main() -> None:
        async with _network("http") as network:
            await _talk(network, talk)

    run(main())


def test_a_reset_is_a_reset(run: Callable[..., None]) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)
        with pytest.raises(ConnectionResetError):
            await reader.read()

    async def main() -> None:
        async with _network("resets") as network:
            await _talk(network, talk)

    run(main())


def test_timers_run_on_the_real_loop(run: Callable[..., None]) -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert len(await reader.readexactly(40)) == 40

    async def main() -> None:
        options = NetworkOptions(node_count=1, mix={"drip": 1.0}, port=0, with_dns=False, drip_s=0.001)
        async with SimulatedNetwork(options) as network:
            await _talk(network, talk)

    run(main())


def test_a_silent_client_is_dropped_after_the_handshake_timeout(
    run: Callable[..., None], clock: FakeClock
) -> None:
    async def main() -> None:
        async with _network("core", clock=clock) as network:

            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(HELLO)
                await reader.readuntil(b"verack")
                clock.advance(58)
                network.fleet.sweep()
                assert len(network.fleet.connections) == 1
                clock.advance(2)
                network.fleet.sweep()
                await reader.read()

            await _talk(network, talk)

    run(main())


def test_a_client_that_does_not_read_is_dropped(run: Callable[..., None], clock: FakeClock) -> None:
    async def main() -> None:
        async with _network("flood-of-largest", clock=clock) as network:

            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a stream's transport
                writer.write(HELLO)
                while not any(each.is_stalled for each in network.fleet.connections):
                    await asyncio.sleep(0)
                clock.advance(STALL_TIMEOUT_S)
                network.fleet.sweep()
                while network.fleet.connections:
                    await asyncio.sleep(0)

            await _talk(network, talk)

    run(main())


def test_a_node_stops_reading_from_a_client_that_asks_and_does_not_read(run: Callable[..., None]) -> None:
    """Otherwise pings make it hold pongs without end."""
    ping = serialize_message(REGTEST.magic, "ping", bytes(8))

    async def main() -> None:
        async with _network("core") as network:
            netaddr = network.nodes[0].netaddr
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(client, (netaddr.host, netaddr.port))
                await loop.sock_sendall(client, HELLO + serialize_message(REGTEST.magic, "verack", b""))
                flood = asyncio.create_task(loop.sock_sendall(client, ping * 600_000))
                while not any(each.is_stalled for each in network.fleet.connections):
                    await asyncio.sleep(0)
                for _ in range(500):
                    await asyncio.sleep(0)
                assert not flood.done()
                flood.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await flood

    run(main())


def test_a_closed_connection_does_not_wait_for_the_client_forever(
    run: Callable[..., None], clock: FakeClock
) -> None:
    async def main() -> None:
        async with _network("closes-at-once", clock=clock) as network:

            async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
                assert await reader.read() == b""

            netaddr = network.nodes[0].netaddr
            with socket.create_connection((netaddr.host, netaddr.port)) as client:
                client.setblocking(False)
                assert await asyncio.get_running_loop().sock_recv(client, 10) == b""
                assert len(network.fleet.connections) == 1
                clock.advance(CLOSE_TIMEOUT_S)
                network.fleet.sweep()
                while network.fleet.connections:
                    await asyncio.sleep(0)
            await _talk(network, talk)

    run(main())


def test_connections_over_the_limit_are_closed_and_freed_places_taken(run: Callable[..., None]) -> None:
    async def main() -> None:
        async with _network("core", max_connections=1) as network:

            async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(HELLO)
                await reader.readuntil(b"verack")

            async def refused(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""

            async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await served(reader, writer)
                await _talk(network, refused)

            await _talk(network, first)
            while network.fleet.connections:
                await asyncio.sleep(0)
            await _talk(network, served)
            assert network.fleet.accepted == 2

    run(main())


def test_hostile_clients_leave_nothing_behind(run: Callable[..., None]) -> None:
    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO + b"\xff" * 300_000)
        await reader.read(10)

    async def main() -> None:
        async with _network("core") as network:
            await asyncio.gather(*(_talk(network, hostile) for _ in range(50)))
            while network.fleet.connections:
                await asyncio.sleep(0)

    run(main())


def test_binding_says_what_is_wrong() -> None:
    with (
        bind_node(NetAddr.from_text("127.1.0.1", 0)) as taken,
        pytest.raises(EnvironmentFailure, match="in use"),
    ):
        bind_node(NetAddr.from_text("127.1.0.1", taken.getsockname()[1]))
    with pytest.raises(EnvironmentFailure, match="not an address of this machine"):
        bind_node(NetAddr.from_text("192.0.2.1", 0))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "privileged port"),
        (errno.EMFILE, "no file descriptors"),
        (errno.ENOBUFS, "No buffer space"),
    ],
)
def test_binding_names_every_cause(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def fail(*_args: object) -> None:
        raise OSError(number, "No buffer space")

    monkeypatch.setattr(socket, "socket", fail)
    with pytest.raises(EnvironmentFailure, match=words):
        bind_node(NetAddr.from_text("127.1.0.1", 1))
