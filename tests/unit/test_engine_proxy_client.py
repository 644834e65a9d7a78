"""What all clients of proxies share: time, the end of the bytes, and the bytes that are left over."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.proxy_client import http_prefix
from bitcoin_handshake.engine.socks5 import Socks5Client, name_bytes
from bitcoin_handshake.errors.proxies import ProxyClosed, ProxyReset, ProxySilent, ProxyTimeout
from tests.proxy_peers import DEADLINE, START, feed


def _client() -> Socks5Client:
    return Socks5Client(name_bytes("node.example", 8333), now=START, deadline=DEADLINE)


@pytest.mark.parametrize(
    ("data", "decision"),
    [(b"", None), (b"H", None), (b"HTTP", None), (b"HTTP/", True), (b"HTTX", False), (b"\x05", False)],
)
def test_http_is_told_by_its_first_bytes(data: bytes, decision: bool | None) -> None:
    assert http_prefix(data) is decision


def test_silence_after_the_greeting_is_the_proxys() -> None:
    client = _client()
    assert client.deadline == DEADLINE
    client.handle_timeout(now=DEADLINE)
    assert isinstance(client.error, ProxySilent)
    assert client.error.facts() == {
        "awaited": "answer to the SOCKS5 greeting",
        "waited_s": 30.0,
        "bytes_received": 0,
    }
    assert client.finished
    assert client.deadline is None


def test_silence_after_the_request_is_the_nodes() -> None:
    client = _client()
    feed(client, [b"\x05\x00"])
    client.handle_timeout(now=DEADLINE)
    assert isinstance(client.error, ProxyTimeout)


def test_silence_in_the_middle_of_the_reply_is_the_proxys() -> None:
    client = _client()
    feed(client, [b"\x05\x00", b"\x05\x00\x00"])
    assert client.buffered == 3
    client.handle_timeout(now=DEADLINE)
    assert isinstance(client.error, ProxySilent)
    assert client.error.bytes_received == 5


@pytest.mark.parametrize(("reset", "kind"), [(False, ProxyClosed), (True, ProxyReset)])
def test_an_early_end_says_what_was_awaited(reset: bool, kind: type[ProxyClosed]) -> None:
    client = _client()
    feed(client, [b"\x05\x00"])
    client.receive_eof(now=START + 1, reset=reset)
    assert type(client.error) is kind
    assert client.error.facts() == {"awaited": "reply to the SOCKS5 request", "bytes_received": 2}


def test_bytes_of_the_node_are_left_for_the_next_protocol() -> None:
    client = _client()
    feed(client, [b"\x05\x00" + bytes.fromhex("05000001000000000000") + b"node"])
    assert client.error is None
    assert client.unread == b"node"
    assert client.buffered == 0
