"""Clients of proxies under any bytes in any segmentation: one result, and no exception."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.engine.http_connect import MAX_HEAD_LEN, HttpConnectClient
from bitcoin_handshake.engine.proxy_client import ProxyClient
from bitcoin_handshake.engine.sam import MAX_LINE_LEN, SamSession, SamStream
from bitcoin_handshake.engine.socks5 import Credentials, Socks5Client, name_bytes
from tests.helpers import chunked
from tests.proxy_peers import DEADLINE, START, feed, outcome

NAME = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


def _socks5() -> ProxyClient:
    return Socks5Client(name_bytes("node.example", 1), now=START, deadline=DEADLINE)


def _socks5_password() -> ProxyClient:
    credentials = Credentials(b"u", b"p")
    return Socks5Client(name_bytes("node.example", 1), now=START, deadline=DEADLINE, credentials=credentials)


def _http() -> ProxyClient:
    return HttpConnectClient("127.0.0.1:1", now=START, deadline=DEADLINE)


def _stream() -> ProxyClient:
    return SamStream(NAME, session_id="x", now=START, deadline=DEADLINE)


def _session() -> ProxyClient:
    return SamSession("x", now=START, deadline=DEADLINE)


CLIENTS = [_socks5, _socks5_password, _http, _stream, _session]
LIMITS = {_http: MAX_HEAD_LEN, _stream: MAX_LINE_LEN, _session: MAX_LINE_LEN}
# A reply of SOCKS5 with the longest name, and what a piece may hold besides.
SOCKS5_LIMIT = 7 + 255

PIECES = st.sampled_from(
    [
        b"\x05", b"\x00", b"\x05\x00", b"\x05\x02", b"\x01\x00", b"\x05\x00\x00", b"\x05\xff", b"\x05\x05",
        bytes.fromhex("05000001000000000000"), bytes.fromhex("0500000305") + b"hello\x00\x01",
        bytes.fromhex("05000004") + bytes(18), b"HTTP/", b"HTTP/1.1 ", b"200 OK", b"100 Continue", b"502",
        b"\r\n", b"\n", b"\r\n\r\n", b"HELLO REPLY ", b"NAMING REPLY ", b"STREAM STATUS ", b"SESSION STATUS ",
        b"RESULT=OK", b"RESULT=TIMEOUT", b" VALUE=AAAA", b' MESSAGE="x', b"NAME=x",
        b"HELLO REPLY RESULT=OK VERSION=3.1\n", b"NAMING REPLY RESULT=OK VALUE=AAAA\n",
        b"STREAM STATUS RESULT=OK\n", b"SESSION STATUS RESULT=OK\n", b"HTTP/1.1 200 OK\r\n\r\n",
    ]
)  # fmt: skip
STREAMS = st.lists(st.one_of(PIECES, PIECES, PIECES, st.binary(max_size=8)), max_size=8).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=12)


@pytest.mark.parametrize("make", CLIENTS)
@given(stream=STREAMS, cuts=CUTS, end=st.sampled_from(["none", "eof", "reset", "timeout"]))
def test_segmentation_changes_nothing(
    make: Callable[[], ProxyClient], stream: bytes, cuts: list[int], end: str
) -> None:
    results = []
    for pieces in ([stream] if stream else [], chunked(stream, cuts), [bytes([each]) for each in stream]):
        client = make()
        sent = feed(client, pieces)
        if not client.finished and end != "none":
            if end == "timeout":
                client.handle_timeout(now=DEADLINE)
            else:
                client.receive_eof(now=START + 2, reset=end == "reset")
        sent += client.data_to_send()
        results.append((sent, outcome(client)))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("make", CLIENTS)
@given(head=STREAMS, fill=st.binary(min_size=1, max_size=3), count=st.integers(1, 40_000))
def test_never_holds_more_than_its_limit(
    make: Callable[[], ProxyClient], head: bytes, fill: bytes, count: int
) -> None:
    client = make()
    feed(client, [head])
    if not client.finished:
        feed(client, [fill * count])
    assert client.buffered <= LIMITS.get(make, SOCKS5_LIMIT)
