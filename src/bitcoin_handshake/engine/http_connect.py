"""HTTP CONNECT as a byte protocol: one connection through an HTTP proxy.

We send one request with the node's address and, where given, a user name and password. The answer is a
status line and header lines up to an empty line, MAX_HEAD_LEN bytes at most; then the node's bytes
follow. Interim answers (1xx) are passed over.

Sources: RFC 9110 sections 9.3.6 (CONNECT), 15 (status codes) and 11.7 (authentication of proxies);
RFC 9112 section 4 (status line); RFC 7617 (Basic).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.engine.proxy_client import ProxyClient, http_prefix
from bitcoin_handshake.engine.socks5 import Credentials
from bitcoin_handshake.errors.proxies import (
    HttpGatewayTimeout,
    HttpNotAllowed,
    HttpUnexpectedStatus,
    HttpUnreachable,
    ProxyAuthFailed,
    ProxyAuthRequired,
    ProxyBadReply,
    ProxyError,
    ProxyNotHttp,
)

__all__ = ["MAX_HEAD_LEN", "HttpConnectClient"]

MAX_HEAD_LEN = 8 * 1024
"""Bytes of status line and header lines at most, with those of interim answers."""

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] +([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_NOT_ALLOWED = frozenset((401, 403, 405))
_PROXY_AUTHENTICATION_REQUIRED = 407
_GATEWAY_TIMEOUT = 504


class HttpConnectClient(ProxyClient):
    """Asks an HTTP proxy for one connection.

    Args:
        authority: The node as `host:port`, IPv6 in brackets; ASCII without white space.
        credentials: Sent with the request; None sends none.
        now, deadline, then: See `ProxyClient`.
    """

    __slots__ = ("_head_len", "_is_authenticated")

    def __init__(
        self,
        authority: str,
        *,
        now: float,
        deadline: float,
        credentials: Credentials | None = None,
        then: Callable[[float], ByteProtocol] | None = None,
    ) -> None:
        super().__init__(now=now, deadline=deadline, then=then)
        self._is_authenticated = credentials is not None
        self._head_len = 0  # of interim answers
        host = authority.encode("ascii")
        lines = [b"CONNECT %b HTTP/1.1" % host, b"Host: %b" % host]
        if credentials is not None:
            basic = b64encode(credentials.username + b":" + credentials.password)
            lines.append(b"Proxy-Authorization: Basic " + basic)
        self._output = b"\r\n".join([*lines, b"", b""])

    @property
    def awaited(self) -> str:
        """What the proxy has to send next, in words."""
        return "answer to CONNECT"

    @property
    def is_asked(self) -> bool:
        """True: our request is one piece."""
        return True

    def _read_answer(self, held: bytearray) -> bool:
        if held and http_prefix(held) is False:
            self._fail(ProxyNotHttp())
            return True
        end = _END.search(held)
        if end is None or self._head_len + end.end() > MAX_HEAD_LEN:
            if self._head_len + len(held) > MAX_HEAD_LEN:
                self._fail(ProxyBadReply(why=f"more than {MAX_HEAD_LEN} bytes of header lines"))
            return self.finished
        line = _STATUS_LINE.match(held)
        status = None if line is None else int(line[1])
        head_len = end.end()
        del held[:head_len]
        if status is None:
            self._fail(ProxyBadReply(why="no status line of HTTP/1"))
        else:
            self._take_status(status, head_len)
        return True

    def _take_status(self, status: int, head_len: int) -> None:
        if status < 200:
            self._head_len += head_len
        elif status < 300:
            self._succeed()
        else:
            self._fail(self._refusal(status))

    def _unfinished(self) -> ProxyError | None:
        return ProxyNotHttp() if self._held and not http_prefix(self._held) else None

    def _refusal(self, status: int) -> ProxyError:
        if status == _PROXY_AUTHENTICATION_REQUIRED:
            return ProxyAuthFailed() if self._is_authenticated else ProxyAuthRequired()
        if status in _NOT_ALLOWED:
            return HttpNotAllowed(status=status)
        if status == _GATEWAY_TIMEOUT:
            return HttpGatewayTimeout(status=status)
        return HttpUnreachable(status=status) if status >= 500 else HttpUnexpectedStatus(status=status)
