"""The text forms of DNS servers."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.resolver.servers import Server


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("9.9.9.9", "9.9.9.9:53"),
        ("9.9.9.9:5353", "9.9.9.9:5353"),
        ("2620:fe::fe", "[2620:fe::fe]:53"),
        ("[2620:fe::fe]:5353", "[2620:fe::fe]:5353"),
        ("tls://9.9.9.9", "tls://9.9.9.9:853"),
        ("TLS://dns.example:8853", "tls://dns.example:8853"),
        ("tls://2620:fe::fe", "tls://[2620:fe::fe]:853"),
        ("https://dns.example", "https://dns.example:443/dns-query"),
        ("https://dns.example/", "https://dns.example:443/dns-query"),
        ("https://9.9.9.9:8443/resolve", "https://9.9.9.9:8443/resolve"),
    ],
)
def test_forms(text: str, written: str) -> None:
    server = Server.from_text(text)
    assert server.to_text() == written
    assert Server.from_text(written) == server


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a DNS server"),
        ("dns.example", "'dns.example' is not an IP address"),
        ("quic://9.9.9.9", "not quic://"),
        ("9.9.9.9/path", "only https:// has a path"),
        ("tls://9.9.9.9/path", "only https:// has a path"),
        ("9.9.9.9:0", "a port is a number"),
        ("9.9.9.9:65536", "a port is a number"),
        ("9.9.9.9:x", "not a DNS server"),
        ("tls://bad name", "'bad name' is not an IP address or a name"),
        ("https://[dns.example]/", "'dns.example' is not an IP address or a name"),
    ],
)
def test_what_is_no_server(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        Server.from_text(text)
