"""The asyncio side of simulated nodes: listening sockets, connections, timers, resets.

Owns everything between a socket and a `Script`, and the bounds that protect this process from
its clients: a limit on connections, reading that stops while a client does not read, an end for
whoever stalls. Decides nothing about what is said.

One `Connection` object per connection, no task and in the usual case no timer: deadlines over a
second away are looked at once a second for all connections together.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import cast

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.simulate.behaviours import Behaviour, Client, Expected
from bitcoin_handshake.simulate.script import End, NodeFacts, Script

__all__ = ["Connection", "Fleet", "SimulatedNode", "bind_node"]

BACKLOG = 4096
SWEEP_S = 1.0
STALL_TIMEOUT_S = 60.0
"""How long a client may leave what we sent unread, with more waiting behind it."""
CLOSE_TIMEOUT_S = 5.0
"""How long a closed connection waits for the client's end, so that no reset overtakes our last
bytes: closing a socket with unread data resets it."""

_LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNode:
    """One node of the network.

    Attributes:
        netaddr: Where it listens.
        behaviour: How it behaves.
        behind: Where it listens, where that is behind a proxy: its own address is not of this machine.
    """

    netaddr: NetAddr
    behaviour: Behaviour
    behind: NetAddr | None = None

    @property
    def listens_at(self) -> NetAddr:
        """Where its socket is."""
        return self.behind or self.netaddr

    @property
    def expected(self) -> Expected:
        """What a default handshake with it ends in."""
        return self.behaviour.expected

    def to_json(self) -> dict[str, object]:
        """Return address, behaviour by name and the expected outcome, with its phase and code."""
        expected = self.expected
        return {
            "address": self.netaddr.to_text(),
            "behaviour": self.behaviour.name,
            "expected": expected.outcome,
            "expected_phase": expected.phase,
            "expected_code": expected.code,
        }


class Fleet:
    """The open connections of all nodes in this process, their limit and their shared timer.

    Args:
        clock: Gives monotonic seconds.

    Attributes:
        max_connections: Connections accepted beyond it are closed at once, as a full node does.
        connections: Those that are open.
        accepted: How many were served so far.
    """

    def __init__(self, *, clock: Callable[[], float] = monotonic, max_connections: int = 1024) -> None:
        self.clock = clock
        self.max_connections = max_connections
        self.connections: set[Connection] = set()
        self.accepted = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Start the shared timer, on the running loop."""
        self._timer = asyncio.get_running_loop().call_later(SWEEP_S, self._tick)

    async def close(self) -> None:
        """Reset every connection and stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self.connections:
            for connection in tuple(self.connections):
                connection.abort()
            await asyncio.sleep(0)

    def sweep(self) -> None:
        """Look at every connection once: arm what is due soon, end what stalls."""
        now = self.clock()
        for connection in tuple(self.connections):
            connection.sweep(now)

    def _tick(self) -> None:
        self.sweep()
        self.start()


class Connection(asyncio.Protocol):
    """One accepted connection: moves bytes and time between a socket and a script."""

    __slots__ = (
        "_closing_until",
        "_facts",
        "_fleet",
        "_node",
        "_script",
        "_stalled_at",
        "_timer",
        "_transport",
    )

    def __init__(self, node: SimulatedNode, facts: NodeFacts, fleet: Fleet) -> None:
        self._node = node
        self._facts = facts
        self._fleet = fleet
        self._script: Script | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stalled_at: float | None = None
        self._closing_until: float | None = None

    @property
    def is_stalled(self) -> bool:
        """Whether more waits to be written than the client has read."""
        return self._stalled_at is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the behaviour's script, unless there are too many connections."""
        stream = cast(asyncio.Transport, transport)
        self._transport = stream
        fleet = self._fleet
        if len(fleet.connections) >= fleet.max_connections:
            stream.abort()
            return
        fleet.connections.add(self)
        fleet.accepted += 1
        now = fleet.clock()
        peername = stream.get_extra_info("peername")
        client: Client = (peername[0], peername[1]) if peername else None
        self._script = self._node.behaviour.build(self._facts, client, now)
        self._flush(now)

    def data_received(self, data: bytes) -> None:
        """Feed the script."""
        if self._script is None or self._closing_until is not None:
            return
        now = self._fleet.clock()
        self._script.receive_data(data, now=now)
        self._flush(now)

    def eof_received(self) -> bool:
        """Tell the script; the transport closes itself once all is written."""
        if self._script is not None:
            self._script.receive_eof(now=self._fleet.clock())
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._disarm()
        self._script = None
        self._transport = None
        self._fleet.connections.discard(self)

    def pause_writing(self) -> None:
        """The client does not read: stop reading from it, and let no timer write more."""
        self._stalled_at = self._fleet.clock()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stalled_at = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self.wake()

    def wake(self) -> None:
        """Call the script if its deadline has passed, and arm the next timer."""
        self._timer = None
        script = self._script
        if script is None or self._stalled_at is not None or self._closing_until is not None:
            return
        now = self._fleet.clock()
        deadline = script.deadline
        if deadline is not None and deadline <= now:
            script.handle_timeout(now=now)
        self._flush(now)

    def sweep(self, now: float) -> None:
        """Do what is due: called about once a second."""
        stalled_at = self._stalled_at
        if self._closing_until is not None:
            if now >= self._closing_until:
                self.abort()
        elif stalled_at is not None:
            if now - stalled_at >= STALL_TIMEOUT_S:
                self.abort()
        elif self._timer is None and self._script is not None:
            deadline = self._script.deadline
            if deadline is not None and deadline <= now + SWEEP_S:
                self._arm(deadline, now)

    def abort(self) -> None:
        """Reset the connection."""
        transport = self._transport
        if transport is None:
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        transport.abort()

    def _flush(self, now: float) -> None:
        script = self._script
        transport = self._transport
        if script is None or transport is None or transport.is_closing():
            return
        data = script.data_to_send()
        if data:
            transport.write(data)
        end = script.end
        if end is not None:
            self._finish(end, now)
            return
        deadline = script.deadline
        if deadline is not None and deadline <= now + SWEEP_S:
            self._arm(deadline, now)
        elif self._timer is not None:
            self._disarm()

    def _finish(self, end: End, now: float) -> None:
        self._disarm()
        if end is End.RESET:
            self.abort()
        elif self._closing_until is None and self._transport is not None:
            self._closing_until = now + CLOSE_TIMEOUT_S
            self._transport.write_eof()

    def _arm(self, deadline: float, now: float) -> None:
        self._disarm()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, deadline - now), self.wake)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bind_node(netaddr: NetAddr) -> socket.socket:
    """Open the listening socket of a node.

    Args:
        netaddr: An address of this machine; port 0 for any free one.

    Raises:
        EnvironmentFailure: The port is taken or privileged, the address is not of this machine,
            or there are no descriptors left.
    """
    family = socket.AF_INET6 if netaddr.network is Network.IPV6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise EnvironmentFailure(_why_not_bound(netaddr, error)) from None
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((netaddr.host, netaddr.port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise EnvironmentFailure(_why_not_bound(netaddr, error)) from None
    return sock


def _why_not_bound(netaddr: NetAddr, error: OSError) -> str:
    where = netaddr.to_text()
    match error.errno:
        case errno.EADDRINUSE:
            return f"cannot listen on {where}: the port is in use; choose another with --port"
        case errno.EACCES:
            return f"cannot listen on {where}: a privileged port; choose another with --port"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return f"cannot listen on {where}: not an address of this machine"
        case errno.EMFILE | errno.ENFILE:
            return f"cannot listen on {where}: no file descriptors left; raise `ulimit -n`"
        case _:
            return f"cannot listen on {where}: {error.strerror or error}"
