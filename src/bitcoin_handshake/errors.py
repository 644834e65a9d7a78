"""Everything that can go wrong, as one tree of exceptions with stable codes.

Owns the codes (`FailureCode`, `AnomalyCode`), the phases of a handshake (`Phase`) and one
exception class per code. Knows nothing of sockets, messages or printing: an exception carries
facts as attributes, and builds its sentence from them in `__str__`.

Two kinds of trouble are kept apart, with Bitcoin Core's verdict on which is which:

* *this stream is dead*: a `PeerError` (or `PeerClosed`, `PeerTimeout`), which ends a session;
* *this message is bad*: an `AnomalyCode`, which is recorded while the session goes on.

Codes are append-only: they are printed, stored and documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar

__all__ = [
    "AddressFamilyExcluded",
    "AnomalyCode",
    "AuthenticationFailed",
    "BadAnswer",
    "BadEncoding",
    "BadMagic",
    "BadTarget",
    "BadVersionMessage",
    "BitcoinHandshakeError",
    "CnameLoop",
    "ConnectError",
    "ConnectFailed",
    "ConnectRefused",
    "ConnectTimeout",
    "EnvironmentFailure",
    "FailureCode",
    "FieldTooLong",
    "ForeignProtocol",
    "HandshakeError",
    "InputError",
    "InternalError",
    "LocalProtocolError",
    "LooksLikeV1",
    "MessageTooLarge",
    "NameNotFound",
    "NoAddresses",
    "NoGarbageTerminator",
    "NoProxy",
    "NonMinimalCompactSize",
    "NotRoutable",
    "OtherChain",
    "OtherChainV2",
    "PacketTooLarge",
    "PeerClosed",
    "PeerError",
    "PeerFlood",
    "PeerRejected",
    "PeerReset",
    "PeerTimeout",
    "Phase",
    "ResolveFailed",
    "ResolveRefused",
    "ResolveTimeout",
    "SelfConnection",
    "ServerFailure",
    "Skipped",
    "SpeaksFtp",
    "SpeaksHttp",
    "SpeaksImap",
    "SpeaksMysql",
    "SpeaksPop3",
    "SpeaksSmtp",
    "SpeaksSsh",
    "SpeaksTelnet",
    "SpeaksText",
    "SpeaksTls",
    "SpeaksVnc",
    "TrailingBytes",
    "Truncated",
    "Unreachable",
    "V1TransportError",
    "V2TransportError",
    "VersionTooOld",
    "WireError",
]


class Phase(StrEnum):
    """How far a connection had come when it stopped."""

    RESOLVE = "resolve"  # a name is being looked up; ends with an address
    CONNECT = "connect"  # TCP connect; ends with an established connection
    PROXY = "proxy"  # talking to a SOCKS5 or SAM proxy
    KEY = "key"  # v2: waiting for the peer's 64-byte ElligatorSwift key
    GARBAGE = "garbage"  # v2: looking for the peer's garbage terminator
    VERSION_PACKET = "version_packet"  # v2: waiting for the first packet that is no decoy
    VERSION = "version"  # waiting for a `version` message that parses
    VERACK = "verack"  # a valid `version` has arrived; waiting for `verack`
    GETADDR = "getaddr"  # after the handshake: waiting for addresses


# What is waited for in words, where the name of the phase does not say it.
_AWAITED: Mapping[Phase | None, str] = MappingProxyType(
    {Phase.GARBAGE: "garbage terminator", Phase.VERSION_PACKET: "version packet"}
)


def _awaited(phase: Phase | None) -> str:
    return _AWAITED.get(phase, str(phase))


class FailureCode(StrEnum):
    """The stable text codes of everything that ends an attempt."""

    INPUT_BAD_TARGET = "input.bad_target"
    INPUT_BAD_OPTION = "input.bad_option"
    RESOLVE_FAILED = "resolve.failed"
    RESOLVE_NXDOMAIN = "resolve.nxdomain"
    RESOLVE_NO_ADDRESSES = "resolve.no_addresses"
    RESOLVE_SERVFAIL = "resolve.servfail"
    RESOLVE_REFUSED = "resolve.refused"
    RESOLVE_TIMEOUT = "resolve.timeout"
    RESOLVE_BAD_ANSWER = "resolve.bad_answer"
    RESOLVE_CNAME_LOOP = "resolve.cname_loop"
    CONNECT_REFUSED = "connect.refused"
    CONNECT_UNREACHABLE = "connect.unreachable"
    CONNECT_TIMEOUT = "connect.timeout"
    CONNECT_FAILED = "connect.failed"
    PEER_CLOSED = "peer.closed"
    PEER_RESET = "peer.reset"
    PEER_TIMEOUT = "peer.timeout"
    PEER_FLOOD = "peer.flood"
    PEER_REJECTED = "peer.rejected"
    V1_BAD_MAGIC = "v1.bad_magic"
    V1_OTHER_CHAIN = "v1.other_chain"
    V1_MESSAGE_TOO_LARGE = "v1.message_too_large"
    FOREIGN_HTTP = "foreign.http"
    FOREIGN_TLS = "foreign.tls"
    FOREIGN_SSH = "foreign.ssh"
    FOREIGN_FTP = "foreign.ftp"
    FOREIGN_SMTP = "foreign.smtp"
    FOREIGN_IMAP = "foreign.imap"
    FOREIGN_POP3 = "foreign.pop3"
    FOREIGN_MYSQL = "foreign.mysql"
    FOREIGN_TELNET = "foreign.telnet"
    FOREIGN_VNC = "foreign.vnc"
    FOREIGN_TEXT = "foreign.text"
    V2_NO_GARBAGE_TERMINATOR = "v2.no_garbage_terminator"
    V2_AUTHENTICATION_FAILED = "v2.authentication_failed"
    V2_PACKET_TOO_LARGE = "v2.packet_too_large"
    V2_LOOKS_LIKE_V1 = "v2.looks_like_v1"
    V2_OTHER_CHAIN = "v2.other_chain"
    WIRE_TRUNCATED = "wire.truncated"
    WIRE_TRAILING_BYTES = "wire.trailing_bytes"
    WIRE_NON_MINIMAL_COMPACT_SIZE = "wire.non_minimal_compact_size"
    WIRE_FIELD_TOO_LONG = "wire.field_too_long"
    WIRE_BAD_ENCODING = "wire.bad_encoding"
    HANDSHAKE_BAD_VERSION_MESSAGE = "handshake.bad_version_message"
    HANDSHAKE_VERSION_TOO_OLD = "handshake.version_too_old"
    HANDSHAKE_SELF_CONNECTION = "handshake.self_connection"
    POLICY_NOT_ROUTABLE = "policy.not_routable"
    POLICY_ADDRESS_FAMILY = "policy.address_family"
    POLICY_NO_PROXY = "policy.no_proxy"
    LOCAL_ENVIRONMENT = "local.environment"
    LOCAL_PROTOCOL = "local.protocol"
    INTERNAL = "internal"


class AnomalyCode(StrEnum):
    """The stable text codes of what a peer did wrong while the session went on."""

    BAD_CHECKSUM = "v1.bad_checksum"  # message skipped, as Core does
    BAD_MSG_TYPE = "v1.bad_msg_type"  # message skipped, as Core does
    V2_BAD_MSG_TYPE = "v2.bad_msg_type"  # unknown short id, empty or bad long form: skipped
    BAD_VERSION_MESSAGE = "handshake.bad_version_message"  # skipped; Core goes on waiting
    BEFORE_VERSION = "handshake.before_version"  # any message before `version`: ignored
    DUPLICATE_VERSION = "handshake.duplicate_version"  # ignored
    DUPLICATE_VERACK = "handshake.duplicate_verack"  # ignored
    LATE_FEATURE = "handshake.late_feature"  # negotiation after `verack`: Core would hang up
    MALFORMED = "message.malformed"  # a known message that does not parse: skipped
    TRAILING_BYTES = "message.trailing_bytes"  # bytes behind the last field: ignored
    IMPLAUSIBLE_VALUE = "message.implausible_value"  # a time, height, fee or version that makes no sense
    WRONG_PONG = "message.wrong_pong"  # a `pong` whose nonce is not that of our `ping`


class BitcoinHandshakeError(Exception):
    """Base of every exception that this package raises on purpose."""

    code: ClassVar[FailureCode] = FailureCode.INTERNAL

    @property
    def detail(self) -> str:
        """What happened, in words, without the code."""
        return str(self)


class InternalError(BitcoinHandshakeError):
    """A bug of ours, recorded as such and never blamed on a peer."""

    code = FailureCode.INTERNAL

    def __init__(self, what: str) -> None:
        self.what = what

    def __str__(self) -> str:
        return f"internal error, please report it: {self.what}"


class InputError(BitcoinHandshakeError, ValueError):
    """Our caller's text or options are wrong."""

    code = FailureCode.INPUT_BAD_OPTION


class BadTarget(InputError):
    """A target is neither a name nor an address."""

    code = FailureCode.INPUT_BAD_TARGET

    def __init__(self, text: str, why: str) -> None:
        self.text = text
        self.why = why

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        return f"{shown!r} is not a target: {self.why}"


class LocalProtocolError(BitcoinHandshakeError):
    """The core was used in a way that the protocol does not allow: a bug in our code."""

    code = FailureCode.LOCAL_PROTOCOL


class EnvironmentFailure(BitcoinHandshakeError):
    """This machine cannot do what was asked: no such file, no descriptors, no proxy."""

    code = FailureCode.LOCAL_ENVIRONMENT

    def __init__(self, what: str) -> None:
        self.what = what

    def __str__(self) -> str:
        return self.what


class PeerError(BitcoinHandshakeError):
    """The peer's bytes or behaviour; ends a session when it reaches one."""

    phase: Phase | None = None
    offset: int | None = None
    retry_v1: bool = False  # the peer may yet shake hands in v1, on a connection of its own


class WireError(PeerError):
    """Bytes that cannot be read as the field or message that they should be."""


class Truncated(WireError):
    """A field needs more bytes than the message has left."""

    code = FailureCode.WIRE_TRUNCATED

    def __init__(self, *, needed: int, available: int, field: str = "") -> None:
        self.needed = needed
        self.available = available
        self.field = field

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.needed} bytes needed, {self.available} left"


class TrailingBytes(WireError):
    """Bytes remain behind the last field of a message that has an exact length."""

    code = FailureCode.WIRE_TRAILING_BYTES

    def __init__(self, *, count: int) -> None:
        self.count = count

    def __str__(self) -> str:
        return f"{self.count} bytes behind the last field"


class NonMinimalCompactSize(WireError):
    """A CompactSize is written longer than its value needs."""

    code = FailureCode.WIRE_NON_MINIMAL_COMPACT_SIZE

    def __init__(self, *, value: int, length: int, field: str = "") -> None:
        self.value = value
        self.length = length
        self.field = field

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}CompactSize {self.value} written in {self.length} bytes"


class FieldTooLong(WireError):
    """A length or count is over the limit of its field."""

    code = FailureCode.WIRE_FIELD_TOO_LONG

    def __init__(self, *, length: int, limit: int, field: str = "") -> None:
        self.length = length
        self.limit = limit
        self.field = field

    def __str__(self) -> str:
        return f"{self.field or 'field'}: {self.length} is over the limit of {self.limit}"


class BadEncoding(WireError):
    """A field holds a value that its format does not have."""

    code = FailureCode.WIRE_BAD_ENCODING

    def __init__(self, *, field: str, why: str) -> None:
        self.field = field
        self.why = why

    def __str__(self) -> str:
        return f"{self.field}: {self.why}"


class V1TransportError(PeerError):
    """The v1 framing is broken beyond repair: v1 has no way to find the next message."""


class BadMagic(V1TransportError):
    """The first bytes of a message are not the magic of our chain."""

    code = FailureCode.V1_BAD_MAGIC

    def __init__(self, *, received: bytes, expected: bytes) -> None:
        self.received = received
        self.expected = expected

    def __str__(self) -> str:
        return f"not the magic of this chain: {self.received.hex()} instead of {self.expected.hex()}"


class OtherChain(BadMagic):
    """The magic is that of another known chain."""

    code = FailureCode.V1_OTHER_CHAIN

    def __init__(self, *, received: bytes, expected: bytes, chain: str) -> None:
        super().__init__(received=received, expected=expected)
        self.chain = chain

    def __str__(self) -> str:
        return f"speaks {self.chain} (magic {self.received.hex()}), not our chain"


class ForeignProtocol(BadMagic):
    """The peer speaks another protocol: it is no Bitcoin node."""

    what: ClassVar[str] = "another protocol"

    def __str__(self) -> str:
        return f"answers in {self.what}, not a Bitcoin node"


class SpeaksHttp(ForeignProtocol):
    """The peer is a web server."""

    code = FailureCode.FOREIGN_HTTP
    what = "HTTP: a web server"


class SpeaksTls(ForeignProtocol):
    """The peer speaks TLS."""

    code = FailureCode.FOREIGN_TLS
    what = "TLS"


class SpeaksSsh(ForeignProtocol):
    """The peer is an SSH server."""

    code = FailureCode.FOREIGN_SSH
    what = "SSH"


class SpeaksFtp(ForeignProtocol):
    """The peer is an FTP server."""

    code = FailureCode.FOREIGN_FTP
    what = "FTP"


class SpeaksSmtp(ForeignProtocol):
    """The peer is a mail server (SMTP)."""

    code = FailureCode.FOREIGN_SMTP
    what = "SMTP: a mail server"


class SpeaksImap(ForeignProtocol):
    """The peer is a mail server (IMAP)."""

    code = FailureCode.FOREIGN_IMAP
    what = "IMAP: a mail server"


class SpeaksPop3(ForeignProtocol):
    """The peer is a mail server (POP3)."""

    code = FailureCode.FOREIGN_POP3
    what = "POP3: a mail server"


class SpeaksMysql(ForeignProtocol):
    """The peer is a MySQL or MariaDB server."""

    code = FailureCode.FOREIGN_MYSQL
    what = "the MySQL protocol: a database server"


class SpeaksTelnet(ForeignProtocol):
    """The peer is a Telnet server."""

    code = FailureCode.FOREIGN_TELNET
    what = "Telnet"


class SpeaksVnc(ForeignProtocol):
    """The peer is a VNC server."""

    code = FailureCode.FOREIGN_VNC
    what = "the VNC protocol: a remote desktop"


class SpeaksText(ForeignProtocol):
    """The peer is a service that sends lines of text."""

    code = FailureCode.FOREIGN_TEXT
    what = "text: some other service"


class MessageTooLarge(V1TransportError):
    """A header announces more than MAX_PROTOCOL_MESSAGE_LENGTH bytes."""

    code = FailureCode.V1_MESSAGE_TOO_LARGE

    def __init__(self, *, length: int, limit: int) -> None:
        self.length = length
        self.limit = limit

    def __str__(self) -> str:
        return f"announces a message of {self.length} bytes, over the limit of {self.limit}"


class V2TransportError(PeerError):
    """The v2 (BIP324) stream is broken."""


class NoGarbageTerminator(V2TransportError):
    """MAX_GARBAGE_LEN + 16 bytes went by without the garbage terminator."""

    code = FailureCode.V2_NO_GARBAGE_TERMINATOR

    def __init__(self, *, received: int) -> None:
        self.received = received

    def __str__(self) -> str:
        return f"no garbage terminator in {self.received} bytes: not a v2 node, or one of another chain"


class AuthenticationFailed(V2TransportError):
    """A packet's tag does not match."""

    code = FailureCode.V2_AUTHENTICATION_FAILED

    def __init__(self, *, packet_index: int) -> None:
        self.packet_index = packet_index

    def __str__(self) -> str:
        return f"packet {self.packet_index} fails authentication"


class PacketTooLarge(V2TransportError):
    """A packet's decrypted length is over what Core accepts."""

    code = FailureCode.V2_PACKET_TOO_LARGE

    def __init__(self, *, length: int, limit: int) -> None:
        self.length = length
        self.limit = limit

    def __str__(self) -> str:
        return f"announces a packet of {self.length} bytes, over the limit of {self.limit}"


class LooksLikeV1(V2TransportError):
    """The peer answered a v2 key with a v1 `version` header."""

    code = FailureCode.V2_LOOKS_LIKE_V1
    retry_v1 = True

    def __str__(self) -> str:
        return "answers in v1"


class OtherChainV2(V2TransportError):
    """A key and garbage came, but never a terminator: the key schedule of another chain."""

    code = FailureCode.V2_OTHER_CHAIN

    def __init__(self, *, garbage_received: int) -> None:
        self.garbage_received = garbage_received

    def __str__(self) -> str:
        return (
            f"sent its key and {self.garbage_received} more bytes but no garbage terminator: "
            "most likely a node of another chain"
        )


class HandshakeError(PeerError):
    """The version/verack exchange cannot succeed."""


class BadVersionMessage(HandshakeError):
    """No `version` of the peer could be parsed before the end."""

    code = FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE
    phase = Phase.VERSION

    def __init__(self, *, why: str) -> None:
        self.why = why

    def __str__(self) -> str:
        return f"sent a version message that does not parse ({self.why})"


class VersionTooOld(HandshakeError):
    """The peer's protocol version is below MIN_PEER_PROTO_VERSION (31800)."""

    code = FailureCode.HANDSHAKE_VERSION_TOO_OLD
    phase = Phase.VERSION

    def __init__(self, *, protocol_version: int, minimum: int) -> None:
        self.protocol_version = protocol_version
        self.minimum = minimum

    def __str__(self) -> str:
        return f"protocol version {self.protocol_version} is below {self.minimum}"


class SelfConnection(HandshakeError):
    """The peer sent back a nonce or a v2 key of ours: an echo, or a connection to ourselves."""

    code = FailureCode.HANDSHAKE_SELF_CONNECTION
    phase = Phase.VERSION

    def __str__(self) -> str:
        if self.phase is Phase.KEY:
            return "sent back our own v2 key: an echo or a reflector"
        return "sent back the nonce of one of our own connections: an echo or a reflector"


class PeerClosed(PeerError):
    """The peer closed the connection before the verdict."""

    code = FailureCode.PEER_CLOSED

    def __init__(self, *, phase: Phase, bytes_received: int, retry_v1: bool = False) -> None:
        self.phase = phase
        self.bytes_received = bytes_received
        self.retry_v1 = retry_v1

    def __str__(self) -> str:
        if not self.bytes_received:
            return f"closed the connection {_without_a_byte(self.phase)}"
        return f"closed the connection after {self.bytes_received} bytes, waiting for {_awaited(self.phase)}"


class PeerReset(PeerClosed):
    """The peer reset the connection before the verdict."""

    code = FailureCode.PEER_RESET

    def __str__(self) -> str:
        if not self.bytes_received and self.phase is Phase.KEY:
            return f"reset the connection {_without_a_byte(self.phase)}"
        return f"reset the connection after {self.bytes_received} bytes, waiting for {_awaited(self.phase)}"


def _without_a_byte(phase: Phase | None) -> str:
    if phase is Phase.KEY:
        return "at our v2 key without sending a byte (speaks v1 only, is full, or banned us)"
    return "without sending a byte (full, banned us, or another chain)"


class PeerRejected(PeerError):
    """The peer sent `reject` and then no verdict.

    Attributes:
        message: Type of the message that was rejected, as printable text.
        ccode: The code of the `reject`, and `name` its name or ''.
        why: The reason in the peer's words, as printable text.
    """

    code = FailureCode.PEER_REJECTED

    def __init__(self, *, phase: Phase, message: str, ccode: int, name: str, why: str) -> None:
        self.phase = phase
        self.message = message
        self.ccode = ccode
        self.name = name
        self.why = why

    def __str__(self) -> str:
        what = f"our {self.message}" if self.message else "a message of ours"
        name = f", {self.name}" if self.name else ""
        return f"rejected {what}: {self.why or 'no reason given'} (code 0x{self.ccode:02x}{name})"


class PeerTimeout(PeerError):
    """The deadline passed before the verdict."""

    code = FailureCode.PEER_TIMEOUT

    def __init__(self, *, phase: Phase, waited_s: float, bytes_received: int, retry_v1: bool = False) -> None:
        self.phase = phase
        self.waited_s = waited_s
        self.bytes_received = bytes_received
        self.retry_v1 = retry_v1

    def __str__(self) -> str:
        got = f"{self.bytes_received} bytes" if self.bytes_received else "nothing"
        return f"no {_awaited(self.phase)} in {self.waited_s:g} s ({got} received)"


class PeerFlood(PeerError):
    """The peer sent far more than any handshake needs, and no verdict."""

    code = FailureCode.PEER_FLOOD

    def __init__(self, *, phase: Phase, messages: int, bytes_received: int) -> None:
        self.phase = phase
        self.messages = messages
        self.bytes_received = bytes_received

    def __str__(self) -> str:
        awaited = _awaited(self.phase)
        return f"flooded us: {self.messages} messages, {self.bytes_received} bytes and no {awaited}"


class ConnectError(BitcoinHandshakeError):
    """No connection came about."""

    phase: ClassVar[Phase] = Phase.CONNECT


class ConnectRefused(ConnectError):
    """The host is up and nothing listens there."""

    code = FailureCode.CONNECT_REFUSED

    def __str__(self) -> str:
        return "connection refused: nothing listens there"


class Unreachable(ConnectError):
    """No route to the host or its network."""

    code = FailureCode.CONNECT_UNREACHABLE

    def __init__(self, *, why: str) -> None:
        self.why = why

    def __str__(self) -> str:
        return f"unreachable: {self.why}"


class ConnectTimeout(ConnectError):
    """The deadline passed before the connection was established."""

    code = FailureCode.CONNECT_TIMEOUT

    def __init__(self, *, waited_s: float) -> None:
        self.waited_s = waited_s

    def __str__(self) -> str:
        return f"no connection in {self.waited_s:g} s: dead, filtered or slow"


class ConnectFailed(ConnectError):
    """The operating system gave another reason."""

    code = FailureCode.CONNECT_FAILED

    def __init__(self, *, why: str) -> None:
        self.why = why

    def __str__(self) -> str:
        return f"cannot connect: {self.why}"


class ResolveFailed(ConnectError):
    """A name gave no address.

    Attributes:
        name: The name asked for.
        server: Who answered, `host:port`, or '' where the system's resolver was used.
    """

    code = FailureCode.RESOLVE_FAILED
    phase: ClassVar[Phase] = Phase.RESOLVE
    what: ClassVar[str] = "the look-up failed"

    def __init__(self, *, name: str, server: str = "", why: str = "") -> None:
        self.name = name
        self.server = server
        self.why = why

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
    """REFUSED: the server will not answer us, or nothing listens there."""

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
    """The chain of CNAME records runs in a circle or is too long."""

    code = FailureCode.RESOLVE_CNAME_LOOP
    what = "the chain of CNAME records runs in a circle or is too long"


class Skipped(BitcoinHandshakeError):
    """Policy kept us from dialling."""


class NotRoutable(Skipped):
    """A learned address that is not globally routable."""

    code = FailureCode.POLICY_NOT_ROUTABLE

    def __init__(self, *, block: str) -> None:
        self.block = block

    def __str__(self) -> str:
        return f"not globally routable ({self.block}): not dialled without --allow-private"


class AddressFamilyExcluded(Skipped):
    """The address is of a family that -4 or -6 excludes."""

    code = FailureCode.POLICY_ADDRESS_FAMILY

    def __init__(self, *, network: str) -> None:
        self.network = network

    def __str__(self) -> str:
        return f"{self.network} is excluded by the options"


class NoProxy(Skipped):
    """The address can be reached by a proxy only, and none is configured."""

    code = FailureCode.POLICY_NO_PROXY

    def __init__(self, *, network: str) -> None:
        self.network = network

    def __str__(self) -> str:
        return f"no proxy is configured for {self.network}"
