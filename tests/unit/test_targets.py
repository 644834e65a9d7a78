"""What people type and pipe in."""

from __future__ import annotations

import fcntl
import io
import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

import pytest

from bitcoin_handshake.errors import BadTarget, FailureCode
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.targets import (
    MAX_KEPT_LINE_BYTES,
    MAX_LINE_LEN,
    READ_LEN,
    Target,
    check_name,
    iter_lines,
    parse_target,
    read_targets,
)

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("seed.bitcoin.sipa.be", "seed.bitcoin.sipa.be", None),
        ("seed.bitcoin.sipa.be.", "seed.bitcoin.sipa.be", None),
        ("Seed.Example:8333", "seed.example", 8333),
        ("seed.example.:1", "seed.example", 1),
        ("localhost", "localhost", None),
        ("localhost:65535", "localhost", 65535),
        ("x9.dnsseed_1.example", "x9.dnsseed_1.example", None),
        ("_dns.example", "_dns.example", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", None),
        ("1.2.3.4.example", "1.2.3.4.example", None),
        ("0x7f.example", "0x7f.example", None),
        ("a" * 63 + ".example", "a" * 63 + ".example", None),
        (".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc", None),
        ("name:00080", "name", 80),
    ],
)
def test_reads_names(text: str, host: str, port: int | None) -> None:
    target = parse_target(text)
    assert target == Target(text, host, port, None)
    assert target.name == host
    assert target.address(8333) is None


@pytest.mark.parametrize(
    ("text", "network", "host", "port"),
    [
        ("127.0.0.1", Network.IPV4, "127.0.0.1", None),
        ("127.1.2.3:18444", Network.IPV4, "127.1.2.3", 18444),
        ("0.0.0.0:1", Network.IPV4, "0.0.0.0", 1),
        ("255.255.255.255:65535", Network.IPV4, "255.255.255.255", 65535),
        ("::1", Network.IPV6, "::1", None),
        ("[::1]", Network.IPV6, "::1", None),
        ("[2001:DB8::1]:8333", Network.IPV6, "2001:db8::1", 8333),
        ("2001:db8::1:8333", Network.IPV6, "2001:db8::1:8333", None),
        ("fe80::1%eth0", Network.IPV6, "fe80::1%eth0", None),
        ("[fe80::1%2]:8333", Network.IPV6, "fe80::1%2", 8333),
        ("::ffff:1.2.3.4", Network.IPV4, "1.2.3.4", None),
        ("[::ffff:1.2.3.4]:8333", Network.IPV4, "1.2.3.4", 8333),
        ("fc00::1", Network.IPV6, "fc00::1", None),
        (ONION, Network.ONION, ONION, None),
        (ONION.upper() + ":8333", Network.ONION, ONION, 8333),
        (I2P, Network.I2P, I2P, None),
        (I2P + ":0", Network.I2P, I2P, 0),
    ],
)
def test_reads_addresses(text: str, network: Network, host: str, port: int | None) -> None:
    target = parse_target(text)
    assert target == Target(text, host, port, NetAddr(network, host, port or 0))
    assert target.name is None


def test_fills_in_the_port_of_the_chain() -> None:
    assert parse_target("127.0.0.1").address(18444) == NetAddr(Network.IPV4, "127.0.0.1", 18444)
    assert parse_target("127.0.0.1:9").address(18444) == NetAddr(Network.IPV4, "127.0.0.1", 9)
    assert parse_target(ONION).address(8333) == NetAddr(Network.ONION, ONION, 8333)
    assert parse_target(I2P).address(8333) == NetAddr(Network.I2P, I2P, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (".", "no host"),
        (":8333", "no host"),
        ("a b", "white space inside"),
        (" 127.0.0.1", "white space inside"),
        ("127.0.0.1\n", "white space inside"),
        ("seed\u00a0x", "white space inside"),
        ("a\x00b", "a control character"),
        ("a\x1b[31mb", "a control character"),
        ("a\x7fb", "a control character"),
        ("b\u00fccher.example", "not ASCII: write an international name in its xn-- form"),
        ("\uff11\uff12\uff17.0.0.1", "not ASCII"),
        ("\u0661.1.1.1", "not ASCII"),
        ("http://seed.example:80/path?x#y", "a URL; give host and port only: seed.example:80"),
        ("https://user:pw@seed.example", "a URL; give host and port only: seed.example"),
        ("http://", "a URL; give host and port only"),
        ("10.0.0.0/8", "a slash inside"),
        ("seed.example/", "a slash inside"),
        ("name:", "no port behind the colon"),
        ("127.0.0.1:", "no port behind the colon"),
        ("[::1]:", "no port behind the colon"),
        ("127.0.0.1:0", "a port is a number from 1 to 65535"),
        ("name:0", "a port is a number from 1 to 65535"),
        ("name:65536", "a port is a number from 1 to 65535"),
        ("127.0.0.1:65536", "a port is a number from 1 to 65535"),
        ("127.0.0.1:99999999999999999999", "a port is a number from 1 to 65535"),
        ("name:80a", "a port is a number from 1 to 65535"),
        ("name:-1", "a port is a number from 1 to 65535"),
        ("name:+80", "a port is a number from 1 to 65535"),
        ("[::1]:0", "a port is a number from 1 to 65535"),
        (ONION + ":0", "a port is a number from 1 to 65535"),
        ("1.2.3", "an IPv4 address has four numbers, this has 3"),
        ("1.2.3.4.5", "an IPv4 address has four numbers, this has 5"),
        ("12345", "an IPv4 address has four numbers, this has 1"),
        ("256.1.1.1", "go from 0 to 255"),
        ("01.2.3.4", "may not begin with zeros"),
        ("1.2.3.004:8333", "may not begin with zeros"),
        ("0x7f000001", "a name may not end in a number"),
        ("127.0.0.0x1", "a name may not end in a number"),
        ("127.0x", "a name may not end in a number"),
        ("seed.1", "a name may not end in a number"),
        ("1..2", "an empty label"),
        ("a..b", "an empty label"),
        (".a", "an empty label"),
        ("a...", "an empty label"),
        ("a" * 64 + ".example", "a label has at most 63 characters, this one 64"),
        (".".join(["a" * 49] * 5) + ".abcd", "a name has at most 253 characters, this one 254"),
        ("-seed.example", "may not begin or end with a hyphen"),
        ("seed-.example", "may not begin or end with a hyphen"),
        ("seed.example-", "may not begin or end with a hyphen"),
        ("@file", "'@' is not allowed in a name"),
        ("a,b", "',' is not allowed in a name"),
        ("a]b", "']' is not allowed in a name"),
        ("[::1", "the closing bracket is missing"),
        ("[::1]8333", "only :PORT may follow the closing bracket"),
        ("[127.0.0.1]:8333", "brackets are for IPv6 addresses"),
        ("[]", "brackets are for IPv6 addresses"),
        ("1:2:3:4:5:6:7:8:8333", "not an IPv6 address; with a port, write [ADDRESS]:PORT"),
        ("[:::]", "not an IPv6 address"),
        ("name:80:80", "not an IPv6 address"),
        ("fe80::1%", "a zone is the name"),
        ("fe80::1%a%b", "a zone is the name"),
        ("fe80::1%" + "e" * 16, "a zone is the name"),
        ("[fe80::1%]]:1", "only :PORT"),
        ("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscrya.onion", "not an onion address"),
        ("expyuzz4wqqyqhjn.onion", "version 2, which is gone"),
        ("a.onion", "56 base32 characters are needed"),
        ("stats.i2p", "an I2P address has the form XXXX.b32.i2p"),
        ("a.b32.i2p", "52 base32 characters are needed"),
        ("x" * 5000, "more than 4096 characters"),
    ],
)
def test_rejects_with_a_reason(text: str, why: str) -> None:
    with pytest.raises(BadTarget, match=re.escape(why)) as caught:
        parse_target(text)
    assert caught.value.code is FailureCode.INPUT_BAD_TARGET
    assert len(caught.value.text) <= MAX_LINE_LEN


def test_checks_a_name_by_itself() -> None:
    assert check_name("Seed.Example.") == "seed.example"
    with pytest.raises(BadTarget, match=re.escape("'a b'")):
        check_name("a b")


def test_importing_it_is_cheap() -> None:
    heavy = "asyncio", "dns", "click", "rich", "bitcoin_handshake.resolver"
    program = f"import sys, bitcoin_handshake.targets; print([m for m in {heavy!r} if m in sys.modules])"
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60, env=_env())
    assert result.stdout == "[]\n"


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize("host", ["127.0.0.1", "seed.example", "[::1]"])
def test_a_port_may_have_leading_zeros(host: str) -> None:
    assert parse_target(f"{host}:08333").port == 8333
    assert parse_target(f"{host}:00000001").port == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "seed.example", "[::1]"])
@pytest.mark.parametrize(
    "port", ["0", "00000", "65536", "065536", "x", "-1", "+1", "8_3", "0x50", "1e3", "99999999999", "\uff18"]
)
def test_the_reason_of_a_bad_port_is_the_port(host: str, port: str) -> None:
    with pytest.raises(BadTarget) as caught:
        parse_target(f"{host}:{port}")
    assert caught.value.why == "a port is a number from 1 to 65535"


@pytest.mark.parametrize("text", ["127.0.0.1:1:2", "seed.example:8333:8333", "1.2.3.4:80:"])
def test_two_ports_are_about_the_port(text: str) -> None:
    with pytest.raises(BadTarget, match="only one :PORT may follow the host"):
        parse_target(text)


# read_targets


def test_a_bad_line_has_its_place() -> None:
    lines = ["::1", "", "# x", "1.2.3", "a\0b", "x" * 5000]
    bad = [each for each in read_targets(lines, name="list.txt", first_line=7) if isinstance(each, BadTarget)]
    assert [each.place for each in bad] == ["list.txt:10", "list.txt:11", "list.txt:12"]
    assert str(bad[1]) == "list.txt:11: 'a\\x00b' is not a target: a control character inside"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
def test_lists_as_powershell_writes_them(encoding: str, size: int) -> None:
    text = "127.0.0.1:1\r\nseed.example\r\n\u00e9\U0001f600\r\n::1"
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    stream = _Pieces(*_cut((mark + text).encode(encoding), size))
    lines = [line for batch in iter_lines(cast(BinaryIO, stream)) for line in batch]
    assert lines == ["127.0.0.1:1", "seed.example", "\u00e9\U0001f600", "::1"]


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_half_a_character_at_the_end_of_utf_16_is_not_lost_in_silence() -> None:
    stream = _Pieces("\ufeff::1".encode("utf-16-le") + b"a")
    assert [line for batch in iter_lines(cast(BinaryIO, stream)) for line in batch] == ["::1\\x61"]


def _read(*lines: str) -> list[str]:
    """Each line's host, or `! reason`."""
    return [
        f"! {each.why}" if isinstance(each, BadTarget) else f"{each.host} {each.port}"
        for each in read_targets(lines)
    ]


def test_reads_a_target_a_line_and_goes_on_after_a_bad_one() -> None:
    assert _read("127.0.0.1:1\n", "  seed.example  \r\n", "1.2.3\n", "::1") == [
        "127.0.0.1 1",
        "seed.example None",
        "! an IPv4 address has four numbers, this has 3",
        "::1 None",
    ]


def test_skips_blank_lines_and_comments() -> None:
    assert _read("", "\n", " \t\n", "# all", "  # indented\n", "#", "::1 # why", "name\t#x # y", "a#b") == [
        "::1 None",
        "name None",
        "! '#' is not allowed in a name",
    ]


def test_a_line_too_long_is_one_bad_target_that_is_not_held() -> None:
    results = list(read_targets(["x" * MAX_LINE_LEN, "x" * (MAX_LINE_LEN + 1), " " * 5000 + "::1", "::1"]))
    assert [isinstance(each, BadTarget) for each in results] == [True, True, True, False]
    assert isinstance(results[1], BadTarget)
    assert results[1].why == "a line of more than 4096 characters"
    assert len(results[1].text) <= 100


def test_a_long_comment_is_a_comment() -> None:
    assert _read("#" + "x" * 5000, "  # " + "x" * 5000) == []


# iter_lines


class _Pieces:
    """A stream without a descriptor that gives one piece a read."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    def fileno(self) -> int:
        raise io.UnsupportedOperation

    def read(self, length: int) -> bytes:
        assert length >= max(map(len, self.pieces), default=0)
        return self.pieces.pop(0) if self.pieces else b""


def _batches(*pieces: bytes) -> list[list[str]]:
    return list(iter_lines(cast("BinaryIO", _Pieces(*pieces))))


@pytest.mark.parametrize(
    ("pieces", "batches"),
    [
        ((), []),
        ((b"a\nb\n",), [["a", "b"]]),
        ((b"a\nb",), [["a"], ["b"]]),
        ((b"a", b"b", b"\nc\n"), [["ab", "c"]]),
        ((b"a\n", b"b\n"), [["a"], ["b"]]),
        ((b"a\r\nb\r", b"\nc\r\n"), [["a"], ["b", "c"]]),
        ((b"\xef", b"\xbb\xbf", b"a\n\xef\xbb\xbfb\n"), [["a", "\ufeffb"]]),
        ((b"\xef\xbb\xbfa",), [["a"]]),
        ((b"\xfe\xfe\n\x80a\n",), [["\\xfe\\xfe", "\\x80a"]]),
        ((b"\xc3", b"\xbc\n"), [["\u00fc"]]),
        ((b"a\x00b\n\n",), [["a\x00b", ""]]),
        ((b"a\x0cb\xe2\x80\xa8c\n",), [["a\x0cb\u2028c"]]),
    ],
)
def test_reads_lines(pieces: Sequence[bytes], batches: list[list[str]]) -> None:
    assert _batches(*pieces) == batches


def test_a_line_that_was_cut_is_still_too_long() -> None:
    for line in (b"x" * 200_000, "\U0001f600".encode() * 50_000, "\u00fc".encode() * 100_000):
        pieces = [line[at : at + READ_LEN] for at in range(0, len(line), READ_LEN)]
        [[cut], [after]] = _batches(*pieces, b"end\n", b"::1\n")
        assert MAX_LINE_LEN < len(cut) <= MAX_KEPT_LINE_BYTES
        assert after == "::1"


def test_a_stream_without_a_newline_is_held_to_one_line() -> None:
    class Endless(_Pieces):
        def __init__(self) -> None:
            self.left = 500

        def read(self, length: int) -> bytes:
            self.left -= 1
            return b"x" * length if self.left else b""

    [[line]] = list(iter_lines(cast("BinaryIO", Endless())))
    assert len(line) == MAX_KEPT_LINE_BYTES


def test_reads_what_is_in_memory() -> None:
    assert list(iter_lines(io.BytesIO(b"a\nb\nc"))) == [["a", "b"], ["c"]]


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, int]]:
    """The reading end as a stream, the writing end as a descriptor."""
    reading, writing = os.pipe()
    with open(reading, "rb") as stream:
        yield stream, writing


def test_gives_the_first_lines_before_the_last_is_written(pipe: tuple[BinaryIO, int]) -> None:
    stream, writing = pipe
    lines = iter_lines(stream)
    os.write(writing, b"one\ntwo\nthr")
    assert next(lines) == ["one", "two"]
    os.write(writing, b"ee\n")
    assert next(lines) == ["three"]
    os.close(writing)
    assert list(lines) == []


def test_waits_where_standard_input_was_left_in_non_blocking_mode(
    pipe: tuple[BinaryIO, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, writing = pipe
    flags = fcntl.fcntl(stream.fileno(), fcntl.F_GETFL)
    fcntl.fcntl(stream.fileno(), fcntl.F_SETFL, flags | os.O_NONBLOCK)
    waits: list[object] = []

    def select_(reading: list[int], *_: object) -> None:
        """The line comes while the reader waits."""
        waits.append(reading)
        os.write(writing, b"late\n")
        os.close(writing)

    monkeypatch.setattr(select, "select", select_)
    assert list(iter_lines(stream)) == [["late"]]
    assert waits == [[stream.fileno()]]


def test_many_lines_take_bounded_memory() -> None:
    """Reads 8 MB through a pipe in a process whose heap may not grow by half of that."""
    program = """
import resource, sys
from bitcoin_handshake.targets import iter_lines, read_targets
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
count = sum(1 for batch in iter_lines(sys.stdin.buffer) for _ in read_targets(batch))
print(count, peak() - before < 4_000)
"""
    lines = b"".join(b"127.%d.%d.%d:18444\n" % (n >> 16 & 255, n >> 8 & 255, n & 255) for n in range(100_000))
    result = subprocess.run(
        [sys.executable, "-c", program],
        input=lines * 4,
        capture_output=True,
        check=True,
        timeout=60,
        env=_env(),
    )
    assert result.stdout.split() == [b"400000", b"True"]
