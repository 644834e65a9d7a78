"""What stands in the place of a v2 key, and how many bytes tell."""

from __future__ import annotations

import pytest

from bitcoin_handshake.transport.foreign import FOREIGN_HEAD_LEN, V1_VERSION_TYPE, foreign_answer

MAGIC = bytes.fromhex("f9beb4d9")
HEAD = MAGIC + V1_VERSION_TYPE


def _told(head: bytes) -> tuple[str, int] | None:
    answer = foreign_answer(head, MAGIC)
    return None if answer is None else (answer[0].code.value, answer[1])


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
        (b"HTTP/1.1 400 Bad", ("v1.http", 7)),
        (b"HTTP/1.", ("v1.http", 7)),
        (b"HTTP/1", None),
        (b"HTTPS/1.1 400 Ba", None),
        (b"SSH-2.0-OpenSSH_", ("v1.ssh", 8)),
        (b"SSH-1.99-OpenSSH", ("v1.ssh", 8)),
        (b"SSH-2.0", None),
        (bytes.fromhex("15030100020246"), ("v1.tls", 7)),
        (bytes.fromhex("15030400020128"), ("v1.tls", 7)),
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
