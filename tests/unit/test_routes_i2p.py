"""The controlling connection of an I2P session."""

from __future__ import annotations

import asyncio

import pytest

from bitcoin_handshake.engine.dialer import Dialer
from bitcoin_handshake.errors import BitcoinHandshakeError
from bitcoin_handshake.routes.i2p import SessionKeeper
from bitcoin_handshake.routes.proxy import parse_proxy
from tests.scripted_proxy import SamServer, served

pytestmark = pytest.mark.asyncio


async def test_says_when_it_is_ready_and_when_it_ends() -> None:
    sam = SamServer("127.0.0.1", 9)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    async with served(sam.act) as place:
        dialer = Dialer()
        keeper = SessionKeeper(
            parse_proxy(place, is_sam=True),
            on_ready=lambda keeper: ready.set_result(keeper.session_id),
            on_end=lambda _, error: ended.set_result(error),
        )
        dialer.dial(keeper)
        assert await ready == sam.sessions[0]
        assert not ended.done()
        sam.controls[0].close()
        error = await ended
        assert isinstance(error, BitcoinHandshakeError)
        assert error.code.value == "proxy.closed"
        dialer.close()


async def test_sessions_have_different_names() -> None:
    proxy = parse_proxy("127.0.0.1:1", is_sam=True)
    names = {
        SessionKeeper(proxy, on_ready=lambda _: None, on_end=lambda *_: None).session_id for _ in range(50)
    }
    assert len(names) == 50
