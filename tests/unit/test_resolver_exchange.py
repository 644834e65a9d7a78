"""One question to one server: UDP, TCP, TLS, HTTPS, and what each failure is called."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

import dns.message
import dns.query
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bitcoin_handshake.errors import (
    BadAnswer,
    EnvironmentFailure,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
)
from bitcoin_handshake.resolver.exchange import exchange, question
from bitcoin_handshake.resolver.servers import Server
from bitcoin_handshake.simulate.dns import DnsServer
from bitcoin_handshake.simulate.zone import DnsBehaviour

pytestmark = pytest.mark.asyncio

ZONE = "seed.example"
ADDRESSES = [f"127.1.0.{number}" for number in range(1, 6)]
MANY = [f"127.1.{number >> 8}.{number & 255}" for number in range(1, 200)]
LIMIT_S = 10.0


@asynccontextmanager
async def _seed(addresses: list[str], behaviour: DnsBehaviour = DnsBehaviour.ANSWER) -> AsyncIterator[Server]:
    server = DnsServer(ZONE, addresses, behaviour=behaviour)
    host, port = await server.start()
    try:
        yield Server.from_text(f"{host}:{port}")
    finally:
        await server.close()


def _addresses(response: dns.message.Message) -> list[str]:
    return [record.address for rrset in response.answer for record in rrset]


async def test_an_answer_over_udp() -> None:
    async with _seed(ADDRESSES) as server:
        found = await exchange(question(f"x9.{ZONE}.", "A"), server, timeout_s=LIMIT_S)
    assert (found.protocol, found.was_truncated) == ("udp", False)
    assert sorted(_addresses(found.response)) == ADDRESSES
    assert found.elapsed_ms > 0


async def test_a_truncated_answer_is_asked_for_over_tcp() -> None:
    async with _seed(MANY) as server:
        found = await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S)
        assert (found.protocol, found.was_truncated) == ("tcp", True)
        assert len(_addresses(found.response)) == len(MANY)
        direct = await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S, force_tcp=True)
    assert (direct.protocol, direct.was_truncated) == ("tcp", False)


async def test_repeated_records_are_kept_on_request() -> None:
    async with _seed([]) as server:
        await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S, keeps_duplicates=True)
    answer = dns.message.make_response(question(ZONE, "A"))
    text = f"{answer.to_text()}\n".replace(
        ";ANSWER\n", f";ANSWER\n{ZONE}. 1 IN A 1.1.1.1\n{ZONE}. 1 IN A 1.1.1.1\n"
    )
    wire = dns.message.from_text(text, one_rr_per_rrset=True).to_wire()
    async with _udp_server(lambda query: query[:2] + wire[2:]) as server:
        whole = await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S)
        single = await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S, keeps_duplicates=True)
    assert [len(_addresses(found.response)) for found in (whole, single)] == [1, 2]


@asynccontextmanager
async def _udp_server(answer: object) -> AsyncIterator[Server]:
    class Service(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            assert callable(answer)
            cast("asyncio.DatagramTransport", self.transport).sendto(answer(data), address)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Service, local_addr=("127.0.0.1", 0)
    )
    try:
        yield Server.from_text("{}:{}".format(*transport.get_extra_info("sockname")))
    finally:
        transport.close()


async def test_no_answer_is_a_timeout() -> None:
    async with _seed(ADDRESSES, DnsBehaviour.SILENT) as server:
        with pytest.raises(ResolveTimeout) as caught:
            await exchange(question(ZONE, "A"), server, timeout_s=0.05)
    assert caught.value.server == server.to_text()
    assert caught.value.name == ZONE


def _closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_where_nothing_listens() -> None:
    place = f"127.0.0.1:{_closed_port()}"
    with pytest.raises(ResolveRefused, match="nothing listens there"):
        await exchange(question(ZONE, "A"), Server.from_text(f"tls://{place}"), timeout_s=LIMIT_S)
    with pytest.raises(ResolveRefused, match="nothing listens there"):
        await exchange(question(ZONE, "A"), Server.from_text(place), timeout_s=LIMIT_S, force_tcp=True)


async def test_noise_is_no_answer() -> None:
    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"\0\x0cnot a message")
        writer.close()

    listener = await asyncio.start_server(noise, "127.0.0.1", 0)
    async with listener:
        server = Server.from_text("{}:{}".format(*listener.sockets[0].getsockname()))
        with pytest.raises(BadAnswer):
            await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S, force_tcp=True)


# --- TLS and HTTPS -------------------------------------------------------------------------------


def _certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate of 127.0.0.1 that signs itself; `folder/cert.pem` is what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "resolver.test")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def _answer(query: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(query))
    response.answer.append(dns.rrset.from_text(response.question[0].name, 60, "IN", "A", "1.1.1.1"))
    return response.to_wire()


async def _dot(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    query = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
    wire = _answer(query)
    writer.write(len(wire).to_bytes(2) + wire)
    writer.close()


async def _doh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if head.startswith("GET"):
        text = head.partition("dns=")[2].partition(" ")[0]
        query = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    else:
        length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0])
        query = await reader.readexactly(length)
    status = "200 OK" if head.split()[1].startswith("/dns-query") else "404 Not Found"
    wire = _answer(query)
    kind = "application/dns-message"
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(wire)}\r\n\r\n"
    writer.write(head.encode() + wire)
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(("scheme", "serve"), [("tls", _dot), ("https", _doh)])
async def test_over_tls(scheme: str, serve: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = _certificate(tmp_path)
    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)  # type: ignore[arg-type]
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        for host in ("127.0.0.1", "localhost"):
            server = Server.from_text(f"{scheme}://{host}:{port}")
            with pytest.raises(ResolveFailed, match=r"self.signed|certificate"):
                await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S)
            with monkeypatch.context() as patched:
                patched.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
                found = await exchange(question(ZONE, "A"), server, timeout_s=LIMIT_S)
            assert (found.protocol, _addresses(found.response)) == (scheme, ["1.1.1.1"])
        if scheme == "https":
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
            with pytest.raises(ResolveFailed, match="404"):
                await exchange(
                    question(ZONE, "A"),
                    Server.from_text(f"https://127.0.0.1:{port}/other"),
                    timeout_s=LIMIT_S,
                )


async def test_https_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise dns.query.NoDOH

    monkeypatch.setattr(dns.query, "https", missing)
    with pytest.raises(EnvironmentFailure, match="needs the extra doh"):
        await exchange(question(ZONE, "A"), Server.from_text("https://127.0.0.1"), timeout_s=LIMIT_S)
