"""One question to one DNS server, by dnspython: UDP with TCP behind it, TLS, HTTPS.

Owns the call and what its failures are called. It runs in a thread: reading an answer of 64 KiB takes
165 ms, in which no timer of the event loop may wait.

TLS servers are checked against the system's certificates, or those in the file that SSL_CERT_FILE names.
"""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import perf_counter

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from bitcoin_handshake.errors import (
    BadAnswer,
    EnvironmentFailure,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
)
from bitcoin_handshake.resolver.servers import Server, ServerKind

__all__ = ["Exchange", "exchange", "question"]

UDP_PAYLOAD = 1232
"""Bytes that an answer over UDP may have: what passes everywhere (DNS flag day 2020)."""
MAX_THREADS = 16


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer.

    Attributes:
        response: As dnspython read it.
        elapsed_ms: From the question to the answer.
        protocol: `udp`, `tcp`, `tls` or `https`: by which it came.
        was_truncated: Whether it did not fit into UDP, and was asked for again over TCP.
    """

    response: dns.message.Message
    elapsed_ms: float
    protocol: str
    was_truncated: bool


def question(
    name: str | dns.name.Name, rdtype: str, *, with_dnssec: bool = False
) -> dns.message.QueryMessage:
    """Make a query with EDNS.

    Args:
        name: What is asked for, absolute.
        rdtype: `A`, `AAAA`, `DNSKEY` ...
        with_dnssec: Whether signatures are wanted, and also answers that a validating server refuses
            (DO and CD).
    """
    absolute = dns.name.from_text(name) if isinstance(name, str) else name
    query = dns.message.make_query(absolute, rdtype, use_edns=0, payload=UDP_PAYLOAD, want_dnssec=with_dnssec)
    if with_dnssec:
        query.flags |= dns.flags.CD
    return query


async def exchange(
    query: dns.message.QueryMessage,
    server: Server,
    *,
    timeout_s: float,
    force_tcp: bool = False,
    keeps_duplicates: bool = False,
) -> Exchange:
    """Ask a server.

    Args:
        query: See `question`.
        server: Whom.
        timeout_s: Seconds for all of it, TCP included.
        force_tcp: Whether UDP is left out.
        keeps_duplicates: Whether each record of the response is a set of its own, so that repeated ones
            are seen.

    Raises:
        ResolveTimeout: No answer in time.
        ResolveRefused: Nothing listens there.
        BadAnswer: What came is no answer to this question, or no DNS at all.
        ResolveFailed: The connection failed otherwise: the reason says how.
        EnvironmentFailure: HTTPS needs the extra `doh`, which is not installed.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads(), _ask, query, server, timeout_s, force_tcp, keeps_duplicates)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="dns")


def _ask(
    query: dns.message.QueryMessage, server: Server, timeout_s: float, force_tcp: bool, single: bool
) -> Exchange:
    name = query.question[0].name.to_text(omit_final_dot=True)
    place = server.to_text()
    began = perf_counter()
    try:
        response, protocol, was_truncated = _send(query, server, timeout_s, force_tcp, single)
    except dns.exception.Timeout:
        raise ResolveTimeout(name=name, server=place) from None
    except dns.query.NoDOH:
        raise EnvironmentFailure(
            "DNS over HTTPS needs the extra doh: pip install 'bitcoin-handshake[doh]'"
        ) from None
    except ConnectionRefusedError:
        raise ResolveRefused(name=name, server=place, why="nothing listens there") from None
    except ssl.SSLError as error:
        why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        raise ResolveFailed(name=name, server=place, why=f"TLS: {why or error}") from None
    except (dns.exception.DNSException, EOFError, ValueError) as error:
        raise BadAnswer(name=name, server=place, why=str(error) or type(error).__name__) from None
    except OSError as error:
        raise ResolveFailed(name=name, server=place, why=error.strerror or str(error)) from None
    except Exception as error:  # httpx has its own tree of errors, which is not imported for this
        if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2", "httpcore", "httpcore2"):
            raise
        kind = ResolveTimeout if "Timeout" in type(error).__name__ else ResolveFailed
        raise kind(name=name, server=place, why=f"HTTPS: {error}") from None
    return Exchange(response, (perf_counter() - began) * 1000, protocol, was_truncated)


def _send(
    query: dns.message.QueryMessage, server: Server, timeout_s: float, force_tcp: bool, single: bool
) -> tuple[dns.message.Message, str, bool]:
    host, port = server.host, server.port
    if server.kind is ServerKind.HTTPS:
        shown = f"[{host}]" if ":" in host else host
        url = f"https://{shown}:{port}{server.path}"
        address = _address_of(host, port)
        response = dns.query.https(
            query, url, timeout=timeout_s, one_rr_per_rrset=single, bootstrap_address=address
        )
        return response, "https", False
    if server.kind is ServerKind.TLS:
        address = _address_of(host, port)
        response = dns.query.tls(
            query, address, timeout_s, port, server_hostname=host, one_rr_per_rrset=single
        )
        return response, "tls", False
    if force_tcp:
        return dns.query.tcp(query, host, timeout_s, port, one_rr_per_rrset=single), "tcp", False
    response, used_tcp = dns.query.udp_with_fallback(
        query, host, timeout_s, port, ignore_unexpected=True, ignore_errors=True, one_rr_per_rrset=single
    )
    return response, "tcp" if used_tcp else "udp", used_tcp


def _address_of(host: str, port: int) -> str:
    """Return an address of a TLS server that is named; dnspython wants one."""
    import socket

    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
