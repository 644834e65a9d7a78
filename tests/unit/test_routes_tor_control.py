"""Tor's control port, as a script plays it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitcoin_handshake.routes.tor_control import bootstrap_phase
from tests.scripted_proxy import says, served

pytestmark = pytest.mark.asyncio

NULL = b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor="0.4.9"\r\n250 OK\r\n'
HALF = (
    b'250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=45 TAG=x SUMMARY="Asking for relays"\r\n250 OK\r\n'
)


async def _ask(*steps: bytes | str) -> tuple[int, str] | None:
    async with served(says(*steps)) as place:
        host, _, port = place.partition(":")
        return await bootstrap_phase(host, int(port))


async def test_says_how_far_tor_has_come() -> None:
    assert await _ask("line", NULL, "line", b"250 OK\r\n", "line", HALF) == (45, "Asking for relays")


async def test_takes_the_cookie(tmp_path: Path) -> None:
    path = tmp_path / "cookie"
    path.write_bytes(bytes(32))
    info = b'250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE COOKIEFILE="%b"\r\n250 OK\r\n' % str(path).encode()
    assert await _ask("line", info, "line", b"250 OK\r\n", "line", HALF) == (45, "Asking for relays")


@pytest.mark.parametrize(
    "steps",
    [
        (),
        ("line", b"HTTP/1.1 400 No\r\n\r\n"),
        ("line", b"250-AUTH METHODS=HASHEDPASSWORD\r\n250 OK\r\n"),
        ("line", NULL, "line", b"515 Bad authentication\r\n"),
        ("line", NULL, "line", b"250 OK\r\n", "line", b"552 Unrecognized\r\n"),
    ],
)
async def test_whoever_says_something_else_is_not_believed(steps: tuple[bytes | str, ...]) -> None:
    assert await _ask(*steps) is None


async def test_nobody_there_is_no_error() -> None:
    assert await bootstrap_phase("127.0.0.1", 9) is None
