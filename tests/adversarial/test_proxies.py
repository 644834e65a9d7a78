"""Proxies that fail in every way: what is said of each, and that no node is blamed for its proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from bitcoin_handshake import Chain, probe, probe_many, prober
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.simulate.mix import parse_behaviours
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from tests.scripted_proxy import SamServer, SocksServer, relay, says, served

pytestmark = pytest.mark.asyncio

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion:8333"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"
OTHER_I2P = "aaaa" + I2P[4:]
GREETING = 4  # with a password on offer
PASSWORD = 1 + 1 + 16 + 1 + 16
REQUEST = 4 + 1 + 62 + 2
OK = bytes.fromhex("05000001000000000000")
REGTEST = Chain.REGTEST
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest_asyncio.fixture
async def node() -> AsyncIterator[NetAddr]:
    options = NetworkOptions(node_count=1, mix=parse_behaviours("core"), port=0, with_dns=False)
    async with SimulatedNetwork(options) as network:
        yield network.nodes[0].netaddr


async def _through_tor(place: str, *, timeout_s: float = 5.0) -> ProbeResult:
    return await probe(ONION, chain=REGTEST, onion=place, timeout_s=timeout_s)


def _verdict(result: ProbeResult) -> tuple[str, str | None, str | None]:
    return result.outcome.value, result.phase, result.code


@pytest.mark.parametrize("transport", ["auto", "v1", "v2", "both"])
async def test_a_healthy_node_is_ok_through_socks5(node: NetAddr, transport: str) -> None:
    server = SocksServer(node.host, node.port)
    async with served(server.act) as place:
        result = await probe(ONION, onion=place, chain=REGTEST, transport=transport)
    assert _verdict(result) == ("ok", None, None)
    users = {user for user, _ in server.requests}
    assert len(users) == 1  # one node, one circuit
    assert users != {b""}
    assert {name for _, name in server.requests} == {ONION.partition(":")[0].encode()}


@pytest.mark.parametrize("bound", ["04" + "00" * 18, "03046e6f6465" + "0000", "0300" + "0000"])
async def test_any_bound_address_is_read_to_its_end(node: NetAddr, bound: str) -> None:
    server = SocksServer(node.host, node.port, reply=bytes.fromhex("050000" + bound))
    async with served(server.act) as place:
        assert (await _through_tor(place)).outcome is Outcome.OK


async def test_a_healthy_node_is_ok_through_an_http_proxy(node: NetAddr) -> None:
    requests: list[bytes] = []

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        for byte in ANSWER:  # one byte at a time
            writer.write(bytes([byte]))
            await writer.drain()
        await relay(reader, writer, node.host, node.port)

    async with served(act) as place:
        result = await probe("1.2.3.4:8333", proxy=f"http://{place}", chain=REGTEST)
    assert _verdict(result) == ("ok", None, None)
    assert requests[0].startswith(b"CONNECT 1.2.3.4:8333 HTTP/1.1\r\n")


async def test_a_healthy_node_is_ok_through_a_unix_socket(node: NetAddr, tmp_path: Path) -> None:
    server = SocksServer(node.host, node.port)
    async with served(server.act, str(tmp_path / "socks")) as place:
        result = await probe("1.2.3.4:8333", proxy=place, chain=REGTEST)
    assert _verdict(result) == ("ok", None, None)


async def test_a_healthy_node_is_ok_through_i2p(node: NetAddr) -> None:
    sam = SamServer(node.host, node.port)
    async with served(sam.act) as place:
        results = [
            result
            async for result in probe_many([I2P, OTHER_I2P], i2psam=place, chain=REGTEST, transport="v1")
        ]
    assert [_verdict(result) for result in results] == [("ok", None, None)] * 2
    assert len(sam.sessions) == 1  # shared
    assert sam.streams == sam.sessions * 2


REPLIES = [
    (0x01, "socks5.general_failure"), (0x02, "socks5.not_allowed"), (0x03, "socks5.network_unreachable"),
    (0x04, "socks5.host_unreachable"), (0x05, "socks5.refused"), (0x06, "socks5.ttl_expired"),
    (0x07, "socks5.command_not_supported"), (0x08, "socks5.address_type_not_supported"),
    (0x5B, "socks5.unknown_reply"), (0xF0, "onion.descriptor_not_found"), (0xF1, "onion.descriptor_invalid"),
    (0xF2, "onion.introduction_failed"), (0xF3, "onion.rendezvous_failed"),
    (0xF4, "onion.missing_authorization"), (0xF5, "onion.wrong_authorization"), (0xF6, "onion.bad_address"),
    (0xF7, "onion.introduction_timed_out"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "code"), REPLIES)
async def test_every_reply_is_a_failure_of_its_own(reply: int, code: str) -> None:
    steps = (GREETING, b"\x05\x00", REQUEST, b"\x05%c\x00\x01" % reply + bytes(6))
    async with served(says(*steps)) as place:
        assert _verdict(await _through_tor(place)) == ("failed", "proxy", code)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((GREETING,), "proxy.closed"),
        ((GREETING, b"\x05"), "proxy.closed"),
        ((GREETING, "reset"), "proxy.reset"),
        ((GREETING, "hang"), "proxy.silent"),
        ((GREETING, b"\x05", "hang"), "proxy.silent"),
        ((GREETING, b"\x05\x02", PASSWORD, "hang"), "proxy.silent"),
        ((GREETING, b"\x05\x02", PASSWORD, b"\x01\x01"), "proxy.auth_failed"),
        ((GREETING, b"\x05\x02", PASSWORD, b"\x05\x00"), "proxy.bad_reply"),
        ((GREETING, b"\x05\xff"), "proxy.auth_required"),
        ((GREETING, b"\x05\x01"), "proxy.bad_reply"),
        ((GREETING, b"\x04\x5a"), "proxy.not_socks5"),
        ((GREETING, b"HTTP/1.0 400 Bad Request\r\n\r\n"), "proxy.speaks_http"),
        ((GREETING, b"220 mail ESMTP\r\n"), "proxy.not_socks5"),
        ((GREETING, b"\x05\x00", REQUEST), "proxy.closed"),
        ((GREETING, b"\x05\x00", REQUEST, "hang"), "proxy.timeout"),
        ((GREETING, b"\x05\x00", REQUEST, b"\x05\x00\x00", "hang"), "proxy.silent"),
        ((GREETING, b"\x05\x00", REQUEST, b"\x05\x00\x00\x09" + bytes(6)), "proxy.bad_reply"),
        ((GREETING, b"\x05\x00", REQUEST, b"\x05\x00\x07\x01" + bytes(6)), "proxy.bad_reply"),
        ((GREETING, b"\x05\x00", REQUEST, b"\x04\x00\x00\x01" + bytes(6)), "proxy.bad_reply"),
    ],
)
async def test_a_fault_of_the_proxy_is_no_fault_of_the_node(
    steps: tuple[bytes | int | str, ...], code: str
) -> None:
    async with served(says(*steps)) as place:
        result = await _through_tor(place, timeout_s=0.5)
    assert _verdict(result) == ("failed", "proxy", code)
    assert result.netaddr is not None
    assert result.transport is None


async def test_a_node_behind_a_proxy_is_judged_as_any_other() -> None:
    async with served(says(GREETING, b"\x05\x00", REQUEST, OK)) as place:
        result = await probe(ONION, onion=place, chain=REGTEST, transport="v1")
    assert _verdict(result) == ("failed", "version", "peer.closed")


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ({"HELLO VERSION": b"HELLO REPLY RESULT=NOVERSION\n"}, ("skipped", "proxy", "sam.no_version")),
        ({"SESSION CREATE": b"SESSION STATUS RESULT=I2P_ERROR\n"}, ("skipped", "proxy", "sam.i2p_error")),
        (
            {"NAMING LOOKUP": b"NAMING REPLY RESULT=KEY_NOT_FOUND NAME=x\n"},
            ("failed", "proxy", "sam.key_not_found"),
        ),
        ({"NAMING LOOKUP": b"NAMING REPLY RESULT=OK NAME=x\n"}, ("failed", "proxy", "proxy.bad_reply")),
        (
            {"STREAM CONNECT": b"STREAM STATUS RESULT=CANT_REACH_PEER\n"},
            ("failed", "proxy", "sam.cant_reach_peer"),
        ),
        ({"STREAM CONNECT": b"STREAM STATUS RESULT=TIMEOUT\n"}, ("failed", "proxy", "sam.timeout")),
        ({"STREAM CONNECT": b"STREAM STATUS RESULT=INVALID_ID\n"}, ("failed", "proxy", "sam.invalid_id")),
    ],
)
async def test_every_result_of_sam_is_told(answers: dict[str, bytes], verdict: tuple[str, str, str]) -> None:
    async with served(SamServer("127.0.0.1", 9, answers).act) as place:
        assert _verdict(await probe(I2P, i2psam=place, chain=REGTEST)) == verdict


async def test_a_proxy_that_is_not_there_makes_no_node_fail() -> None:
    result = await probe("1.2.3.4:8333", proxy="127.0.0.1:9", chain=REGTEST)
    assert _verdict(result) == ("skipped", "proxy", "proxy.unreachable")


async def test_a_proxy_that_stops_in_the_middle_of_a_run_is_told(node: NetAddr) -> None:
    codes = []
    async with AsyncExitStack() as running:
        place = await running.enter_async_context(served(SocksServer(node.host, node.port).act))
        results = probe_many(
            ["1.2.3.4:1", "1.2.3.4:2", "1.2.3.4:3"], proxy=place, chain=REGTEST, transport="v1", concurrency=1
        )
        async for result in results:
            codes.append(result.code)
            await running.aclose()
    assert codes[0] is None
    assert codes[-1] == "proxy.stopped"


async def test_a_proxy_that_refused_and_then_stops_is_told() -> None:
    """Whoever answers, be it with a refusal, was there."""
    codes = []
    async with AsyncExitStack() as running:
        server = SocksServer("127.0.0.1", 9, reply=b"\x05\x05\x00\x01" + bytes(6))
        place = await running.enter_async_context(served(server.act))
        targets = ["1.2.3.4:1", "1.2.3.4:2", "1.2.3.4:3"]
        async for result in probe_many(targets, proxy=place, chain=REGTEST, transport="v1", concurrency=1):
            codes.append(result.code)
            await running.aclose()
    assert codes[0] == "socks5.refused"
    assert codes[-1] == "proxy.stopped"


async def test_seed_names_go_through_the_proxy(node: NetAddr) -> None:
    server = SocksServer(node.host, node.port)
    async with served(server.act) as place:
        results = [
            result
            async for result in probe_many(["seed.example"], proxy=place, chain=REGTEST, transport="v1")
        ]
    assert [_verdict(result) for result in results] == [("ok", None, None)]
    assert results[0].target == "seed.example"
    assert {name for _, name in server.requests} == {b"seed.example"}


async def test_seed_names_are_resolved_by_tor(node: NetAddr) -> None:
    server = SocksServer(node.host, node.port, resolved=bytes.fromhex("05000001010203040000"))
    async with served(server.act) as place:
        results = [
            result
            async for result in probe_many(["seed.example"], proxy=place, chain=REGTEST, transport="v1")
        ]
    assert [_verdict(result) for result in results] == [("ok", None, None)]
    assert str(results[0].netaddr) == "1.2.3.4:18444"
    assert results[0].seeds == ("seed.example",)
    assert server.requests[-1][1] == bytes([1, 2, 3, 4])


@pytest.mark.parametrize(("retries", "tries"), [(0, 1), (2, 3)])
async def test_what_may_pass_is_tried_again(
    retries: int, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prober, "FIRST_RETRY_S", 0.001)
    server = SocksServer("127.0.0.1", 9, reply=b"\x05\x06\x00\x01" + bytes(6))
    async with served(server.act) as place:
        results = [
            result async for result in probe_many([ONION], onion=place, chain=REGTEST, retries=retries)
        ]
    assert [result.code for result in results] == ["socks5.ttl_expired"]
    assert len(server.requests) == tries
    assert len({user for user, _ in server.requests}) == tries  # another circuit each time


async def test_a_definite_answer_is_not_asked_for_again() -> None:
    server = SocksServer("127.0.0.1", 9, reply=b"\x05\x05\x00\x01" + bytes(6))
    async with served(server.act) as place:
        results = [result async for result in probe_many([ONION], onion=place, chain=REGTEST, retries=5)]
    assert [result.code for result in results] == ["socks5.refused"]
    assert len(server.requests) == 1
