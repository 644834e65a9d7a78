"""Any text is a target or a BadTarget, and lines come out as they went in."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from hypothesis import example, given
from hypothesis import strategies as st

from bitcoin_handshake.errors import BadTarget
from bitcoin_handshake.targets import MAX_LINE_LEN, iter_lines, parse_target, read_targets

_likely = st.text(alphabet="0123456789abcdefx.:[]%-_/# @\u00fc\n\x00", max_size=60)


@given(st.one_of(st.text(max_size=300), _likely))
@example("1.2.3.4:")
@example("[fe80::1%eth0]:1")
def test_any_text_is_a_target_or_a_bad_target(text: str) -> None:
    try:
        target = parse_target(text)
    except BadTarget:
        return
    assert target.text == text
    assert target.host.isascii()
    assert target.port is None or 0 <= target.port <= 65535
    shown = f"[{target.host}]" if ":" in target.host else target.host
    again = parse_target(shown if target.port is None else f"{shown}:{target.port}")
    assert (again.host, again.port, again.netaddr) == (target.host, target.port, target.netaddr)


@given(st.tuples(*[st.integers(0, 255)] * 4), st.integers(1, 65535))
def test_every_ipv4_address_with_every_port_is_a_target(octets: tuple[int, ...], port: int) -> None:
    host = ".".join(map(str, octets))
    target = parse_target(f"{host}:{port}")
    assert (target.host, target.port) == (host, port)


class _Split(io.BytesIO):
    """A stream that gives bytes in pieces of lengths chosen beforehand."""

    def __init__(self, data: bytes, lengths: list[int]) -> None:
        super().__init__(data)
        self._lengths = lengths

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, self._lengths.pop()) if self._lengths else size)


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=20))
@example(b"\xef\xbb\xbfa\r\nb\r", [1, 1, 1, 1, 1, 1])
def test_chunking_does_not_matter_to_lines(data: bytes, lengths: list[int]) -> None:
    whole = [line for batch in iter_lines(io.BytesIO(data)) for line in batch]
    batches = list(iter_lines(cast("BinaryIO", _Split(data, lengths))))
    assert [line for batch in batches for line in batch] == whole
    assert all(batches)


@given(st.lists(_likely | st.sampled_from(["x" * MAX_LINE_LEN, "#" * 5000, " " * 5000]), max_size=5))
def test_each_line_gives_one_result_or_none(lines: list[str]) -> None:
    assert len(list(read_targets(lines))) <= len(lines)
