"""Error numbers of the system as our own errors; the calls themselves: test_engine_dialer."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from bitcoin_handshake.engine.limits import OUT_OF_RESOURCES
from bitcoin_handshake.engine.route import Route
from bitcoin_handshake.engine.sockets import (
    begin_connect,
    connect_error,
    has_route,
    is_connected,
    is_shortage,
    pending_error,
)
from bitcoin_handshake.errors import ConnectTimeout, FailureCode
from bitcoin_handshake.netaddr import NetAddr

LOOPBACK = NetAddr.from_text("127.0.0.1", 1)


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


def test_a_connect_begins_without_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = begin_connect(NetAddr.from_text(*listener.getsockname()), None)
        with listener.accept()[0]:
            assert is_connected(sock)
            assert pending_error(sock) == 0
            with pytest.raises(BlockingIOError):
                sock.recv(1)
        sock.close()


def test_a_socket_that_is_not_connected() -> None:
    with socket.socket() as sock:
        assert not is_connected(sock)


def test_what_this_machine_lacks() -> None:
    for number in OUT_OF_RESOURCES:
        assert is_shortage(number, LOOPBACK, None)
        assert is_shortage(number, LOOPBACK, Route(path="/nowhere"))
    assert not is_shortage(errno.ECONNREFUSED, LOOPBACK, None)


def test_loopback_has_a_route_and_another_zone_has_none() -> None:
    assert has_route(NetAddr.from_text("127.0.0.1", 1))
    assert not has_route(NetAddr.from_text("fe80::1%nosuch0", 1))
