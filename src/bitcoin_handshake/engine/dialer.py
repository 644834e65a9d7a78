"""Dials and moves bytes for thousands of connections at once.

Owns the sockets. A connection's bytes go to its `ByteProtocol`, which decides; the dialer writes
what the protocol wants written, reads again, and tells the owner when all is over. It runs inside a
running asyncio loop, without a task or a transport of the loop per connection.

Rules:

* In every path the order is: receive, write, hand out events, arm the deadline.
* Each turn serves a bounded number of ready sockets, one bounded read each; then expired
  deadlines are judged; then the owner may start more. A flood on one socket delays nobody.
* What already waits in a socket is read before its deadline is judged.
* All connections together hold at most MAX_TOTAL_BUFFERED bytes of unfinished messages.
* An internal error closes only the affected connection and is reported.
* Lack of descriptors or local ports is ours, not the peer's: `dial` raises OutOfResources and
  nothing is recorded of the peer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from time import monotonic

from bitcoin_handshake.engine.budget import MemoryBudget
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.deadlines import Deadlines
from bitcoin_handshake.engine.limits import MAX_READS_AT_DEADLINE, MAX_TOTAL_BUFFERED
from bitcoin_handshake.engine.poller import ERROR, READ, WRITE, make_poller
from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.sockets import (
    RESET,
    OutOfResources,
    begin_connect,
    connect_error,
    is_connected,
    is_shortage,
    pending_error,
    receive,
    send,
)
from bitcoin_handshake.errors import ConnectTimeout, EnvironmentFailure

__all__ = ["Dialer"]

EVENTS_PER_TURN = 64
"""Ready sockets served before the loop's other work has its turn: about 3 ms, and 50 ms where all
of them flood us."""
LATE_CONNECT_GRACE_S = 1.0
"""Granted at most where the connection was established in time and only we were late to notice."""

_READ_OR_ERROR = READ | ERROR


class Dialer:
    """See the module's docstring.

    Args:
        on_turn: Called at the end of every turn: the place to start more connections.
        on_end: Called with each connection that is over, before it is told so; None for nobody.
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
        on_end: Callable[[Connection], None] | None = None,
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
        self._on_end = on_end
        self._connections: dict[int, Connection] = {}
        self._deadlines = Deadlines(self._expire_safely, self.notify)
        self._bring_forward = self._deadlines.bring_forward
        self._budget = MemoryBudget(max_total_buffered, self._poller.modify)
        self.dialled = 0
        self._loop.add_reader(self._poller.fileno(), self._turn)

    @property
    def in_flight(self) -> int:
        """Connections dialled and not over."""
        return len(self._connections)

    @property
    def buffered(self) -> int:
        """Bytes of unfinished messages that are held now."""
        return self._budget.used

    @property
    def connections(self) -> Collection[Connection]:
        """Those dialled and not over."""
        return self._connections.values()

    def close(self) -> None:
        """Close every connection without telling its owner, and stop."""
        self._loop.remove_reader(self._poller.fileno())
        self._deadlines.close()
        for connection in self._connections.values():
            connection.sock.close()
        self._connections.clear()
        self._poller.close()

    def dial(self, connection: Connection) -> None:
        """Begin to connect; `connection.close` is called when all is over, possibly at once.

        Raises:
            OutOfResources: Not now; nothing was begun.
        """
        connection.started = started = monotonic()
        try:
            sock = begin_connect(connection.netaddr, connection.route)
        except OSError as error:
            number = error.errno or 0
            if is_shortage(number, connection.netaddr, connection.route):
                raise OutOfResources(number) from error
            connection.error = connect_error(number, waited_s=0.0)
            if self._on_end is not None:
                self._on_end(connection)
            connection.close()
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
        self._deadlines.arm(connection, started + connection.timeout_s)

    def end(self, connection: Connection) -> None:
        """End a connection that is established now, as if its deadline had passed."""
        protocol = connection.protocol
        if protocol is not None and self._connections.get(connection.fd) is connection:
            self._time_out(connection, protocol)

    def notify(self) -> None:
        """Let the owner start more connections, as at the end of a turn."""
        if self._on_turn is not None:
            self._on_turn()

    def _turn(self) -> None:
        """Serve what is ready: read all of it, have it judged, answer, then close what is over.

        In steps for all connections, not one connection after the other: the code of the kernel's
        TCP and that of the protocols drive each other out of the processor's caches, which costs
        5 % (bench/handshakes.py, bench/transports.py).
        """
        connections = self._connections
        arrived: list[tuple[Connection, ByteProtocol, bytes]] = []
        to_answer: list[tuple[Connection, ByteProtocol]] = []
        for fd, mask in self._poller.poll(0, EVENTS_PER_TURN):
            connection = connections.get(fd)
            if connection is None:
                continue
            protocol = connection.protocol
            try:
                if protocol is None:
                    protocol = self._finish_connect(connection, mask)
                    if protocol is not None:
                        to_answer.append((connection, protocol))
                elif mask & _READ_OR_ERROR:
                    data = receive(connection)
                    if data is not None:
                        arrived.append((connection, protocol, data))
                else:
                    self._write(connection, b"")
                    self._settle(connection, protocol)
            except Exception as bug:
                self._give_up(connection, bug)
        for connection, protocol, data in arrived:
            try:
                self._feed(connection, protocol, data)
            except Exception as bug:
                self._give_up(connection, bug)
            else:
                to_answer.append((connection, protocol))
        for connection, protocol in to_answer:
            try:
                self._answer(connection, protocol)
            except Exception as bug:
                self._give_up(connection, bug)
        for connection, protocol in to_answer:
            if connections.get(connection.fd) is connection:
                try:
                    self._settle(connection, protocol)
                except Exception as bug:
                    self._give_up(connection, bug)
        if self._on_turn is not None:
            self._on_turn()

    def _finish_connect(self, connection: Connection, mask: int) -> ByteProtocol | None:
        now = monotonic()
        # Of the pollers only epoll tells an error from readiness.
        if mask & ERROR or self._forget is not None:
            number = pending_error(connection.sock)
            if number in RESET:
                connection.was_reset = True
            elif number:
                waited_s = now - connection.started
                connection.error = connect_error(number, waited_s=waited_s)
                self._finish(connection)
                return None
        if now >= connection.started + connection.timeout_s:
            self._excuse(connection, now)
        connection.connected_at = now
        connection.protocol = protocol = connection.open_protocol(now)
        self._poller.modify(connection.fd, READ)
        return protocol

    def _feed(self, connection: Connection, protocol: ByteProtocol, data: bytes) -> None:
        if data:
            protocol.receive_data(data, now=monotonic())
        else:
            protocol.receive_eof(now=monotonic(), reset=connection.was_reset)
            connection.pending = b""

    def _answer(self, connection: Connection, protocol: ByteProtocol) -> None:
        data = protocol.data_to_send()
        if data:
            self._write(connection, data)

    def _read(self, connection: Connection, protocol: ByteProtocol) -> bool:
        """Read once, answer and settle; tell whether there may be more to read."""
        data = receive(connection)
        if data is None:
            return False
        self._feed(connection, protocol, data)
        self._answer(connection, protocol)
        self._settle(connection, protocol)
        return bool(data) and self._connections.get(connection.fd) is connection

    def _write(self, connection: Connection, data: bytes) -> None:
        """Write what waits; a failed write is judged by the read that follows it."""
        was_pending = connection.pending
        if was_pending:
            data = was_pending + data
        sent = send(connection, data)
        if sent < 0:
            connection.pending = b""
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

    def _settle(self, connection: Connection, protocol: ByteProtocol, *, is_late: bool = False) -> None:
        """Hand out events; then close what is over, change protocols, or watch memory and deadline.

        Args:
            connection: The connection.
            protocol: Its protocol.
            is_late: Whether the deadline has passed: what still waits to be written keeps a
                connection open no longer.
        """
        if connection.is_traced:
            connection.take_events()
            data = protocol.data_to_send()
            if data:
                self._write(connection, data)
        if protocol.finished:
            if protocol.error is not None:
                self._finish(connection)
            elif protocol.next_protocol is not None:
                self._change_protocol(connection, protocol, protocol.next_protocol)
            elif is_late or not connection.pending:
                self._finish(connection)
            return
        held = protocol.buffered
        if held != connection.held:
            self._budget.account(connection, held)
        self._bring_forward(connection, protocol.deadline)

    def _change_protocol(
        self, connection: Connection, ended: ByteProtocol, make_next: Callable[[float], ByteProtocol]
    ) -> None:
        """Let the next protocol of the chain take over, beginning with the bytes that are not read yet."""
        now = monotonic()
        connection.protocol = protocol = make_next(now)
        if ended.unread:
            protocol.receive_data(ended.unread, now=now)
        self._answer(connection, protocol)
        self._settle(connection, protocol)

    def _finish(self, connection: Connection) -> None:
        self._drop(connection)
        connection.close()

    def _give_up(self, connection: Connection, bug: Exception) -> None:
        """End a connection over an internal error: no other suffers, and the timers go on."""
        if self._connections.get(connection.fd) is connection:
            self._drop(connection)
        connection.fail(bug)

    def _drop(self, connection: Connection) -> None:
        del self._connections[connection.fd]
        self._deadlines.disarm(connection)
        if connection.held or connection.is_paused:
            self._budget.release(connection)
        if self._forget is not None:
            self._forget(connection.fd)
        connection.sock.close()
        if self._on_end is not None:
            self._on_end(connection)

    def _expire_safely(self, connection: Connection) -> None:
        try:
            self._expire(connection)
        except Exception as bug:
            self._give_up(connection, bug)

    def _expire(self, connection: Connection) -> None:
        if connection.protocol is None:
            self._expire_connect(connection)
            return
        for _ in range(MAX_READS_AT_DEADLINE):
            if connection.pending or not self._read(connection, connection.protocol):
                break
            if connection.protocol.is_flooding:
                break
        if self._connections.get(connection.fd) is not connection:
            return  # what it had sent was the verdict
        protocol = connection.protocol
        deadline = protocol.deadline
        if deadline is not None and deadline > monotonic():
            self._deadlines.rearm(connection, deadline)
            return
        self._time_out(connection, protocol)

    def _time_out(self, connection: Connection, protocol: ByteProtocol) -> None:
        """Tell a protocol that its deadline has passed; it may go on with another one."""
        protocol.handle_timeout(now=monotonic())
        self._answer(connection, protocol)
        self._settle(connection, protocol, is_late=True)
        if self._connections.get(connection.fd) is connection:
            following = connection.protocol
            deadline = None if following is None else following.deadline
            self._deadlines.rearm(connection, monotonic() if deadline is None else deadline)

    def _expire_connect(self, connection: Connection) -> None:
        sock = connection.sock
        if not is_connected(sock):
            number = pending_error(sock)
            if number not in RESET:
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
        self._deadlines.rearm(connection, connection.deadline)
