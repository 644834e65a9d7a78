"""Handshakes with bcoin: it speaks first, has no v2, and bans for bytes that are no v1 message."""

from __future__ import annotations

import socket

import pytest

from bitcoin_handshake import probe
from bitcoin_handshake.chain import Chain
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import ProbeResult
from tests.integration.servers import Server

TIMES = 20
BANNED_FOR = 244
"""Bytes that are ten pieces of 24, and four more."""


async def _probe(server: Server, transport: str = "auto") -> ProbeResult:
    address = NetAddr.from_text(server.host, server.port)
    return await probe(address, chain=Chain.REGTEST, transport=transport, timeout_s=60.0)


@pytest.mark.asyncio
async def test_bcoin_is_ok_every_time_and_bans_nobody(bcoin: Server) -> None:
    for _ in range(TIMES):
        result = await _probe(bcoin)
        assert (result.outcome, result.code, result.transport) == ("ok", None, "v1")
        assert result.version is not None
        assert result.version.user_agent is not None
        assert result.version.user_agent.startswith(b"/bcoin:")
        v2 = result.other
        assert v2 is not None
        # No limit of time was waited for: the v2 connection ended with the node's own first bytes.
        assert (v2.phase, v2.code) == ("key", "v2.looks_like_v1")
        assert v2.bytes_sent <= 64
        assert result.speaks_v2 is False
    assert (await _probe(bcoin, "v1")).outcome == "ok"


@pytest.mark.asyncio
async def test_what_a_ban_by_bcoin_looks_like(bcoin: Server) -> None:
    with socket.create_connection((bcoin.host, bcoin.port), timeout=60) as line:
        line.sendall(b"\xa5" * BANNED_FOR)
        while line.recv(4096):
            pass
    result = await _probe(bcoin)
    assert (result.outcome, result.transport) == ("failed", "v1")
    assert result.code in ("peer.closed", "peer.reset")
    assert result.reason is not None
    assert "may have led to a ban: try --transport v1" in result.reason
    assert (await _probe(bcoin, "v1")).reason != result.reason
