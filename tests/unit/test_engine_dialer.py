"""The dialer against loopback sockets that the tests hold in their own hands.

The peer's end is a plain blocking socket: what the test writes to it is in our socket when the call
returns, so that the order of things does not depend on the machine's speed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import selectors
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic

import pytest
import pytest_asyncio

from bitcoin_handshake.conversation.linger import linger_or_hang_up
from bitcoin_handshake.engine import deadlines as deadlines_module
from bitcoin_handshake.engine import dialer as dialer_module
from bitcoin_handshake.engine import sockets as sockets_module
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.engine.limits import RECEIVE_CHUNK, SMALL_BUFFER
from bitcoin_handshake.engine.poller import SelectorPoller
from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import ConnectTimeout, PeerTimeout
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.session import FLOOD_MESSAGES, Event, HandshakeCompleted, PeerFailed, Session
from bitcoin_handshake.transport.v1 import V1Transport
from tests.helpers import CHECKOUT
from tests.sessions import MAGIC, OUR_NONCE, PING_NONCE, VERACK, VERSION, message, our_version

pytestmark = pytest.mark.asyncio

LONG_S = 60.0
SHORT_S = 0.06
"""Long enough that a deadline is armed and short enough to wait for."""
NEGOTIATION = message("wtxidrelay") + message("sendaddrv2") + VERACK
OUR_VERSION = message("version", our_version())
_RESET = struct.pack("ii", 1, 0)


class Attempt(Connection):
    """One connection, and what became of it.

    Attributes:
        opened: Done once the connection is established.
        closed: Done once all is over.
        events: What was handed out, where asked for.
        most_pending: The most bytes that ever waited to be written.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        timeout_s: float = LONG_S,
        linger_s: float = 0.0,
        traced: bool = False,
    ) -> None:
        self.most_pending = 0
        super().__init__(NetAddr.from_text(*address[:2]), timeout_s=timeout_s, is_traced=traced)
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.events: list[Event] = []
        self.session: Session | None = None
        self._linger_s = linger_s

    @property
    def pending(self) -> bytes:
        return self._pending

    @pending.setter
    def pending(self, data: bytes) -> None:
        self._pending = data
        self.most_pending = max(self.most_pending, len(data))

    def open_protocol(self, now: float) -> ByteProtocol:
        self.opened.set_result(None)
        return self.open_session(now)

    def open_session(self, now: float) -> Session:
        self.session = Session(
            V1Transport(MAGIC),
            Handshake(our_version(), initiating=True, own_nonces={OUR_NONCE}),
            now=now,
            started=self.started,
            deadline=self.deadline,
            conversation=linger_or_hang_up(self._linger_s, ping_nonce=PING_NONCE),
            trace=self.is_traced,
        )
        return self.session

    def take_events(self) -> None:
        assert self.session is not None
        while (event := self.session.next_event()) is not None:
            self.events.append(event)

    def close(self) -> None:
        self.closed.set_result(None)

    def fail(self, bug: Exception) -> None:
        self.closed.set_exception(bug)

    @property
    def verdict(self) -> str:
        """`ok`, or phase and code."""
        assert self.closed.done()
        if self.session is None:
            assert self.error is not None
            return f"{self.error.phase} {self.error.code}"
        if self.session.error is None:
            assert self.session.is_complete
            return "ok"
        return f"{self.session.error.phase} {self.session.error.code}"


@pytest_asyncio.fixture(params=["epoll", pytest.param("selector", marks=pytest.mark.slow)])
async def dialer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dialer]:
    if request.param == "selector":
        monkeypatch.setattr(dialer_module, "make_poller", lambda: SelectorPoller(selectors.EpollSelector()))
    dialer = Dialer()
    yield dialer
    dialer.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        listener.settimeout(20)
        yield listener


def _accept(listener: socket.socket) -> socket.socket:
    peer, _ = listener.accept()
    peer.settimeout(20)
    return peer


def _reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    peer.close()


async def _until(condition: Callable[[], bool]) -> None:
    """Let the loop go round until it holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0)


def _read_to_end(peer: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := peer.recv(65536):
            received += data
    return received


async def test_a_handshake(dialer: Dialer, listener: socket.socket) -> None:
    for count in (1, 2):
        attempt = Attempt(listener.getsockname())
        dialer.dial(attempt)
        assert dialer.in_flight == 1
        with _accept(listener) as peer:
            peer.sendall(VERSION + VERACK)
            await attempt.closed
            assert _read_to_end(peer) == OUR_VERSION + NEGOTIATION
        assert attempt.verdict == "ok"
        assert attempt.bytes_sent == len(OUR_VERSION + NEGOTIATION)
        assert attempt.connected_at is not None
        assert (dialer.in_flight, dialer.dialled, dialer.buffered) == (0, count, 0)


async def test_our_verack_arrives_whatever_else_the_peer_has_sent(
    dialer: Dialer, listener: socket.socket
) -> None:
    """Closing a socket with unread data resets it; what we wrote before must be on its way."""
    attempt = Attempt(listener.getsockname())
    dialer.dial(attempt)
    with _accept(listener) as peer:
        await attempt.opened
        junk = message("block", bytes(2 * RECEIVE_CHUNK))
        sending = asyncio.get_running_loop().run_in_executor(None, _send_all, peer, VERSION + VERACK + junk)
        await attempt.closed
        await sending
        assert attempt.verdict == "ok"
        assert _read_to_end(peer) == OUR_VERSION + NEGOTIATION


def _send_all(peer: socket.socket, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        peer.sendall(data)


async def test_a_handshake_in_single_bytes(dialer: Dialer, listener: socket.socket) -> None:
    attempt = Attempt(listener.getsockname())
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in VERSION + VERACK:
            peer.sendall(bytes((byte,)))
            await asyncio.sleep(0)
        await attempt.closed
    assert attempt.verdict == "ok"


async def test_nothing_listens(dialer: Dialer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        attempt = Attempt(unused.getsockname())
        dialer.dial(attempt)
        await attempt.closed
    assert attempt.verdict == "connect connect.refused"


async def test_an_address_without_a_way_to_it_is_judged_at_once(dialer: Dialer) -> None:
    for host in ("255.255.255.255", "fe80::1%nosuchdevice"):
        attempt = Attempt((host, 8333))
        dialer.dial(attempt)
        assert attempt.verdict.startswith("connect connect.")
    assert (dialer.in_flight, dialer.dialled) == (0, 0)


@pytest.mark.parametrize("is_port_shortage", [True, False])
async def test_a_lack_of_ports_is_ours_and_a_lack_of_an_address_is_not(
    dialer: Dialer, is_port_shortage: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system has one error number for both; the very first dial of a run may meet either."""

    def connect(sock: socket.SocketType, *_where: object) -> int:
        has_way = is_port_shortage and sock.type == socket.SOCK_DGRAM
        return 0 if has_way else errno.EADDRNOTAVAIL

    monkeypatch.setattr(sockets_module, "_connect", connect)
    attempt = Attempt(("2001:db8::1", 8333))
    if is_port_shortage:
        with pytest.raises(OutOfResources):
            dialer.dial(attempt)
        assert not attempt.closed.done()
    else:
        dialer.dial(attempt)
        assert attempt.verdict == "connect connect.unreachable"
    assert (dialer.in_flight, dialer.dialled) == (0, 0)


async def test_a_descriptor_that_cannot_be_watched_is_ours(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(SelectorPoller):
        def register(self, fd: int, eventmask: int, /) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(dialer_module, "make_poller", lambda: Full(selectors.EpollSelector()))
    dialer = Dialer()
    attempt = Attempt(listener.getsockname())
    with pytest.raises(OutOfResources) as caught:
        dialer.dial(attempt)
    assert caught.value.errno == errno.ENOSPC
    assert (dialer.in_flight, dialer.dialled, attempt.closed.done()) == (0, 0, False)
    with _accept(listener) as peer:
        assert _read_to_end(peer) == b"", "the socket is closed"
    dialer.close()


async def test_no_answer_to_the_connect(dialer: Dialer) -> None:
    """Linux drops the SYN where the queue of a listener is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        attempt = Attempt(full.getsockname(), timeout_s=SHORT_S)
        dialer.dial(attempt)
        await attempt.closed
        for filler in fillers:
            filler.close()
    assert attempt.verdict == "connect connect.timeout"
    assert isinstance(attempt.error, ConnectTimeout)
    assert attempt.error.waited_s == SHORT_S


async def test_silence(dialer: Dialer, listener: socket.socket) -> None:
    attempt = Attempt(listener.getsockname(), timeout_s=SHORT_S)
    dialer.dial(attempt)
    with _accept(listener):
        await attempt.closed
    assert attempt.verdict == "version peer.timeout"
    assert attempt.session is not None
    error = attempt.session.error
    assert isinstance(error, PeerTimeout)
    assert error.waited_s >= SHORT_S, "no deadline is judged early"


async def test_a_drip_does_not_move_the_deadline(dialer: Dialer, listener: socket.socket) -> None:
    attempt = Attempt(listener.getsockname(), timeout_s=2 * SHORT_S)
    dialer.dial(attempt)
    with _accept(listener) as peer:
        for byte in VERSION * 10_000:
            if attempt.closed.done():
                break
            _send_all(peer, bytes((byte,)))
            await asyncio.wait([attempt.closed], timeout=0.002)
        await attempt.closed
    assert attempt.verdict.endswith("peer.timeout")


@pytest.mark.parametrize("when", ["before we look", "when connected", "when version was read"])
@pytest.mark.parametrize(
    ("sent", "verdict"),
    [(b"", "version peer.reset"), (VERSION, "verack peer.reset"), (VERSION + VERACK, "ok")],
    ids=["nothing", "version", "verack"],
)
async def test_a_reset_is_one_whenever_we_notice(
    dialer: Dialer, listener: socket.socket, when: str, sent: bytes, verdict: str
) -> None:
    attempt = Attempt(listener.getsockname(), traced=True)
    dialer.dial(attempt)
    peer = _accept(listener)
    if when != "before we look":
        await attempt.opened
        peer.recv(len(OUR_VERSION))
    if when == "when version was read" and sent:
        peer.sendall(sent[: len(VERSION)])
        sent = sent[len(VERSION) :]
        await _until(lambda: attempt.session is not None and attempt.session.version_at is not None)
        peer.recv(len(NEGOTIATION))
    peer.sendall(sent)
    _reset(peer)
    await attempt.closed
    assert attempt.verdict == verdict
    assert isinstance(attempt.events[-1], HandshakeCompleted if verdict == "ok" else PeerFailed)


@pytest.mark.parametrize(
    ("sent", "verdict"),
    [(b"", "version peer.closed"), (VERSION, "verack peer.closed"), (VERSION + VERACK, "ok")],
    ids=["nothing", "version", "verack"],
)
async def test_what_came_before_the_end_is_judged_first(
    dialer: Dialer, listener: socket.socket, sent: bytes, verdict: str
) -> None:
    attempt = Attempt(listener.getsockname())
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        await attempt.closed
        assert attempt.verdict == verdict
        expected = OUR_VERSION + (NEGOTIATION if sent else b"")
        assert _read_to_end(peer) == expected, "a peer that only half-closed still hears us"


@contextlib.asynccontextmanager
async def _flooded(
    dialer: Dialer, listener: socket.socket, attempt: Attempt
) -> AsyncIterator[asyncio.Task[None]]:
    """A peer that sends `version` and pings without end, and reads nothing."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    dialer.dial(attempt)
    attempt.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with _accept(listener) as peer:
        peer.setblocking(False)
        pings = VERSION + message("ping", bytes(8)) * 400_000
        flood = asyncio.create_task(asyncio.get_running_loop().sock_sendall(peer, pings))
        yield flood
        flood.cancel()
        await asyncio.wait([flood])


async def test_a_peer_that_floods_and_does_not_read_is_bounded(
    dialer: Dialer, listener: socket.socket
) -> None:
    """Without a bound every pong would wait in our memory."""
    attempt = Attempt(listener.getsockname())
    async with _flooded(dialer, listener, attempt) as flood:
        await _until(lambda: attempt.most_pending > 0)
        await _turns(100)
        assert not flood.done(), "we stopped reading"
        assert attempt.most_pending <= RECEIVE_CHUNK


async def test_a_peer_that_does_not_read_has_its_deadline(dialer: Dialer, listener: socket.socket) -> None:
    attempt = Attempt(listener.getsockname(), timeout_s=0.3)
    async with _flooded(dialer, listener, attempt):
        await _until(lambda: attempt.most_pending > 0)
        await _turns(100)
        before = attempt.most_pending
        await attempt.closed
    assert attempt.verdict.startswith("verack peer.")
    assert attempt.most_pending == before, "nor is more read at the deadline"


@pytest.mark.parametrize("how", ["reset", "close", "deadline"])
async def test_words_that_nobody_takes_hold_no_slot_beyond_the_end(
    listener: socket.socket, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict has come, and what we answered before it still waits for the peer to read."""
    monkeypatch.setattr(sockets_module, "RECEIVE_CHUNK", 1 << 18)  # all of it in one read
    dialer = Dialer()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    attempt = Attempt(listener.getsockname(), timeout_s=0.3 if how == "deadline" else LONG_S)
    dialer.dial(attempt)
    peer = _accept(listener)
    await attempt.opened
    attempt.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    peer.sendall(VERSION + message("ping", bytes(8)) * 2000 + VERACK)
    await _until(lambda: attempt.session is not None and attempt.session.finished)
    assert attempt.most_pending
    assert not attempt.closed.done()
    if how == "reset":
        _reset(peer)
    elif how == "close":
        peer.close()
    await asyncio.wait_for(attempt.closed, 20)
    assert attempt.verdict == "ok"
    dialer.close()
    peer.close()


async def test_a_peer_that_reads_late_gets_everything(dialer: Dialer, listener: socket.socket) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    attempt = Attempt(listener.getsockname())
    dialer.dial(attempt)
    attempt.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    count = 30_000
    loop = asyncio.get_running_loop()
    with _accept(listener) as peer:
        peer.setblocking(False)
        flood = asyncio.create_task(
            loop.sock_sendall(peer, VERSION + message("ping", bytes(8)) * count + VERACK)
        )
        await _until(lambda: attempt.most_pending > 0)
        received = 0
        while data := await loop.sock_recv(peer, 1 << 20):
            received += len(data)
        await flood
    assert attempt.verdict == "ok"
    assert received == len(OUR_VERSION + NEGOTIATION) + 32 * count == attempt.bytes_sent


async def test_a_reset_while_our_words_wait_ends_it(dialer: Dialer, listener: socket.socket) -> None:
    """The connection was over and its verdict fell, but a socket that is gone takes no more words."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    attempt = Attempt(listener.getsockname())
    dialer.dial(attempt)
    attempt.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    peer = _accept(listener)
    peer.setblocking(False)
    pings = VERSION + message("ping", bytes(8)) * 400_000
    flood = asyncio.create_task(asyncio.get_running_loop().sock_sendall(peer, pings))
    await _until(lambda: attempt.most_pending > 0)
    flood.cancel()
    await asyncio.wait([flood])
    _reset(peer)
    await asyncio.wait_for(attempt.closed, 20)
    assert attempt.verdict == "verack peer.reset"


def _block_the_loop(attempts: list[Attempt]) -> None:
    """Let the deadlines of the attempts pass while nothing else can run: a machine that is too busy."""
    last = max(attempt.started + attempt.timeout_s for attempt in attempts)
    while monotonic() <= last + 2 * deadlines_module.TICK_S:
        pass


MORE_THAN_A_TURN = 3 * dialer_module.EVENTS_PER_TURN


async def test_what_waits_in_the_socket_is_read_before_its_deadline_is_judged(
    dialer: Dialer, listener: socket.socket
) -> None:
    attempts = [Attempt(listener.getsockname(), timeout_s=0.5) for _ in range(MORE_THAN_A_TURN)]
    peers = []
    for attempt in attempts:
        dialer.dial(attempt)
        peers.append(_accept(listener))
    for attempt in attempts:
        await attempt.opened
    for peer in peers:
        peer.sendall(VERSION + VERACK)
    _block_the_loop(attempts)
    for attempt in attempts:
        await attempt.closed
    assert {attempt.verdict for attempt in attempts} == {"ok"}
    for peer in peers:
        assert _read_to_end(peer) == OUR_VERSION + NEGOTIATION
        peer.close()


async def test_a_connect_that_we_noticed_late_has_not_failed(
    dialer: Dialer, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []
    call_later = loop.call_later

    def counted(*args: object) -> asyncio.TimerHandle:
        timers.append(call_later(*args))  # type: ignore[arg-type]  # passed on as they came
        return timers[-1]

    monkeypatch.setattr(loop, "call_later", counted)
    attempts = [Attempt(listener.getsockname(), timeout_s=0.5) for _ in range(MORE_THAN_A_TURN)]
    peers = []
    for attempt in attempts:
        dialer.dial(attempt)
        peers.append(_accept(listener))
    _block_the_loop(attempts)
    for attempt in attempts:
        await attempt.opened
    for peer in peers:
        peer.sendall(VERSION + VERACK)
    for attempt in attempts:
        await attempt.closed
        waiting = [timer for timer in timers if not timer.cancelled() and timer.when() > loop.time()]
        assert len(waiting) <= 1, "one timer serves all deadlines"
    assert {attempt.verdict for attempt in attempts} == {"ok"}
    for peer in peers:
        peer.close()


async def test_a_silent_peer_whose_connect_we_noticed_late_still_times_out(
    dialer: Dialer, listener: socket.socket
) -> None:
    """Those beyond the first turn are noticed by the timer, which must set their deadline again."""
    attempts = [Attempt(listener.getsockname(), timeout_s=0.1) for _ in range(MORE_THAN_A_TURN)]
    peers = []
    for attempt in attempts:
        dialer.dial(attempt)
        peers.append(_accept(listener))
    _block_the_loop(attempts)
    async with asyncio.timeout(20):
        for attempt in attempts:
            await attempt.closed
    assert {attempt.verdict for attempt in attempts} == {"version peer.timeout"}
    for peer in peers:
        peer.close()


async def test_a_reset_that_we_noticed_late_was_no_failed_connect(
    dialer: Dialer, listener: socket.socket
) -> None:
    attempts = [Attempt(listener.getsockname(), timeout_s=0.5) for _ in range(MORE_THAN_A_TURN)]
    for attempt in attempts:
        dialer.dial(attempt)
        _reset(_accept(listener))
    _block_the_loop(attempts)
    for attempt in attempts:
        await attempt.closed
    assert {attempt.verdict for attempt in attempts} == {"version peer.reset"}


async def test_lingering_ends_at_its_own_deadline(dialer: Dialer, listener: socket.socket) -> None:
    attempt = Attempt(listener.getsockname(), linger_s=SHORT_S, traced=True)
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(VERSION + VERACK + message("ping", b"12345678"))
        await attempt.closed
        sent = _read_to_end(peer)
    assert attempt.verdict == "ok"
    assert sent == OUR_VERSION + NEGOTIATION + message("ping", PING_NONCE.to_bytes(8, "little")) + message(
        "pong", b"12345678"
    )
    assert any(isinstance(event, HandshakeCompleted) for event in attempt.events)


async def test_a_verdict_at_the_deadline_lingers_still(dialer: Dialer, listener: socket.socket) -> None:
    attempts = [
        Attempt(listener.getsockname(), timeout_s=0.5, linger_s=LONG_S) for _ in range(MORE_THAN_A_TURN)
    ]
    peers = []
    for attempt in attempts:
        dialer.dial(attempt)
        peers.append(_accept(listener))
    for attempt in attempts:
        await attempt.opened
    for peer in peers:
        peer.sendall(VERSION + VERACK)
    _block_the_loop(attempts)
    pong = message("pong", PING_NONCE.to_bytes(8, "little"))
    for peer in peers:
        peer.recv(65536)
        peer.sendall(pong)
        peer.close()
    for attempt in attempts:
        await attempt.closed
        assert attempt.session is not None
        assert (attempt.verdict, attempt.session.ping_ms is None) == ("ok", False)


PARTIAL = MAGIC + b"block".ljust(12, b"\0") + (60_000).to_bytes(4, "little") + bytes(4)


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_reading_pauses_where_all_together_hold_too_much(listener: socket.socket) -> None:
    dialer = Dialer(max_total_buffered=70_000)
    first, second, third = (Attempt(listener.getsockname()) for _ in range(3))
    peers = []
    for attempt in (first, second, third):
        dialer.dial(attempt)
        peers.append(_accept(listener))
        await attempt.opened
    peers[0].sendall(PARTIAL + bytes(50_000))
    await _until(lambda: dialer.buffered == 50_024)
    peers[1].sendall(PARTIAL + bytes(21_000))
    await _until(lambda: second.is_paused)
    held = dialer.buffered
    assert held == 50_024 + 5 * RECEIVE_CHUNK
    peers[1].sendall(bytes(1000))
    peers[2].sendall(VERSION[:50])
    await _until(lambda: dialer.buffered == held + 50)
    peers[2].sendall(VERSION[50:] + VERACK)
    await third.closed
    assert third.verdict == "ok", "healthy handshakes go on"
    await _turns(50)
    assert dialer.buffered == held, "nothing more is read of it"
    peers[0].shutdown(socket.SHUT_WR)
    await first.closed
    assert first.verdict == "version peer.closed"
    await _until(lambda: dialer.buffered == 22_024)
    peers[1].sendall(bytes(38_000) + VERSION + VERACK)
    await second.closed
    assert second.verdict == "ok"
    assert dialer.buffered == 0
    dialer.close()
    for peer in peers:
        peer.close()


async def test_what_already_waits_in_the_sockets_is_bounded_too(listener: socket.socket) -> None:
    """Thousands of peers can each have a large message under way before we look at the first."""
    limit = 20_000
    dialer = Dialer(max_total_buffered=limit)
    attempts = [Attempt(listener.getsockname()) for _ in range(40)]
    peers = []
    for attempt in attempts:
        dialer.dial(attempt)
        peers.append(_accept(listener))
        await attempt.opened
    for peer in peers:
        peer.sendall(PARTIAL + bytes(40_000))
    await _turns(200)
    assert SMALL_BUFFER + RECEIVE_CHUNK == 8192
    assert limit < dialer.buffered <= limit + len(peers) * 8192
    dialer.close()
    for peer in peers:
        peer.close()


async def test_a_paused_connection_has_its_deadline(listener: socket.socket) -> None:
    dialer = Dialer(max_total_buffered=5_000)
    attempt = Attempt(listener.getsockname(), timeout_s=0.3)
    dialer.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(PARTIAL + bytes(6_000))
        await _until(lambda: attempt.is_paused or attempt.closed.done())
        peer.sendall(bytes(54_000) + VERSION + VERACK)
        await attempt.closed
    assert attempt.verdict == "ok", "what waited in the socket was read first"
    dialer.close()


async def test_two_thousand_at_once(dialer: Dialer, listener: socket.socket) -> None:
    attempts, peers = [], []
    for _ in range(2000):
        attempt = Attempt(listener.getsockname())
        dialer.dial(attempt)
        attempts.append(attempt)
        peers.append(_accept(listener))
    assert dialer.in_flight == 2000
    for peer in peers:
        peer.sendall(VERSION + VERACK)
    for attempt in attempts:
        await attempt.closed
    assert {attempt.verdict for attempt in attempts} == {"ok"}
    assert {_read_to_end(peer) for peer in peers} == {OUR_VERSION + NEGOTIATION}
    for peer in peers:
        peer.close()


async def test_a_flood_on_one_socket_delays_nobody(dialer: Dialer, listener: socket.socket) -> None:
    flooding, healthy = Attempt(listener.getsockname()), Attempt(listener.getsockname())
    dialer.dial(flooding)
    with _accept(listener) as flooder:
        flooder.setblocking(False)
        flood = asyncio.create_task(
            asyncio.get_running_loop().sock_sendall(flooder, VERSION + message("alert") * 2_000_000)
        )
        await flooding.opened
        dialer.dial(healthy)
        with _accept(listener) as peer:
            peer.sendall(VERSION + VERACK)
            await healthy.closed
            assert healthy.verdict == "ok"
            assert not flooding.closed.done()
        flood.cancel()
        await asyncio.wait([flood])


async def test_a_flood_is_not_read_out_at_its_deadline(dialer: Dialer, listener: socket.socket) -> None:
    """A hundred peers that flood us would hold up the timers of all the others by seconds."""
    attempt = Attempt(listener.getsockname(), timeout_s=0.5)
    dialer.dial(attempt)
    with _accept(listener) as peer:
        await attempt.opened
        peer.setblocking(False)
        waiting = peer.send(VERSION + message("alert") * 100_000)
        assert waiting > 1_000_000
        _block_the_loop([attempt])
        await attempt.closed
    assert attempt.verdict == "verack peer.flood"
    assert attempt.session is not None
    # One read in the loop's turn, and one beyond what makes it a flood.
    assert attempt.session.messages_received <= FLOOD_MESSAGES + 2 * 4096 // len(message("alert"))


@pytest.mark.parametrize(
    "where", ["open_protocol", "receive_data", "data_to_send", "take_events", "close", "handle_timeout"]
)
async def test_a_bug_of_ours_ends_one_connection_and_says_so(
    dialer: Dialer, listener: socket.socket, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    failing = Attempt(listener.getsockname(), timeout_s=0.5, traced=where == "take_events")
    healthy = Attempt(listener.getsockname())
    dialer.dial(failing)
    peer = _accept(listener)
    if where in ("open_protocol", "take_events", "close"):
        monkeypatch.setattr(failing, where, bug)
    else:
        await failing.opened
        assert failing.session is not None
        monkeypatch.setattr(Session, where, bug)
    if where in ("receive_data", "data_to_send"):
        peer.sendall(VERSION)
    elif where == "close":
        peer.sendall(VERSION + VERACK)
    with pytest.raises(RuntimeError, match="boom"):
        await asyncio.wait_for(failing.closed, 20)
    monkeypatch.undo()
    dialer.dial(healthy)
    with _accept(listener) as other:
        other.sendall(VERSION + VERACK)
        await healthy.closed
    assert healthy.verdict == "ok"
    assert dialer.in_flight == 0
    assert _read_to_end(peer) in (b"", OUR_VERSION, OUR_VERSION + NEGOTIATION)
    peer.close()


async def test_no_descriptor_is_left_open(listener: socket.socket) -> None:
    def open_descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_descriptors()
    dialer = Dialer()
    for sent, verdict in (
        (VERSION + VERACK, "ok"),
        (b"HTTP/1.1", "version foreign.http"),
        (b"", "version peer.closed"),
    ):
        attempt = Attempt(listener.getsockname())
        dialer.dial(attempt)
        with _accept(listener) as peer:
            peer.sendall(sent)
            if not sent:
                peer.close()
            await attempt.closed
        assert attempt.verdict == verdict
    left = Attempt(listener.getsockname())
    dialer.dial(left)
    peer = _accept(listener)
    assert open_descriptors() == before + 3, "a poller and both ends of one connection"
    dialer.close()
    assert _read_to_end(peer) == b""
    peer.close()
    assert open_descriptors() == before
    assert not left.closed.done(), "closing says no word to the owner"


async def test_every_turn_ends_with_the_owner(listener: socket.socket) -> None:
    turns = []
    own = Dialer(on_turn=lambda: turns.append(own.in_flight))
    attempt = Attempt(listener.getsockname())
    own.dial(attempt)
    with _accept(listener) as peer:
        peer.sendall(VERSION + VERACK)
        await attempt.closed
    await _turns(3)
    assert turns[-1] == 0
    silent = Attempt(listener.getsockname(), timeout_s=SHORT_S)
    own.dial(silent)
    with _accept(listener):
        await silent.closed
        await _turns(3)
    assert turns[-1] == 0, "after a deadline too"
    own.close()


_STARVED = """
import asyncio, resource, socket
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.prober import ProbeOptions, Prober, Visit
from bitcoin_handshake.chain import CHAINS, Chain

async def main():
    listener = socket.create_server(("127.0.0.1", 0))
    results = []
    pool = DialPool()
    dialer = pool.dialer
    prober = Prober(pool, ProbeOptions(chain=CHAINS[Chain.REGTEST], timeout_s=60), results.append)
    netaddr = NetAddr.from_text(*listener.getsockname())
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    begun = 0
    try:
        while True:
            prober.start(Visit(prober, "x", netaddr))
            begun += 1
    except OutOfResources as shortage:
        print(begun > 3, begun == dialer.in_flight == dialer.dialled, shortage.errno, len(results))
    dialer.close()

asyncio.run(main())
"""


async def test_a_lack_of_descriptors_is_ours(listener: socket.socket) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _STARVED],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": str(CHECKOUT / "src")},
    )
    assert run.stdout == "True True 24 0\n", run.stderr
