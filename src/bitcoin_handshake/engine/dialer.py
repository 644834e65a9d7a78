"""Dials, moves bytes and keeps deadlines for thousands of connections at once.

Owns the sockets. A connection's bytes go to its `Session`, which decides; the dialer writes what
the session wants written, reads again, and tells the owner when all is over. It runs inside a
running asyncio loop, without a task or a transport of the loop per connection.

Rules:

* Each turn serves a bounded number of ready sockets, one bounded read each; then expired
  deadlines are judged; then the owner may start more. A flood on one socket delays nobody.
* What already waits in a socket is read before its deadline is judged.
* All connections together hold at most MAX_TOTAL_BUFFERED bytes of unfinished messages.
* A bug of ours, met while a connection is served, ends that connection only, and says so.
* Lack of descriptors or local ports is ours, not the peer's: `dial` raises OutOfResources and
  nothing is recorded of the peer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection
from errno import EADDRNOTAVAIL, ECONNRESET, EINPROGRESS, ENETUNREACH, EPIPE
from time import monotonic

from bitcoin_handshake.engine.connection import Connection, connect_error
from bitcoin_handshake.engine.limits import (
    MAX_TOTAL_BUFFERED,
    OUT_OF_RESOURCES,
    RECEIVE_CHUNK,
    SMALL_BUFFER,
)
from bitcoin_handshake.engine.poller import ERROR, READ, WRITE, make_poller
from bitcoin_handshake.errors import ConnectTimeout, EnvironmentFailure
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.session import FLOOD_BYTES, FLOOD_MESSAGES, Session

__all__ = ["Dialer", "OutOfResources"]

TICKS_PER_S = 50
TICK_S = 1 / TICKS_PER_S
"""Deadlines are judged this often; no deadline is judged early, and none later than two ticks."""
EVENTS_PER_TURN = 64
"""Ready sockets served before the loop's other work has its turn: about 3 ms, and 50 ms where all
of them flood us."""
MAX_READS_AT_DEADLINE = FLOOD_BYTES // RECEIVE_CHUNK
"""Reads that a deadline waits for, where data waits in the socket: together what the session calls
a flood. A peer that is a flood by its messages has one more and holds up the others by 0.7 ms."""
LATE_CONNECT_GRACE_S = 1.0
"""Granted at most where the connection came about in time and only we were late to notice."""

# Where the system knows it, non-blocking from the start saves a call for each socket; the type below
# `socket.socket` saves 1 us at its making and its closing.
_STREAM = socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0)
_READ_OR_ERROR = READ | ERROR
# A connect that fails this way was established first: a refused one is ECONNREFUSED.
_RESET = frozenset({ECONNRESET, EPIPE})
_V6 = frozenset({Network.IPV6, Network.CJDNS})


class OutOfResources(Exception):
    """This machine has no descriptor, port or memory for one more connection now.

    Attributes:
        errno: The system's error number.
    """

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class Dialer:
    """See the module's docstring.

    Args:
        on_turn: Called at the end of every turn: the place to start more connections.
        max_total_buffered: Bytes of unfinished messages that all connections may hold.

    Raises:
        EnvironmentFailure: There is no descriptor left to begin with.

    Attributes:
        in_flight: Connections dialled and not over.
        buffered: Bytes of unfinished messages that are held now.
        dialled: Connections begun so far.
    """

    def __init__(
        self,
        *,
        on_turn: Callable[[], None] | None = None,
        max_total_buffered: int = MAX_TOTAL_BUFFERED,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._poller = make_poller()
        except OSError as error:
            raise EnvironmentFailure(f"cannot watch any connection: {error.strerror}") from error
        # Descriptors leave an epoll set by being closed; other pollers must be told.
        self._forget = getattr(self._poller, "forget", None)
        self._on_turn = on_turn
        self._max_total_buffered = max_total_buffered
        self._connections: dict[int, Connection] = {}
        self._ticks: dict[int, set[Connection]] = {}
        self._next_tick = int(monotonic() * TICKS_PER_S)
        self._timer: asyncio.TimerHandle | None = None
        self._paused: set[Connection] = set()
        self.buffered = 0
        self.dialled = 0
        self._loop.add_reader(self._poller.fileno(), self._turn)

    @property
    def in_flight(self) -> int:
        """Connections dialled and not over."""
        return len(self._connections)

    @property
    def connections(self) -> Collection[Connection]:
        """Those dialled and not over."""
        return self._connections.values()

    def close(self) -> None:
        """Close every connection without a word to its owner, and stop."""
        self._loop.remove_reader(self._poller.fileno())
        if self._timer is not None:
            self._timer.cancel()
        for connection in self._connections.values():
            connection.sock.close()
        self._connections.clear()
        self._ticks.clear()
        self._paused.clear()
        self._poller.close()

    def end_lingering(self) -> None:
        """End the connections whose verdict has come, as if they had been listened to for long enough."""
        now = monotonic()
        for connection in list(self._connections.values()):
            session = connection.session
            if session is not None and session.is_complete:
                session.handle_timeout(now=now)
                connection.pending = b""
                self._settle(connection, session)

    def dial(self, connection: Connection) -> None:
        """Begin to connect; `connection.close` is called when all is over, possibly at once.

        Raises:
            OutOfResources: Not now; nothing was begun.
        """
        connection.started = started = monotonic()
        netaddr = connection.netaddr
        family = socket.AF_INET6 if netaddr.network in _V6 else socket.AF_INET
        try:
            sock = socket.SocketType(family, _STREAM, 0)
        except OSError as error:
            self._refuse_to_dial(connection, error.errno or 0)
            return
        if _STREAM == socket.SOCK_STREAM:
            sock.setblocking(False)
        number = _connect(sock, netaddr, family)
        if number not in (0, EINPROGRESS):
            sock.close()
            self._refuse_to_dial(connection, number)
            return
        connection.fd = fd = sock.fileno()
        try:
            self._poller.register(fd, WRITE)
        except OSError as error:  # this user may watch no more descriptors
            sock.close()
            raise OutOfResources(error.errno or 0) from error
        self.dialled += 1
        connection.sock = sock
        self._connections[fd] = connection
        self._arm(connection, started + connection.timeout_s)

    def _refuse_to_dial(self, connection: Connection, number: int) -> None:
        if number in OUT_OF_RESOURCES and (
            number != EADDRNOTAVAIL or _has_address_to_reach(connection.netaddr)
        ):
            raise OutOfResources(number)
        connection.error = connect_error(number, waited_s=0.0)
        connection.close()

    def _turn(self) -> None:
        """Serve what is ready: read all of it, have it judged, answer, then close what is over.

        In steps for all connections, not one connection after the other: the code of the kernel's
        TCP and that of the sessions drive each other out of the processor's caches, which costs 5 %
        (bench/handshakes.py, bench/transports.py).
        """
        connections = self._connections
        arrived: list[tuple[Connection, Session, bytes]] = []
        to_answer: list[tuple[Connection, Session]] = []
        for fd, mask in self._poller.poll(0, EVENTS_PER_TURN):
            connection = connections.get(fd)
            if connection is None:
                continue
            session = connection.session
            try:
                if session is None:
                    session = self._finish_connect(connection, mask)
                    if session is not None:
                        to_answer.append((connection, session))
                elif mask & _READ_OR_ERROR:
                    data = self._receive(connection)
                    if data is not None:
                        arrived.append((connection, session, data))
                else:
                    self._write(connection, session, b"")
                    self._settle(connection, session)
            except Exception as bug:
                self._give_up(connection, bug)
        for connection, session, data in arrived:
            try:
                self._feed(connection, session, data)
            except Exception as bug:
                self._give_up(connection, bug)
            else:
                to_answer.append((connection, session))
        for connection, session in to_answer:
            try:
                self._answer(connection, session)
            except Exception as bug:
                self._give_up(connection, bug)
        for connection, session in to_answer:
            if connections.get(connection.fd) is connection:
                try:
                    self._settle(connection, session)
                except Exception as bug:
                    self._give_up(connection, bug)
        if self._on_turn is not None:
            self._on_turn()

    def _finish_connect(self, connection: Connection, mask: int) -> Session | None:
        now = monotonic()
        # Of the pollers only epoll tells an error from readiness.
        if mask & ERROR or self._forget is not None:
            number = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number in _RESET:
                connection.was_reset = True
            elif number:
                waited_s = now - connection.started
                connection.error = connect_error(number, waited_s=waited_s)
                self._finish(connection)
                return None
        if now >= connection.started + connection.timeout_s:
            self._excuse(connection, now)
        connection.connected_at = now
        connection.session = session = connection.open_session(now)
        self._poller.modify(connection.fd, READ)
        return session

    def _receive(self, connection: Connection) -> bytes | None:
        """Read once: at most RECEIVE_CHUNK bytes, b"" at the end, None where nothing waits."""
        try:
            return connection.sock.recv(RECEIVE_CHUNK)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            connection.was_reset = True
            return b""

    def _feed(self, connection: Connection, session: Session, data: bytes) -> None:
        if data:
            session.receive_data(data, now=monotonic())
        else:
            session.receive_eof(now=monotonic(), reset=connection.was_reset)
            connection.pending = b""

    def _answer(self, connection: Connection, session: Session) -> None:
        data = session.data_to_send()
        if data:
            self._write(connection, session, data)

    def _read(self, connection: Connection, session: Session) -> bool:
        """Read once, answer and settle; tell whether there may be more to read."""
        data = self._receive(connection)
        if data is None:
            return False
        self._feed(connection, session, data)
        self._answer(connection, session)
        self._settle(connection, session)
        return bool(data) and not session.finished

    def _write(self, connection: Connection, session: Session, data: bytes) -> None:
        """Write what waits; a failed write is judged by the read that follows it."""
        was_pending = connection.pending
        if was_pending:
            data = was_pending + data
        try:
            sent = connection.sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            connection.pending = b""
            connection.was_reset = True
            if was_pending:
                self._poller.modify(connection.fd, READ)
            return
        connection.bytes_sent += sent
        if sent < len(data):
            # Nothing more is read from a peer that does not read from us.
            connection.pending = data[sent:]
            self._poller.modify(connection.fd, WRITE)
        elif was_pending:
            connection.pending = b""
            self._poller.modify(connection.fd, 0 if connection.is_paused else READ)

    def _hand_out(self, connection: Connection, session: Session) -> None:
        while (event := session.next_event()) is not None:
            connection.take_event(event)

    def _settle(self, connection: Connection, session: Session) -> None:
        """Hand out events, then close what is over, or watch memory and deadline."""
        if connection.is_traced:
            self._hand_out(connection, session)
        if session.finished:
            if not connection.pending or session.error is not None:
                self._finish(connection)
            return
        held = session.transport.buffered
        if held != connection.held:
            self._account(connection, held)
        self._watch_deadline(connection, session)

    def _watch_deadline(self, connection: Connection, session: Session) -> None:
        """Arm a deadline that has come nearer; one that receded is armed again when it is judged."""
        deadline = session.deadline
        if deadline is not None and int(deadline * TICKS_PER_S) + 1 < connection.tick:
            self._disarm(connection)
            self._arm(connection, deadline)

    def notify(self) -> None:
        """Let the owner start more connections, as at the end of a turn."""
        if self._on_turn is not None:
            self._on_turn()

    def _account(self, connection: Connection, held: int) -> None:
        self.buffered += held - connection.held
        connection.held = held
        if self.buffered > self._max_total_buffered:
            if held > SMALL_BUFFER and not connection.is_paused and not connection.pending:
                connection.is_paused = True
                self._paused.add(connection)
                self._poller.modify(connection.fd, 0)
        elif self._paused and self.buffered < self._max_total_buffered // 2:
            self._resume()

    def _resume(self) -> None:
        for connection in self._paused:
            connection.is_paused = False
            if not connection.pending:
                self._poller.modify(connection.fd, READ)
        self._paused.clear()

    def _finish(self, connection: Connection) -> None:
        self._drop(connection)
        connection.close()

    def _give_up(self, connection: Connection, bug: Exception) -> None:
        """End a connection over a bug of ours: no other suffers, and the timers go on."""
        if self._connections.get(connection.fd) is connection:
            self._drop(connection)
        connection.fail(bug)

    def _drop(self, connection: Connection) -> None:
        del self._connections[connection.fd]
        self._disarm(connection)
        if connection.held:
            self._account(connection, 0)
        if connection.is_paused:
            self._paused.discard(connection)
        if self._forget is not None:
            self._forget(connection.fd)
        connection.sock.close()

    def _arm(self, connection: Connection, deadline: float) -> None:
        tick = int(deadline * TICKS_PER_S) + 1
        connection.tick = tick
        at_tick = self._ticks.get(tick)
        if at_tick is None:
            self._ticks[tick] = {connection}
            self._next_tick = min(self._next_tick, tick)
        else:
            at_tick.add(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._judge_deadlines)

    def _disarm(self, connection: Connection) -> None:
        at_tick = self._ticks.get(connection.tick)
        if at_tick is not None:
            at_tick.discard(connection)
            if not at_tick:
                del self._ticks[connection.tick]

    def _judge_deadlines(self) -> None:
        self._timer = None
        current = int(monotonic() * TICKS_PER_S)
        # After a long silence there may be fewer armed ticks than ticks that went by.
        if current - self._next_tick > len(self._ticks):
            due = sorted(tick for tick in self._ticks if tick <= current)
        else:
            due = list(range(self._next_tick, current + 1))
        for tick in due:
            for connection in self._ticks.pop(tick, ()):
                try:
                    self._expire(connection)
                except Exception as bug:
                    self._give_up(connection, bug)
        self._next_tick = current + 1
        if self._ticks and self._timer is None:
            self._timer = self._loop.call_later(TICK_S, self._judge_deadlines)
        if due and self._on_turn is not None:
            self._on_turn()

    def _expire(self, connection: Connection) -> None:
        session = connection.session
        if session is None:
            self._expire_connect(connection)
            return
        for _ in range(MAX_READS_AT_DEADLINE):
            if connection.pending or not self._read(connection, session):
                break
            if session.messages_received > FLOOD_MESSAGES:
                break
        if self._connections.get(connection.fd) is not connection:
            return  # what it had sent was the verdict
        now = monotonic()
        deadline = session.deadline
        if deadline is not None and deadline > now:
            self._disarm(connection)
            self._arm(connection, deadline)
            return
        session.handle_timeout(now=now)
        connection.pending = b""
        self._settle(connection, session)

    def _expire_connect(self, connection: Connection) -> None:
        sock = connection.sock
        try:
            sock.getpeername()
        except OSError:
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number not in _RESET:
                connection.error = (
                    connect_error(number, waited_s=connection.timeout_s)
                    if number
                    else ConnectTimeout(waited_s=connection.timeout_s)
                )
                self._finish(connection)
                return
            connection.was_reset = True
        self._excuse(connection, monotonic())

    def _excuse(self, connection: Connection, now: float) -> None:
        """Move the deadline: it connected in time, and it is we who were too busy to notice."""
        late_s = now - connection.started - connection.timeout_s
        connection.timeout_s += late_s + min(LATE_CONNECT_GRACE_S, connection.timeout_s)
        self._disarm(connection)
        self._arm(connection, connection.deadline)


def _connect(sock: socket.SocketType, netaddr: NetAddr, family: int) -> int:
    """Begin to connect; return the system's error number."""
    try:
        if family == socket.AF_INET:
            return sock.connect_ex((netaddr.host, netaddr.port))
        return sock.connect_ex(_ipv6_sockaddr(netaddr.host, netaddr.port))
    except OSError as error:  # an unknown zone, for one
        return error.errno or ENETUNREACH


def _has_address_to_reach(netaddr: NetAddr) -> bool:
    """Tell whether this system has an address from which to reach another; sends nothing.

    EADDRNOTAVAIL says that it has none, or that no local port is left. Datagram sockets have
    ports of their own.
    """
    family = socket.AF_INET6 if netaddr.network in _V6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            return _connect(sock, netaddr, family) != EADDRNOTAVAIL
    except OSError:
        return True


def _ipv6_sockaddr(host: str, port: int) -> tuple[str, int, int, int]:
    """Return the socket address, with the scope where the host names a zone."""
    host, _, zone = host.partition("%")
    if not zone:
        return (host, port, 0, 0)
    return (host, port, 0, int(zone) if zone.isdigit() else socket.if_nametoindex(zone))
