"""A simulated DNS seed: a real DNS server for one zone, over UDP and TCP.

Owns the sockets; what is answered is `simulate.zone`'s. Serves anybody: the connections over TCP
are counted and timed, and what a client can make it hold is bounded.

Sources: RFC 1035 section 4.2; RFC 7766 (several questions over one connection).
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Sequence
from typing import cast

from bitcoin_handshake.simulate.zone import DnsBehaviour, SeedNode, Zone

__all__ = ["DnsServer"]

MAX_TCP_CONNECTIONS = 64
"""Connections over TCP served at the same time; more are closed at once."""
TCP_IDLE_S = 5.0
"""How long a connection may live without a whole question, in seconds."""
MAX_TCP_QUERY_LEN = 1024
"""A longer question than any name needs ends the connection."""
_PORT_ATTEMPTS = 50


class DnsServer:
    """A DNS seed on a port of its own.

    Attributes:
        zone: The zone that it serves.
        tcp_idle_s: How long a connection over TCP may live without a whole question, in seconds.
    """

    def __init__(
        self,
        zone: str,
        addresses: Sequence[SeedNode | str],
        *,
        behaviour: DnsBehaviour = DnsBehaviour.ANSWER,
        ttl_s: int = 60,
        tcp_idle_s: float = TCP_IDLE_S,
    ) -> None:
        """Prepare the answers.

        Args:
            zone: The seed's name.
            addresses: Its nodes, in the order of the answers; a bare address has NETWORK and WITNESS.
            behaviour: What the seed does.
            ttl_s: How long its answers may be kept, in seconds.
            tcp_idle_s: How long a connection over TCP may live without a whole question.

        Raises:
            InputError: The zone is no DNS name, or an address is none.
        """
        nodes = [SeedNode(each) if isinstance(each, str) else each for each in addresses]
        self.zone = Zone(zone, nodes, behaviour=behaviour, ttl_s=ttl_s)
        self.tcp_idle_s = tcp_idle_s
        self._connections: set[_TcpConnection] = set()
        self._udp: asyncio.BaseTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> tuple[str, int]:
        """Listen on UDP and TCP, on the same port.

        Args:
            host: IPv4 or IPv6 address.
            port: 0 for any that is free for both.

        Returns:
            Host and port.

        Raises:
            OSError: The port is taken, or the address is not ours.
        """
        for attempts_left in reversed(range(1 if port else _PORT_ATTEMPTS)):
            try:
                return host, await self._listen(host, port)
            except OSError as error:
                # The port that UDP was given may be taken for TCP.
                if not attempts_left or error.errno != errno.EADDRINUSE:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _listen(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        sock = _bound_socket(host, port)
        udp, _ = await loop.create_datagram_endpoint(lambda: _UdpService(self.zone), sock=sock)
        bound_port: int = sock.getsockname()[1]
        if self.zone.behaviour is not DnsBehaviour.TRUNCATED_NO_TCP:
            try:
                self._tcp = await loop.create_server(lambda: _TcpConnection(self), host, bound_port)
            except OSError:
                udp.close()
                raise
        self._udp = udp
        return bound_port

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for connection in tuple(self._connections):
            connection.abort()
        if self._tcp is not None:
            await self._tcp.wait_closed()
        self._udp = self._tcp = None

    @property
    def connections(self) -> int:
        """Connections over TCP that are open."""
        return len(self._connections)

    def admit(self, connection: _TcpConnection) -> bool:
        """Count a connection in; False where there are too many."""
        if len(self._connections) >= MAX_TCP_CONNECTIONS:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: _TcpConnection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)


def _bound_socket(host: str, port: int) -> socket.socket:
    """A UDP socket on this address; made here because uvloop leaks its own where binding fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class _UdpService(asyncio.DatagramProtocol):
    """Answers each datagram."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.transport: asyncio.DatagramTransport | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def pause_writing(self) -> None:
        """Drop answers while the socket takes no more, rather than keep them: UDP may lose them."""
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = None if self.paused else self.zone.answer(data, over_tcp=False)
        if answer is not None and self.transport is not None:
            self.transport.sendto(answer, addr)


class _TcpConnection(asyncio.Protocol):
    """Answers each question of a connection, in order, and hangs up on those that dawdle."""

    def __init__(self, server: DnsServer) -> None:
        self.server = server
        self.buffer = bytearray()
        self.transport: asyncio.Transport | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class is none
        if self.server.admit(self):
            self._restart_timer()
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.forget(self)
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._serve()

    def _serve(self) -> None:
        """Answer the whole questions that have arrived, as long as the client reads the answers."""
        while not self.paused and len(self.buffer) >= 2:
            length = int.from_bytes(self.buffer[:2], "big")
            if length > MAX_TCP_QUERY_LEN:
                self.abort()
                return
            if len(self.buffer) < 2 + length:
                return
            query = bytes(self.buffer[2 : 2 + length])
            del self.buffer[: 2 + length]
            self._answer(query)

    def _answer(self, query: bytes) -> None:
        answer = self.server.zone.answer(query, over_tcp=True)
        if answer is None or self.transport is None:
            return
        self._restart_timer()
        self.transport.write(len(answer).to_bytes(2, "big") + answer)

    def pause_writing(self) -> None:
        """Read no more questions from a client that does not read the answers."""
        self.paused = True
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.paused = False
        if self.transport is not None:
            self.transport.resume_reading()
        self._serve()

    def abort(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()

    def _restart_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(self.server.tcp_idle_s, self.abort)
