"""Nodes from the dial to their `ProbeResult`.

Owns the options of a probe and which connections a node gets: `Prober` for those who drive
thousands, `probe_address` for one. What one connection shows is `visit`'s. Does not resolve names
and does not judge whom we may dial: `survey` does.

Transports of a node (`TransportMode`), within one limit of time:

* `auto`: v2 first. One new connection in v1 follows where the peer closed or reset without a
  byte, sent none in half of the time that was left, or answered in v1. Core does the same for the
  first two. A node that sent anything else and did not finish is reported as that.
* `both`: v2, for half of the time at most, then v1; the better of the two is the node's.
* A connection that does not come about ends the node, without a second dial.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from os import strerror, urandom
from time import monotonic, time
from typing import TYPE_CHECKING

from bitcoin_handshake import arguments, defaults
from bitcoin_handshake.chain import ChainParams
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import (
    BitcoinHandshakeError,
    EnvironmentFailure,
    FailureCode,
    InputError,
    Phase,
    Skipped,
)
from bitcoin_handshake.handshake import LocalVersion
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.protocol import MAX_SUBVERSION_LENGTH
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.routes.limits import timeouts
from bitcoin_handshake.routes.options import DIRECT, RouteOptions
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.visit import GarbageSource, V2Visit, Visit

if TYPE_CHECKING:
    from bitcoin_handshake.conversation.base import ConversationFactory
    from bitcoin_handshake.transcript.sink import TranscriptSink

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "DEFAULT_USER_AGENT",
    "ProbeOptions",
    "Prober",
    "failed_result",
    "probe_address",
    "skipped_result",
]

DEFAULT_USER_AGENT = defaults.USER_AGENT.encode()
DEFAULT_TIMEOUT_S = defaults.TIMEOUT_S
FIRST_RETRY_S = 1.0
"""Seconds before a node is tried again; twice as long before each further time."""
TRANSIENT = frozenset(
    (
        FailureCode.CONNECT_TIMEOUT,
        FailureCode.PEER_TIMEOUT,
        FailureCode.PEER_RESET,
        FailureCode.PROXY_TIMEOUT,
        FailureCode.PROXY_SILENT,
        FailureCode.PROXY_CLOSED,
        FailureCode.PROXY_RESET,
        FailureCode.SOCKS5_GENERAL_FAILURE,
        FailureCode.SOCKS5_NETWORK_UNREACHABLE,
        FailureCode.SOCKS5_HOST_UNREACHABLE,
        FailureCode.SOCKS5_TTL_EXPIRED,
        FailureCode.ONION_RENDEZVOUS_FAILED,
        FailureCode.ONION_INTRODUCTION_TIMED_OUT,
        FailureCode.HTTP_GATEWAY_TIMEOUT,
        FailureCode.SAM_CANT_REACH_PEER,
        FailureCode.SAM_LEASESET_NOT_FOUND,
        FailureCode.SAM_TIMEOUT,
        FailureCode.SAM_INVALID_ID,
        FailureCode.SAM_I2P_ERROR,
    )
)
"""Failures that may pass. A refusal, or an address that nobody knows, is a definite answer."""
ENTROPY_AT_ONCE = 4096
"""Bytes asked of the system at once: a call for each nonce costs ten times as much."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOptions:
    """How to probe a node.

    Attributes:
        chain: The chain whose magic we speak.
        transport: Which transports the node is asked for.
        timeout_s: Seconds from the connect to the verdict, over 0, for all connections together.
        onion_timeout_s, i2p_timeout_s: Likewise for nodes of these networks; None for what
            `routes.limits` says.
        linger_s: Seconds to go on listening after the verdict `ok`; 0 for not at all.
        user_agent: What we call ourselves, at most MAX_SUBVERSION_LENGTH (256) bytes.
        record_messages: Whether to keep order and time of every message of the connection that
            gives the verdict.
        transcripts: Where everything said on each connection is written, or None.
        transcript_secrets: Whether the transcripts of v2 connections hold keys and raw bytes too.
        retries: How often a node is tried again after a failure that may pass, 0 for not at all.
        contact: Where whoever sees our user agent finds us, a URL for one; '' for nothing.
        conversation: Makes what follows the handshake, for each connection; None for `linger_s`. Its
            result is `ProbeResult.conversation`.

    Raises:
        InputError: A value is out of its range.
    """

    chain: ChainParams
    transport: TransportMode = TransportMode.AUTO
    timeout_s: float = DEFAULT_TIMEOUT_S
    linger_s: float = defaults.LINGER_S
    user_agent: bytes = DEFAULT_USER_AGENT
    record_messages: bool = False
    transcripts: TranscriptSink | None = None
    transcript_secrets: bool = False
    onion_timeout_s: float | None = None
    i2p_timeout_s: float | None = None
    retries: int = 0
    contact: str = ""
    conversation: ConversationFactory | None = None

    def __post_init__(self) -> None:
        checked = {
            "chain": arguments.chain("chain", self.chain),
            "transport": arguments.transport("transport", self.transport),
            "timeout_s": arguments.seconds("timeout_s", self.timeout_s),
            "linger_s": arguments.seconds("linger_s", self.linger_s, zero=True),
            "user_agent": arguments.octets("user_agent", self.user_agent, max_len=MAX_SUBVERSION_LENGTH),
            "record_messages": arguments.flag("record_messages", self.record_messages),
            "transcript_secrets": arguments.flag("transcript_secrets", self.transcript_secrets),
            "retries": arguments.whole_number("retries", self.retries, low=0),
        }
        for name in ("onion_timeout_s", "i2p_timeout_s"):
            if getattr(self, name) is not None:
                checked[name] = arguments.seconds(name, getattr(self, name))
        if self.transcripts is not None and not callable(getattr(self.transcripts, "begin", None)):
            raise InputError("transcripts must be a TranscriptSink, TranscriptFiles for one, or None")
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        contact: object = self.contact
        if not isinstance(contact, str) or not _CONTACT(contact):
            raise InputError(
                "contact must be printable ASCII without spaces and brackets: a URL or a mail address"
            )
        if len(self.wire_user_agent) > MAX_SUBVERSION_LENGTH:
            raise InputError(f"user_agent and contact have more than {MAX_SUBVERSION_LENGTH} bytes")
        if self.conversation is not None and not callable(self.conversation):
            raise InputError("conversation must be a callable that makes a Conversation, or None")
        if self.conversation is not None and self.linger_s:
            raise InputError("linger_s and conversation exclude each other")

    @property
    def wire_user_agent(self) -> bytes:
        """The user agent with the contact in it, as a comment (BIP14)."""
        if not self.contact:
            return self.user_agent
        return self.user_agent.removesuffix(b"/") + f"(+{self.contact})/".encode()


_CONTACT = re.compile(r"[!-'*-~]*").fullmatch


class Prober:
    """Probes nodes over one `DialPool`, without a task for each.

    Args:
        pool: What dials the connections.
        options: How to probe.
        on_result: Called with what came of it, once for each visit that `start` took.

    Attributes:
        local: What we say of ourselves.
        chain: Name of the chain, for the records.
        nonces: Those of our open connections.
        garbage: Where v2 connections get theirs.
        timeouts: Seconds from the dial to the verdict, by network.
        on_retry: Called with a visit that is to be dialled once more; None to dial it here.
        on_lost_session: Called with the name of an I2P session that the router has lost.
        is_stopping: Whether nothing more is begun, nor waited for.

    Raises:
        EnvironmentFailure: v2 is asked for, and the libraries that it needs do not load. Mode
            `auto` goes on in v1 then, with a warning.
    """

    def __init__(
        self, pool: DialPool, options: ProbeOptions, on_result: Callable[[ProbeResult], None]
    ) -> None:
        self.options = options
        self.on_result = on_result
        self.on_retry: Callable[[Visit], None] | None = None
        self.on_lost_session: Callable[[str], None] | None = None
        self._waiting_retries: dict[Visit, tuple[asyncio.TimerHandle, ProbeResult]] = {}
        self.local = LocalVersion(user_agent=options.wire_user_agent)
        self.chain = options.chain.chain.value
        self.nonces: set[int] = set()
        self.timeouts = timeouts(
            options.timeout_s, onion_s=options.onion_timeout_s, i2p_s=options.i2p_timeout_s
        )
        self._pool = pool
        self._first_visit = _first_visit(options.transport)
        if self._first_visit is V2Visit:
            self.garbage = GarbageSource()
        self.is_stopping = False
        self._entropy = b""
        self._entropy_pos = 0

    def visit(
        self,
        target: str,
        netaddr: NetAddr,
        seeds: Collection[str] = (),
        resolve_ms: float | None = None,
        conversation: ConversationFactory | None = None,
    ) -> Visit:
        """Return the first connection of a node, not dialled yet.

        Args:
            target: As the user asked for it.
            netaddr: Its address.
            seeds: Names that gave the address.
            resolve_ms: What the look-up took, milliseconds, or None.
            conversation: Makes what follows the handshake; None for what the options say.
        """
        return self._first_visit(self, target, netaddr, seeds, resolve_ms, conversation)

    def start(self, visit: Visit) -> None:
        """Begin; `on_result` is called when all is over, possibly at once.

        Raises:
            OutOfResources: Not now; nothing was begun.
        """
        self._pool.dial(visit)

    def follow(self, visit: V2Visit, result: ProbeResult, *, left_s: float) -> None:
        """Dial a node again, in v1.

        Args:
            visit: Its connection in v2, which is over.
            result: What came of that.
            left_s: Seconds that the node has left; with none, and after `stop`, it is over.
        """
        if left_s <= 0 or self.is_stopping:
            self.finish(visit, result)
            return
        again = Visit(self, visit.target, visit.netaddr, visit.seeds, visit.resolve_ms, visit.conversation)
        again.take_the_way_of(visit)
        again.earlier = result
        again.used_s = monotonic() - visit.started
        again.timeout_s = left_s
        self._pool.dial_again(again, lambda: self.finish(visit, result))

    @property
    def waiting_retries(self) -> int:
        """Nodes that will be tried again."""
        return len(self._waiting_retries)

    def finish(self, visit: Visit, result: ProbeResult) -> None:
        """Take the verdict of a node: hand it out, or try the node once more."""
        code = None if result.error is None else result.error.code
        is_lost = code is FailureCode.SAM_INVALID_ID
        if is_lost and self.on_lost_session is not None:
            self.on_lost_session(getattr(visit.way, "session_id", ""))
        allowed = max(self.options.retries, is_lost)  # a lost session is no fault of the node
        if code not in TRANSIENT or visit.retries >= allowed or self.is_stopping:
            self.on_result(result)
            return
        again = self.visit(visit.target, visit.netaddr, visit.seeds, visit.resolve_ms, visit.conversation)
        again.take_the_way_of(visit)
        again.retries = visit.retries + 1
        delay_s = FIRST_RETRY_S * 2**visit.retries
        handle = asyncio.get_running_loop().call_later(delay_s, self._retry, again)
        self._waiting_retries[again] = (handle, result)

    def _retry(self, visit: Visit) -> None:
        _, result = self._waiting_retries.pop(visit)
        if self.on_retry is None:
            self._pool.dial_again(visit, lambda: self.on_result(result))
        else:
            self.on_retry(visit)

    def stop(self) -> None:
        """Hand out the nodes that completed a handshake and are not over; begin nothing more.

        Those are the ones that we listen to beyond the verdict, and those that completed v2 and are
        being asked in v1 as well (`both`).
        """
        self.is_stopping = True
        for handle, result in self._waiting_retries.values():
            handle.cancel()
            self.on_result(result)
        self._waiting_retries.clear()
        dialer = self._pool.dialer
        for visit in list(dialer.connections):
            if isinstance(visit, Visit) and visit.session is not None and visit.session.is_complete:
                dialer.end(visit)
        for visit in [*dialer.connections, *self._pool.waiting]:
            earlier = visit.earlier if isinstance(visit, Visit) else None
            if earlier is not None and earlier.outcome is Outcome.OK:
                self.on_result(earlier)

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


def _first_visit(mode: TransportMode) -> type[Visit]:
    """Choose the transport of a node's first connection.

    Raises:
        EnvironmentFailure: It is v2, no other will do, and its libraries do not load.
    """
    if mode is TransportMode.V1:
        return Visit
    # The v2 transport takes 5 ms to import, which a run over v1 does not need.
    from bitcoin_handshake.transport.v2 import check_available

    try:
        check_available()
    except EnvironmentFailure as error:
        if mode is not TransportMode.AUTO:
            raise
        _log.warning("v2 is off, nodes are asked in v1 only: %s", error)
        return Visit
    return V2Visit


def skipped_result(
    target: str, chain: ChainParams, error: BitcoinHandshakeError, netaddr: NetAddr | None
) -> ProbeResult:
    """Make the record of an address that policy, or a network that is missing, kept us from dialling."""
    phase = None if isinstance(error, Skipped) else getattr(error, "phase", None)
    return ProbeResult(target, chain.chain.value, Outcome.SKIPPED, time(), netaddr, error=error, phase=phase)


def failed_result(
    target: str, chain: ChainParams, error: BitcoinHandshakeError, phase: Phase | None
) -> ProbeResult:
    """Make the record of a target that never came to a dial."""
    return ProbeResult(target, chain.chain.value, Outcome.FAILED, time(), error=error, phase=phase)


async def probe_address(
    netaddr: NetAddr, *, options: ProbeOptions, routes: RouteOptions = DIRECT
) -> ProbeResult:
    """Dial one address and shake hands.

    Args:
        netaddr: Address with its port.
        options: How to probe.
        routes: By which way each network is reached.

    Returns:
        What it did; a failure is a result, not an exception.

    Raises:
        EnvironmentFailure: This machine cannot open a connection, or not speak v2, which is asked
            for.
    """
    done: asyncio.Future[ProbeResult] = asyncio.get_running_loop().create_future()
    pool = DialPool()
    decided = asyncio.Event()
    router = Router(routes, decided.set)
    try:
        prober = Prober(pool, options, done.set_result)
        visit = prober.visit(netaddr.to_text(), netaddr)
        way = router.choose(netaddr)
        while way is None and netaddr.network in router.pending:
            decided.clear()
            await decided.wait()
            way = router.choose(netaddr)
        if isinstance(way, BitcoinHandshakeError):
            return skipped_result(visit.target, options.chain, way, netaddr)
        if way is not None:
            visit.take_way(way, router.fresh_isolation() if way.is_isolated else b"")
        try:
            prober.start(visit)
        except OutOfResources as shortage:
            raise EnvironmentFailure(f"cannot open a connection: {strerror(shortage.errno)}") from shortage
        return await done
    finally:
        router.close()
        pool.close()
