"""What a run finds out, in a form that lives longer than a connection.

Owns `Outcome`, `ProbeResult` with its JSON form (schema version 1), and `ResultSink`. Knows how
to describe a result and not how to print it: escaping for terminals and spreadsheets is the
command line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from bitcoin_handshake.errors import (
    AnomalyCode,
    BadMagic,
    BitcoinHandshakeError,
    LooksLikeV1,
    PeerClosed,
    PeerError,
    Phase,
    SelfConnection,
)
from bitcoin_handshake.measured import TransportStatus, V2Facts
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.protocol import ServiceFlags, safe_integer, services_names, unsafe_text

if TYPE_CHECKING:
    from bitcoin_handshake.messages.handshake import SendTxRcncl, V1Address, Version
    from bitcoin_handshake.messages.historical import Reject
    from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct

__all__ = [
    "SCHEMA_VERSION",
    "Features",
    "MessageTime",
    "Outcome",
    "ProbeResult",
    "ResultSink",
    "rfc3339",
    "user_agent_text",
]

SCHEMA_VERSION = 1

_NODE_P2P_V2 = ServiceFlags.NODE_P2P_V2.value
_COMPLETED, _REFUSED, _NOT_TRIED = TransportStatus  # in the order in which they are defined


class Outcome(StrEnum):
    """What became of one target."""

    OK = "ok"  # a valid `version` and after it a `verack`
    PARTIAL = "partial"  # a valid `version` and at least one more message, but no `verack`
    FAILED = "failed"  # everything else; phase and code say where and why
    SKIPPED = "skipped"  # policy kept us from dialling; code says why


# An attribute of an enum class costs 100 ns on Python 3.11, a name of the module 10.
_OK = Outcome.OK


@dataclass(slots=True)
class Features:
    """What the peer announced, as it came; None or empty where it did not."""

    wtxidrelay: bool = False
    sendaddrv2: bool = False
    sendtxrcncl: SendTxRcncl | None = None
    sendheaders: bool = False
    sendcmpct: tuple[SendCmpct, ...] = ()
    feefilter: FeeFilter | None = None


@dataclass(slots=True)
class MessageTime:
    """One message in the order of a connection.

    Attributes:
        is_sent: True where we sent it.
        msg_type: Its type.
        size: Length of its payload in bytes.
        at_ms: Milliseconds since the connect began.
    """

    is_sent: bool
    msg_type: str
    size: int
    at_ms: float

    def to_json(self) -> dict[str, object]:
        """Return the fields as JSON has them."""
        return {
            "direction": "sent" if self.is_sent else "received",
            "msg_type": self.msg_type,
            "size": self.size,
            "at_ms": self.at_ms,
        }


@dataclass(slots=True)
class ProbeResult:
    """What one target did: the unit of output.

    Attributes:
        target: As the user asked for it.
        chain: `mainnet testnet3 testnet4 signet regtest custom`.
        outcome: What became of it.
        timestamp: When it was judged, seconds since the Unix epoch.
        netaddr: Address dialled, or None where there is none.
        seeds: Names that gave the address, or empty.
        error: Why it is not `ok`, with its code; None on `ok`.
        phase: Where it stopped; None on `ok` and on `skipped`.
        transport: `v1` or `v2`, the one that gave the verdict; None where no connection came about.
        version: The peer's `version`, or None.
        features: What the peer announced, or None where it was never asked.
        features_closed: Whether the window of the announcements before `verack` has closed.
        lingered: Whether we listened beyond the verdict.
        time_offset_s: The peer's clock minus ours at the moment its `version` came, seconds.
        anomalies: What the peer did wrong on the way.
        resolve_ms, connect_ms, version_ms, verack_ms, ping_ms: Milliseconds, as
            `measured.elapsed_ms` gives them; connect from the start of the dial, version and verack
            from the established connection.
        bytes_sent, bytes_received: Of the connection, up to the byte that completed the verdict, or
            to the end of the last message where we lingered.
        messages: Order and time of every message, where asked for.
        v2: What was seen below the messages, where `transport` is `v2`.
        other: What came of the other transport, where a connection was dialled for that too.
        reject: The peer's first `reject`, or None.
        conversation: What the conversation after the handshake learned, for callers of the library;
            not in the JSON record.
    """

    target: str
    chain: str
    outcome: Outcome
    timestamp: float
    netaddr: NetAddr | None = None
    seeds: Sequence[str] = ()
    error: BitcoinHandshakeError | None = None
    phase: Phase | None = None
    transport: str | None = None
    version: Version | None = None
    features: Features | None = None
    features_closed: bool = False
    lingered: bool = False
    time_offset_s: int | None = None
    anomalies: Sequence[AnomalyCode] = ()
    resolve_ms: float | None = None
    connect_ms: float | None = None
    version_ms: float | None = None
    verack_ms: float | None = None
    ping_ms: float | None = None
    bytes_sent: int = 0
    bytes_received: int = 0
    messages: Sequence[MessageTime] | None = None
    v2: V2Facts | None = None
    other: ProbeResult | None = None
    reject: Reject | None = None
    conversation: object = None

    @property
    def code(self) -> str | None:
        """The stable code of the failure, or None on `ok`."""
        return None if self.error is None else self.error.code.value

    @property
    def reason(self) -> str | None:
        """The failure in words, or None on `ok`."""
        error = self.error
        if error is None:
            return None
        is_end = self.transport == "v2" and self.other is None
        if is_end and isinstance(error, PeerError) and not error.retry_v1 and not _is_no_node(error):
            return f"{error}; --transport both asks in v1 too"
        if self._may_be_banned(error):
            return f"{error}; the v2 attempt before it may have led to a ban: try --transport v1"
        return str(error)

    def _may_be_banned(self, error: BitcoinHandshakeError) -> bool:
        """Tell whether v1, asked after v2 had failed, met a close without a byte."""
        v2 = self.other
        return (
            self.transport == "v1"
            and v2 is not None
            and v2.transport == "v2"
            and v2.outcome is not _OK
            and isinstance(error, PeerClosed)
            and not error.bytes_received
        )

    @property
    def claims_v2(self) -> bool | None:
        """Whether the peer's service bits offer v2, or None where no `version` came."""
        version = self.version
        if version is None:
            return None if self.other is None else self.other.claims_v2
        return version.services & _NODE_P2P_V2 != 0

    @property
    def speaks_v2(self) -> bool | None:
        """Whether v2 was seen to work; None where that is not known.

        True where the peer's version packet was authentic. False where the peer answered our key in
        v1, and where it closed without a byte and v1 then completed: a full or banning node looks
        the same until then. A limit of ours, an interrupt or a local error shows nothing.
        """
        tried = self if self.v2 is not None else self.other
        if tried is None or tried.v2 is None:
            return None
        if tried.v2.version_packet_ms is not None:
            return True
        v1 = self.on_transport("v1")
        error = tried.error
        closed_at_key = isinstance(error, PeerClosed) and not error.bytes_received
        is_v1_only = closed_at_key and v1 is not None and v1.outcome is Outcome.OK
        return False if is_v1_only or isinstance(error, LooksLikeV1) else None

    def on_transport(self, name: str) -> ProbeResult | None:
        """Return what came of the transport `v1` or `v2`; None where no connection was dialled for it.

        Where the second dial failed, that record has no transport of its own.
        """
        if self.transport == name:
            return self
        return self.other if self.transport is not None else None

    @property
    def user_agent(self) -> str | None:
        """The user agent as printable text, or None."""
        if self.version is None or self.version.user_agent is None:
            return None
        return user_agent_text(self.version.user_agent)

    @property
    def status(self) -> TransportStatus:
        """What came of the transport of this connection."""
        if self.transport is None:
            return _NOT_TRIED
        return _COMPLETED if self.outcome is _OK else _REFUSED

    def to_json(self) -> dict[str, object]:
        """Return the record: every key is there, what is not known is None.

        Spec:
            `schema/record.schema.json`, shipped with the package.
        """
        netaddr = self.netaddr
        return {
            "schema": SCHEMA_VERSION,
            "timestamp": rfc3339(self.timestamp),
            "target": self.target,
            "address": None if netaddr is None else netaddr.to_text(),
            "network": None if netaddr is None else netaddr.network,
            "chain": self.chain,
            "seed": list(self.seeds) or None,
            "outcome": self.outcome,
            "phase": self.phase,
            "code": self.code,
            "reason": self.reason,
            "reject": _reject_json(self.reject),
            "transport": self.transport,
            "claims_v2": self.claims_v2,
            "speaks_v2": self.speaks_v2,
            "transports": {
                "v1": _v1_json(self.on_transport("v1")),
                "v2": _v2_json(self.on_transport("v2")),
            },
            "version": None if self.version is None else self._version_json(self.version),
            "features": self._features_json(),
            "anomalies": list(self.anomalies),
            "times_ms": {
                "resolve": self.resolve_ms,
                "connect": self.connect_ms,
                "version": self.version_ms,
                "verack": self.verack_ms,
                "ping": self.ping_ms,
            },
            "bytes_sent": self.bytes_sent,
            "bytes_received": self.bytes_received,
            "messages": None if self.messages is None else [message.to_json() for message in self.messages],
        }

    def _version_json(self, version: Version) -> dict[str, object]:
        raw = version.user_agent
        return {
            "protocol_version": version.protocol_version,
            "services": f"{version.services:016x}",
            "services_names": services_names(version.services),
            "timestamp": safe_integer(version.timestamp),
            "timestamp_text": unsafe_text(version.timestamp),
            "time_offset_s": None if self.time_offset_s is None else safe_integer(self.time_offset_s),
            "addr_recv": _address_text(version.addr_recv),
            "addr_from": _address_text(version.addr_from),
            "nonce": None if version.nonce is None else f"{version.nonce:016x}",
            "user_agent": None if raw is None else user_agent_text(raw),
            "user_agent_hex": None if raw is None else raw.hex(),
            "start_height": version.start_height,
            "relay": None if version.relay is None else version.relay != 0,
        }

    def _features_json(self) -> dict[str, object]:
        features = self.features
        if features is None:
            return dict.fromkeys(_FEATURE_KEYS)
        # Before `verack` an announcement that did not come may still come; after it, or after
        # listening on, its absence is a fact.
        early = False if self.features_closed else None
        late = False if self.lingered else None
        txrcncl = features.sendtxrcncl
        return {
            "wtxidrelay": features.wtxidrelay or early,
            "sendaddrv2": features.sendaddrv2 or early,
            "sendtxrcncl": early
            if txrcncl is None
            else {"version": txrcncl.version, "salt": f"{txrcncl.salt:016x}"},
            "sendheaders": features.sendheaders or late,
            "sendcmpct": [
                {
                    "high_bandwidth": one.high_bandwidth != 0,
                    "version": safe_integer(one.version),
                    "version_text": unsafe_text(one.version),
                }
                for one in features.sendcmpct
            ]
            or late,
            "feefilter": late if features.feefilter is None else safe_integer(features.feefilter.fee_rate),
            "feefilter_text": None
            if features.feefilter is None
            else unsafe_text(features.feefilter.fee_rate),
        }


def _reject_json(reject: Reject | None) -> dict[str, object] | None:
    if reject is None:
        return None
    return {
        "message": user_agent_text(reject.message),
        "code": reject.ccode,
        "reason": user_agent_text(reject.reason),
    }


def _is_no_node(error: PeerError) -> bool:
    """Tell whether a v2 peer's first bytes said that it is a server of another kind, or an echo."""
    return isinstance(error, (BadMagic, SelfConnection)) and error.phase is Phase.KEY


def _v1_json(result: ProbeResult | None) -> dict[str, object]:
    """Describe what came of v1."""
    if result is None:
        return _V1_NOT_TRIED.copy()
    record = _attempt_json(result)
    record["times_ms"] = {
        "connect": result.connect_ms,
        "version": result.version_ms,
        "verack": result.verack_ms,
    }
    return record


def _v2_json(result: ProbeResult | None) -> dict[str, object]:
    """Describe what came of v2."""
    if result is None:
        return _V2_NOT_TRIED.copy()
    record = _attempt_json(result)
    facts = _NO_FACTS if result.v2 is None else result.v2
    record["garbage_length"] = facts.garbage_length
    record["decoys"] = None if facts is _NO_FACTS else facts.decoys
    record["session_id"] = None if facts.session_id is None else facts.session_id.hex()
    record["times_ms"] = {
        "connect": result.connect_ms,
        "key": facts.key_ms,
        "garbage": facts.garbage_ms,
        "version_packet": facts.version_packet_ms,
        "version": result.version_ms,
        "verack": result.verack_ms,
    }
    return record


_NO_FACTS = V2Facts()


def _attempt_json(result: ProbeResult) -> dict[str, object]:
    """Describe what came of one transport, as far as both have it in common."""
    error = result.error
    was_tried = result.transport is not None
    return {
        "status": result.status,
        "phase": result.phase,
        "code": None if error is None else error.code,
        "reason": None if error is None else str(error),
        "bytes_sent": result.bytes_sent if was_tried else None,
        "bytes_received": result.bytes_received if was_tried else None,
    }


# Most records say nothing of one of the two transports.
_V1_NOT_TRIED: dict[str, object] = {
    "status": _NOT_TRIED,
    **dict.fromkeys(("phase", "code", "reason", "bytes_sent", "bytes_received")),
    "times_ms": dict.fromkeys(("connect", "version", "verack")),
}
_V2_NOT_TRIED: dict[str, object] = {
    "status": _NOT_TRIED,
    **dict.fromkeys(("phase", "code", "reason", "bytes_sent", "bytes_received")),
    **dict.fromkeys(("garbage_length", "decoys", "session_id")),
    "times_ms": dict.fromkeys(("connect", "key", "garbage", "version_packet", "version", "verack")),
}

_FEATURE_KEYS = (
    "wtxidrelay",
    "sendaddrv2",
    "sendtxrcncl",
    "sendheaders",
    "sendcmpct",
    "feefilter",
    "feefilter_text",
)


class ResultSink(Protocol):
    """Where results go as they come."""

    def write(self, result: ProbeResult) -> None:
        """Take one result; must not block."""

    async def drain(self) -> None:
        """Wait until more results may be written.

        Raises:
            BrokenPipeError: Whoever reads them went away.
            EnvironmentFailure: They cannot be written.
        """


@lru_cache(maxsize=1024)
def user_agent_text(raw: bytes) -> str:
    """Turn a user agent into printable text that is safe to show anywhere but in HTML.

    Bytes that are not UTF-8 and characters that do not print (control characters, line ends,
    bidirectional overrides) become escapes such as `\\x1b`.
    """
    text = raw.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def rfc3339(time_unix: float) -> str:
    """Write a time in UTC with milliseconds and Z."""
    second, millisecond = divmod(int(time_unix * 1000), 1000)
    return f"{_rfc3339_s(second)}.{millisecond:03d}Z"


# Records come by the thousand a second, peers see us under one address, and most nodes run one of
# a few releases: what takes 4 us to write is looked up in 0.1 us (bench/forms.py).
@lru_cache(maxsize=64)
def _rfc3339_s(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=1024)
def _addrv1_text(ip: bytes, port: int) -> str:
    return NetAddr.from_addrv1(ip, port).to_text()


def _address_text(address: V1Address | None) -> str | None:
    return None if address is None else _addrv1_text(address.ip, address.port)
