"""Error numbers of the system as our own errors, and an attempt before anything came of it."""

from __future__ import annotations

import errno
import os

import pytest

from bitcoin_handshake.engine.connection import Connection, connect_error
from bitcoin_handshake.errors import ConnectTimeout, FailureCode
from bitcoin_handshake.netaddr import NetAddr

NETADDR = NetAddr.from_text("203.0.113.7", 8333)


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (errno.ECONNREFUSED, FailureCode.CONNECT_REFUSED, "refused"),
        (errno.ETIMEDOUT, FailureCode.CONNECT_TIMEOUT, "no connection in 1.235 s"),
        (errno.ENETUNREACH, FailureCode.CONNECT_UNREACHABLE, "network"),
        (errno.EHOSTUNREACH, FailureCode.CONNECT_UNREACHABLE, "host"),
        (errno.ENETDOWN, FailureCode.CONNECT_UNREACHABLE, "down"),
        (errno.EHOSTDOWN, FailureCode.CONNECT_UNREACHABLE, "down"),
        (errno.EACCES, FailureCode.CONNECT_UNREACHABLE, "forbids"),
        (errno.EPERM, FailureCode.CONNECT_UNREACHABLE, "firewall"),
        (errno.EAFNOSUPPORT, FailureCode.CONNECT_UNREACHABLE, "address family"),
        (errno.EADDRNOTAVAIL, FailureCode.CONNECT_UNREACHABLE, "no address"),
        (errno.EINVAL, FailureCode.CONNECT_FAILED, os.strerror(errno.EINVAL)),
        (-2, FailureCode.CONNECT_FAILED, "cannot connect"),
    ],
)
def test_every_error_number_has_a_code(number: int, code: FailureCode, words: str) -> None:
    error = connect_error(number, waited_s=1.23456)
    assert error.code is code
    assert words in str(error)
    assert error.phase == "connect"
    if isinstance(error, ConnectTimeout):
        assert error.waited_s == 1.235


def test_the_deadline_counts_from_the_start() -> None:
    connection = Connection(NETADDR, timeout_s=2.5)
    connection.started = 1000.0
    assert connection.deadline == 1002.5


def test_nothing_has_happened_yet() -> None:
    connection = Connection(NETADDR, timeout_s=2.5, is_traced=True)
    assert (connection.session, connection.error, connection.connected_at) == (None, None, None)
    assert (connection.bytes_sent, connection.held, connection.pending) == (0, 0, b"")
    assert (connection.is_paused, connection.is_traced) == (False, True)


def test_what_it_is_for_is_a_subclass_s() -> None:
    connection = Connection(NETADDR, timeout_s=2.5)
    with pytest.raises(NotImplementedError):
        connection.open_session(0.0)
    with pytest.raises(NotImplementedError):
        connection.close()
