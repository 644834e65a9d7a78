"""The hosts file, resolv.conf, and getaddrinfo, dead or alive."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bitcoin_handshake.errors import (
    NameNotFound,
    NoAddresses,
    ResolveFailed,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver.query import Resolver
from bitcoin_handshake.resolver.resolution import IP_FAMILIES, ResolvedAddress
from bitcoin_handshake.resolver.system import (
    MAX_HOSTS_FILE_BYTES,
    ask_system,
    hosts_entries,
    literal_address,
    loopback,
    system_nameservers,
)
from tests.scripted_dns import on_both_loops

HOSTS = """
# 127.0.0.9 commented
127.0.0.1\tlocalhost  Node1 # node2
::1        localhost ip6-localhost
10.0.0.5   node1. other
not-an-address node1
127.0.0.1
fe80::1%eth0 linklocal
"""


def _hosts(path: Path, name: str, families: Sequence[Network] = IP_FAMILIES) -> list[str]:
    return [each.host for each in hosts_entries(path, name, families)]


def test_reads_the_hosts_file(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(HOSTS)
    assert _hosts(path, "localhost") == ["127.0.0.1", "::1"]
    assert _hosts(path, "localhost", [Network.IPV6]) == ["::1"]
    assert _hosts(path, "node1") == ["127.0.0.1", "10.0.0.5"]
    assert _hosts(path, "node2") == []
    assert _hosts(path, "commented") == []
    assert _hosts(path, "node") == []
    assert _hosts(path, "linklocal") == ["fe80::1%eth0"]


def test_ipv4_comes_first_from_the_hosts_file(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("::1 a\n127.0.0.2 a\n127.0.0.1 a\n")
    assert _hosts(path, "a") == ["127.0.0.2", "127.0.0.1", "::1"]


def test_a_hosts_file_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert _hosts(tmp_path / "absent", "localhost") == []
    assert _hosts(tmp_path, "localhost") == []
    path = tmp_path / "hosts"
    path.write_bytes(b"\xff\xfe\x00 \x80 name\n127.0.0.1 \xff name\n")
    assert _hosts(path, "name") == ["127.0.0.1"]


def test_only_the_beginning_of_a_huge_hosts_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    with path.open("wb") as file:
        file.write(b"127.0.0.1 early\n")
        file.seek(MAX_HOSTS_FILE_BYTES)
        file.write(b"\n127.0.0.1 late\n")
    assert _hosts(path, "early") == ["127.0.0.1"]
    assert _hosts(path, "late") == []


def test_reads_three_name_servers(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# nameserver ::2\nsearch x\nnameserver 127.0.0.53\nnameserver\nnameserver bad\n")
    assert system_nameservers(path) == [Resolver("127.0.0.53", 53)]
    path.write_text("".join(f"nameserver ::{n}\n" for n in range(1, 6)))
    assert system_nameservers(path) == [Resolver("::1"), Resolver("::2"), Resolver("::3")]
    assert system_nameservers(tmp_path / "absent") == []


def test_addresses_are_told_from_names() -> None:
    literal = literal_address("::FFFF:127.0.0.1")
    assert literal is not None
    assert (literal.host, literal.network) == ("127.0.0.1", Network.IPV4)
    assert literal_address("localhost") is None
    assert literal_address("pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion") is None


def test_localhost_is_loopback() -> None:
    assert loopback(IP_FAMILIES) == [
        ResolvedAddress("127.0.0.1", Network.IPV4),
        ResolvedAddress("::1", Network.IPV6),
    ]
    assert loopback([Network.IPV6]) == [ResolvedAddress("::1", Network.IPV6)]


async def _ask(
    name: str, families: Sequence[Network] = IP_FAMILIES, timeout_s: float = 20
) -> list[ResolvedAddress]:
    return await ask_system(name, families, deadline=asyncio.get_running_loop().time() + timeout_s)


@on_both_loops
async def test_asks_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def getaddrinfo(name: str, port: object, *, family: int, type: int) -> list[tuple[object, ...]]:
        asked.append((name, port, family, type))
        return [(0, 0, 0, "", ("::1", 0, 0, 0)), (0, 0, 0, "", ("127.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert await _ask("node7") == [
        ResolvedAddress("::1", Network.IPV6),
        ResolvedAddress("127.0.0.1", Network.IPV4),
    ]
    await _ask("node7", [Network.IPV6])
    await _ask("node7", [Network.IPV4])
    stream = socket.SOCK_STREAM
    assert asked == [
        ("node7", None, socket.AF_UNSPEC, stream),
        ("node7", None, socket.AF_INET6, stream),
        ("node7", None, socket.AF_INET, stream),
    ]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "not known"), NameNotFound),
        (socket.gaierror(socket.EAI_NODATA, "no data"), NoAddresses),
        (socket.gaierror(socket.EAI_AGAIN, "temporary"), ServerFailure),
        (socket.gaierror(socket.EAI_FAIL, "for good"), ServerFailure),
        (socket.gaierror(socket.EAI_SYSTEM, "system"), ResolveFailed),
        (OSError(24, "too many open files"), ResolveFailed),
    ],
)
@on_both_loops
async def test_what_the_system_says_has_a_class(
    error: OSError, kind: type[ResolveFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ResolveFailed) as caught:
        await _ask("node7")
    assert type(caught.value) is kind
    assert caught.value.why == f"the system's resolver says: {error.strerror}"
    assert (caught.value.name, caught.value.server) == ("node7", "")


@on_both_loops
async def test_an_empty_list_of_the_system_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    with pytest.raises(NoAddresses):
        await _ask("node7")


@on_both_loops
async def test_a_dead_resolver_costs_the_limit_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def getaddrinfo(*_: object, **__: object) -> list[object]:
        release.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ResolveTimeout, match=r"did not answer in 0\.1 s"):
        await _ask("node7", timeout_s=0.1)
    release.set()


def test_a_dead_resolver_does_not_hold_up_the_exit() -> None:
    program = """
import asyncio, socket, threading
from bitcoin_handshake.resolver import resolve
from bitcoin_handshake.errors import ResolveTimeout
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
try:
    asyncio.run(resolve("node7", timeout_s=0.05))
except ResolveTimeout:
    print("timeout")
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=30, env=env
    )
    assert result.stdout == "timeout\n"
