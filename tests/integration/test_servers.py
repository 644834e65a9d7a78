"""The servers that integration tests rely on: each starts, answers as itself, and stops."""

from __future__ import annotations

import contextlib
import os
import socket
import urllib.error
from hashlib import sha256
from pathlib import Path
from time import monotonic

import dns.message
import dns.query
import dns.rcode
import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from tests.integration.conftest import ServeNames
from tests.integration.servers import DidNotStart, Server, running

GONE_WITHIN_S = 10.0
# A whole `version` message of protocol 70016, written by hand: our codecs are not what is tested here.
_PAYLOAD = (70016).to_bytes(4, "little") + bytes(8) + bytes(8) + bytes(26) + bytes(26) + bytes(range(1, 9))
_PAYLOAD += b"\x00" + bytes(4) + b"\x00"
_VERSION = b"".join(
    (
        CHAINS[Chain.REGTEST].magic,
        b"version".ljust(12, b"\0"),
        len(_PAYLOAD).to_bytes(4, "little"),
        sha256(sha256(_PAYLOAD).digest()).digest()[:4],
        _PAYLOAD,
    )
)


def _answers_version(server: Server) -> bool:
    with socket.create_connection((server.host, server.port), timeout=20) as peer:
        peer.sendall(_VERSION)
        received = b""
        while len(received) < 24 and (data := peer.recv(4096)):
            received += data
    return received[:4] == CHAINS[Chain.REGTEST].magic and received[4:16].rstrip(b"\0") == b"version"


def test_litecoind_answers_on_regtest(litecoind: Server) -> None:
    assert _answers_version(litecoind)


def test_btcd_answers_on_regtest(btcd: Server) -> None:
    assert _answers_version(btcd)


def test_btcd_with_v2_still_answers_v1(btcd_v2: Server) -> None:
    assert _answers_version(btcd_v2)


def test_unbound_serves_the_names_it_was_given(unbound: ServeNames) -> None:
    server = unbound({"seed.test": ["127.0.0.1", "127.0.0.2", "::1"]})

    def ask(name: str, kind: str) -> dns.message.Message:
        return dns.query.udp(dns.message.make_query(name, kind), server.host, port=server.port, timeout=20)

    a = ask("seed.test.", "A")
    assert sorted(str(item) for answer in a.answer for item in answer) == ["127.0.0.1", "127.0.0.2"]
    aaaa = ask("seed.test.", "AAAA")
    assert [str(item) for answer in aaaa.answer for item in answer] == ["::1"]
    assert ask("other.example.", "A").rcode() == dns.rcode.NXDOMAIN


@pytest.mark.node
def test_a_server_that_ends_at_once_is_reported_with_its_words(tmp_path: Path) -> None:
    with (
        pytest.raises(DidNotStart, match="no such option"),
        running(tmp_path, lambda port: ["sh", "-c", f"echo no such option {port}; exit 3"]),
    ):
        pass


@pytest.mark.node
def test_a_server_is_gone_with_its_children_when_the_block_ends(tmp_path: Path) -> None:
    script = "sleep 600 & echo $! > child; exec python3 -m http.server --bind 127.0.0.1 "
    with (
        contextlib.suppress(urllib.error.URLError),
        running(tmp_path, lambda port: ["sh", "-c", script + str(port)]),
    ):
        child = int((tmp_path / "child").read_text())
        os.kill(child, 0)
    # It has its signal by now, and needs a processor to end.
    end = monotonic() + GONE_WITHIN_S
    while is_running(child) and monotonic() < end:
        os.sched_yield()
    assert not is_running(child)


def is_running(process: int) -> bool:
    """Whether a process exists that is no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
