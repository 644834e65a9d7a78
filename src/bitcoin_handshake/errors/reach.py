"""Why an address was not reached: no answer to a name, no connection, or our own policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bitcoin_handshake.codes import FailureCode, Phase
from bitcoin_handshake.errors.base import BitcoinHandshakeError

__all__ = [
    "AddressFamilyExcluded",
    "AlreadyDialled",
    "BadAnswer",
    "BadPort",
    "BlockedByHosts",
    "CnameLoop",
    "ConnectError",
    "ConnectFailed",
    "ConnectRefused",
    "ConnectTimeout",
    "DryRun",
    "NameNotFound",
    "NetworkExcluded",
    "NoAddresses",
    "NoProxy",
    "NoRoute",
    "NotRoutable",
    "OptedOut",
    "ResolveFailed",
    "ResolveRefused",
    "ResolveTimeout",
    "ServerFailure",
    "Skipped",
    "Unreachable",
]


class ConnectError(BitcoinHandshakeError):
    """No connection came about."""

    phase: ClassVar[Phase] = Phase.CONNECT


class ConnectRefused(ConnectError):
    """The host is up and nothing listens there."""

    code = FailureCode.CONNECT_REFUSED

    def __str__(self) -> str:
        return "connection refused: nothing listens there"


@dataclass(kw_only=True, eq=False, repr=False)
class Unreachable(ConnectError):
    """No route to the host or its network."""

    code = FailureCode.CONNECT_UNREACHABLE

    why: str

    @property
    def is_no_route(self) -> bool:
        """Whether this machine has no way to the whole network."""
        return self.why in _NO_ROUTE

    def __str__(self) -> str:
        return f"unreachable: {self.why}"


_NO_ROUTE = frozenset(
    {
        "no route to its network",
        "this system does not speak its address family",
        "this system has no address to reach it from",
    }
)


@dataclass(kw_only=True, eq=False, repr=False)
class ConnectTimeout(ConnectError):
    """The deadline passed before the connection was established."""

    code = FailureCode.CONNECT_TIMEOUT

    waited_s: float

    def __str__(self) -> str:
        return f"no connection in {self.waited_s:g} s: dead, filtered or slow"


@dataclass(kw_only=True, eq=False, repr=False)
class ConnectFailed(ConnectError):
    """The operating system gave another reason."""

    code = FailureCode.CONNECT_FAILED

    why: str

    def __str__(self) -> str:
        return f"cannot connect: {self.why}"


@dataclass(kw_only=True, eq=False, repr=False)
class ResolveFailed(ConnectError):
    """A name gave no address.

    Attributes:
        name: The name asked for.
        server: Who answered, `host:port`, or '' where the system's resolver was used.
    """

    code = FailureCode.RESOLVE_FAILED
    phase: ClassVar[Phase] = Phase.RESOLVE
    what: ClassVar[str] = "the look-up failed"

    name: str
    server: str = ""
    why: str = ""

    def __str__(self) -> str:
        source = f" (from {self.server})" if self.server else ""
        more = f": {self.why}" if self.why else ""
        return f"{self.what}{source}{more}"


class NameNotFound(ResolveFailed):
    """NXDOMAIN: the name does not exist."""

    code = FailureCode.RESOLVE_NXDOMAIN
    what = "no such name (NXDOMAIN)"


class NoAddresses(ResolveFailed):
    """The name exists and has no A or AAAA record of the families asked for."""

    code = FailureCode.RESOLVE_NO_ADDRESSES
    what = "the name has no A or AAAA records"


class ServerFailure(ResolveFailed):
    """SERVFAIL, or another error code of the server."""

    code = FailureCode.RESOLVE_SERVFAIL
    what = "the DNS server failed"


class ResolveRefused(ResolveFailed):
    """REFUSED: the server does not answer us, or nothing listens there."""

    code = FailureCode.RESOLVE_REFUSED
    what = "the DNS server refused"


class ResolveTimeout(ResolveFailed):
    """No answer before the limit."""

    code = FailureCode.RESOLVE_TIMEOUT
    what = "no answer from the DNS server in time"


class BadAnswer(ResolveFailed):
    """The answer is malformed, or holds records of another name only."""

    code = FailureCode.RESOLVE_BAD_ANSWER
    what = "the DNS answer is unusable"


class CnameLoop(ResolveFailed):
    """The chain of CNAME records is a loop or too long."""

    code = FailureCode.RESOLVE_CNAME_LOOP
    what = "the chain of CNAME records runs in a circle or is too long"


class Skipped(BitcoinHandshakeError):
    """Policy kept us from dialling."""


@dataclass(kw_only=True, eq=False, repr=False)
class NotRoutable(Skipped):
    """A learned address that is not globally routable."""

    code = FailureCode.POLICY_NOT_ROUTABLE

    block: str

    def __str__(self) -> str:
        return f"not globally routable ({self.block}): not dialled without --allow-private"


@dataclass(kw_only=True, eq=False, repr=False)
class AddressFamilyExcluded(Skipped):
    """The address is of a family that -4 or -6 excludes."""

    code = FailureCode.POLICY_ADDRESS_FAMILY

    network: str

    def __str__(self) -> str:
        return f"{self.network} is excluded by the options"


@dataclass(kw_only=True, eq=False, repr=False)
class NoProxy(Skipped):
    """The address can be reached by a proxy only, and none is configured."""

    code = FailureCode.POLICY_NO_PROXY

    network: str
    why: str = ""

    def __str__(self) -> str:
        more = f": {self.why}" if self.why else ""
        return f"no proxy is configured for {self.network}{more}"


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkExcluded(Skipped):
    """The network is none of those that --onlynet names."""

    code = FailureCode.POLICY_ONLYNET

    network: str

    def __str__(self) -> str:
        return f"{self.network} is none of the networks of --onlynet"


class AlreadyDialled(Skipped):
    """The address was dialled in this run."""

    code = FailureCode.POLICY_DUPLICATE

    def __str__(self) -> str:
        return "this address was dialled in this run: once is enough"


@dataclass(kw_only=True, eq=False, repr=False)
class BlockedByHosts(Skipped):
    """The hosts file of this system blocks the name: it gives the address 0.0.0.0 or ::."""

    code = FailureCode.POLICY_BLOCKED

    host: str

    def __str__(self) -> str:
        return f"the hosts file of this system blocks the name: it gives {self.host}"


@dataclass(kw_only=True, eq=False, repr=False)
class BadPort(Skipped):
    """A learned address with port 0, or with that of a well-known other service."""

    code = FailureCode.POLICY_BAD_PORT

    port: int

    def __str__(self) -> str:
        what = "no port" if not self.port else "that of another service"
        return f"port {self.port} is {what}: a learned address with it is not dialled"


@dataclass(kw_only=True, eq=False, repr=False)
class OptedOut(Skipped):
    """The target is on the opt-out list of --exclude."""

    code = FailureCode.POLICY_EXCLUDED

    entry: str

    def __str__(self) -> str:
        return f"{self.entry} is on the list of --exclude"


@dataclass(kw_only=True, eq=False, repr=False)
class DryRun(Skipped):
    """With --dry-run nothing is dialled.

    Attributes:
        way: How the target would be reached.
    """

    code = FailureCode.POLICY_DRY_RUN

    way: str

    def __str__(self) -> str:
        return f"dry run: {self.way}"


@dataclass(kw_only=True, eq=False, repr=False)
class NoRoute(Skipped):
    """This machine has no route to the network of the address."""

    code = FailureCode.POLICY_NO_ROUTE

    network: str
    why: str

    def __str__(self) -> str:
        return f"{self.network} cannot be reached from this machine: {self.why}"
