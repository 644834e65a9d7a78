"""One node from the dial to its `ProbeResult`.

Owns the way from a connection's end to a verdict: `Prober` for those who drive thousands, `probe`
for one. Does not resolve names and does not judge whom we may dial: `survey` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import strerror, urandom
from socket import inet_aton
from time import monotonic, time

from bitcoin_handshake import __version__
from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.engine.connection import Connection
from bitcoin_handshake.engine.dialer import Dialer, OutOfResources
from bitcoin_handshake.errors import (
    BitcoinHandshakeError,
    EnvironmentFailure,
    InputError,
    Phase,
    SelfConnection,
    Skipped,
)
from bitcoin_handshake.handshake import Handshake, LocalVersion
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
    "skipped_result",
]

DEFAULT_USER_AGENT = f"/bitcoin-handshake:{__version__}/".encode()
DEFAULT_TIMEOUT_S = 10.0
ENTROPY_AT_ONCE = 4096
"""Bytes asked of the system at once: a call for each nonce costs ten times as much."""
PING_NONCE_MASK = 0x5555555555555555
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


class Visit(Connection):
    """One target on its way through a probe.

    Attributes:
        target: As the user asked for it.
        seeds: Names that gave the address.
        resolve_ms: What the look-up took, milliseconds, or None.
        messages: Order and time of the messages, where asked for.
        nonce: That of our `version`.
    """

    __slots__ = ("messages", "nonce", "prober", "resolve_ms", "seeds", "target")

    def __init__(
        self,
        prober: Prober,
        target: str,
        netaddr: NetAddr,
        seeds: Sequence[str] = (),
        resolve_ms: float | None = None,
    ) -> None:
        options = prober.options
        super().__init__(netaddr, timeout_s=options.timeout_s, is_traced=options.record_messages)
        self.prober = prober
        self.target = target
        self.seeds = seeds
        self.resolve_ms = resolve_ms
        self.messages: list[MessageTime] | None = [] if options.record_messages else None
        self.nonce = 0

    def open_session(self, now: float) -> Session:
        """Compose transport, handshake and session, with a nonce and a time of its own."""
        prober = self.prober
        options = prober.options
        self.nonce = nonce = prober.fresh_nonce()
        return Session(
            V1Transport(options.chain.magic),
            Handshake(
                prober.local.serialize(
                    nonce=nonce,
                    time_unix=int(time()),
                    ip=_addrv1(self.netaddr),
                    port=self.netaddr.port,
                ),
                initiating=True,
                own_nonces=prober.nonces,
            ),
            now=now,
            started=self.started,
            deadline=self.started + self.timeout_s,
            linger_s=options.linger_s,
            ping_nonce=nonce ^ PING_NONCE_MASK,
            trace=self.is_traced,
        )

    def take_event(self, event: Event) -> None:
        """Keep order and time of a message."""
        messages = self.messages
        if messages is None or len(messages) >= MAX_RECORDED_MESSAGES:
            return
        match event:
            case MessageSent(at=at, msg_type=msg_type, payload=payload):
                at_ms = (at - self.started) * 1000
                messages.append(MessageTime(True, msg_type, len(payload), at_ms))
            case MessageReceived(at=at, message=message):
                at_ms = (at - self.started) * 1000
                messages.append(MessageTime(False, message.msg_type, message.size, at_ms))
            case _:
                pass

    def close(self) -> None:
        """Judge what came of it and hand out the record."""
        prober = self.prober
        prober.nonces.discard(self.nonce)
        session = self.session
        prober.on_result(self._failed_to_connect() if session is None else self._judge(session))

    def _failed_to_connect(self) -> ProbeResult:
        return ProbeResult(
            self.target,
            self.prober.chain,
            Outcome.FAILED,
            time(),
            self.netaddr,
            self.seeds,
            self.error,
            Phase.CONNECT,
            resolve_ms=self.resolve_ms,
        )

    def _judge(self, session: Session) -> ProbeResult:
        handshake = session.handshake
        error = session.error
        version = handshake.peer_version
        is_complete = session.verack_at is not None
        connected_at = self.connected_at or self.started
        now_unix = time()
        result = ProbeResult(
            self.target,
            self.prober.chain,
            _outcome(session),
            now_unix,
            self.netaddr,
            self.seeds,
            error,
            None if error is None else error.phase,
            session.transport.name,
            version,
            handshake.features,
            is_complete,
            is_complete and self.prober.options.linger_s > 0,
        )
        result.anomalies = handshake.anomalies
        result.resolve_ms = self.resolve_ms
        result.connect_ms = (connected_at - self.started) * 1000
        if version is not None and session.version_at is not None:
            result.version_ms = (session.version_at - connected_at) * 1000
            result.time_offset_s = version.timestamp - int(now_unix - monotonic() + session.version_at)
        if session.verack_at is not None:
            result.verack_ms = (session.verack_at - connected_at) * 1000
        result.ping_ms = session.ping_ms
        result.bytes_sent = self.bytes_sent
        result.bytes_received = session.bytes_received
        result.messages = self.messages
        return result


class Prober:
    """Probes nodes over one `Dialer`, without a task for each.

    Args:
        dialer: Where the connections live.
        options: How to probe.
        on_result: Called with what came of it, once for each visit that `start` took.

    Attributes:
        local: What we say of ourselves.
        chain: Name of the chain, for the records.
        nonces: Those of our open connections.
    """

    def __init__(
        self, dialer: Dialer, options: ProbeOptions, on_result: Callable[[ProbeResult], None]
    ) -> None:
        self.options = options
        self.on_result = on_result
        self.local = LocalVersion(user_agent=options.user_agent)
        self.chain = options.chain.chain.value
        self.nonces: set[int] = set()
        self._dialer = dialer
        self._entropy = b""
        self._entropy_pos = 0

    def start(self, visit: Visit) -> None:
        """Begin; `on_result` is called when all is over, possibly at once.

        Raises:
            OutOfResources: Not now; nothing was begun.
        """
        self._dialer.dial(visit)

    def fresh_nonce(self) -> int:
        """Return 64 random bits that no connection had before, and remember them as open."""
        pos = self._entropy_pos
        if pos >= len(self._entropy):
            self._entropy = urandom(ENTROPY_AT_ONCE)
            pos = 0
        self._entropy_pos = pos + 8
        nonce = int.from_bytes(self._entropy[pos : pos + 8])
        self.nonces.add(nonce)
        return nonce


def skipped_result(target: str, chain: ChainParams, error: Skipped, netaddr: NetAddr) -> ProbeResult:
    """Make the record of an address that policy kept us from dialling."""
    return ProbeResult(target, chain.chain.value, Outcome.SKIPPED, time(), netaddr, error=error)


def failed_result(
    target: str, chain: ChainParams, error: BitcoinHandshakeError, phase: Phase | None
) -> ProbeResult:
    """Make the record of a target that never came to a dial."""
    return ProbeResult(target, chain.chain.value, Outcome.FAILED, time(), error=error, phase=phase)


_OK = Outcome.OK


def _outcome(session: Session) -> Outcome:
    if session.is_complete:
        return _OK
    has_more = session.handshake.messages_after_version > 0
    if has_more and not isinstance(session.error, SelfConnection):
        return Outcome.PARTIAL
    return Outcome.FAILED


def _addrv1(netaddr: NetAddr) -> bytes:
    if netaddr.network is Network.IPV4:
        return IPV4_MAPPED_PREFIX + inet_aton(netaddr.host)
    return netaddr.to_addrv1()


async def probe_address(netaddr: NetAddr, *, options: ProbeOptions) -> ProbeResult:
    """Dial one address and shake hands.

    Args:
        netaddr: IPv4 or IPv6 address with its port.
        options: How to probe.

    Returns:
        What it did; a failure is a result, not an exception.

    Raises:
        EnvironmentFailure: This machine cannot open a connection now.
    """
    done: asyncio.Future[ProbeResult] = asyncio.get_running_loop().create_future()
    dialer = Dialer()
    try:
        prober = Prober(dialer, options, done.set_result)
        try:
            prober.start(Visit(prober, netaddr.to_text(), netaddr))
        except OutOfResources as shortage:
            raise EnvironmentFailure(f"cannot open a connection: {strerror(shortage.errno)}") from shortage
        return await done
    finally:
        dialer.close()
