"""A v1 or v2 stream that cannot be read any further."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bitcoin_handshake.codes import FailureCode
from bitcoin_handshake.errors.peer import PeerError

__all__ = [
    "AuthenticationFailed",
    "BadMagic",
    "ForeignProtocol",
    "LooksLikeV1",
    "MessageTooLarge",
    "NoGarbageTerminator",
    "OtherChain",
    "OtherChainV2",
    "PacketTooLarge",
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
    "V1TransportError",
    "V2TransportError",
]


class V1TransportError(PeerError):
    """The v1 framing is broken beyond repair: v1 has no way to find the next message."""


@dataclass(kw_only=True, eq=False, repr=False)
class BadMagic(V1TransportError):
    """The first bytes of a message are not the magic of our chain."""

    code = FailureCode.V1_BAD_MAGIC

    received: bytes
    expected: bytes

    def __str__(self) -> str:
        return f"not the magic of this chain: {self.received.hex()} instead of {self.expected.hex()}"


@dataclass(kw_only=True, eq=False, repr=False)
class OtherChain(BadMagic):
    """The magic is that of another known chain."""

    code = FailureCode.V1_OTHER_CHAIN

    chain: str

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


@dataclass(kw_only=True, eq=False, repr=False)
class MessageTooLarge(V1TransportError):
    """A header announces more than MAX_PROTOCOL_MESSAGE_LENGTH bytes."""

    code = FailureCode.V1_MESSAGE_TOO_LARGE

    length: int
    limit: int

    def __str__(self) -> str:
        return f"announces a message of {self.length} bytes, over the limit of {self.limit}"


class V2TransportError(PeerError):
    """The v2 (BIP324) stream is broken."""


@dataclass(kw_only=True, eq=False, repr=False)
class NoGarbageTerminator(V2TransportError):
    """MAX_GARBAGE_LEN + 16 bytes went by without the garbage terminator."""

    code = FailureCode.V2_NO_GARBAGE_TERMINATOR

    received: int

    def __str__(self) -> str:
        return f"no garbage terminator in {self.received} bytes: not a v2 node, or one of another chain"


@dataclass(kw_only=True, eq=False, repr=False)
class AuthenticationFailed(V2TransportError):
    """A packet's tag does not match."""

    code = FailureCode.V2_AUTHENTICATION_FAILED

    packet_index: int

    def __str__(self) -> str:
        return f"packet {self.packet_index} fails authentication"


@dataclass(kw_only=True, eq=False, repr=False)
class PacketTooLarge(V2TransportError):
    """A packet's decrypted length is over what Core accepts."""

    code = FailureCode.V2_PACKET_TOO_LARGE

    length: int
    limit: int

    def __str__(self) -> str:
        return f"announces a packet of {self.length} bytes, over the limit of {self.limit}"


@dataclass(kw_only=True, eq=False, repr=False)
class LooksLikeV1(V2TransportError):
    """The peer answered a v2 key with a v1 `version` header."""

    code = FailureCode.V2_LOOKS_LIKE_V1
    retry_v1: bool = True

    def __str__(self) -> str:
        return "answers in v1"


@dataclass(kw_only=True, eq=False, repr=False)
class OtherChainV2(V2TransportError):
    """A key and garbage came, but never a terminator: the key schedule of another chain."""

    code = FailureCode.V2_OTHER_CHAIN

    garbage_received: int

    def __str__(self) -> str:
        return (
            f"sent its key and {self.garbage_received} more bytes but no garbage terminator: "
            "most likely a node of another chain"
        )
