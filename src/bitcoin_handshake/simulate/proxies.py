"""Proxies of a simulated network: what all have in common, and a SOCKS5 front that behaves as Tor does.

Owns the table of the ways in which the SOCKS5 front can fail. What is behind a front is a map from the
name or address of a node to where it listens. The SAM bridge is in `sam_bridge`.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET
from types import MappingProxyType

from bitcoin_handshake.codes import FailureCode
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.netaddr import NetAddr

__all__ = [
    "HANG",
    "PROXY_BEHAVIOURS",
    "RESET",
    "Front",
    "ProxyBehaviour",
    "SocksFront",
    "proxies_text",
    "reset_at_close",
]

_GRANTED = bytes.fromhex("05000001000000000000")
RESET = "reset"
HANG = "hang"
GREETING, REQUEST = "greeting", "request"
Step = bytes | str


@dataclass(frozen=True, slots=True)
class ProxyBehaviour:
    """One way for a SOCKS5 proxy to behave.

    Attributes:
        name: What it is called on the command line.
        code: What every node behind it ends in; None where the proxy is healthy.
        description: One line about it.
        steps: What it does with a connection: awaits the greeting or the request, sends bytes, hangs or
            resets, and closes at the end; empty for a healthy one.
    """

    name: str
    code: FailureCode | None
    description: str
    steps: tuple[Step, ...] = ()


def _reply(number: int, name: str, code: FailureCode, description: str) -> ProxyBehaviour:
    steps = (GREETING, REQUEST, b"\x05%c\x00\x01" % number + bytes(6))
    return ProxyBehaviour(name, code, f"{description} (reply {number:02X})", steps)


_METHOD = b"\x05\x00"
_ALL = (
    ProxyBehaviour("tor", None, "as Tor does: circuits take a while, unknown services are F0"),
    _reply(0x01, "general-failure", FailureCode.SOCKS5_GENERAL_FAILURE, "fails and says no more"),
    _reply(0x02, "not-allowed", FailureCode.SOCKS5_NOT_ALLOWED, "its rules forbid it"),
    _reply(0x03, "network-unreachable", FailureCode.SOCKS5_NETWORK_UNREACHABLE, "no route to the network"),
    _reply(0x04, "host-unreachable", FailureCode.SOCKS5_HOST_UNREACHABLE, "no route to the host"),
    _reply(0x05, "refused", FailureCode.SOCKS5_REFUSED, "the node refuses"),
    _reply(0x06, "ttl-expired", FailureCode.SOCKS5_TTL_EXPIRED, "the TTL expires on the way"),
    _reply(0x07, "no-command", FailureCode.SOCKS5_COMMAND_NOT_SUPPORTED, "does not know CONNECT"),
    _reply(0x08, "no-names", FailureCode.SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED, "does not know the address type"),
    _reply(0x5B, "unknown-reply", FailureCode.SOCKS5_UNKNOWN_REPLY, "a reply that nobody defines"),
    _reply(0xF0, "no-descriptor", FailureCode.ONION_DESCRIPTOR_NOT_FOUND, "no such onion service"),
    _reply(0xF1, "bad-descriptor", FailureCode.ONION_DESCRIPTOR_INVALID, "its descriptor is invalid"),
    _reply(0xF2, "no-introduction", FailureCode.ONION_INTRODUCTION_FAILED, "the service is gone"),
    _reply(0xF3, "no-rendezvous", FailureCode.ONION_RENDEZVOUS_FAILED, "the rendezvous fails"),
    _reply(0xF4, "no-client-key", FailureCode.ONION_MISSING_AUTHORIZATION, "wants a client key"),
    _reply(0xF5, "wrong-client-key", FailureCode.ONION_WRONG_AUTHORIZATION, "refuses the client key"),
    _reply(0xF6, "bad-address", FailureCode.ONION_BAD_ADDRESS, "takes no onion address for one"),
    _reply(0xF7, "slow-introduction", FailureCode.ONION_INTRODUCTION_TIMED_OUT, "the introduction times out"),
    ProxyBehaviour("closes", FailureCode.PROXY_CLOSED, "closes after the greeting", (GREETING,)),
    ProxyBehaviour(
        "closes-at-request", FailureCode.PROXY_CLOSED, "closes after the request", (GREETING, REQUEST)
    ),
    ProxyBehaviour("resets", FailureCode.PROXY_RESET, "resets after the greeting", (RESET,)),
    ProxyBehaviour("silent", FailureCode.PROXY_SILENT, "never answers", (HANG,)),
    ProxyBehaviour(
        "stalls", FailureCode.PROXY_SILENT, "stops in its reply", (GREETING, REQUEST, b"\x05\x00\x00", HANG)
    ),
    ProxyBehaviour(
        "no-circuit", FailureCode.PROXY_TIMEOUT, "never reaches the node", (GREETING, REQUEST, HANG)
    ),
    ProxyBehaviour(
        "web-server", FailureCode.PROXY_SPEAKS_HTTP, "speaks HTTP", (b"HTTP/1.0 400 Bad Request\r\n\r\n",)
    ),
    ProxyBehaviour("socks4", FailureCode.PROXY_NOT_SOCKS5, "speaks SOCKS4", (b"\x00\x5b" + bytes(6),)),
    ProxyBehaviour("asks-password", FailureCode.PROXY_AUTH_REQUIRED, "accepts no method", (b"\x05\xff",)),
    ProxyBehaviour(
        "bad-method", FailureCode.PROXY_BAD_REPLY, "chooses a method that nobody offered", (b"\x05\x01",)
    ),
    ProxyBehaviour(
        "bad-type",
        FailureCode.PROXY_BAD_REPLY,
        "an address type that does not exist in the reply",
        (GREETING, REQUEST, b"\x05\x00\x00\x09" + bytes(6)),
    ),
)
PROXY_BEHAVIOURS: Mapping[str, ProxyBehaviour] = MappingProxyType({each.name: each for each in _ALL})


def proxies_text() -> str:
    """Write the table for a terminal."""
    lines = [f"{each.name}\n    {each.description}\n    {each.code or 'healthy'}" for each in _ALL]
    return "Behaviours of the proxy (--proxy-behaviour):\n" + "\n".join(lines) + "\n"


class Front:
    """A server in front of simulated nodes.

    Args:
        nodes: Where each node listens, by its host; None where it does not.
        circuit_s: How long a connection to a node takes.
    """

    def __init__(self, nodes: Mapping[str, NetAddr | None], *, circuit_s: float = 0.0) -> None:
        self.nodes = nodes
        self.circuit_s = circuit_s
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> str:
        """Listen; return `host:port`.

        Raises:
            OSError: It cannot.
        """
        self._server = await asyncio.start_server(self._serve, host, port)
        bound_host, bound_port = self._server.sockets[0].getsockname()[:2]
        return f"{bound_host}:{bound_port}"

    async def close(self) -> None:
        """Stop listening, and end every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ValueError):
            pass  # the streams of Python 3.11 call a cancelled task an error
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, node: NetAddr, granted: bytes
    ) -> None:
        """Connect to a node, say so, and carry the bytes of both sides."""
        node_reader, node_writer = await asyncio.open_connection(node.host, node.port)
        writer.write(granted)
        try:
            await asyncio.gather(_pump(reader, node_writer), _pump(node_reader, writer))
        finally:
            node_writer.close()
            with suppress(OSError):
                await node_writer.wait_closed()


def reset_at_close(writer: asyncio.StreamWriter) -> None:
    """Make the close of a connection a reset."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))


class SocksFront(Front):
    """A SOCKS5 proxy.

    Args:
        nodes, circuit_s: See `Front`.
        behaviour: How it behaves.

    Attributes:
        circuits: The hosts that were asked for, by user name: what Tor isolates.
    """

    def __init__(
        self,
        nodes: Mapping[str, NetAddr | None],
        *,
        circuit_s: float = 0.0,
        behaviour: ProxyBehaviour = _ALL[0],
    ) -> None:
        super().__init__(nodes, circuit_s=circuit_s)
        self._behaviour = behaviour
        self.circuits: dict[bytes, set[str]] = {}

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._behaviour.steps:
            await self._misbehave(reader, writer)
            return
        user = await _greet(reader, writer)
        command, host, _ = await _request(reader)
        is_new = user not in self.circuits
        self.circuits.setdefault(user, set()).add(host)
        if is_new:
            await asyncio.sleep(self.circuit_s)
        if command != 1:
            writer.write(b"\x05\x07\x00\x01" + bytes(6))
        elif host not in self.nodes:
            failure = _why_unknown(host)
            writer.write(b"\x05%c\x00\x01" % failure + bytes(6))
        elif (node := self.nodes[host]) is None:
            writer.write(b"\x05\xf2\x00\x01" + bytes(6))
        else:
            await self.relay(reader, writer, node, _GRANTED)

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step in self._behaviour.steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step == GREETING:
                await _greet(reader, writer)
            elif step == REQUEST:
                await _request(reader)
            elif step == HANG:
                await asyncio.get_running_loop().create_future()
            elif step == RESET:
                reset_at_close(writer)
        if self._behaviour.steps[0] not in (GREETING, HANG):
            await reader.read(64)  # what is unread would turn the close into a reset


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Take the greeting and the password, if one is offered; return the user name."""
    _, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    if 2 not in methods:
        writer.write(b"\x05\x00")
        return b""
    writer.write(b"\x05\x02")
    user = await reader.readexactly((await reader.readexactly(2))[1])
    await reader.readexactly((await reader.readexactly(1))[0])
    writer.write(b"\x01\x00")
    return user


async def _request(reader: asyncio.StreamReader) -> tuple[int, str, int]:
    """Take a request; return its command, host and port."""
    _, command, _, kind = await reader.readexactly(4)
    if kind == 3:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii", "replace")
    else:
        address = await reader.readexactly(4 if kind == 1 else 16)
        prefix = b"" if kind == 4 else bytes(10) + b"\xff\xff"
        host = NetAddr.from_addrv1(prefix + address, 0).host
    return command, host, int.from_bytes(await reader.readexactly(2))


def _why_unknown(host: str) -> int:
    """Return Tor's reply for a host that is none of ours."""
    if not host.endswith(".onion"):
        return 0x04
    try:
        NetAddr.from_text(host, 0)
    except InputError:
        return 0xF6
    return 0xF0


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
