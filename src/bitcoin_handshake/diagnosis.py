"""What is probably wrong here, where every node of a network fails in the same way.

Owns the counts of outcomes by network, and what follows from them. A single node proves nothing: MIN_NODES
have to agree, but for what says something about this machine by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from statistics import median
from types import MappingProxyType

from bitcoin_handshake.codes import FailureCode
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.records import Outcome, ProbeResult

__all__ = ["MAX_CLOCK_ERROR_S", "MIN_NODES", "Diagnosis"]

MIN_NODES = 3
"""Nodes that have to agree before it is about us and not about them."""
MAX_CLOCK_ERROR_S = 70 * 60
"""Above it Bitcoin Core does not follow the clocks of its peers; ours is wrong where their median says so."""
MAX_OFFSETS = 1001
"""Clocks of nodes that are kept: the first ones."""

_PORTAL = frozenset((FailureCode.FOREIGN_HTTP, FailureCode.FOREIGN_TLS, FailureCode.FOREIGN_TEXT))
_NOT_A_PROXY = frozenset(
    (
        FailureCode.PROXY_SPEAKS_HTTP,
        FailureCode.PROXY_NOT_SOCKS5,
        FailureCode.PROXY_NOT_HTTP,
        FailureCode.PROXY_NOT_SAM,
    )
)
_PROXY_DOWN = frozenset((FailureCode.PROXY_UNREACHABLE, FailureCode.PROXY_STOPPED))
_AUTHENTICATION = frozenset((FailureCode.PROXY_AUTH_FAILED, FailureCode.PROXY_AUTH_REQUIRED))
_TOR_NOT_READY = frozenset(
    (
        FailureCode.SOCKS5_GENERAL_FAILURE,
        FailureCode.SOCKS5_HOST_UNREACHABLE,
        FailureCode.SOCKS5_TTL_EXPIRED,
        FailureCode.SOCKS5_NETWORK_UNREACHABLE,
        FailureCode.PROXY_TIMEOUT,
    )
)
_NO_WAY = frozenset((FailureCode.CONNECT_UNREACHABLE, FailureCode.POLICY_NO_ROUTE))

_AT_ONCE: Mapping[FailureCode, str] = MappingProxyType(
    {
        FailureCode.PROXY_SPEAKS_HTTP: "the proxy answers in HTTP: an HTTP proxy is given as http://HOST:PORT",
        FailureCode.PROXY_NOT_SOCKS5: "what listens at the proxy's address does not speak SOCKS5",
        FailureCode.PROXY_NOT_HTTP: "what listens at the proxy's address does not speak HTTP",
        FailureCode.PROXY_NOT_SAM: "what listens at the SAM bridge's address does not speak SAM",
        FailureCode.PROXY_UNREACHABLE: "the proxy cannot be connected to: start it, or correct its address",
        FailureCode.PROXY_STOPPED: "the proxy has stopped in the middle of the run: look at its log",
        FailureCode.PROXY_SILENT: "what listens at the proxy's address never answers",
        FailureCode.PROXY_AUTH_REQUIRED: "the proxy asks for a user name and a password",
        FailureCode.PROXY_AUTH_FAILED: "the proxy refuses the user name or the password",
        FailureCode.SAM_NO_VERSION: "the I2P router does not speak SAM 3.1",
        FailureCode.SAM_I2P_ERROR: "the I2P router refuses a session: look at its log",
        FailureCode.POLICY_NO_ROUTE: "this machine has no route to it",
    }
)
"""What says by itself that something is wrong here, where no node did better."""


class Diagnosis:
    """See the module's docstring."""

    def __init__(self) -> None:
        self._codes: dict[Network, Counter[FailureCode | None]] = {}
        self._offsets: list[int] = []

    def count(self, result: ProbeResult) -> None:
        """Take one record."""
        if result.netaddr is None or result.outcome is Outcome.PARTIAL:
            return
        code = None if result.error is None else result.error.code
        counts = self._codes.get(result.netaddr.network)
        if counts is None:
            counts = self._codes[result.netaddr.network] = Counter()
        counts[code] += 1
        if result.time_offset_s is not None and len(self._offsets) < MAX_OFFSETS:
            self._offsets.append(result.time_offset_s)

    @property
    def is_no_proxy(self) -> bool:
        """Whether every node met something that is not the proxy that was named."""
        return self._all_in(_NOT_A_PROXY)

    @property
    def is_proxy_down(self) -> bool:
        """Whether no node was reached because the proxy cannot be connected to, or lets nobody in."""
        return self._all_in(_PROXY_DOWN | _AUTHENTICATION | {FailureCode.PROXY_SILENT})

    def lines(self) -> Iterator[str]:
        """Say what is probably wrong, one line for each network, and one for the clock."""
        for network, counts in self._codes.items():
            line = self._line(network, counts)
            if line:
                yield f"{network}: {line}"
        if len(self._offsets) >= MIN_NODES and abs(offset := median(self._offsets)) > MAX_CLOCK_ERROR_S:
            direction = "ahead of" if median(self._offsets) > 0 else "behind"
            yield (
                f"clock: the clocks of {len(self._offsets)} nodes are {offset:.0f} s {direction} ours in the "
                "median: ours is probably wrong"
            )

    def _all_in(self, codes: frozenset[FailureCode]) -> bool:
        found = {code for counts in self._codes.values() for code in counts}
        return bool(found) and found <= codes

    def _line(self, network: Network, counts: Counter[FailureCode | None]) -> str:
        codes = set(counts)
        if len(codes) == 1:
            [code] = codes
            if code is not None and code in _AT_ONCE:
                return _AT_ONCE[code]
        if None in codes or counts.total() < MIN_NODES:
            return ""
        if codes <= _PORTAL:
            return "web or text services answer in place of all nodes: a captive portal or a firewall"
        if codes <= _NO_WAY:
            return "no route to any node: is this machine connected to the network?"
        if network is Network.ONION and codes <= _TOR_NOT_READY:
            return "Tor reaches no onion service: it may still be starting; see `check-networks`"
        if codes == {FailureCode.CONNECT_TIMEOUT}:
            return "no node answers at all: a firewall may drop what this machine sends"
        return ""
