"""Which way each network takes, and what is looked for on this machine and when."""

from __future__ import annotations

import asyncio

import pytest

from bitcoin_handshake.errors import FailureCode, NetworkExcluded, NoProxy
from bitcoin_handshake.errors.proxies import ProxyError
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.routes import router as module
from bitcoin_handshake.routes.options import RouteOptions
from bitcoin_handshake.routes.router import Router
from bitcoin_handshake.routes.ways import HttpWay, SamWay, SocksWay, Way
from tests.scripted_proxy import SamServer, says, served

pytestmark = pytest.mark.asyncio

IPV4 = NetAddr.from_text("1.2.3.4", 8333)
ONION = NetAddr.from_text("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion", 8333)
I2P = NetAddr.from_text("ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p", 0)
CJDNS = NetAddr.from_text("fc00::1", 8333, cjdns=True)


async def _decided(router: Router, changed: asyncio.Event, netaddr: NetAddr) -> Way | Exception | None:
    way = router.choose(netaddr)
    while way is None and netaddr.network in router.pending:
        changed.clear()
        await changed.wait()
        way = router.choose(netaddr)
    return way


async def _choose(netaddr: NetAddr, **options: str) -> Way | Exception | None:
    changed = asyncio.Event()
    router = Router(RouteOptions.from_text(**options), changed.set)  # type: ignore[arg-type]  # by keyword
    try:
        return await _decided(router, changed, netaddr)
    finally:
        router.close()


async def test_without_options_clearnet_is_reached_directly() -> None:
    assert await _choose(IPV4) is None
    assert await _choose(CJDNS) is None


@pytest.mark.parametrize("netaddr", [IPV4, CJDNS, ONION])
async def test_a_proxy_takes_everything_but_i2p(netaddr: NetAddr) -> None:
    way = await _choose(netaddr, proxy="127.0.0.1:1")
    assert isinstance(way, SocksWay)
    assert way.place == "127.0.0.1:1"
    assert isinstance(await _choose(I2P, proxy="127.0.0.1:1"), NoProxy)


async def test_an_http_proxy_takes_clearnet_only() -> None:
    assert isinstance(await _choose(IPV4, proxy="http://127.0.0.1:1"), HttpWay)
    refused = await _choose(ONION, proxy="http://127.0.0.1:1")
    assert isinstance(refused, NoProxy)
    assert "--onion" in str(refused)


async def test_onion_services_have_their_own_proxy() -> None:
    way = await _choose(ONION, proxy="127.0.0.1:1", onion="127.0.0.1:2")
    assert isinstance(way, SocksWay)
    assert way.place == "127.0.0.1:2"
    assert way.credentials(b"x") is not None


async def test_what_is_switched_off_is_not_used() -> None:
    assert isinstance(await _choose(ONION, onion="0"), NoProxy)
    assert isinstance(await _choose(I2P, i2psam="0"), NoProxy)


async def test_only_the_networks_that_are_named() -> None:
    router = Router(RouteOptions.from_text(onlynet=["onion"]), lambda: None)
    assert isinstance(router.choose(IPV4), NetworkExcluded)
    assert isinstance(router.choose(I2P), NetworkExcluded)


@pytest.mark.parametrize("answering", [0, 1])
async def test_a_tor_on_this_machine_is_found(answering: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(says(3, b"HTTP/1.1 400 No\r\n\r\n")) as web, served(says(3, b"\x05\x00")) as tor:
        monkeypatch.setattr(module, "ONION_PLACES", (web, tor) if answering else (tor, web))
        way = await _choose(ONION)
    assert isinstance(way, SocksWay)
    assert way.place == tor
    assert way.credentials(b"x") is not None


async def test_without_a_tor_onion_services_are_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(says(3, b"SSH-2.0\r\n")) as other:
        monkeypatch.setattr(module, "ONION_PLACES", (other, "127.0.0.1:9"))
        refused = await _choose(ONION)
    assert isinstance(refused, NoProxy)
    assert other in str(refused)
    assert "connection refused" in str(refused)


async def test_nothing_is_looked_for_before_it_is_needed() -> None:
    connected = asyncio.Event()

    async def note(*_: object) -> None:
        connected.set()

    async with served(note):
        router = Router(RouteOptions(), lambda: None)
        router.choose(IPV4)
        assert not router.pending
        assert not connected.is_set()
        router.close()


async def test_one_i2p_session_is_shared_and_renewed_when_it_ends() -> None:
    sam = SamServer("127.0.0.1", 9)
    changed = asyncio.Event()
    async with served(sam.act) as place:
        router = Router(RouteOptions.from_text(i2psam=place), changed.set)
        first = await _decided(router, changed, I2P)
        assert isinstance(first, SamWay)
        assert await _decided(router, changed, I2P) is first
        assert sam.sessions == [first.session_id]
        sam.controls[0].close()
        while router.choose(I2P) is first:
            await asyncio.sleep(0)
        second = await _decided(router, changed, I2P)
        assert isinstance(second, SamWay)
        assert sam.sessions == [first.session_id, second.session_id]
        router.lose_session(first.session_id)
        assert router.choose(I2P) is second
        router.lose_session(second.session_id)
        third = await _decided(router, changed, I2P)
        assert isinstance(third, SamWay)
        router.close()


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"HELLO VERSION": b"HELLO REPLY RESULT=NOVERSION\n"}, FailureCode.SAM_NO_VERSION),
        ({"HELLO VERSION": b"HTTP/1.1 400 No\r\n\r\n"}, FailureCode.PROXY_SPEAKS_HTTP),
        ({"SESSION CREATE": b"SESSION STATUS RESULT=I2P_ERROR\n"}, FailureCode.SAM_I2P_ERROR),
        ({"SESSION CREATE": b"SESSION STATUS RESULT=DUPLICATED_ID\n"}, FailureCode.SAM_DUPLICATED_ID),
        ({"SESSION CREATE": b"nonsense\n"}, FailureCode.PROXY_BAD_REPLY),
    ],
)
async def test_a_session_that_is_refused_says_why(answers: dict[str, bytes], code: FailureCode) -> None:
    async with served(SamServer("127.0.0.1", 9, answers).act) as place:
        refused = await _choose(I2P, i2psam=place)
    assert isinstance(refused, ProxyError)
    assert refused.code is code


async def test_a_router_that_is_not_there_says_so() -> None:
    refused = await _choose(I2P, i2psam="127.0.0.1:9")
    assert isinstance(refused, ProxyError)
    assert refused.code is FailureCode.PROXY_UNREACHABLE


async def test_every_node_has_an_isolation_of_its_own() -> None:
    router = Router(RouteOptions(), lambda: None)
    names = {router.fresh_isolation() for _ in range(100)}
    assert len(names) == 100
    assert {len(name) for name in names} == {16}


async def test_sessions_that_come_to_nothing_are_not_created_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    changed = asyncio.Event()
    async with served(SamServer("127.0.0.1", 9).act) as place:
        router = Router(RouteOptions.from_text(i2psam=place), changed.set)
        for _ in range(2):
            way = await _decided(router, changed, I2P)
            assert isinstance(way, SamWay)
            router.lose_session(way.session_id)
        refused = await _decided(router, changed, I2P)
        assert isinstance(refused, NoProxy)
        assert refused.network is Network.I2P
        router.close()
