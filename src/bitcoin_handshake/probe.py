"""One node from the dial to its `ProbeResult`.

Owns the way from a connection's end to a verdict: `Prober` for those who drive thousands, `probe`
for one. Does not resolve names and does not judge whom we may dial: `survey` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import urandom
from socket import inet_aton
from time import monotonic, time

from bitcoin_handshake import __version__
from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.errors import BitcoinHandshakeError, InputError, Phase, SelfConnection
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.messages.handshake import V1Address
from bitcoin_handshake.netaddr import IPV4_MAPPED_PREFIX, NetAddr, Network
from bitcoin_handshake.protocol import MAX_SUBVERSION_LENGTH
from bitcoin_handshake.records import MessageTime, Outcome, ProbeResult
from bitcoin_handshake.session import Event, MessageReceived, MessageSent, Session
from bitcoin_handshake.transport.v1 import V1Transport

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "DEFAULT_USER_AGENT",
    "ProbeOptions",
    "Prober",
    "Visit",
    "failed_result",
    "probe_address",
]

DEFAULT_USER_AGENT = f"/bitcoin-handshake:{__version__}/".encode()
DEFAULT_TIMEOUT_S = 10.0
MAX_RECORDED_MESSAGES = 1000
"""Messages kept in a record at most; a flood has no more to say than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """How to probe a node.

    Attributes:
        chain: The chain whose magic we speak.
        timeout_s: Seconds from the connect to the verdict, over 0.
        linger_s: Seconds to go on listening after the verdict `ok`; 0 for not at all.
        user_agent: What we call ourselves, at most MAX_SUBVERSION_LENGTH (256) bytes.
        record_messages: Whether to keep order and time of every message.

    Raises:
        InputError: A value is out of its range.
    """

    chain: ChainParams
    timeout_s: float = DEFAULT_TIMEOUT_S
    linger_s: float = 0.0
    user_agent: bytes = DEFAULT_USER_AGENT
    record_messages: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.timeout_s < float("inf"):
            raise InputError(f"the timeout must be over 0 seconds, not {self.timeout_s:g}")
        if not 0 <= self.linger_s < float("inf"):
            raise InputError(f"the linger time must be 0 seconds or more, not {self.linger_s:g}")
        if len(self.user_agent) > MAX_SUBVERSION_LENGTH:
            raise InputError(f"the user agent has {len(self.user_agent)} bytes, over {MAX_SUBVERSION_LENGTH}")


class Visit:
    """One target on its way through a probe.

    Attributes:
        target: As the user asked for it.
        netaddr: Whom to dial.
        seeds: Names that gave the address.
        resolve_ms: What the look-up took, milliseconds, or None.
        messages: Order and time of the messages, where asked for.
        nonce: That of our `version`.
    """

    __slots__ = ("messages", "netaddr", "nonce", "resolve_ms", "seeds", "target")

    def __init__(
        self,
        target: str,
        netaddr: NetAddr,
        *,
        seeds: Sequence[str] = (),
        resolve_ms: float | None = None,
    ) -> None:
        self.target = target
        self.netaddr = netaddr
        self.seeds = seeds
        self.resolve_ms = resolve_ms
        self.messages: list[MessageTime] | None = None
        self.nonce = 0


class Prober:
    """Probes nodes over one `Dialer`, without a task for each.

    Args:
        dialer: Where the connections live.
        options: How to probe.
        on_result: Called with the visit and what came of it, once for each that `start` took.
    """

    def __init__(
        self,
        dialer: Dialer,
        options: ProbeOptions,
        on_result: Callable[[Visit, ProbeResult], None],
    ) -> None:
        self._dialer = dialer
        self._options = options
        self._on_result = on_result
        self._chain = options.chain.chain.value
        self._magic = options.chain.magic
        self._nonces: set[int] = set()

    def start(self, visit: Visit) -> None:
        """Begin; `on_result` is called when all is over, possibly at once.

        Raises:
            OutOfResources: Not now; nothing was begun.
        """
        options = self._options
        on_event: Callable[[Connection, Event], None] | None = None
        if options.record_messages:
            visit.messages = []

            def on_event(connection: Connection, event: Event) -> None:
                _record(visit, connection, event)

        connection = Connection(
            visit.netaddr,
            started=monotonic(),
            timeout_s=options.timeout_s,
            make_session=lambda connection, now: self._make_session(visit, connection, now),
            on_done=lambda connection: self._finish(visit, connection),
            on_event=on_event,
        )
        self._dialer.dial(connection)

    def _make_session(self, visit: Visit, connection: Connection, now: float) -> Session:
        options = self._options
        entropy = urandom(16)
        visit.nonce = nonce = int.from_bytes(entropy[:8])
        self._nonces.add(nonce)
        local = LocalVersion(
            nonce=nonce,
            time_unix=int(time()),
            addr_recv=V1Address(0, _addrv1(visit.netaddr), visit.netaddr.port),
            user_agent=options.user_agent,
        )
        return Session(
            V1Transport(self._magic),
            Handshake(local, initiating=True, own_nonces=self._nonces),
            now=now,
            started=connection.started,
            deadline=connection.deadline,
            linger_s=options.linger_s,
            ping_nonce=int.from_bytes(entropy[8:]),
            trace=options.record_messages,
        )

    def _finish(self, visit: Visit, connection: Connection) -> None:
        self._nonces.discard(visit.nonce)
        now_unix = time()
        session = connection.session
        if session is None:
            error = connection.error
            result = ProbeResult(
                visit.target,
                self._chain,
                Outcome.FAILED,
                now_unix,
                visit.netaddr,
                visit.seeds,
                error,
                Phase.CONNECT,
                resolve_ms=visit.resolve_ms,
            )
        else:
            result = self._judge(visit, connection, session, now_unix)
        self._on_result(visit, result)

    def _judge(self, visit: Visit, connection: Connection, session: Session, now_unix: float) -> ProbeResult:
        handshake = session.handshake
        error = session.error
        version = handshake.peer_version
        connected_at = connection.connected_at or connection.started
        result = ProbeResult(
            visit.target,
            self._chain,
            _outcome(session),
            now_unix,
            visit.netaddr,
            visit.seeds,
            error,
            None if error is None else error.phase,
            session.transport.name,
            version,
            handshake.features,
            session.is_complete,
            session.is_complete and self._options.linger_s > 0,
        )
        result.anomalies = handshake.anomalies
        result.resolve_ms = visit.resolve_ms
        result.connect_ms = (connected_at - connection.started) * 1000
        if version is not None and session.version_at is not None:
            result.version_ms = (session.version_at - connected_at) * 1000
            ago_s = monotonic() - session.version_at
            result.time_offset_s = version.timestamp - int(now_unix - ago_s)
        if session.verack_at is not None:
            result.verack_ms = (session.verack_at - connected_at) * 1000
        result.ping_ms = session.ping_ms
        result.bytes_sent = connection.bytes_sent
        result.bytes_received = session.bytes_received
        result.messages = visit.messages
        return result


def failed_result(
    target: str, chain: ChainParams, error: BitcoinHandshakeError, phase: Phase | None
) -> ProbeResult:
    """Make the record of a target that never came to a dial."""
    return ProbeResult(target, chain.chain.value, Outcome.FAILED, time(), error=error, phase=phase)


def _outcome(session: Session) -> Outcome:
    if session.is_complete:
        return Outcome.OK
    has_more = session.handshake.messages_after_version > 0
    if has_more and not isinstance(session.error, SelfConnection):
        return Outcome.PARTIAL
    return Outcome.FAILED


def _addrv1(netaddr: NetAddr) -> bytes:
    if netaddr.network is Network.IPV4:
        return IPV4_MAPPED_PREFIX + inet_aton(netaddr.host)
    return netaddr.to_addrv1()


def _record(visit: Visit, connection: Connection, event: Event) -> None:
    messages = visit.messages
    if messages is None or len(messages) >= MAX_RECORDED_MESSAGES:
        return
    match event:
        case MessageSent(at=at, msg_type=msg_type, payload=payload):
            at_ms = (at - connection.started) * 1000
            messages.append(MessageTime(True, msg_type, len(payload), at_ms))
        case MessageReceived(at=at, message=message):
            at_ms = (at - connection.started) * 1000
            messages.append(MessageTime(False, message.msg_type, message.size, at_ms))
        case _:
            pass


async def probe_address(netaddr: NetAddr, *, options: ProbeOptions) -> ProbeResult:
    """Dial one address and shake hands.

    Args:
        netaddr: IPv4 or IPv6 address with its port.
        options: How to probe.

    Returns:
        What it did; a failure is a result, not an exception.
    """
    done: asyncio.Future[ProbeResult] = asyncio.get_running_loop().create_future()
    dialer = Dialer()
    try:
        Prober(dialer, options, lambda _visit, result: done.set_result(result)).start(
            Visit(netaddr.to_text(), netaddr)
        )
        return await done
    finally:
        dialer.close()
