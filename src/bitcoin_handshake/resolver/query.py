"""One question to DNS servers: UDP, retransmission, TCP after truncation, one limit for all.

Owns the exchange of a single question (name and type) with one or several servers. Does not
follow aliases, knows no hosts file, and does not decide which addresses are fit to dial.

What a server, or anybody who can send us packets, does ends in an `Exchange`: with a reply, or
with a `ResolveFailed` that says what happened. Packets that are not the answer to our question
are counted and ignored; the socket is connected, so that only the server's own address gets
through, and each exchange has its own port and id.

Sources: RFC 1035 section 4.2; RFC 5452 (which answers to believe); RFC 6891 section 6.2.6
(servers that do not know EDNS); RFC 7766 (TCP).
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from bitcoin_handshake.errors import (
    BadAnswer,
    FailureCode,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.measured import elapsed_ms
from bitcoin_handshake.resolver.message import (
    MalformedMessage,
    NotOurAnswer,
    Rcode,
    RecordType,
    Reply,
    build_query,
    name_text,
    read_reply,
)

__all__ = ["Exchange", "QueryFacts", "Resolver", "ask"]

MIN_SENDS = 4
"""How often a question is sent over UDP within the limit, where nothing answers."""
MAX_FAILURES = 2
"""A server that fails is asked once more, after the others; a failure may be temporary."""
MAX_MALFORMED = 16
"""After so many unreadable packets with our id the server is given up: each costs us time."""

_FINAL = (Rcode.NOERROR, Rcode.NXDOMAIN)
_DISLIKES_EDNS = (Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS)
_REFUSALS = (Rcode.REFUSED, Rcode.NOTAUTH)


@dataclass(frozen=True, slots=True)
class Resolver:
    """A DNS server to ask.

    Attributes:
        host: IPv4 or IPv6 address, a zone included.
        port: 1 to 65535, the same for UDP and TCP.
    """

    host: str
    port: int = 53

    def to_text(self) -> str:
        """Write `host:port`, or `[host]:port` for IPv6."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFacts:
    """What happened to one question, for those who judge the server.

    Attributes:
        server: Who answered, or the last one asked, `host:port`.
        name: The name asked for, without trailing dot; an alias's target in later questions.
        rdtype: `A` or `AAAA`.
        rcode: Name of the response code; None where no answer came.
        truncated: The answer over UDP had the TC bit.
        via_tcp: The answer used came over TCP.
        edns: The question that was answered said how long an answer may be.
        answer_bytes: Length of the answer used in bytes; 0 where none came.
        records: Address records in it, whoever owns them.
        sends: Datagrams sent.
        ignored: Datagrams that came and were no answer to the question.
        elapsed_ms: From the question to the answer or the failure.
        failure: Code of the failure, which can stand beside a truncated answer; or None.
    """

    server: str
    name: str
    rdtype: str
    rcode: str | None = None
    truncated: bool = False
    via_tcp: bool = False
    edns: bool = True
    answer_bytes: int = 0
    records: int = 0
    sends: int = 0
    ignored: int = 0
    elapsed_ms: float = 0.0
    failure: FailureCode | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """How a question ended.

    Attributes:
        reply: The answer, with response code NOERROR or NXDOMAIN; None on failure.
        failure: Why there is no answer, or why only its truncated form could be had.
        facts: What happened.
    """

    reply: Reply | None
    failure: ResolveFailed | None
    facts: QueryFacts


async def ask(name: bytes, rdtype: RecordType, servers: Sequence[Resolver], *, deadline: float) -> Exchange:
    """Ask one question.

    Servers are asked in turn, the question is sent MIN_SENDS times at least, evenly spread over
    the time left; a server that fails is asked once more, at once where there is no other. Answers of
    servers asked earlier still count. Only when all have failed is the question a failure, and
    its reason says what each server did.

    Args:
        name: Wire form.
        rdtype: A or AAAA.
        servers: One or more.
        deadline: Of the running loop's clock, in seconds; holds for everything together.

    Returns:
        How it ended; failures are in it, not raised.
    """
    question = _Question(name, rdtype, servers, deadline)
    try:
        return await question.run()
    finally:
        question.close()


class _Question:
    """The exchange in progress: whom we asked, what came, what went wrong."""

    def __init__(self, name: bytes, rdtype: RecordType, servers: Sequence[Resolver], deadline: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.name = name
        self.rdtype = rdtype
        self.live = list(dict.fromkeys(servers))
        self.deadline = deadline
        self.start = perf_counter()  # the loop's clock may tick in milliseconds
        self.conversations: dict[Resolver, _Conversation] = {}  # the latest with each server
        self.ended: list[_Conversation] = []
        self.failures: dict[Resolver, list[ResolveFailed]] = {}
        self.settled: asyncio.Queue[_Conversation] = asyncio.Queue()  # each conversation once
        self.sends = 0
        # For the facts: the server that spoke last, and what it said.
        self.server = self.live[0]
        self.seen: Reply | None = None
        self.truncated = False
        self.via_tcp = False
        self.edns = True
        self.failure: ResolveFailed | None = None

    def close(self) -> None:
        """Close every socket."""
        for conversation in (*self.ended, *self.conversations.values()):
            conversation.close()

    async def run(self) -> Exchange:
        """Ask until a server gives an answer, all have failed, or the limit is reached."""
        rounds = max(MIN_SENDS, len(self.live))
        interval = (self.deadline - self.loop.time()) / rounds
        while self.live and self.loop.time() < self.deadline:
            await self._send(self.live[self.sends % len(self.live)])
            is_last = self.sends >= rounds
            conversation = await self._wait(self.deadline if is_last else self.loop.time() + interval)
            if conversation is None and is_last:
                break
            if conversation is None:
                continue
            reply = await self._judge(conversation)
            if reply is not None:
                return self._end(reply)
            self._count_failure(conversation.server)
        if self.failure is None:
            self.failure = self._unanswered()
        self.failure = self._with_other_servers(self.failure)
        return self._end(None)

    def _count_failure(self, server: Resolver) -> None:
        assert self.failure is not None
        failures = self.failures.setdefault(server, [])
        failures.append(self.failure)
        if len(failures) == MAX_FAILURES:
            self.live.remove(server)

    def _with_other_servers(self, failure: ResolveFailed) -> ResolveFailed:
        """Add to a reason what the other servers did."""
        for server in self.conversations:
            if server.to_text() != failure.server:
                failures = self.failures.get(server)
                failure.why += f"; {server.to_text()}: {failures[-1].why if failures else 'no answer'}"
        return failure

    async def _send(self, server: Resolver) -> None:
        """Send the question to a server, from a socket that is for this exchange only."""
        self.sends += 1
        previous = self.conversations.get(server)
        if previous is not None and not previous.is_settled:
            previous.send_again()
            return
        edns = True
        if previous is not None:
            self.ended.append(previous)
            previous.close()
            edns = previous.edns
        self.server = server
        conversation = self.conversations[server] = _Conversation(self, server, edns=edns)
        try:
            sock = _connected_socket(server)
        except OSError as error:
            conversation.error_received(error)
        else:
            await self.loop.create_datagram_endpoint(lambda: conversation, sock=sock)

    async def _wait(self, until: float) -> _Conversation | None:
        """Wait for a server to settle the matter, one way or the other."""
        try:
            async with asyncio.timeout_at(until):
                return await self.settled.get()
        except TimeoutError:
            return None

    async def _judge(self, conversation: _Conversation) -> Reply | None:
        """Use what a server said: the answer, or None and the reason in `failure`."""
        self.server = conversation.server
        self.edns = conversation.edns
        if conversation.error is not None:
            self.failure = self._failure_of(conversation.error)
            return None
        reply = self.seen = conversation.reply
        assert reply is not None
        if not reply.truncated:
            return self._accept(reply)
        self.truncated = True
        full = await self._ask_tcp(conversation)
        if full is not None:
            return self._accept(full)
        # The records that did fit are true, and better than none; the failure stays in the facts.
        return reply if reply.addresses else None

    async def _ask_tcp(self, conversation: _Conversation) -> Reply | None:
        """Ask again over TCP, where an answer may have 65,535 bytes.

        A server that hangs there takes its share of the time only, where there are others.
        """
        now = self.loop.time()
        try:
            async with asyncio.timeout_at(now + (self.deadline - now) / max(1, len(self.live))):
                message = await _exchange_tcp(conversation.query, conversation.server)
            reply = read_reply(conversation.query, message)
        except TimeoutError:
            self.failure = self._failed(ResolveTimeout, "truncated over UDP, and no answer over TCP")
        except ConnectionRefusedError:
            self.failure = self._failed(ResolveRefused, "truncated over UDP, and TCP is refused")
        except (EOFError, MalformedMessage, NotOurAnswer, OSError) as error:
            self.failure = self._failed(BadAnswer, f"truncated over UDP, and over TCP: {error}")
        else:
            self.via_tcp = True
            self.seen = reply
            return reply
        return None

    def _accept(self, reply: Reply) -> Reply | None:
        """Take a reply that settles the question, or the failure that its code stands for."""
        if reply.referral and len(self.live) > 1:
            self.failure = self._failed(ServerFailure, "it names other servers instead of answering")
            return None
        if reply.rcode in _FINAL:
            self.failure = None
            return reply
        kind = ResolveRefused if reply.rcode in _REFUSALS else ServerFailure
        self.failure = self._failed(kind, f"it answered {Rcode.text(reply.rcode)}")
        return None

    def _failure_of(self, error: Exception) -> ResolveFailed:
        """What an error of a conversation means."""
        if isinstance(error, MalformedMessage):
            return self._failed(BadAnswer, str(error))
        if isinstance(error, ConnectionRefusedError):
            return self._failed(ResolveRefused, "nothing listens there; try another (--resolver)")
        return self._failed(ResolveFailed, f"the DNS server cannot be reached: {error}")

    def _unanswered(self) -> ResolveFailed:
        """Why there is no answer when the limit is reached."""
        for conversation in self.conversations.values():
            if conversation.malformed:
                self.server = conversation.server
                return self._failed(BadAnswer, conversation.describe_malformed())
        ignored = self._ignored()
        strays = f", {ignored} packets ignored that were no answer" if ignored else ""
        waited = f"asked {self.sends} times in {perf_counter() - self.start:.1f} s{strays}"
        return self._failed(ResolveTimeout, f"{waited}; try another (--resolver)")

    def _failed(self, kind: type[ResolveFailed], why: str) -> ResolveFailed:
        return kind(name=name_text(self.name), server=self.server.to_text(), why=why)

    def _ignored(self) -> int:
        conversations = (*self.ended, *self.conversations.values())
        return sum(each.ignored + each.malformed for each in conversations)

    def _end(self, reply: Reply | None) -> Exchange:
        seen = self.seen
        facts = QueryFacts(
            server=self.server.to_text(),
            name=name_text(self.name),
            rdtype=self.rdtype.name,
            rcode=Rcode.text(seen.rcode) if seen else None,
            truncated=self.truncated,
            via_tcp=self.via_tcp,
            edns=self.edns,
            answer_bytes=seen.size if seen else 0,
            records=sum(map(len, seen.addresses.values())) if seen else 0,
            sends=self.sends,
            ignored=self._ignored(),
            elapsed_ms=elapsed_ms(self.start, perf_counter()),
            failure=self.failure.code if self.failure else None,
        )
        return Exchange(reply, self.failure, facts)


class _Conversation(asyncio.DatagramProtocol):
    """The UDP socket for one question to one server.

    Settles once: with a reply, or with an error. Until then it waits, whatever else arrives.
    """

    def __init__(self, question: _Question, server: Resolver, *, edns: bool) -> None:
        self.question = question
        self.server = server
        self.edns = edns
        self.knows_edns = edns
        self.query_id = secrets.randbelow(1 << 16)
        self.query = self._new_query()
        self.transport: asyncio.DatagramTransport | None = None
        self.reply: Reply | None = None
        self.error: Exception | None = None
        self.ignored = 0
        self.malformed = 0
        self.last_malformed = ""

    def _new_query(self) -> bytes:
        question = self.question
        return build_query(question.name, question.rdtype, query_id=self.query_id, edns=self.edns)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the question, again if need be."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(self.query)

    def send_again(self) -> None:
        """Send the question again after silence, every second time without EDNS.

        Some firewalls drop what has EDNS. The id stays, so that an answer to either form counts.
        """
        self.edns = self.knows_edns and not self.edns
        self.query = self._new_query()
        self.send()

    @property
    def is_settled(self) -> bool:
        return self.reply is not None or self.error is not None

    def close(self) -> None:
        """Close the socket, if there is one."""
        if self.transport is not None:
            self.transport.close()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.is_settled:
            return
        try:
            reply = read_reply(self.query, data)
        except NotOurAnswer:
            self.ignored += 1
        except MalformedMessage as error:
            self.malformed += 1
            self.last_malformed = str(error)
            if self.malformed == MAX_MALFORMED:
                self._settle(error=MalformedMessage(self.describe_malformed()))
        else:
            if self.edns and reply.rcode in _DISLIKES_EDNS:
                self.edns = self.knows_edns = False
                self.query = self._new_query()
                self.send()
            else:
                self._settle(reply)

    def error_received(self, exc: Exception) -> None:
        """Take an ICMP error; over a connected socket nobody off the path can forge it blindly."""
        self._settle(error=exc)

    def _settle(self, reply: Reply | None = None, *, error: Exception | None = None) -> None:
        if not self.is_settled:
            self.reply, self.error = reply, error
            self.question.settled.put_nowait(self)

    def describe_malformed(self) -> str:
        """Say what the unreadable packets were."""
        return f"{self.malformed} unreadable packets, the last one: {self.last_malformed}"


def _connected_socket(server: Resolver) -> socket.socket:
    """A UDP socket that takes packets from this server only.

    Made here because uvloop leaks its own where connecting fails.
    """
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    [(family, type_, proto, _, address)] = socket.getaddrinfo(
        server.host, server.port, type=socket.SOCK_DGRAM, flags=flags
    )
    sock = socket.socket(family, type_, proto)
    try:
        sock.setblocking(False)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


async def _exchange_tcp(query: bytes, server: Resolver) -> bytes:
    """Send a question over TCP and read the answer, 0 to 65,535 bytes.

    Raises:
        EOFError: The server closed before the end of what it announced.
        OSError: There is no connection, or it broke.
    """
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise EOFError(f"the connection ended after {len(error.partial)} of {error.expected} bytes") from None
    finally:
        writer.transport.abort()
