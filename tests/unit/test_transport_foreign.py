"""What stands in the place of a v2 key, and how many bytes tell."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.transport.base import Transport
from bitcoin_handshake.transport.foreign import FOREIGN_HEAD_LEN, V1_VERSION_TYPE, foreign_answer
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport

MAGIC = bytes.fromhex("f9beb4d9")
HEAD = MAGIC + V1_VERSION_TYPE


def _told(head: bytes) -> tuple[str, int] | None:
    answer = foreign_answer(head, MAGIC)
    return None if answer is None else (answer[0].code.value, answer[1])


def _v1() -> Transport:
    return V1Transport(MAGIC)


def _v2() -> Transport:
    return V2Transport(magic=MAGIC, initiating=True, keys=(bytes(31) + b"\1", bytes(64)), garbage=b"")


def _end(transport: Transport, data: bytes, piece: int) -> tuple[str, int]:
    """Feed bytes in pieces; return the code of the failure, or '', and the bytes used."""
    for start in range(0, len(data), piece):
        transport.receive_data(data[start : start + piece])
        try:
            transport.next_message()
        except PeerError as error:
            return error.code.value, transport.consumed
    return "", transport.consumed


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (HEAD, ("v2.looks_like_v1", 16)),
        (bytes.fromhex("fabfb5da") + V1_VERSION_TYPE, ("v2.looks_like_v1", 16)),
        (MAGIC + b"reject".ljust(12, b"\0"), ("v2.looks_like_v1", 16)),
        (HEAD[:15], None),
        (MAGIC + bytes(12), None),
        (MAGIC + b"\x80" + b"version".ljust(11, b"\0"), None),
        (MAGIC + b"ver\0sion".ljust(12, b"\0"), None),
        (b"HTTP/1.1 400 Bad", ("foreign.http", 7)),
        (b"HTTP/1.", ("foreign.http", 7)),
        (b"HTTP/1", None),
        (b"HTTPS/1.1 400 Ba", ("foreign.http", 12)),
        (b"SSH-2.0-OpenSSH_", ("foreign.ssh", 8)),
        (b"SSH-1.99-OpenSSH", ("foreign.ssh", 8)),
        (b"SSH-2.0", None),
        (bytes.fromhex("15030100020246"), ("foreign.tls", 7)),
        (bytes.fromhex("15030400020128"), ("foreign.tls", 7)),
        (bytes.fromhex("150301000202"), None),
        (bytes.fromhex("15030500020246"), None),
        (bytes.fromhex("15030100020346"), None),
        (bytes.fromhex("15030100030246"), None),
        (b"", None),
        (bytes(16), None),
    ],
)
def test_recognition(head: bytes, told: tuple[str, int] | None) -> None:
    assert _told(head) == told


@pytest.mark.parametrize(
    "head", [HEAD, b"HTTP/1.1 400 Bad", b"SSH-2.0-OpenSSH_", bytes.fromhex("15030100020246")]
)
def test_no_verdict_is_taken_back_when_more_comes(head: bytes) -> None:
    told = [_told(head[:length]) for length in range(FOREIGN_HEAD_LEN + 1)]
    first = next(index for index, each in enumerate(told) if each is not None)
    assert told[first] is not None
    assert set(told[:first]) == {None}
    assert set(told[first : len(head) + 1]) == {told[first]}
    assert told[first] == (told[first][0], first)  # type: ignore[index]  # not None, see above


TEXT_SERVICES = [
    (b"220 (vsFTPd 3.0.3)\r\n", "foreign.ftp"),
    (b"220---------- Welcome to Pure-FTPd [privsep] ----------\r\n", "foreign.ftp"),
    (b"220 mail.example.invalid ESMTP Postfix\r\n", "foreign.smtp"),
    (b"554 5.7.1 no SMTP service for you\r\n", "foreign.smtp"),
    (b"* OK [CAPABILITY IMAP4rev1] ready.\r\n", "foreign.imap"),
    (b"+OK Dovecot ready.\r\n", "foreign.pop3"),
    (b"RFB 003.008\n", "foreign.vnc"),
    (b"-ERR unknown command\r\n", "foreign.text"),
    (b"220 " + b"x" * 90, "foreign.text"),
    (b"a line of forty characters, more or less", "foreign.text"),
    (b"421 Too many connections\r\n", "foreign.text"),
    (bytes.fromhex("4a0000000a382e302e33350061626364656667680000ffff"), "foreign.mysql"),
    (bytes.fromhex("450000") + b"\0\xff\x6a\x04Host '127.0.0.1' is not allowed", "foreign.mysql"),
    (bytes.fromhex("fffd18fffd20fffd23fffd27"), "foreign.telnet"),
    (b"HTTP/1.0 400 Bad Request\r\n", "foreign.http"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", "foreign.ssh"),
]


@pytest.mark.parametrize("make", [_v1, _v2])
@pytest.mark.parametrize("piece", [1, 2, 5, 200])
@pytest.mark.parametrize(("greeting", "code"), TEXT_SERVICES)
def test_services_are_named_at_once_however_their_bytes_arrive(
    greeting: bytes, code: str, piece: int, make: Callable[[], Transport]
) -> None:
    assert _end(make(), greeting, piece) == _end(make(), greeting, 1)
    assert _end(make(), greeting, piece)[0] == code


@pytest.mark.parametrize("make", [_v1, _v2])
@pytest.mark.parametrize("greeting", [b"login: ", b"hello there", b"220 half a line of FT"])
def test_a_short_text_is_named_at_its_end(greeting: bytes, make: Callable[[], Transport]) -> None:
    transport = make()
    assert _end(transport, greeting, 3) == ("", 0)
    error = transport.foreign_at_end()
    assert error is not None
    assert error.code.value == "foreign.text"
    assert transport.consumed == len(greeting)


@pytest.mark.parametrize("make", [_v1, _v2])
@pytest.mark.parametrize("head", [b"", b"abc", b"abcd\x80", b"\x80" * 20])
def test_what_is_no_text_has_no_name_at_its_end(head: bytes, make: Callable[[], Transport]) -> None:
    transport = make()
    transport.receive_data(head)
    assert transport.foreign_at_end() is None


def test_our_magic_and_the_beginning_of_a_header_are_no_text() -> None:
    transport = V1Transport(b"RAVN")
    transport.receive_data(b"RAVNversion")
    assert transport.next_message() is None
    assert transport.foreign_at_end() is None


def test_an_unknown_magic_of_letters_is_a_magic() -> None:
    assert _end(_v1(), b"RAVN" + V1_VERSION_TYPE, 16) == ("v1.bad_magic", 4)
    assert _end(_v2(), b"RAVN" + V1_VERSION_TYPE, 16) == ("v2.looks_like_v1", 16)


def test_a_key_is_taken_for_a_service_about_never() -> None:
    source = Random(7)
    heads = [source.randbytes(64) for _ in range(20_000)]
    ascii_heads = [bytes(source.choices(range(128), k=8)) + source.randbytes(56) for _ in range(20_000)]
    assert {_told(head) for head in heads + ascii_heads} == {None}
