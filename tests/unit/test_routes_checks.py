"""Whether something answers SOCKS5."""

from __future__ import annotations

import asyncio

import pytest

from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.errors import BitcoinHandshakeError
from bitcoin_handshake.routes.checks import SocksCheck
from bitcoin_handshake.routes.proxy import parse_proxy
from tests.scripted_proxy import says, served

pytestmark = pytest.mark.asyncio


async def _check(place: str) -> str:
    done: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
    dialer = Dialer()
    dialer.dial(SocksCheck(parse_proxy(place), done.set_result))
    error = await done
    dialer.close()
    if error is None:
        return "answers"
    assert isinstance(error, BitcoinHandshakeError)
    return error.code.value


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b"\x05\x00", "answers"),
        (b"\x05\xff", "proxy.auth_required"),
        (b"HTTP/1.0 400\r\n\r\n", "proxy.speaks_http"),
        (b"", "proxy.closed"),
    ],
)
async def test_greets_and_judges_the_answer(answer: bytes, result: str) -> None:
    async with served(says(3, answer)) as place:
        assert await _check(place) == result


async def test_nothing_there_is_said_too() -> None:
    assert await _check("127.0.0.1:9") == "connect.refused"
