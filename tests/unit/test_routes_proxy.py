"""Proxies as people write them."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.socks5 import Credentials
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.routes.proxy import ProxyKind, parse_proxy


@pytest.mark.parametrize(
    ("text", "kind", "place"),
    [
        ("127.0.0.1:1080", ProxyKind.SOCKS5, "127.0.0.1:1080"),
        ("127.0.0.1", ProxyKind.SOCKS5, "127.0.0.1:9050"),
        ("localhost:1", ProxyKind.SOCKS5, "127.0.0.1:1"),
        ("[::1]:1080", ProxyKind.SOCKS5, "[::1]:1080"),
        ("[::1]", ProxyKind.SOCKS5, "[::1]:9050"),
        ("socks5://10.0.0.1:1080", ProxyKind.SOCKS5, "10.0.0.1:1080"),
        ("SOCKS5H://10.0.0.1:1080/", ProxyKind.SOCKS5, "10.0.0.1:1080"),
        ("http://10.0.0.1:8888", ProxyKind.HTTP, "10.0.0.1:8888"),
        ("unix:/run/tor/socks", ProxyKind.SOCKS5, "unix:/run/tor/socks"),
        ("http://unix:/run/p", ProxyKind.HTTP, "unix:/run/p"),
    ],
)
def test_reads_every_form(text: str, kind: ProxyKind, place: str) -> None:
    proxy = parse_proxy(text)
    assert (proxy.kind, proxy.place, proxy.credentials) == (kind, place, None)


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("socks5://user:pass@127.0.0.1:1", Credentials(b"user", b"pass")),
        ("user@127.0.0.1:1", Credentials(b"user", b"")),
        ("socks5://a%40b:c%3Ad@127.0.0.1:1", Credentials(b"a@b", b"c:d")),
        ("http://u:p:q@127.0.0.1:1", Credentials(b"u", b"p:q")),
    ],
)
def test_reads_user_names_and_passwords_and_never_shows_them(text: str, credentials: Credentials) -> None:
    proxy = parse_proxy(text)
    assert proxy.credentials == credentials
    assert "@" not in proxy.to_text()


def test_a_sam_bridge_has_its_own_port_and_no_scheme() -> None:
    assert parse_proxy("127.0.0.1", is_sam=True).place == "127.0.0.1:7656"
    assert parse_proxy("127.0.0.1:1", is_sam=True).kind is ProxyKind.SAM
    for text in ("socks5://127.0.0.1:1", "u@127.0.0.1:1"):
        with pytest.raises(InputError, match="HOST:PORT or unix:PATH is needed"):
            parse_proxy(text, is_sam=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a proxy"),
        (":1080", "is not a proxy"),
        ("127.0.0.1:", "is not a proxy"),
        ("127.0.0.1:x", "is not a proxy"),
        ("127.0.0.1:0", "port 0"),
        ("127.0.0.1:65536", "port 65536"),
        ("::1", "is not a proxy"),
        ("[::g]:1", "not the address of a proxy"),
        ("proxy.example:1080", "go around the proxy"),
        ("socks4://127.0.0.1:1", "socks4:// is not supported"),
        ("https://127.0.0.1:1", "https:// is not supported"),
        ("http://127.0.0.1", "needs its port"),
        ("socks5://" + "u" * 256 + ":p@127.0.0.1:1", "1 to 255 bytes, not 256"),
        ("socks5://u:" + "p" * 256 + "@127.0.0.1:1", "at most 255 bytes, not 256"),
        ("socks5://:p@127.0.0.1:1", "1 to 255 bytes, not 0"),
        ("unix:", "path of a socket"),
        ("unix:/" + "x" * 107, "at most 107 bytes"),
        ("ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p:1", "not i2p"),
    ],
)
def test_refuses_what_is_no_proxy_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_proxy(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
