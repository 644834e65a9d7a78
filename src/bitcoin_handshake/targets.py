"""What a person types or pipes in, read as targets.

Owns the text forms of a target (DNS name, IPv4, IPv6, onion, I2P, each with an optional port)
and the reading of many of them, one a line. Resolves nothing and dials nothing; the chain's own
port is the caller's to fill in.

Sources: RFC 1123 section 2.1 and RFC 1035 section 2.3.4 for names; RFC 4007 section 11 for
zones; RFC 3986 section 3.2.2 for brackets.
"""

from __future__ import annotations

import codecs
import os
import re
import select
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bitcoin_handshake.errors import BadTarget, InputError
from bitcoin_handshake.netaddr import NetAddr, Network

__all__ = [
    "MAX_LINE_LEN",
    "MAX_NAME_LEN",
    "Target",
    "check_name",
    "iter_lines",
    "parse_target",
    "read_targets",
]

MAX_NAME_LEN = 253
"""Upper limit of a DNS name in characters, without its trailing dot."""
MAX_LABEL_LEN = 63
MAX_LINE_LEN = 4096
"""Upper limit of one line of input in characters; a longer one is a bad target."""
MAX_KEPT_LINE_BYTES = 4 * (MAX_LINE_LEN + 1)
"""What is held of one line: enough that MAX_LINE_LEN + 1 characters of UTF-8 are in it, so that
whoever gets the line sees that it is too long."""
READ_LEN = 64 * 1024

_IPV4 = Network.IPV4
_OCTETS = frozenset(map(str, range(256)))
_PLAIN_PORT = re.compile(r"0{0,3}[1-9][0-9]{0,4}").fullmatch
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*").fullmatch
# What inet_aton takes for a number, so that a resolver would make an address of the name.
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*").fullmatch
_PORT = r"[0-9]{1,8}"
_ZONE = r"[A-Za-z0-9_.-]{1,15}"
_COMMENT = re.compile(r"(?:^|\s)#.*", re.DOTALL)
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to shake hands with, or a name that stands for many.

    Attributes:
        text: As it was asked for.
        host: Name or address in lower case, canonical, without port, brackets and trailing dot.
        port: 1 to 65535 (0 for I2P only, which has no other), or None where none was given.
        netaddr: The address, where the host is one (IPv4, IPv6, onion, I2P); its port is 0 where
            `port` is None. None for a DNS name.
    """

    text: str
    host: str
    port: int | None
    netaddr: NetAddr | None

    @property
    def name(self) -> str | None:
        """The DNS name to resolve, or None where the target is an address."""
        return self.host if self.netaddr is None else None

    def address(self, default_port: int) -> NetAddr | None:
        """The address to dial, with `default_port` where the target has none.

        An I2P address keeps port 0, the only one that SAM 3.1 knows.

        Returns:
            None where the target is a name.
        """
        netaddr = self.netaddr
        if netaddr is None or self.port is not None or netaddr.network is Network.I2P:
            return netaddr
        return NetAddr(netaddr.network, netaddr.host, default_port)


def parse_target(text: str) -> Target:
    """Read one target.

    Args:
        text: `name`, `name.`, `name:port`, `ip`, `ip:port`, bare IPv6 (a zone may follow),
            `[ipv6]`, `[ipv6]:port`, `X.onion`, `X.b32.i2p`, each of these two with a port or not.

    Raises:
        BadTarget: It is none of these; the reason says what to do.
    """
    # 1.5 us for `127.1.2.3:18444` this way, 4 us by way of `ipaddress`: a million lines may come
    # (bench/forms.py).
    host, colon, digits = text.partition(":")
    octets = host.split(".")
    if len(octets) == 4 and _OCTETS.issuperset(octets):
        if not colon:
            return Target(text, host, None, NetAddr(_IPV4, host, 0))
        if _PLAIN_PORT(digits) and (port := int(digits)) <= 65535:
            return Target(text, host, port, NetAddr(_IPV4, host, port))
        if ":" not in digits and digits.isascii() and digits.isprintable() and not digits.startswith(" "):
            port = _parse_port(text, digits) or 0
            return Target(text, host, port, NetAddr(_IPV4, host, port))
    _check_characters(text)
    host, port_text = _split_port(text)
    if ":" in host:
        return _ipv6_target(text, host, port_text)
    lower = host.lower()
    if lower.endswith((".onion", ".i2p")):
        return _hidden_target(text, lower, port_text)
    port_or_none = _parse_port(text, port_text)
    return Target(text, check_name(host, text), port_or_none, None)


def check_name(name: str, text: str | None = None) -> str:
    """Check a DNS name and write it in lower case without its trailing dot.

    Args:
        name: The name. ASCII letters, digits, hyphens and underscores, at most MAX_NAME_LEN
            (253) characters, labels of at most 63.
        text: What the error calls it, where the name is part of something longer.

    Raises:
        BadTarget: It cannot be a DNS name, or looks like a broken IPv4 address.
    """
    shown = name if text is None else text
    bare = name.removesuffix(".").lower()
    if not bare:
        raise BadTarget(text=shown, why="no host")
    if len(bare) > MAX_NAME_LEN:
        raise BadTarget(text=shown, why=f"a name has at most {MAX_NAME_LEN} characters, this one {len(bare)}")
    labels = bare.split(".")
    if not all(labels):
        raise BadTarget(text=shown, why="an empty label (two dots in a row, or a leading dot)")
    if _NUMERIC_LABEL(labels[-1]):
        raise BadTarget(text=shown, why=_why_not_ipv4(labels))
    longest = max(map(len, labels))
    if longest > MAX_LABEL_LEN:
        raise BadTarget(text=shown, why=f"a label has at most {MAX_LABEL_LEN} characters, this one {longest}")
    if not _NAME(bare):
        raise BadTarget(text=shown, why=_why_not_name(bare))
    return bare


def read_targets(
    lines: Iterable[str], *, name: str | None = None, first_line: int = 1
) -> Iterator[Target | BadTarget]:
    """Read targets from lines, one on each.

    White space around a target, blank lines, and comments (`#` at the start or behind white
    space, to the end of the line) are ignored.

    Args:
        lines: With or without their line ends.
        name: Of the list, for the `place` of a malformed line; None for none.
        first_line: Number of the first line.

    Yields:
        A `Target`, or the `BadTarget` of a malformed line, so that the run can go on.
    """
    for number, line in enumerate(lines, first_line):
        place = "" if name is None else f"{name}:{number}"
        text = line.strip()
        if "#" in text:
            text = _COMMENT.sub("", text).rstrip()
        if len(line) > MAX_LINE_LEN and (text or not line.lstrip().startswith("#")):
            yield BadTarget(
                text=line[:100], why=f"a line of more than {MAX_LINE_LEN} characters", place=place
            )
        elif text:
            try:
                yield parse_target(text)
            except BadTarget as error:
                yield BadTarget(text=error.text, why=error.why, place=place)


def iter_lines(stream: BinaryIO) -> Iterator[list[str]]:
    """Read a stream of lines in batches, each as soon as it holds one whole line.

    Blocks while the stream has nothing to give; belongs into a thread where something else must
    go on meanwhile. Holds at most one read (READ_LEN, 64 KiB) and one line
    (MAX_KEPT_LINE_BYTES): what a longer line has beyond that is dropped as it passes.

    Args:
        stream: Open for reading, nothing read from it yet. Where it has a descriptor, that is
            read directly.

    Yields:
        Lines without their line ends (LF or CRLF), never an empty batch. A byte order mark at
        the start is removed, and one of UTF-16 (PowerShell writes lists so) means that all
        is UTF-16; bytes that are not UTF-8 become `\\xNN`. A line that was cut has
        more than MAX_LINE_LEN characters.
    """
    read = _as_utf8(_reader(stream))
    held = b""
    first = True
    while data := read(READ_LEN):
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            yield _decode_lines(_join_held(held, head), first=first)
            first = False
            held = b""
        held = (held + rest)[:MAX_KEPT_LINE_BYTES]
    if held:
        yield _decode_lines(held, first=first)


def _as_utf8(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Wrap a reader so that UTF-16 with a byte order mark comes out as UTF-8, and all else unchanged."""
    decoder: codecs.IncrementalDecoder | None = None
    is_first = True

    def read_utf8(length: int) -> bytes:
        nonlocal decoder, is_first
        data = read(length)
        if is_first:
            is_first = False
            if len(data) == 1 and data in (codecs.BOM_UTF16_LE[:1], codecs.BOM_UTF16_BE[:1]):
                data += read(length)
            if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                decoder = codecs.getincrementaldecoder("utf-16")("backslashreplace")
        while decoder is not None:
            text = decoder.decode(data, final=not data)
            if text or not data:
                return text.encode("utf-8", "backslashreplace")
            data = read(length)  # half a character: not the end
        return data

    return read_utf8


def _join_held(held: bytes, head: bytes) -> bytes:
    """Put the kept beginning of a line before the rest of it, still bounded."""
    if not held:
        return head
    end, newline, rest = head.partition(b"\n")
    return (held + end)[:MAX_KEPT_LINE_BYTES] + newline + rest


def _decode_lines(data: bytes, *, first: bool) -> list[str]:
    text = data.decode("utf-8", "backslashreplace")
    if first:
        text = text.removeprefix(_BOM)
    # Not splitlines(): that ends lines at form feeds and U+2028 too.
    if "\r" in text:
        return [line.removesuffix("\r") for line in text.split("\n")]
    return text.split("\n")


def _reader(stream: BinaryIO) -> Callable[[int], bytes]:
    """How to read what is there without waiting for more."""
    try:
        descriptor = stream.fileno()
    except (AttributeError, OSError):  # in memory: a test, or a caller's own bytes
        return stream.read

    def read(length: int) -> bytes:
        while True:
            try:
                return os.read(descriptor, length)
            except BlockingIOError:  # another program left standard input in that mode
                select.select([descriptor], [], [])

    return read


def _check_characters(text: str) -> None:
    """Reject what no target has, with the reason that helps most."""
    if not text:
        raise BadTarget(text=text, why="empty")
    if len(text) > MAX_LINE_LEN:
        raise BadTarget(text=text[:100], why=f"more than {MAX_LINE_LEN} characters")
    if any(character.isspace() for character in text):
        raise BadTarget(text=text, why="white space inside")
    host, colon, port_text = text.rpartition(":")
    if colon and host.isascii() and not port_text.isascii():
        raise BadTarget(text=text, why="a port is a number from 1 to 65535")
    if not text.isascii():
        raise BadTarget(text=text, why="not ASCII: write an international name in its xn-- form")
    if not text.isprintable():
        raise BadTarget(text=text, why="a control character inside")
    if "://" in text:
        inner = re.split(r"[/?#]", text.partition("://")[2])[0].rpartition("@")[2]
        advice = f"give host and port only: {inner}" if inner else "give host and port only"
        raise BadTarget(text=text, why=f"a URL; {advice}")
    if "/" in text:
        raise BadTarget(text=text, why="a slash inside: a path or a range of addresses is no target")


def _split_port(text: str) -> tuple[str, str | None]:
    """Split host and port; the port is None where no colon announces one."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise BadTarget(text=text, why="the closing bracket is missing")
        if rest and not rest.startswith(":"):
            raise BadTarget(text=text, why="only :PORT may follow the closing bracket")
        if ":" not in host:
            raise BadTarget(text=text, why="brackets are for IPv6 addresses")
        return host, rest[1:] if rest else None
    host, colon, port_text = text.partition(":")
    if colon and ":" not in port_text:
        return host, port_text
    if colon and "." in host:  # no IPv6 address has a dot before its first colon
        raise BadTarget(
            text=text, why="a port is a number from 1 to 65535; only one :PORT may follow the host"
        )
    return text, None


def _parse_port(text: str, port_text: str | None) -> int | None:
    if port_text is None:
        return None
    if not port_text:
        raise BadTarget(text=text, why="no port behind the colon")
    if not re.fullmatch(_PORT, port_text) or not 1 <= int(port_text) <= 65535:
        raise BadTarget(text=text, why="a port is a number from 1 to 65535")
    return int(port_text)


def _ipv6_target(text: str, host: str, port_text: str | None) -> Target:
    from ipaddress import AddressValueError, IPv6Address

    address, percent, zone = host.partition("%")
    try:
        IPv6Address(address)
    except AddressValueError:
        hint = "" if text.startswith("[") else "; with a port, write [ADDRESS]:PORT"
        raise BadTarget(text=text, why=f"not an IPv6 address{hint}") from None
    if percent and not re.fullmatch(_ZONE, zone):
        raise BadTarget(text=text, why="a zone is the name or number of a network interface")
    port = _parse_port(text, port_text)
    netaddr = NetAddr.from_text(host, port or 0)
    return Target(text, netaddr.host, port, netaddr)


def _hidden_target(text: str, host: str, port_text: str | None) -> Target:
    """Read an onion or I2P target. Port 0 may be written for I2P, whose text form has it."""
    if host.endswith(".i2p") and not host.endswith(".b32.i2p"):
        raise BadTarget(text=text, why="an I2P address has the form XXXX.b32.i2p")
    i2p_port = host.endswith(".i2p") and port_text == "0"
    port = 0 if i2p_port else _parse_port(text, port_text)
    try:
        netaddr = NetAddr.from_text(host, port or 0)
    except InputError as error:
        raise BadTarget(text=text, why=str(error)) from None
    return Target(text, netaddr.host, port, netaddr)


def _why_not_ipv4(labels: list[str]) -> str:
    """Say what is wrong with a name that ends in a number."""
    if not all(label.isdigit() for label in labels):
        return "a name may not end in a number; an IPv4 address has four numbers from 0 to 255"
    if len(labels) != 4:
        return f"an IPv4 address has four numbers, this has {len(labels)}"
    if any(len(label) > 1 and label.startswith("0") for label in labels):
        return "the numbers of an IPv4 address may not begin with zeros"
    return "the numbers of an IPv4 address go from 0 to 255"


def _why_not_name(name: str) -> str:
    illegal = re.search(r"[^a-z0-9_.-]", name)
    if illegal:
        return f"{illegal.group()!r} is not allowed in a name"
    return "a label may not begin or end with a hyphen"
