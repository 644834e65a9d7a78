"""Decides by which way each address is reached, and keeps what the ways of a run share.

Owns the state of each network: directly, a `Way`, not decided yet, or not available and why. Whether
a Tor or an I2P router answers on this machine is looked up when the first address that needs it appears.
The connections for that are the router's own and count for nobody's limit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from os import urandom
from typing import TYPE_CHECKING

from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.engine.sockets import OutOfResources
from bitcoin_handshake.errors import ConnectError, NetworkExcluded, NoProxy, Skipped
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.routes.options import RouteOptions

# What proxies need is imported when the first address needs a proxy: it takes 10 ms.
if TYPE_CHECKING:
    from bitcoin_handshake.errors.proxies import ProxyError
    from bitcoin_handshake.routes.i2p import SessionKeeper
    from bitcoin_handshake.routes.proxy import Proxy
    from bitcoin_handshake.routes.ways import Way

__all__ = ["ONION_PLACES", "SAM_PLACE", "Router"]

ONION_PLACES = ("127.0.0.1:9050", "127.0.0.1:9150")
"""Where a Tor listens: the system's, and that of Tor Browser."""
SAM_PLACE = "127.0.0.1:7656"
MAX_SESSIONS = 5
"""I2P sessions in a row that a run creates without a stream that worked in one of them."""
ISOLATION_LEN = 8

_log = logging.getLogger(__name__)
_DIRECT: Way | None = None
_CLEARNET = (Network.IPV4, Network.IPV6, Network.CJDNS)


class Router:
    """The ways of one run.

    Args:
        options: What the caller chose.
        on_change: Called when a network that was not decided yet is decided.

    Attributes:
        pending: Networks that are not decided yet.
        sam_error: Why the last I2P session ended or could not be created, or None.
    """

    def __init__(self, options: RouteOptions, on_change: Callable[[], None]) -> None:
        self.options = options
        self.pending: frozenset[Network] = frozenset()
        self.sam_error: Exception | None = None
        self._on_change = on_change
        self._dialer: Dialer | None = None
        self._sessions_left = MAX_SESSIONS
        self._ways: dict[Network, Way | Skipped | ProxyError | None] = {}
        self._ways.update(dict.fromkeys(_CLEARNET, _DIRECT if options.proxy is None else _way(options.proxy)))
        for network in Network:
            if options.onlynet is not None and network not in options.onlynet:
                self._ways[network] = NetworkExcluded(network=network)

    def choose(self, netaddr: NetAddr) -> Way | Skipped | ProxyError | None:
        """Return how an address is reached, or why it is not.

        Returns:
            None where it is reached directly, and while its network is `pending`.
        """
        network = netaddr.network
        try:
            return self._ways[network]
        except KeyError:
            if network not in self.pending:
                self._decide(network)
            return self._ways.get(network)

    def refusal(self, netaddr: NetAddr) -> Skipped | None:
        """Return why an address is not reached, as far as that is known without a connection."""
        way = self._ways.get(netaddr.network)
        if isinstance(way, Skipped):
            return way
        options = self.options
        if (netaddr.network is Network.ONION and options.onion_off) or (
            netaddr.network is Network.I2P and options.i2p_off
        ):
            return NoProxy(network=netaddr.network, why="it is switched off")
        return None

    def describe(self, netaddr: NetAddr) -> str:
        """Say by which way an address would be reached; connects to nothing."""
        options = self.options
        network = netaddr.network
        if network is Network.I2P:
            sam = options.i2psam
            return f"{network} through SAM at " + (
                f"{SAM_PLACE}, if it answers" if sam is None else sam.place
            )
        proxy = options.proxy
        if network is Network.ONION:
            proxy = options.onion or proxy
            if proxy is None:
                return f"{network} through Tor at {' or '.join(ONION_PLACES)}, if it answers"
        return f"{network} directly" if proxy is None else f"{network} through {proxy.to_text()}"

    def fresh_isolation(self) -> bytes:
        """Return a user name that no node had before: Tor builds a circuit for it."""
        return urandom(ISOLATION_LEN).hex().encode()

    def lose_session(self, session_id: str) -> None:
        """Take note that the I2P router does not know a session any more; the next is created."""
        way = self._ways.get(Network.I2P)
        if getattr(way, "session_id", None) == session_id:
            self._forget_session()

    def _forget_session(self) -> None:
        """Have the next node get a session of its own; one in which a stream was opened counts for none."""
        if getattr(self._ways.pop(Network.I2P), "has_connected", False):
            self._sessions_left = MAX_SESSIONS

    def close(self) -> None:
        """Close the router's own connections."""
        if self._dialer is not None:
            self._dialer.close()
            self._dialer = None

    def _decide(self, network: Network) -> None:
        self.pending |= {network}
        if network is Network.ONION:
            self._decide_onion()
        else:
            self._decide_i2p()

    def _settle(self, network: Network, way: Way | Skipped | ProxyError) -> None:
        self._ways[network] = way
        self.pending -= {network}
        self._on_change()

    def _own_dialer(self) -> Dialer:
        if self._dialer is None:
            self._dialer = Dialer()
        return self._dialer

    # --- Tor ---------------------------------------------------------------------------------

    def _decide_onion(self) -> None:
        from bitcoin_handshake.routes.ways import SocksWay

        options = self.options
        chosen = options.onion or options.proxy
        if options.onion_off:
            self._settle(Network.ONION, NoProxy(network=Network.ONION, why="--onion=0"))
        elif chosen is None:
            self._find_tor(list(ONION_PLACES), [])
        elif chosen.kind == "http":
            why = "an HTTP proxy does not reach onion services; --onion names Tor's SOCKS5 port"
            self._settle(Network.ONION, NoProxy(network=Network.ONION, why=why))
        else:
            self._settle(Network.ONION, SocksWay(chosen, is_isolated=True))

    def _find_tor(self, places: list[str], reasons: list[str]) -> None:
        """Greet the places one after the other; take the first that answers SOCKS5."""
        if not places:
            why = f"nothing answers SOCKS5 at {' or '.join(ONION_PLACES)} ({'; '.join(reasons)})"
            self._settle(Network.ONION, NoProxy(network=Network.ONION, why=why))
            return
        from bitcoin_handshake.routes.checks import SocksCheck
        from bitcoin_handshake.routes.proxy import parse_proxy
        from bitcoin_handshake.routes.ways import SocksWay

        proxy = parse_proxy(places[0])

        def end(error: Exception | None) -> None:
            if error is None:
                _log.info("Tor: SOCKS5 answers at %s", proxy.place)
                way = SocksWay(proxy, is_isolated=True)
                way.has_worked = True
                self._settle(Network.ONION, way)
            else:
                self._find_tor(places[1:], [*reasons, str(error)])

        try:
            self._own_dialer().dial(SocksCheck(proxy, end))
        except OutOfResources as error:
            self._find_tor(places[1:], [*reasons, str(error)])

    # --- I2P ---------------------------------------------------------------------------------

    def _decide_i2p(self) -> None:
        from bitcoin_handshake.routes.proxy import parse_proxy

        options = self.options
        if options.i2p_off:
            self._settle(Network.I2P, NoProxy(network=Network.I2P, why="--i2psam=0"))
        elif options.i2psam is None and options.proxy is not None:
            why = "with --proxy nothing else is used; --i2psam names the router's SAM bridge"
            self._settle(Network.I2P, NoProxy(network=Network.I2P, why=why))
        elif not self._sessions_left:
            why = f"{MAX_SESSIONS} sessions in a row came to nothing: {self.sam_error}"
            self._settle(Network.I2P, NoProxy(network=Network.I2P, why=why))
        else:
            self._sessions_left -= 1
            self._open_session(options.i2psam or parse_proxy(SAM_PLACE, is_sam=True))

    def _open_session(self, proxy: Proxy) -> None:
        from bitcoin_handshake.routes.i2p import SessionKeeper

        _log.info("I2P: creating a session at %s; this can take a minute ...", proxy.place)
        keeper = SessionKeeper(
            proxy,
            on_ready=lambda keeper: self._take_session(proxy, keeper),
            on_end=lambda keeper, error: self._end_session(proxy, keeper, error),
        )
        try:
            self._own_dialer().dial(keeper)
        except OutOfResources as error:
            self._settle(Network.I2P, NoProxy(network=Network.I2P, why=str(error)))

    def _take_session(self, proxy: Proxy, keeper: SessionKeeper) -> None:
        from bitcoin_handshake.routes.ways import SamWay

        _log.info("I2P: session %s is ready", keeper.session_id)
        self._settle(Network.I2P, SamWay(proxy, keeper.session_id))

    def _end_session(self, proxy: Proxy, keeper: SessionKeeper, error: Exception) -> None:
        from bitcoin_handshake.errors.proxies import ProxyError, ProxyUnreachable

        if isinstance(error, ConnectError) and not isinstance(error, ProxyError):
            error = ProxyUnreachable(proxy=proxy.place, why=str(error))
        self.sam_error = error
        way = self._ways.get(Network.I2P)
        if getattr(way, "session_id", None) == keeper.session_id:
            _log.warning("I2P: the session has ended (%s); the next node gets a new one", error)
            self._forget_session()
        elif Network.I2P in self.pending:
            if self.options.i2psam is not None and isinstance(error, ProxyError):
                self._settle(Network.I2P, error)
            else:
                why = f"no SAM session at {proxy.place}: {error}"
                self._settle(Network.I2P, NoProxy(network=Network.I2P, why=why))

    # --- names -------------------------------------------------------------------------------

    async def resolve(self, name: str, *, timeout_s: float) -> list[str] | Exception:
        """Ask the SOCKS5 proxy of the options for a name's addresses, as Tor answers it.

        Returns:
            Distinct hosts, IPv4 or IPv6 text, possibly none; the reason where nobody answered.
        """
        proxy = self.options.proxy
        if proxy is None or proxy.kind == "http":
            return NoProxy(network=Network.IPV4, why="an HTTP proxy answers no look-up")
        from bitcoin_handshake.routes.names import RESOLVE_QUESTIONS

        questions = [self._ask(proxy, name, timeout_s) for _ in range(RESOLVE_QUESTIONS)]
        # The first one alone: a proxy that is not Tor refuses it, and is not asked again.
        first = await questions[0]
        if isinstance(first, Exception):
            for question in questions[1:]:
                question.close()
            return first
        answers = [first, *await asyncio.gather(*questions[1:])]
        return list(dict.fromkeys(host for host in answers if isinstance(host, str)))

    async def _ask(self, proxy: Proxy, name: str, timeout_s: float) -> str | Exception:
        answer: asyncio.Future[str | Exception] = asyncio.get_running_loop().create_future()
        from bitcoin_handshake.routes.names import ResolveThroughTor
        from bitcoin_handshake.routes.ways import SocksWay

        way = SocksWay(proxy, is_isolated=True)
        question = ResolveThroughTor(
            proxy,
            name,
            credentials=way.credentials(self.fresh_isolation()),
            timeout_s=timeout_s,
            on_end=answer.set_result,
        )
        try:
            self._own_dialer().dial(question)
        except OutOfResources as error:
            return error
        return await answer


def _way(proxy: Proxy) -> Way:
    from bitcoin_handshake.routes.ways import HttpWay, SocksWay

    return HttpWay(proxy) if proxy.kind == "http" else SocksWay(proxy, is_isolated=False)
