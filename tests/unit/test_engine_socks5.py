"""SOCKS5 in literal bytes, and every way in which a proxy can break it."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.socks5 import (
    Command,
    Credentials,
    Socks5Client,
    address_bytes,
    name_bytes,
)
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.netaddr import NetAddr
from tests.proxy_peers import DEADLINE, START, feed, outcome

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
DESTINATION = bytes.fromhex("01 7f000001 208d")
OK = bytes.fromhex("05 00 00 01 00000000 0000")
METHOD = b"\x05\x00"
PASSWORD = b"\x05\x02"


def _client(credentials: Credentials | None = None, **options: object) -> Socks5Client:
    return Socks5Client(DESTINATION, now=START, deadline=DEADLINE, credentials=credentials, **options)  # type: ignore[arg-type]  # options of the class


@pytest.mark.parametrize(
    ("netaddr", "encoded"),
    [
        (NetAddr.from_text("127.0.0.1", 8333), "01 7f000001 208d"),
        (NetAddr.from_text("2001:db8::1", 1), "04 20010db8000000000000000000000001 0001"),
        (NetAddr.from_text("fc00::1", 8333, cjdns=True), "04 fc000000000000000000000000000001 208d"),
        (NetAddr.from_text(ONION, 8333), "03 3e" + ONION.encode().hex() + "208d"),
    ],
)
def test_addresses_have_the_bytes_of_rfc_1928(netaddr: NetAddr, encoded: str) -> None:
    assert address_bytes(netaddr) == bytes.fromhex(encoded)


def test_names_have_a_length_before_and_a_port_after() -> None:
    assert name_bytes("a.b", 0x208D) == b"\x03\x03a.b\x20\x8d"


@pytest.mark.parametrize("name", ["", "x" * 256, "bücher.example"])
def test_names_that_a_proxy_cannot_take_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="1 to 255 ASCII characters"):
        name_bytes(name, 1)


def test_credentials_have_the_bytes_of_rfc_1929() -> None:
    assert Credentials(b"user", b"secret").serialize() == b"\x01\x04user\x06secret"
    assert Credentials(b"u" * 255, b"").serialize() == b"\x01\xff" + b"u" * 255 + b"\x00"


@pytest.mark.parametrize(("user", "password"), [(0, 1), (256, 1), (1, 256)])
def test_credentials_over_their_limits_are_refused(user: int, password: int) -> None:
    with pytest.raises(InputError, match="255"):
        Credentials(b"u" * user, b"p" * password)


def test_without_authentication_the_exchange_is_literal() -> None:
    client = _client()
    assert feed(client, [METHOD]) == bytes.fromhex("05 01 00  05 01 00 01 7f000001 208d")
    feed(client, [OK])
    assert outcome(client) == {
        "finished": True, "code": None, "facts": {}, "unread": b"", "deadline": None, "buffered": 0,
    }  # fmt: skip


def test_with_a_password_the_exchange_is_literal() -> None:
    client = _client(Credentials(b"u", b"p"))
    assert feed(client, [PASSWORD, b"\x01\x00", OK]) == bytes.fromhex(
        "05 02 00 02  01 01 75 01 70  05 01 00 01 7f000001 208d"
    )
    assert client.finished
    assert client.error is None


def test_a_proxy_may_choose_no_authentication_though_credentials_were_offered() -> None:
    client = _client(Credentials(b"u", b"p"))
    assert feed(client, [METHOD, OK]) == bytes.fromhex("05 02 00 02  05 01 00 01 7f000001 208d")
    assert client.error is None


@pytest.mark.parametrize(
    "bound",
    ["01 7f000001 1234", "04 20010db8000000000000000000000001 1234", "03 00 1234", "03 05 68656c6c6f 1234"],
    ids=["ipv4", "ipv6", "no name", "name"],
)
def test_any_bound_address_is_read_to_its_end(bound: str) -> None:
    client = _client()
    feed(client, [METHOD, b"\x05\x00\x00" + bytes.fromhex(bound) + b"\xf9\xbe"])
    assert client.error is None
    assert client.unread == b"\xf9\xbe"


@pytest.mark.parametrize(
    ("bound", "host"),
    [
        ("01 01020304 0000", "1.2.3.4"),
        ("04 20010db8000000000000000000000001 0000", "2001:db8::1"),
        ("03 03 612e62 0000", "a.b"),
    ],
)
def test_resolve_gives_the_address_of_the_reply(bound: str, host: str) -> None:
    client = Socks5Client(
        name_bytes("seed.example", 0), now=START, deadline=DEADLINE, command=Command.RESOLVE
    )
    sent = feed(client, [METHOD, b"\x05\x00\x00" + bytes.fromhex(bound)])
    assert sent == b"\x05\x01\x00" + b"\x05\xf0\x00\x03\x0cseed.example\x00\x00"
    assert client.bound_host == host


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (0x01, "socks5.general_failure"),
        (0x02, "socks5.not_allowed"),
        (0x03, "socks5.network_unreachable"),
        (0x04, "socks5.host_unreachable"),
        (0x05, "socks5.refused"),
        (0x06, "socks5.ttl_expired"),
        (0x07, "socks5.command_not_supported"),
        (0x08, "socks5.address_type_not_supported"),
        (0x09, "socks5.unknown_reply"),
        (0xEF, "socks5.unknown_reply"),
        (0xF0, "onion.descriptor_not_found"),
        (0xF1, "onion.descriptor_invalid"),
        (0xF2, "onion.introduction_failed"),
        (0xF3, "onion.rendezvous_failed"),
        (0xF4, "onion.missing_authorization"),
        (0xF5, "onion.wrong_authorization"),
        (0xF6, "onion.bad_address"),
        (0xF7, "onion.introduction_timed_out"),
        (0xF8, "socks5.unknown_reply"),
        (0xFF, "socks5.unknown_reply"),
    ],
)
@pytest.mark.parametrize("rest", [b"", bytes(8)], ids=["short", "whole"])
def test_every_reply_has_its_code(reply: int, code: str, rest: bytes) -> None:
    client = _client()
    feed(client, [METHOD, b"\x05%c" % reply + rest])
    assert outcome(client)["code"] == code
    assert client.unread == b""


@pytest.mark.parametrize(
    ("pieces", "code", "words"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "proxy.speaks_http", "HTTP"),
        ([b"\x04\x5a"], "proxy.not_socks5", "0x04"),
        ([b"\x00\x5b"], "proxy.not_socks5", "0x00"),
        ([b"SSH-2.0-x\r\n"], "proxy.not_socks5", "0x53"),
        ([b"\x05\xff"], "proxy.auth_required", "USER:PASSWORD@"),
        ([b"\x05\x02"], "proxy.bad_reply", "method 2"),
        ([b"\x05\x01"], "proxy.bad_reply", "method 1"),
        ([METHOD, b"\x04\x00"], "proxy.bad_reply", "version 4"),
        ([METHOD, b"\x05\x00\x01"], "proxy.bad_reply", "reserved byte"),
        ([METHOD, b"\x05\x00\x00\x02"], "proxy.bad_reply", "address type 2"),
        ([METHOD, b"\x05\x00\x00\x00" + bytes(6)], "proxy.bad_reply", "address type 0"),
    ],
)
def test_a_proxy_that_breaks_the_protocol_is_named(pieces: list[bytes], code: str, words: str) -> None:
    client = _client()
    feed(client, pieces)
    assert outcome(client)["code"] == code
    assert words in str(client.error)


@pytest.mark.parametrize(
    ("status", "code"), [(b"\x01\x01", "proxy.auth_failed"), (b"\x05\x00", "proxy.bad_reply")]
)
def test_a_refused_password_is_told_from_nonsense(status: bytes, code: str) -> None:
    client = _client(Credentials(b"u", b"p"))
    feed(client, [PASSWORD, status])
    assert outcome(client)["code"] == code


@pytest.mark.parametrize("reset", [False, True])
def test_an_end_within_what_may_be_http_is_not_socks5(reset: bool) -> None:
    client = _client()
    feed(client, [b"HT"])
    assert not client.finished
    client.receive_eof(now=START, reset=reset)
    assert outcome(client)["code"] == "proxy.not_socks5"
