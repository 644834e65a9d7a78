"""Chains of byte protocols over loopback, and the order in which the dialer drives each of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
import pytest_asyncio

from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.v1 import V1Transport
from tests.sessions import MAGIC, OUR_NONCE, VERACK, VERSION, message, our_version

pytestmark = pytest.mark.asyncio

OUR_VERSION = message("version", our_version())
NEGOTIATION = message("wtxidrelay") + message("sendaddrv2") + VERACK
GREETING = b"CONNECT target\n"
WELCOME = b"WELCOME\n"
ONION = NetAddr.from_text("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 8333)


class LineError(Exception):
    """The other end did not say what a line protocol expects."""


class LineProtocol:
    """Sends one line, expects one line, and records what the dialer asks of it.

    Args:
        greeting: What it sends first.
        deadline: When it gives up.
        follow: Makes the next protocol, or None where it is the last.
        last_words: Sent at each deadline.
        timeouts: Deadlines that it survives, each followed by another one 20 ms later.
    """

    is_flooding = False

    def __init__(
        self,
        greeting: bytes = GREETING,
        *,
        deadline: float,
        follow: Callable[[float], ByteProtocol] | None = None,
        last_words: bytes = b"",
        timeouts: int = 0,
    ) -> None:
        self.next_protocol = follow
        self.deadline: float | None = deadline
        self.finished = False
        self.error: Exception | None = None
        self.unread = b""
        self.events: list[str] = []
        self.queue = greeting
        self.timed_out = 0
        self._line = b""
        self._last_words = last_words
        self._timeouts = timeouts

    @property
    def buffered(self) -> int:
        return len(self._line)

    def receive_data(self, data: bytes, *, now: float) -> None:
        line, end, self.unread = (self._line + data).partition(b"\n")
        self._line = line + end
        if not end:
            return
        self.events.append("line")
        self._end(None if self._line == WELCOME else LineError(line.decode()))

    def receive_eof(self, *, now: float, reset: bool) -> None:
        self._end(LineError("closed"))

    def handle_timeout(self, *, now: float) -> None:
        self.events.append("timeout")
        self.queue += self._last_words
        self.timed_out += 1
        if self.timed_out > self._timeouts:
            self._end(LineError("timeout"))
        else:
            self.deadline = now + 0.02

    def data_to_send(self) -> bytes:
        data, self.queue = self.queue, b""
        return data

    def _end(self, error: Exception | None) -> None:
        self.finished = True
        self.deadline = None
        self.error = error


class Attempt(Connection):
    """A connection over a chain that the test makes."""

    def __init__(
        self,
        netaddr: NetAddr,
        open_protocol: Callable[[float], ByteProtocol],
        *,
        route: Route | None = None,
        timeout_s: float = 60.0,
        is_traced: bool = False,
    ) -> None:
        super().__init__(netaddr, timeout_s=timeout_s, is_traced=is_traced)
        self.route = route
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open = open_protocol
        self.on_event: Callable[[str], None] = lambda _: None

    def open_protocol(self, now: float) -> ByteProtocol:
        return self._open(now)

    def take_events(self) -> None:
        protocol = self.protocol
        if isinstance(protocol, LineProtocol):
            while protocol.events:
                self.on_event(protocol.events.pop(0))

    def close(self) -> None:
        self.closed.set_result(None)

    def fail(self, bug: Exception) -> None:
        self.closed.set_exception(bug)


def _session(now: float) -> ByteProtocol:
    handshake = Handshake(our_version(), initiating=True, own_nonces={OUR_NONCE})
    return Session(V1Transport(MAGIC), handshake, now=now, deadline=now + 60.0, trace=False)


def _lines_then_session(now: float) -> ByteProtocol:
    return LineProtocol(deadline=now + 60.0, follow=_session)


@pytest_asyncio.fixture
async def dialer() -> AsyncIterator[Dialer]:
    dialer = Dialer()
    yield dialer
    dialer.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        yield listener


def _netaddr(listener: socket.socket) -> NetAddr:
    return NetAddr.from_text(*listener.getsockname()[:2])


def _accept(listener: socket.socket) -> socket.socket:
    peer, _ = listener.accept()
    peer.settimeout(20)
    return peer


async def _read(peer: socket.socket, size: int | None = None) -> bytes:
    """Read so many bytes, or all up to the end, while the loop runs."""
    peer.setblocking(False)
    received = b""
    async with asyncio.timeout(20):
        while size is None or len(received) < size:
            wanted = 65536 if size is None else size - len(received)
            data = await asyncio.get_running_loop().sock_recv(peer, wanted)
            if not data:
                break
            received += data
    return received


@pytest.mark.parametrize(
    "pieces",
    [
        (WELCOME + VERSION + VERACK,),
        (WELCOME, VERSION + VERACK),
        (WELCOME[:3], WELCOME[3:] + VERSION[:10], VERSION[10:] + VERACK),
    ],
    ids=["one piece", "apart", "mixed"],
)
async def test_a_session_takes_over_with_the_bytes_that_are_not_read(
    dialer: Dialer, listener: socket.socket, pieces: tuple[bytes, ...]
) -> None:
    attempt = Attempt(_netaddr(listener), _lines_then_session)
    dialer.dial(attempt)
    with _accept(listener) as peer:
        assert await _read(peer, len(GREETING)) == GREETING
        for piece in pieces:
            await asyncio.get_running_loop().sock_sendall(peer, piece)
            await asyncio.sleep(0)
        await asyncio.wait_for(attempt.closed, 20)
        assert await _read(peer) == OUR_VERSION + NEGOTIATION
    assert isinstance(attempt.protocol, Session)
    assert attempt.protocol.is_complete
    assert attempt.bytes_sent == len(GREETING + OUR_VERSION + NEGOTIATION)
    assert (dialer.in_flight, dialer.buffered) == (0, 0)


async def test_a_chain_may_have_many_links(dialer: Dialer, listener: socket.socket) -> None:
    def second(now: float) -> ByteProtocol:
        return LineProtocol(b"SECOND\n", deadline=now + 60.0, follow=_session)

    attempt = Attempt(
        _netaddr(listener), lambda now: LineProtocol(b"FIRST\n", deadline=now + 60.0, follow=second)
    )
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(WELCOME + WELCOME + VERSION + VERACK)
        await asyncio.wait_for(attempt.closed, 20)
        assert await _read(peer) == b"FIRST\nSECOND\n" + OUR_VERSION + NEGOTIATION


async def test_a_link_that_fails_ends_the_chain(dialer: Dialer, listener: socket.socket) -> None:
    attempt = Attempt(_netaddr(listener), _lines_then_session)
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(b"REFUSED\n" + VERSION + VERACK)
        await asyncio.wait_for(attempt.closed, 20)
    assert attempt.protocol is not None
    assert isinstance(attempt.protocol.error, LineError)


async def test_a_last_link_that_ends_well_ends_the_connection(
    dialer: Dialer, listener: socket.socket
) -> None:
    attempt = Attempt(_netaddr(listener), lambda now: LineProtocol(deadline=now + 60.0))
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(WELCOME)
        await asyncio.wait_for(attempt.closed, 20)
        assert await _read(peer) == GREETING


async def test_an_internal_error_at_the_take_over_ends_one_connection(
    dialer: Dialer, listener: socket.socket
) -> None:
    def bug(_now: float) -> ByteProtocol:
        raise RuntimeError("boom")

    attempt = Attempt(_netaddr(listener), lambda now: LineProtocol(deadline=now + 60.0, follow=bug))
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(WELCOME)
        with pytest.raises(RuntimeError, match="boom"):
            await asyncio.wait_for(attempt.closed, 20)
    assert dialer.in_flight == 0


async def test_the_next_link_has_a_deadline_of_its_own(dialer: Dialer, listener: socket.socket) -> None:
    def second(now: float) -> ByteProtocol:
        return LineProtocol(b"", deadline=now + 0.05)

    attempt = Attempt(_netaddr(listener), lambda now: LineProtocol(deadline=now + 60.0, follow=second))
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(WELCOME)
        await asyncio.wait_for(attempt.closed, 20)
    assert attempt.protocol is not None
    assert str(attempt.protocol.error) == "timeout"


async def test_what_a_deadline_makes_it_say_is_written(dialer: Dialer, listener: socket.socket) -> None:
    """It says something at two deadlines and goes on, and says it a last time when it gives up."""
    attempt = Attempt(
        _netaddr(listener),
        lambda now: LineProtocol(deadline=now + 0.02, last_words=b"STILL HERE\n", timeouts=2),
        timeout_s=0.05,
    )
    dialer.dial(attempt)
    with _accept(listener) as peer:
        assert await _read(peer) == GREETING + 3 * b"STILL HERE\n"
        await asyncio.wait_for(attempt.closed, 20)
    assert isinstance(attempt.protocol, LineProtocol)
    assert attempt.protocol.timed_out == 3


async def test_a_deadline_that_is_set_to_a_past_time_is_judged_again(
    dialer: Dialer, listener: socket.socket
) -> None:
    class Impatient(LineProtocol):
        def handle_timeout(self, *, now: float) -> None:
            super().handle_timeout(now=now)
            if not self.finished:
                self.deadline = now - 1.0

    attempt = Attempt(
        _netaddr(listener), lambda now: Impatient(deadline=now + 0.02, timeouts=3), timeout_s=0.05
    )
    dialer.dial(attempt)
    with _accept(listener):
        await asyncio.wait_for(attempt.closed, 20)
    assert isinstance(attempt.protocol, LineProtocol)
    assert attempt.protocol.timed_out == 4


@pytest.mark.parametrize("event", ["line", "timeout"])
async def test_what_is_queued_while_an_event_is_handed_out_is_written(
    dialer: Dialer, listener: socket.socket, event: str
) -> None:
    attempt = Attempt(
        _netaddr(listener),
        lambda now: LineProtocol(deadline=now + (0.02 if event == "timeout" else 60.0), timeouts=1),
        timeout_s=0.05 if event == "timeout" else 60.0,
        is_traced=True,
    )
    queued = f"AFTER {event}\n".encode()

    def reply(name: str) -> None:
        assert isinstance(attempt.protocol, LineProtocol)
        if name == event:
            attempt.protocol.queue += queued

    attempt.on_event = reply
    dialer.dial(attempt)
    with _accept(listener) as peer:
        if event == "line":
            peer.sendall(WELCOME)
        expected = GREETING + queued
        assert await _read(peer, len(expected)) == expected
        await asyncio.wait_for(attempt.closed, 20)


async def test_the_owner_can_end_a_connection_as_a_deadline_does(
    dialer: Dialer, listener: socket.socket
) -> None:
    attempt = Attempt(_netaddr(listener), lambda now: LineProtocol(deadline=now + 60.0, last_words=b"BYE\n"))
    dialer.dial(attempt)
    dialer.end(attempt)
    assert not attempt.closed.done(), "it is not established yet"
    with _accept(listener) as peer:
        assert await _read(peer, len(GREETING)) == GREETING
        dialer.end(attempt)
        assert attempt.closed.done()
        assert await _read(peer) == b"BYE\n"
        dialer.end(attempt)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_a_route_leads_the_socket_to_a_proxy(
    dialer: Dialer, listener: socket.socket, kind: str, tmp_path: Path
) -> None:
    """The system cannot connect to the target: it is an onion address."""
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "proxy"))
        unix.listen()
        unix.settimeout(20)
        proxy = unix if kind == "unix" else listener
        route = Route(path=str(tmp_path / "proxy")) if kind == "unix" else Route(netaddr=_netaddr(listener))
        attempt = Attempt(ONION, _lines_then_session, route=route)
        dialer.dial(attempt)
        with _accept(proxy) as peer:
            peer.sendall(WELCOME + VERSION + VERACK)
            await asyncio.wait_for(attempt.closed, 20)
            assert await _read(peer) == GREETING + OUR_VERSION + NEGOTIATION
    assert attempt.started <= monotonic()


async def test_a_proxy_that_is_not_there(dialer: Dialer, tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / ("long" * 100)):
        attempt = Attempt(ONION, _lines_then_session, route=Route(path=str(path)))
        dialer.dial(attempt)
        assert attempt.closed.done()
        assert attempt.error is not None
        assert attempt.error.code == "connect.failed"
