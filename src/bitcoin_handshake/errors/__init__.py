"""Everything that can go wrong, as one tree of exceptions with stable codes.

One exception class per failure code, in one module for each family. Knows nothing of sockets,
messages or printing: an exception carries facts as fields, and builds its sentence from them in
`__str__`.

Two kinds of trouble are kept apart, with Bitcoin Core's verdict on which is which:

* *this stream is dead*: a `PeerError` (or `PeerClosed`, `PeerTimeout`), which ends a session;
* *this message is bad*: an `AnomalyCode`, which is recorded while the session goes on.

What proxies do is in `errors.proxies`, which a run without a proxy does not import.
"""

from __future__ import annotations

# Most modules need a class and its code or phase: one import statement gives both.
from bitcoin_handshake.codes import AnomalyCode as AnomalyCode
from bitcoin_handshake.codes import FailureCode as FailureCode
from bitcoin_handshake.codes import Phase as Phase
from bitcoin_handshake.errors.base import (
    BadTarget,
    BitcoinHandshakeError,
    EnvironmentFailure,
    InputError,
    InternalError,
    LocalProtocolError,
)
from bitcoin_handshake.errors.peer import (
    BadVersionMessage,
    HandshakeError,
    PeerClosed,
    PeerError,
    PeerFlood,
    PeerRejected,
    PeerReset,
    PeerTimeout,
    SelfConnection,
    VersionTooOld,
)
from bitcoin_handshake.errors.reach import (
    AddressFamilyExcluded,
    AlreadyDialled,
    BadAnswer,
    BadPort,
    BlockedByHosts,
    CnameLoop,
    ConnectError,
    ConnectFailed,
    ConnectRefused,
    ConnectTimeout,
    DryRun,
    NameNotFound,
    NetworkExcluded,
    NoAddresses,
    NoProxy,
    NoRoute,
    NotRoutable,
    OptedOut,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
    ServerFailure,
    Skipped,
    Unreachable,
)
from bitcoin_handshake.errors.reading import (
    from_code,
)
from bitcoin_handshake.errors.transports import (
    AuthenticationFailed,
    BadMagic,
    ForeignProtocol,
    LooksLikeV1,
    MessageTooLarge,
    NoGarbageTerminator,
    OtherChain,
    OtherChainV2,
    PacketTooLarge,
    SpeaksFtp,
    SpeaksHttp,
    SpeaksImap,
    SpeaksMysql,
    SpeaksPop3,
    SpeaksSmtp,
    SpeaksSsh,
    SpeaksTelnet,
    SpeaksText,
    SpeaksTls,
    SpeaksVnc,
    V1TransportError,
    V2TransportError,
)
from bitcoin_handshake.errors.wire import (
    BadEncoding,
    FieldTooLong,
    NonMinimalCompactSize,
    TrailingBytes,
    Truncated,
    WireError,
)

__all__ = [
    "AddressFamilyExcluded",
    "AlreadyDialled",
    "AuthenticationFailed",
    "BadAnswer",
    "BadEncoding",
    "BadMagic",
    "BadPort",
    "BadTarget",
    "BadVersionMessage",
    "BitcoinHandshakeError",
    "BlockedByHosts",
    "CnameLoop",
    "ConnectError",
    "ConnectFailed",
    "ConnectRefused",
    "ConnectTimeout",
    "DryRun",
    "EnvironmentFailure",
    "FieldTooLong",
    "ForeignProtocol",
    "HandshakeError",
    "InputError",
    "InternalError",
    "LocalProtocolError",
    "LooksLikeV1",
    "MessageTooLarge",
    "NameNotFound",
    "NetworkExcluded",
    "NoAddresses",
    "NoGarbageTerminator",
    "NoProxy",
    "NoRoute",
    "NonMinimalCompactSize",
    "NotRoutable",
    "OptedOut",
    "OtherChain",
    "OtherChainV2",
    "PacketTooLarge",
    "PeerClosed",
    "PeerError",
    "PeerFlood",
    "PeerRejected",
    "PeerReset",
    "PeerTimeout",
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
    "from_code",
]
