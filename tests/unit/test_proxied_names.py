"""Names that are looked up through a proxy."""

from __future__ import annotations

import pytest

from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.proxied_names import resolve_by_proxy
from bitcoin_handshake.routes.options import RouteOptions
from bitcoin_handshake.routes.router import Router
from tests.scripted_proxy import SocksServer, served

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("resolved", "addresses", "words"),
    [
        ("05000001010203040000", [("1.2.3.4", Network.IPV4)], "Tor gave 1 addresses"),
        (
            "05000004" + "20010470" + "00" * 11 + "01" + "0000",
            [("2001:470::1", Network.IPV6)],
            "Tor gave 1 addresses",
        ),
        ("", None, "connects to one of its addresses"),
    ],
)
async def test_says_what_was_done(
    resolved: str,
    addresses: list[tuple[str, Network]] | None,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    server = SocksServer("127.0.0.1", 9, resolved=bytes.fromhex(resolved))
    async with served(server.act) as place:
        router = Router(RouteOptions.from_text(proxy=place), lambda: None)
        answer = await resolve_by_proxy(router, "seed.example", timeout_s=5.0)
        router.close()
    found = None if answer is None else [(each.host, each.network) for each in answer.addresses]
    assert found == addresses
    assert words in caplog.text
