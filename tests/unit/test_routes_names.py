"""Names that Tor resolves."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import BitcoinHandshakeError
from bitcoin_handshake.routes.names import RESOLVE_QUESTIONS
from bitcoin_handshake.routes.options import RouteOptions
from bitcoin_handshake.routes.router import Router
from tests.scripted_proxy import SocksServer, served

pytestmark = pytest.mark.asyncio


async def _resolve(server: SocksServer) -> list[str] | Exception:
    async with served(server.act) as place:
        router = Router(RouteOptions.from_text(proxy=place), lambda: None)
        try:
            return await router.resolve("seed.example", timeout_s=5.0)
        finally:
            router.close()


async def test_asks_several_times_each_over_a_circuit_of_its_own() -> None:
    server = SocksServer("127.0.0.1", 9, resolved=bytes.fromhex("05000001010203040000"))
    assert await _resolve(server) == ["1.2.3.4"]
    assert {name for _, name in server.requests} == {b"seed.example"}
    assert len({user for user, _ in server.requests}) == RESOLVE_QUESTIONS


async def test_a_proxy_that_is_not_tor_is_asked_once() -> None:
    server = SocksServer("127.0.0.1", 9)
    error = await _resolve(server)
    assert isinstance(error, BitcoinHandshakeError)
    assert error.code.value == "socks5.command_not_supported"
    assert len(server.requests) == 1


async def test_an_http_proxy_is_not_asked() -> None:
    router = Router(RouteOptions.from_text(proxy="http://127.0.0.1:9"), lambda: None)
    assert isinstance(await router.resolve("seed.example", timeout_s=5.0), BitcoinHandshakeError)
