"""One connection to a node, from the dial to what it showed.

Owns the way from a connection's end to a `ProbeResult`: `Visit` in v1, `V2Visit` in v2, and which
of two results is the node's. Who is visited again, and when, is the business of `prober`.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from os import urandom
from socket import inet_aton
from time import monotonic, time
from typing import TYPE_CHECKING

from bitcoin_handshake.conversation.base import HANG_UP, Conversation, ConversationFactory
from bitcoin_handshake.conversation.linger import linger_or_hang_up
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.errors import BitcoinHandshakeError, InternalError, NoRoute, Phase, Unreachable
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.measured import TransportMode, V2Facts, elapsed_ms
from bitcoin_handshake.netaddr import IPV4_MAPPED_PREFIX, NetAddr, Network
from bitcoin_handshake.records import MessageTime, Outcome, ProbeResult
from bitcoin_handshake.session import Event, MessageReceived, MessageSent, Session
from bitcoin_handshake.transport.base import Transport
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.v1 import V1Transport

if TYPE_CHECKING:
    from bitcoin_handshake.prober import Prober
    from bitcoin_handshake.routes.ways import Way
    from bitcoin_handshake.transcript.session import RecordedSession
    from bitcoin_handshake.transcript.sink import V2Secrets
    from bitcoin_handshake.transport.v2 import V2Transport

__all__ = ["MAX_GARBAGE_SENT", "GarbageSource", "V2Visit", "Visit", "fresh_keys", "node_result"]

PING_NONCE_MASK = 0x5555555555555555
MAX_RECORDED_MESSAGES = 1000
"""Messages kept in a record at most; a flood has no more to say than that."""
MAX_GARBAGE_SENT = 3600
"""Bytes of garbage at most. With more, a node of another chain, which scans 4,111 bytes for a
terminator that never comes, would reach the end of them within our first messages (414 bytes at
most) and hang up, and now and then look like something else."""

_ZEROS = bytes(MAX_GARBAGE_SENT)
_RANKS = {Outcome.OK: 2, Outcome.PARTIAL: 1, Outcome.FAILED: 0, Outcome.SKIPPED: 0}


class Visit(Connection):
    """One connection to a target, in v1.

    Attributes:
        target: As the user asked for it.
        seeds: Names that gave the address.
        resolve_ms: What the look-up took, milliseconds, or None.
        messages: Order and time of the messages, where asked for.
        nonce: That of our `version`.
        conversation: Makes what follows the handshake; None for what the options say.
        earlier: What came of v2, where that was tried before.
        session: What judges the node; None before it can be talked to.
        recorded: The session, where a transcript is kept.
        used_s: Seconds of the node's time that its connection before this one took.
        way: The proxy that connects us, or None where the socket connects to the node itself.
        isolation: What keeps the streams of nodes apart, where the proxy is Tor.
        name: The node's name, which the proxy looks up in place of the address; '' for none.
        retries: How often the node was tried before, after failures that may pass.
        proxy_bytes_sent: Bytes that went to the proxy before it connected us.
    """

    __slots__ = (
        "conversation",
        "earlier",
        "isolation",
        "messages",
        "name",
        "nonce",
        "prober",
        "proxy_bytes_sent",
        "recorded",
        "resolve_ms",
        "retries",
        "seeds",
        "session",
        "target",
        "used_s",
        "way",
    )

    def __init__(
        self,
        prober: Prober,
        target: str,
        netaddr: NetAddr,
        seeds: Collection[str] = (),
        resolve_ms: float | None = None,
        conversation: ConversationFactory | None = None,
    ) -> None:
        options = prober.options
        is_traced = options.record_messages or options.transcripts is not None
        super().__init__(netaddr, timeout_s=prober.timeouts[netaddr.network], is_traced=is_traced)
        self.prober = prober
        self.target = target
        self.seeds = seeds
        self.resolve_ms = resolve_ms
        self.messages: list[MessageTime] | None = [] if options.record_messages else None
        self.nonce = 0
        self.conversation = conversation
        self.earlier: ProbeResult | None = None
        self.used_s = 0.0
        self.session: Session | None = None
        self.recorded: RecordedSession | None = None
        self.way: Way | None = None
        self.isolation = b""
        self.name = ""
        self.proxy_bytes_sent = 0
        self.retries = 0

    def take_way(self, way: Way, isolation: bytes) -> None:
        """Go through a proxy."""
        self.way = way
        self.route = way.route
        self.isolation = isolation

    def take_the_way_of(self, other: Visit) -> None:
        """Reach the same node as another visit does."""
        self.way = other.way
        self.route = other.route
        self.isolation = other.isolation
        self.retries = other.retries
        self.name = other.name

    def open_protocol(self, now: float) -> ByteProtocol:
        """Begin with the proxy, where there is one, else with the node."""
        way = self.way
        if way is None:
            return self.open_session(now)
        return way.client(
            self.netaddr,
            self.name,
            isolation=self.isolation,
            now=now,
            deadline=self.deadline,
            then=self._begin_session,
        )

    def _begin_session(self, now: float) -> Session:
        """Go on with the node: the proxy has connected us."""
        assert self.way is not None
        self.way.has_worked = self.way.has_connected = True
        self.connected_at = now
        self.proxy_bytes_sent = self.bytes_sent
        return self.open_session(now)

    def open_session(self, now: float) -> Session:
        """Compose transport, handshake and session, with a nonce and a time of its own."""
        return self._compose(
            V1Transport(self.prober.options.chain.magic), now, self.started + self.timeout_s, None
        )

    def _compose(
        self,
        transport: Transport,
        now: float,
        deadline: float,
        first_byte_by: float | None,
        secrets: V2Secrets | None = None,
    ) -> Session:
        prober = self.prober
        self.nonce = nonce = prober.fresh_nonce()
        handshake = Handshake(
            prober.local.serialize(
                nonce=nonce,
                time_unix=int(time()),
                ip=_addrv1(self.netaddr),
                port=self.netaddr.port,
            ),
            initiating=True,
            own_nonces=prober.nonces,
        )
        started = self.started - self.used_s
        ping_nonce = nonce ^ PING_NONCE_MASK
        conversation = self._conversation(ping_nonce)
        sink = prober.options.transcripts
        if sink is not None:
            from bitcoin_handshake.transcript.session import RecordedSession
            from bitcoin_handshake.transcript.sink import ConnectionFacts

            self.session = self.recorded = RecordedSession(
                transport,
                handshake,
                now=now,
                started=started,
                dialled_at=self.started,
                deadline=deadline,
                facts=ConnectionFacts.of(
                    prober.options.chain,
                    self.netaddr,
                    started_unix=time() - (now - self.started),
                    nonce=nonce,
                    secrets=secrets,
                ),
                sink=sink,
                first_byte_by=first_byte_by,
                linger_s=prober.options.linger_s,
                ping_nonce=ping_nonce,
                conversation=conversation,
            )
            return self.recorded
        self.session = session = Session(
            transport,
            handshake,
            now=now,
            started=started,
            deadline=deadline,
            first_byte_by=first_byte_by,
            conversation=conversation,
            trace=self.is_traced,
        )
        return session

    def _conversation(self, ping_nonce: int) -> Conversation:
        """Make what follows the handshake."""
        options = self.prober.options
        make = self.conversation or options.conversation
        return linger_or_hang_up(options.linger_s, ping_nonce=ping_nonce) if make is None else make()

    def take_events(self) -> None:
        """Take what the session has seen and said."""
        session = self.session
        if session is not None:
            while (event := session.next_event()) is not None:
                self._take_event(event)

    def _take_event(self, event: Event) -> None:
        """Keep order and time of a message."""
        messages = self.messages
        if messages is None or len(messages) >= MAX_RECORDED_MESSAGES:
            return
        match event:
            case MessageSent(at=at, msg_type=msg_type, payload=payload):
                at_ms = elapsed_ms(self.started, at)
                messages.append(MessageTime(True, msg_type, len(payload), at_ms))
            case MessageReceived(at=at, message=message):
                at_ms = elapsed_ms(self.started, at)
                messages.append(MessageTime(False, message.msg_type, message.size, at_ms))
            case _:
                pass

    def close(self) -> None:
        """Judge what came of it and hand out the record."""
        prober = self.prober
        self._forget()
        session = self.session
        result = self._unconnected() if session is None else self._judge(session)
        earlier = self.earlier
        prober.finish(self, result if earlier is None else node_result(earlier, result))

    def fail(self, bug: Exception) -> None:
        """Hand out a record that blames us and not the node."""
        with suppress(Exception):  # a second bug must not keep the first from being told
            self._forget()
        error = InternalError(f"{type(bug).__name__}: {bug}")
        error.__cause__ = bug
        self.prober.finish(self, self._failed(error, None))

    def _forget(self) -> None:
        """Give up what lasts as long as the connection."""
        self.prober.nonces.discard(self.nonce)
        if self.recorded is not None:
            self.recorded.finish()

    def _failed(self, error: BitcoinHandshakeError | None, phase: Phase | None) -> ProbeResult:
        """Make the record of a connection of which no session tells."""
        return ProbeResult(
            self.target,
            self.prober.chain,
            Outcome.FAILED,
            time(),
            self.netaddr if not self.name else None,
            tuple(self.seeds),
            error,
            phase,
            resolve_ms=self.resolve_ms,
        )

    def _unconnected(self) -> ProbeResult:
        """Make the record of a node that we were not connected to."""
        error = self.error
        if self.way is not None:
            return self._unconnected_by_proxy(self.way)
        # It failed at once where the socket was never watched: this machine's own routing said so.
        if isinstance(error, Unreachable) and error.is_no_route and not hasattr(self, "fd"):
            return self._skipped(NoRoute(network=self.netaddr.network, why=error.why), None)
        return self._failed(error, Phase.CONNECT)

    def _unconnected_by_proxy(self, way: Way) -> ProbeResult:
        from bitcoin_handshake.errors.proxies import ProxyStopped, ProxyUnreachable

        error = self.error
        if error is not None:
            kind = ProxyStopped if way.has_worked else ProxyUnreachable
            return self._skipped(kind(proxy=way.place, why=str(error)), Phase.PROXY)
        failure = None if self.protocol is None else self.protocol.error
        if not isinstance(failure, BitcoinHandshakeError):
            failure = InternalError("the proxy's protocol ended without a result")
        elif not failure.code.startswith("proxy."):
            way.has_worked = True  # it answered our question, be it with a refusal
        return self._failed(failure, Phase.PROXY)

    def _skipped(self, error: BitcoinHandshakeError, phase: Phase | None) -> ProbeResult:
        result = self._failed(error, phase)
        result.outcome = Outcome.SKIPPED
        return result

    def _judge(self, session: Session) -> ProbeResult:
        prober = self.prober
        handshake = session.handshake
        error = session.error
        version = handshake.peer_version
        is_complete = session.verack_at is not None
        connected_at = self.connected_at or self.started
        now_unix = time()
        result = ProbeResult(
            self.target,
            prober.chain,
            session.outcome,
            now_unix,
            self.netaddr if not self.name else None,
            tuple(self.seeds),
            error,
            None if error is None else error.phase,
            session.transport.name,
            version,
            handshake.features,
            is_complete,
            is_complete and session.conversation is not HANG_UP and not prober.is_stopping,
        )
        result.anomalies = handshake.anomalies
        result.reject = handshake.reject
        result.resolve_ms = self.resolve_ms
        result.connect_ms = elapsed_ms(self.started, connected_at)
        if version is not None and session.version_at is not None:
            result.version_ms = elapsed_ms(connected_at, session.version_at)
            result.time_offset_s = version.timestamp - int(now_unix - monotonic() + session.version_at)
        if session.verack_at is not None:
            result.verack_ms = elapsed_ms(connected_at, session.verack_at)
            conversation = session.conversation
            if conversation is not HANG_UP:
                conversation.close(None)  # where we end it: a run that is being stopped
                result.conversation = conversation.result
                result.ping_ms = session.ping_ms
        result.bytes_sent = self.bytes_sent - self.proxy_bytes_sent
        result.bytes_received = session.bytes_received
        result.messages = self.messages
        return result


class V2Visit(Visit):
    """One connection to a target, in v2: the first one of a node, and perhaps not the last.

    How the time of a node is shared: a connection is waited for as long as the node has. From then
    on, where v1 may follow only on silence (`auto`), the peer has half of what is left for its
    first byte, and all of it for the handshake; where v1 follows in any case (`both`), v2 has half
    of it. Whatever v2 does not use is v1's.
    """

    __slots__ = ("transport",)

    transport: V2Transport

    def open_session(self, now: float) -> Session:
        """Compose them with keys and garbage that no connection had before."""
        # The v2 transport takes 5 ms to import, which a run over v1 does not need.
        from bitcoin_handshake.transport.v2 import V2Transport

        deadline = self.deadline
        half = now + (deadline - now) / 2
        mode = self.prober.options.transport
        keys = fresh_keys()
        garbage = self.prober.garbage.draw()
        self.transport = transport = V2Transport(
            magic=self.prober.options.chain.magic,
            initiating=True,
            keys=keys,
            garbage=garbage,
            trace=self.prober.options.transcripts is not None,
        )
        secrets = self._secrets(keys, garbage) if self.prober.options.transcript_secrets else None
        if mode is TransportMode.AUTO:
            return self._compose(transport, now, deadline, half, secrets)
        by = half if mode is TransportMode.BOTH else deadline
        return self._compose(transport, now, by, None, secrets)

    def _secrets(self, keys: tuple[bytes, bytes], garbage: bytes) -> V2Secrets:
        from bitcoin_handshake.transcript.sink import V2Secrets

        return V2Secrets(private_key=keys[0], ellswift=keys[1], garbage=garbage)

    def close(self) -> None:
        """Judge what came of it; hand out the record, or visit the node again in v1."""
        prober = self.prober
        self._forget()
        session = self.session
        if session is None:
            prober.finish(self, self._unconnected())
            return
        result = self._judge(session)
        result.v2 = self._facts(session)
        mode = prober.options.transport
        error = session.error
        is_followed = mode is TransportMode.BOTH or (
            mode is TransportMode.AUTO and error is not None and error.retry_v1
        )
        if is_followed:
            # What we listened on for beyond the verdict is not taken from v1's time.
            prober.follow(self, result, left_s=self.deadline - (session.verack_at or monotonic()))
        else:
            prober.finish(self, result)

    def _facts(self, session: Session) -> V2Facts:
        transport = self.transport
        connected_at = self.connected_at or self.started
        return V2Facts(
            transport.garbage_received,
            transport.decoys_received,
            None if session.version_packet_at is None else transport.session_id,
            _ms_since(connected_at, session.key_at),
            _ms_since(connected_at, session.garbage_at),
            _ms_since(connected_at, session.version_packet_at),
        )


def node_result(v2: ProbeResult, v1: ProbeResult) -> ProbeResult:
    """Choose the verdict of a node that was visited in v2 and then in v1, and join the other to it.

    The better outcome wins, then who learned more (a `version`; any byte that was not v1's). Where
    both are alike, v2 wins if it got through to a `version` and v1 if neither did. No connection at
    all in v1 decides nothing.
    """
    if v1.transport is None:
        v2.other = v1
        return v2
    v2_rank, v1_rank = _rank(v2), _rank(v1)
    if v2_rank > v1_rank or (v2_rank == v1_rank and v2.version is not None):
        v2.other = v1
        return v2
    v1.other = v2
    return v1


def _rank(result: ProbeResult) -> tuple[int, bool, bool]:
    is_retry = getattr(result.error, "retry_v1", False)
    return (
        _RANKS[result.outcome],
        result.version is not None,
        result.bytes_received > 0 and not is_retry,
    )


def fresh_keys() -> tuple[bytes, bytes]:
    """Make a private key of 32 bytes and its encoding of 64, for one connection."""
    entropy = urandom(64)
    private_key = entropy[:32]  # over the curve's order once in 2**127
    return private_key, ellswift.create(private_key, entropy[32:])


class GarbageSource:
    """Makes garbage that no connection had before: the key stream of a random ChaCha20 key.

    The system's own random bytes would take 5 us for each connection where this takes 1.
    """

    __slots__ = ("_update",)

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

        self._update = Cipher(ChaCha20(urandom(32), bytes(16)), mode=None).encryptor().update

    def draw(self) -> bytes:
        """Make 0 to MAX_GARBAGE_SENT (3,600) random bytes."""
        length = int.from_bytes(self._update(bytes(4))) % (MAX_GARBAGE_SENT + 1)
        return self._update(_ZEROS[:length])


def _ms_since(start: float, at: float | None) -> float | None:
    return None if at is None else elapsed_ms(start, at)


def _addrv1(netaddr: NetAddr) -> bytes:
    if netaddr.network is Network.IPV4:
        return IPV4_MAPPED_PREFIX + inet_aton(netaddr.host)
    return netaddr.to_addrv1()
