"""I2P by SAM 3.1 as byte protocols: the session that a router keeps for us, and one stream in it.

    SamSession                                   SamStream
    HELLO VERSION MIN=3.1 MAX=3.1                HELLO VERSION MIN=3.1 MAX=3.1
    HELLO REPLY RESULT=OK ...                    HELLO REPLY RESULT=OK ...
    SESSION CREATE STYLE=STREAM ID=... ...       NAMING LOOKUP NAME=....b32.i2p
    SESSION STATUS RESULT=OK ...                 NAMING REPLY RESULT=OK ... VALUE=destination
    (stays open: the session lives as long)      STREAM CONNECT ID=... DESTINATION=... SILENT=false
                                                 STREAM STATUS RESULT=OK; then the node's bytes

Each request and each answer is one line. RESULT=OK of a stream does not prove that the node answered:
a router that has the lease set of a destination which is gone says OK at once.

Sources: I2P's SAM v3 specification; Core's `i2p.cpp` (`Session::CreateIfNotCreatedAlready`, `Connect`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.proxy_client import ProxyClient, http_prefix
from bitcoin_handshake.errors.proxies import (
    ProxyBadReply,
    ProxyError,
    ProxyNotSam,
    ProxySpeaksHttp,
    SamCannotReachPeer,
    SamDuplicatedDestination,
    SamDuplicatedId,
    SamError,
    SamInvalidId,
    SamInvalidKey,
    SamKeyNotFound,
    SamLeaseSetNotFound,
    SamNoVersion,
    SamPeerNotFound,
    SamRouterError,
    SamTimeout,
    SamUnknownResult,
)

__all__ = ["MAX_LINE_LEN", "SAM_TIMEOUT_S", "SamSession", "SamStream", "sam_error"]

MAX_LINE_LEN = 64 * 1024
"""Bytes of an answer at most, with its end of line; Core's MAX_MSG_SIZE."""
SAM_TIMEOUT_S = 180.0
"""How long a router may take for a session: it builds tunnels meanwhile; Core's MAX_WAIT_FOR_IO."""
KEEP_S = 86_400.0
"""How often a session that is ready looks at the clock; nothing comes of it."""
MAX_MESSAGE_LEN = 200

HELLO = b"HELLO VERSION MIN=3.1 MAX=3.1\n"
_HELLO_REPLY = b"HELLO REPLY "
# As Core asks for a transient session: one tunnel each way.
SESSION_CREATE = (
    "SESSION CREATE STYLE=STREAM ID={id} DESTINATION=TRANSIENT SIGNATURE_TYPE=7 "
    "i2cp.leaseSetEncType=4,0 inbound.quantity=1 outbound.quantity=1\n"
)
_PAIR = re.compile(r'([A-Za-z0-9_.]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_UNPRINTABLE = re.compile(r"[^ -~]")
_DESTINATION = re.compile(r"[A-Za-z0-9~-]+={0,2}").fullmatch

_RESULTS: Mapping[str, type[SamError]] = MappingProxyType(
    {
        "CANT_REACH_PEER": SamCannotReachPeer,
        "PEER_NOT_FOUND": SamPeerNotFound,
        "LEASESET_NOT_FOUND": SamLeaseSetNotFound,
        "TIMEOUT": SamTimeout,
        "KEY_NOT_FOUND": SamKeyNotFound,
        "INVALID_KEY": SamInvalidKey,
        "INVALID_ID": SamInvalidId,
        "DUPLICATED_ID": SamDuplicatedId,
        "DUPLICATED_DEST": SamDuplicatedDestination,
        "I2P_ERROR": SamRouterError,
        "NOVERSION": SamNoVersion,
    }
)


def sam_error(result: str, message: str) -> SamError:
    """Return the error of a RESULT other than OK.

    Args:
        result: As the router wrote it.
        message: What the router says besides; '' for nothing.
    """
    message = _printable(message)
    cls = _RESULTS.get(result)
    if cls is None:
        return SamUnknownResult(result=_printable(result), message=message)
    return cls(message=message)


class _SamClient(ProxyClient):
    """Says HELLO, and reads one line at a time.

    Attributes:
        topic: The two words with which the awaited line begins.
    """

    __slots__ = ("_scanned", "topic")

    def __init__(self, *, now: float, deadline: float, then: Callable[[float], ByteProtocol] | None) -> None:
        super().__init__(now=now, deadline=deadline, then=then)
        self.topic = "HELLO REPLY"
        self._scanned = 0
        self._output = HELLO

    @property
    def awaited(self) -> str:
        """What the router has to send next, in words."""
        return self.topic

    @property
    def is_asked(self) -> bool:
        """Whether the router is busy with the node."""
        return self.topic in ("NAMING REPLY", "STREAM STATUS")

    def _read_answer(self, held: bytearray) -> bool:
        if self.topic == "HELLO REPLY" and self._is_foreign(held):
            return self.finished
        end = held.find(b"\n", self._scanned)
        if not 0 <= end < MAX_LINE_LEN:
            self._scanned = len(held)
            if len(held) >= MAX_LINE_LEN:
                self._fail(ProxyBadReply(why=f"a line of more than {MAX_LINE_LEN} bytes"))
            return self.finished
        line = held[:end].decode("ascii", "replace")
        del held[: end + 1]
        self._scanned = 0
        self._take_line(line.rstrip("\r"))
        return True

    def _is_foreign(self, held: bytearray) -> bool:
        """Judge the first bytes; True where they do not begin a HELLO REPLY."""
        if _HELLO_REPLY.startswith(held[: len(_HELLO_REPLY)]):
            return False
        is_http = http_prefix(held)
        if is_http is not None:
            self._fail(ProxySpeaksHttp() if is_http else ProxyNotSam())
        return True

    def _unfinished(self) -> ProxyError | None:
        head = self._held[: len(_HELLO_REPLY)]
        is_foreign = self.topic == "HELLO REPLY" and not _HELLO_REPLY.startswith(head)
        return ProxyNotSam() if is_foreign else None

    def _take_line(self, line: str) -> None:
        if not line.startswith(self.topic + " "):
            self._fail(ProxyBadReply(why=f"{_printable(line)!r} instead of {self.topic}"))
            return
        pairs = {name: quoted or plain for name, quoted, plain in _PAIR.findall(line)}
        result = pairs.get("RESULT")
        if result is None:
            self._fail(ProxyBadReply(why=f"{self.topic} without RESULT"))
        elif result != "OK":
            self._fail(sam_error(result, pairs.get("MESSAGE", "")))
        else:
            self._take_ok(pairs)

    def _take_ok(self, pairs: Mapping[str, str]) -> None:
        """Go on after RESULT=OK of the awaited line."""
        raise NotImplementedError

    def _ask(self, request: str, topic: str) -> None:
        self._output += request.encode("ascii")
        self.topic = topic


class SamSession(_SamClient):
    """The controlling connection: creates a session with a destination of its own, and keeps it.

    It is finished only when the router ends it, or does not create it.

    Args:
        session_id: A name that no other session of the router has, ASCII without white space.
        now, deadline: See `ProxyClient`; the deadline is that of the creation.

    Attributes:
        is_ready: Whether streams may be opened in the session.
    """

    __slots__ = ("is_ready", "session_id")

    def __init__(self, session_id: str, *, now: float, deadline: float) -> None:
        super().__init__(now=now, deadline=deadline, then=None)
        self.session_id = session_id
        self.is_ready = False

    def receive_data(self, data: bytes, *, now: float) -> None:
        """Take bytes of the router."""
        super().receive_data(data, now=now)
        if self.is_ready:
            self.deadline = now + KEEP_S

    def _read_answer(self, held: bytearray) -> bool:
        if not self.is_ready:
            return super()._read_answer(held)
        held.clear()  # nothing is expected in a session that is ready
        return False

    def handle_timeout(self, *, now: float) -> None:
        """Give up the creation; a session that is ready goes on."""
        if self.is_ready:
            self.deadline = now + KEEP_S
        else:
            super().handle_timeout(now=now)

    def _take_ok(self, pairs: Mapping[str, str]) -> None:
        if self.topic == "HELLO REPLY":
            self._ask(SESSION_CREATE.format(id=self.session_id), "SESSION STATUS")
        else:
            self.is_ready = True
            self.topic = "end of the session"


class SamStream(_SamClient):
    """One stream to a destination; the node's own protocol follows.

    Args:
        name: The node's `.b32.i2p` name.
        session_id: Name of the session that the stream belongs to.
        now, deadline, then: See `ProxyClient`.
    """

    __slots__ = ("_name", "_session_id")

    def __init__(
        self,
        name: str,
        *,
        session_id: str,
        now: float,
        deadline: float,
        then: Callable[[float], ByteProtocol] | None = None,
    ) -> None:
        super().__init__(now=now, deadline=deadline, then=then)
        self._name = name
        self._session_id = session_id

    def _take_ok(self, pairs: Mapping[str, str]) -> None:
        if self.topic == "HELLO REPLY":
            self._ask(f"NAMING LOOKUP NAME={self._name}\n", "NAMING REPLY")
        elif self.topic == "NAMING REPLY":
            self._connect(pairs.get("VALUE", ""))
        else:
            self._succeed()

    def _connect(self, destination: str) -> None:
        if _DESTINATION(destination):
            request = f"STREAM CONNECT ID={self._session_id} DESTINATION={destination} SILENT=false\n"
            self._ask(request, "STREAM STATUS")
        else:
            self._fail(ProxyBadReply(why="NAMING REPLY without a destination"))


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text[:MAX_MESSAGE_LEN])
