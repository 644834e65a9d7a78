"""HTTP CONNECT in literal bytes, and every way in which a proxy can refuse or break it."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.http_connect import MAX_HEAD_LEN, HttpConnectClient
from bitcoin_handshake.engine.socks5 import Credentials
from tests.proxy_peers import DEADLINE, START, feed, outcome

OK = b"HTTP/1.1 200 Connection established\r\n\r\n"


def _client(authority: str = "127.0.0.1:8333", credentials: Credentials | None = None) -> HttpConnectClient:
    return HttpConnectClient(authority, now=START, deadline=DEADLINE, credentials=credentials)


def test_the_request_is_literal() -> None:
    request = b"CONNECT [2001:db8::1]:8333 HTTP/1.1\r\nHost: [2001:db8::1]:8333\r\n\r\n"
    assert _client("[2001:db8::1]:8333").data_to_send() == request


def test_a_user_name_and_a_password_are_sent_as_basic_authentication() -> None:
    sent = _client(credentials=Credentials(b"Aladdin", b"open sesame")).data_to_send()
    assert sent.endswith(b"\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.0 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nVia: x\r\nX-Y: z\r\n\r\n",
        b"HTTP/1.1 299 \n\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
    ],
)
def test_success_leaves_the_nodes_bytes_unread(answer: bytes) -> None:
    client = _client()
    feed(client, [answer + b"\xf9\xbe"])
    assert client.error is None
    assert client.finished
    assert client.unread == b"\xf9\xbe"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (301, "http_proxy.unexpected_status"),
        (400, "http_proxy.unexpected_status"),
        (401, "http_proxy.not_allowed"),
        (403, "http_proxy.not_allowed"),
        (404, "http_proxy.unexpected_status"),
        (405, "http_proxy.not_allowed"),
        (407, "proxy.auth_required"),
        (500, "http_proxy.unreachable"),
        (502, "http_proxy.unreachable"),
        (503, "http_proxy.unreachable"),
        (504, "http_proxy.gateway_timeout"),
    ],
)
def test_every_status_has_its_code(status: int, code: str) -> None:
    client = _client()
    feed(client, [b"HTTP/1.1 %d Words of the proxy\r\nA: b\r\n\r\n<html>" % status])
    assert outcome(client)["code"] == code
    assert client.unread == b""


def test_a_refused_password_is_told_from_a_missing_one() -> None:
    client = _client(credentials=Credentials(b"u", b"p"))
    feed(client, [b"HTTP/1.1 407 No\r\n\r\n"])
    assert outcome(client)["code"] == "proxy.auth_failed"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"\x05\x00", "proxy.not_http"),
        (b"SSH-2.0-x\r\n", "proxy.not_http"),
        (b"HTTPS", "proxy.not_http"),
        (b"HTTP/2 200 OK\r\n\r\n", "proxy.bad_reply"),
        (b"HTTP/1.1 200OK\r\n\r\n", "proxy.bad_reply"),
        (b"HTTP/1.1 999 x\r\n\r\n", "proxy.bad_reply"),
        (b"HTTP/1.1 two hundred\r\n\r\n", "proxy.bad_reply"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * MAX_HEAD_LEN, "proxy.bad_reply"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_HEAD_LEN, "proxy.bad_reply"),
    ],
)
def test_what_is_no_answer_is_named(answer: bytes, code: str) -> None:
    client = _client()
    feed(client, [answer])
    assert outcome(client)["code"] == code


def test_never_holds_more_than_its_limit_and_one_piece() -> None:
    client = _client()
    for _ in range(MAX_HEAD_LEN // 1000 + 2):
        feed(client, [b"HTTP/" if not client.buffered else b"x" * 1000])
        assert client.buffered <= MAX_HEAD_LEN
    assert outcome(client)["code"] == "proxy.bad_reply"


def test_an_end_within_the_first_bytes_is_not_http() -> None:
    client = _client()
    feed(client, [b"HT"])
    client.receive_eof(now=START, reset=False)
    assert outcome(client)["code"] == "proxy.not_http"
