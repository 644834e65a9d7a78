"""What a proxy said or did before the connection to a node was established.

Owns the replies of SOCKS5 (RFC 1928) with Tor's extended errors, those of HTTP CONNECT, those of an
I2P router's SAM bridge, and the faults of a proxy that keeps to none of them. `about` of a class says
what the failure tells of: the node, the proxy, or the network between them.

Sources: RFC 1928 section 6; RFC 1929; RFC 9110 section 9.3.6; Tor's `socks-extensions.txt`; I2P's
SAM v3 specification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bitcoin_handshake.codes import FailureCode, Phase
from bitcoin_handshake.errors.reach import ConnectError

__all__ = [
    "HttpGatewayTimeout",
    "HttpNotAllowed",
    "HttpUnexpectedStatus",
    "HttpUnreachable",
    "OnionBadAddress",
    "OnionDescriptorInvalid",
    "OnionDescriptorNotFound",
    "OnionIntroductionFailed",
    "OnionIntroductionTimedOut",
    "OnionMissingAuthorization",
    "OnionRendezvousFailed",
    "OnionWrongAuthorization",
    "ProxyAuthFailed",
    "ProxyAuthRequired",
    "ProxyBadReply",
    "ProxyClosed",
    "ProxyError",
    "ProxyNotHttp",
    "ProxyNotSam",
    "ProxyNotSocks5",
    "ProxyReset",
    "ProxySilent",
    "ProxySpeaksHttp",
    "ProxyStopped",
    "ProxyTimeout",
    "ProxyUnreachable",
    "SamCannotReachPeer",
    "SamDuplicatedDestination",
    "SamDuplicatedId",
    "SamError",
    "SamInvalidId",
    "SamInvalidKey",
    "SamKeyNotFound",
    "SamLeaseSetNotFound",
    "SamNoVersion",
    "SamPeerNotFound",
    "SamRouterError",
    "SamTimeout",
    "SamUnknownResult",
    "SocksAddressTypeNotSupported",
    "SocksCommandNotSupported",
    "SocksGeneralFailure",
    "SocksHostUnreachable",
    "SocksNetworkUnreachable",
    "SocksNotAllowed",
    "SocksRefused",
    "SocksTtlExpired",
    "SocksUnknownReply",
]


class ProxyError(ConnectError):
    """The proxy did not connect us to the node.

    Attributes:
        what: The sentence of a class without fields.
    """

    phase: ClassVar[Phase] = Phase.PROXY
    about: ClassVar[str] = "proxy"
    what: ClassVar[str] = "the proxy failed"

    def __str__(self) -> str:
        return self.what


# --- faults of the proxy itself ------------------------------------------------------------------


@dataclass(kw_only=True, eq=False, repr=False)
class ProxyUnreachable(ProxyError):
    """The proxy cannot be connected to."""

    code = FailureCode.PROXY_UNREACHABLE

    proxy: str
    why: str

    def __str__(self) -> str:
        return f"the proxy {self.proxy} cannot be reached: {self.why}"


class ProxyStopped(ProxyUnreachable):
    """The proxy worked earlier in this run and cannot be connected to any more."""

    code = FailureCode.PROXY_STOPPED

    def __str__(self) -> str:
        return f"the proxy {self.proxy} has stopped: {self.why}"


@dataclass(kw_only=True, eq=False, repr=False)
class _ProxyEnd(ProxyError):
    """The proxy ended the exchange.

    Attributes:
        awaited: What was waited for, in words.
        bytes_received: What the proxy sent until then.
    """

    awaited: str
    bytes_received: int


class ProxyClosed(_ProxyEnd):
    """The proxy closed the connection before it connected us."""

    code = FailureCode.PROXY_CLOSED

    def __str__(self) -> str:
        return (
            f"the proxy closed the connection after {self.bytes_received} bytes, waiting for {self.awaited}"
        )


class ProxyReset(_ProxyEnd):
    """The proxy reset the connection before it connected us."""

    code = FailureCode.PROXY_RESET

    def __str__(self) -> str:
        return f"the proxy reset the connection after {self.bytes_received} bytes, waiting for {self.awaited}"


@dataclass(kw_only=True, eq=False, repr=False)
class ProxySilent(ProxyError):
    """The proxy accepted the connection and never answered, or stopped in the middle of an answer."""

    code = FailureCode.PROXY_SILENT

    awaited: str
    waited_s: float
    bytes_received: int

    def __str__(self) -> str:
        got = f"{self.bytes_received} bytes" if self.bytes_received else "nothing"
        return f"the proxy sent no {self.awaited} in {self.waited_s:g} s ({got} received)"


@dataclass(kw_only=True, eq=False, repr=False)
class ProxyTimeout(ProxyError):
    """The proxy took our request and did not reach the node in time."""

    code = FailureCode.PROXY_TIMEOUT
    about = "node"

    waited_s: float

    def __str__(self) -> str:
        return f"the proxy reached no node in {self.waited_s:g} s: the node is dead, or the way to it is slow"


class ProxySpeaksHttp(ProxyError):
    """The proxy answered in HTTP, not in the protocol asked for."""

    code = FailureCode.PROXY_SPEAKS_HTTP
    what = "the proxy answers in HTTP: a web server, or an HTTP proxy (http://HOST:PORT)"


@dataclass(kw_only=True, eq=False, repr=False)
class ProxyNotSocks5(ProxyError):
    """The proxy answered in something other than SOCKS5.

    Attributes:
        version: The first byte that it sent.
    """

    code = FailureCode.PROXY_NOT_SOCKS5

    version: int

    def __str__(self) -> str:
        return f"the proxy does not speak SOCKS5: its answer begins with 0x{self.version:02x}, not 0x05"


class ProxyNotHttp(ProxyError):
    """The proxy answered in something other than HTTP."""

    code = FailureCode.PROXY_NOT_HTTP
    what = "the proxy does not speak HTTP/1"


class ProxyNotSam(ProxyError):
    """The SAM bridge answered in something other than SAM."""

    code = FailureCode.PROXY_NOT_SAM
    what = "what answers does not speak SAM 3"


@dataclass(kw_only=True, eq=False, repr=False)
class ProxyBadReply(ProxyError):
    """An answer of the proxy is malformed, or over its limit."""

    code = FailureCode.PROXY_BAD_REPLY

    why: str

    def __str__(self) -> str:
        return f"the proxy sent a malformed answer: {self.why}"


class ProxyAuthRequired(ProxyError):
    """The proxy asks for an authentication that we did not offer."""

    code = FailureCode.PROXY_AUTH_REQUIRED
    what = "the proxy asks for another authentication than offered: give USER:PASSWORD@ before its address"


class ProxyAuthFailed(ProxyError):
    """The proxy refused the user name or the password."""

    code = FailureCode.PROXY_AUTH_FAILED
    what = "the proxy refused the user name or the password"


# --- SOCKS5 (RFC 1928, section 6) -----------------------------------------------------------------


class SocksGeneralFailure(ProxyError):
    """Reply 01: a general failure, which says no more."""

    code = FailureCode.SOCKS5_GENERAL_FAILURE
    about = "network"
    what = "general failure (SOCKS5 reply 01): the node, or the way from the proxy to it"


class SocksNotAllowed(ProxyError):
    """Reply 02: the proxy's rules do not allow the connection."""

    code = FailureCode.SOCKS5_NOT_ALLOWED
    what = "the proxy's rules do not allow this connection (SOCKS5 reply 02)"


class SocksNetworkUnreachable(ProxyError):
    """Reply 03: the proxy has no route to the node's network."""

    code = FailureCode.SOCKS5_NETWORK_UNREACHABLE
    about = "network"
    what = "the proxy has no route to this network (SOCKS5 reply 03)"


class SocksHostUnreachable(ProxyError):
    """Reply 04: the proxy cannot reach the node's host."""

    code = FailureCode.SOCKS5_HOST_UNREACHABLE
    about = "node"
    what = "the proxy cannot reach the host (SOCKS5 reply 04)"


class SocksRefused(ProxyError):
    """Reply 05: the node's host refused the connection."""

    code = FailureCode.SOCKS5_REFUSED
    about = "node"
    what = "connection refused at the node (SOCKS5 reply 05)"


class SocksTtlExpired(ProxyError):
    """Reply 06: the TTL expired on the way to the node."""

    code = FailureCode.SOCKS5_TTL_EXPIRED
    about = "network"
    what = "TTL expired on the way to the node (SOCKS5 reply 06)"


class SocksCommandNotSupported(ProxyError):
    """Reply 07: the proxy does not support the command."""

    code = FailureCode.SOCKS5_COMMAND_NOT_SUPPORTED
    what = "the proxy does not support this command (SOCKS5 reply 07)"


class SocksAddressTypeNotSupported(ProxyError):
    """Reply 08: the proxy does not support the type of address."""

    code = FailureCode.SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED
    what = "the proxy does not support this type of address (SOCKS5 reply 08)"


@dataclass(kw_only=True, eq=False, repr=False)
class SocksUnknownReply(ProxyError):
    """A reply code that neither RFC 1928 nor Tor defines."""

    code = FailureCode.SOCKS5_UNKNOWN_REPLY

    reply: int

    def __str__(self) -> str:
        return f"the proxy failed with the unknown SOCKS5 reply {self.reply:02X}"


# --- Tor's extended errors ------------------------------------------------------------------------


class OnionDescriptorNotFound(ProxyError):
    """Reply F0: no descriptor of the onion service is published."""

    code = FailureCode.ONION_DESCRIPTOR_NOT_FOUND
    about = "node"
    what = "no such onion service is published (Tor reply F0)"


class OnionDescriptorInvalid(ProxyError):
    """Reply F1: the descriptor of the onion service cannot be used."""

    code = FailureCode.ONION_DESCRIPTOR_INVALID
    about = "node"
    what = "the descriptor of the onion service is invalid (Tor reply F1)"


class OnionIntroductionFailed(ProxyError):
    """Reply F2: no introduction point passed us on: the service is gone."""

    code = FailureCode.ONION_INTRODUCTION_FAILED
    about = "node"
    what = "the introduction to the onion service failed: it is gone or has moved (Tor reply F2)"


class OnionRendezvousFailed(ProxyError):
    """Reply F3: the service did not come to the rendezvous."""

    code = FailureCode.ONION_RENDEZVOUS_FAILED
    about = "network"
    what = "the rendezvous with the onion service failed (Tor reply F3)"


class OnionMissingAuthorization(ProxyError):
    """Reply F4: the service wants client authorisation, and Tor has none."""

    code = FailureCode.ONION_MISSING_AUTHORIZATION
    about = "node"
    what = "the onion service admits only clients with a key, and Tor has none (Tor reply F4)"


class OnionWrongAuthorization(ProxyError):
    """Reply F5: the service does not accept the client authorisation that Tor has."""

    code = FailureCode.ONION_WRONG_AUTHORIZATION
    about = "node"
    what = "the onion service does not accept the client key that Tor has (Tor reply F5)"


class OnionBadAddress(ProxyError):
    """Reply F6: Tor does not take the address for that of an onion service."""

    code = FailureCode.ONION_BAD_ADDRESS
    about = "node"
    what = "not the address of an onion service, says Tor (Tor reply F6)"


class OnionIntroductionTimedOut(ProxyError):
    """Reply F7: the introduction to the service took too long."""

    code = FailureCode.ONION_INTRODUCTION_TIMED_OUT
    about = "node"
    what = "the introduction to the onion service timed out (Tor reply F7)"


# --- HTTP CONNECT ---------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False, repr=False)
class _HttpStatus(ProxyError):
    """The proxy answered CONNECT with a status that is not success."""

    status: int

    def __str__(self) -> str:
        return f"{self.what} (HTTP status {self.status})"


class HttpNotAllowed(_HttpStatus):
    """The proxy does not allow the connection: 401, 403, 405."""

    code = FailureCode.HTTP_NOT_ALLOWED
    what = "the proxy does not allow this connection"


class HttpUnreachable(_HttpStatus):
    """The proxy cannot reach the node: 5xx."""

    code = FailureCode.HTTP_UNREACHABLE
    about = "node"
    what = "the proxy cannot reach the node"


class HttpGatewayTimeout(_HttpStatus):
    """The node did not answer the proxy in time: 504."""

    code = FailureCode.HTTP_GATEWAY_TIMEOUT
    about = "node"
    what = "the node did not answer the proxy in time"


class HttpUnexpectedStatus(_HttpStatus):
    """The proxy answered CONNECT with a status that has no meaning there."""

    code = FailureCode.HTTP_UNEXPECTED_STATUS
    what = "the proxy does not take CONNECT"


# --- I2P: RESULT of SAM ----------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False, repr=False)
class SamError(ProxyError):
    """The SAM bridge answered with a RESULT other than OK.

    Attributes:
        message: What the router says besides, as printable text, or ''.
    """

    message: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.message}" if self.message else self.what


class SamCannotReachPeer(SamError):
    """CANT_REACH_PEER: the destination is known and does not answer."""

    code = FailureCode.SAM_CANT_REACH_PEER
    about = "node"
    what = "the I2P destination does not answer (CANT_REACH_PEER)"


class SamPeerNotFound(SamError):
    """PEER_NOT_FOUND: the network does not know the destination."""

    code = FailureCode.SAM_PEER_NOT_FOUND
    about = "node"
    what = "the I2P destination is not found (PEER_NOT_FOUND)"


class SamLeaseSetNotFound(SamError):
    """LEASESET_NOT_FOUND: the destination publishes no way to it."""

    code = FailureCode.SAM_LEASESET_NOT_FOUND
    about = "node"
    what = "the I2P destination publishes no lease set (LEASESET_NOT_FOUND)"


class SamTimeout(SamError):
    """TIMEOUT: the destination did not answer the router in time."""

    code = FailureCode.SAM_TIMEOUT
    about = "node"
    what = "the I2P destination did not answer the router in time (TIMEOUT)"


class SamKeyNotFound(SamError):
    """KEY_NOT_FOUND: the router finds no destination of this name."""

    code = FailureCode.SAM_KEY_NOT_FOUND
    about = "node"
    what = "the router finds no I2P destination of this name (KEY_NOT_FOUND)"


class SamInvalidKey(SamError):
    """INVALID_KEY: the name or the destination is not valid, or the router finds none (i2pd)."""

    code = FailureCode.SAM_INVALID_KEY
    about = "node"
    what = "the router finds no valid I2P destination of this name (INVALID_KEY)"


class SamInvalidId(SamError):
    """INVALID_ID: the router does not know our session any more."""

    code = FailureCode.SAM_INVALID_ID
    what = "the I2P router has lost our session (INVALID_ID)"


class SamDuplicatedId(SamError):
    """DUPLICATED_ID: the router has a session of this name already."""

    code = FailureCode.SAM_DUPLICATED_ID
    what = "the I2P router has a session of this name (DUPLICATED_ID)"


class SamDuplicatedDestination(SamError):
    """DUPLICATED_DEST: the router has a session with this destination already."""

    code = FailureCode.SAM_DUPLICATED_DEST
    what = "the I2P router has a session with this destination (DUPLICATED_DEST)"


class SamRouterError(SamError):
    """I2P_ERROR: an error of the router, which says no more."""

    code = FailureCode.SAM_I2P_ERROR
    what = "the I2P router failed (I2P_ERROR)"


class SamNoVersion(SamError):
    """NOVERSION: the router does not speak SAM 3.1."""

    code = FailureCode.SAM_NO_VERSION
    what = "the I2P router does not speak SAM 3.1 (NOVERSION)"


@dataclass(kw_only=True, eq=False, repr=False)
class SamUnknownResult(SamError):
    """A RESULT that SAM does not define."""

    code = FailureCode.SAM_UNKNOWN_RESULT

    result: str

    def __str__(self) -> str:
        more = f": {self.message}" if self.message else ""
        return f"the I2P router failed with the unknown result {self.result!r}{more}"
