"""DNS servers, and others who can send us packets, that do what they should not.

Each sin against a real server on loopback; what is expected is a documented failure, or the true
addresses all the same, within the limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest

from bitcoin_handshake.errors import (
    BadAnswer,
    CnameLoop,
    NameNotFound,
    NoAddresses,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.resolver import MAX_ADDRESSES_PER_NAME, Resolution, resolve
from bitcoin_handshake.resolver.message import (
    MalformedMessage,
    RecordType,
    build_query,
    encode_name,
    read_reply,
)
from bitcoin_handshake.resolver.query import MAX_MALFORMED
from tests.scripted_dns import (
    CNAME,
    QUESTION,
    TC,
    TcpScript,
    UdpScript,
    address,
    alias,
    answer,
    framed,
    name_of,
    on_both_loops,
    record,
    scripted_dns,
    silent,
    wire_name,
)

SEED = "seed.example"
SHORT = 0.15
LONG = 20.0
"""A limit that a test which passes never waits for."""
GOOD = address("127.0.0.1")
OTHER = wire_name("other.example")


async def _resolve(udp: UdpScript, tcp: TcpScript | None = None, timeout_s: float = LONG) -> Resolution:
    async with scripted_dns(udp, tcp) as server:
        return await resolve(SEED, resolver=server.resolver, families=[Network.IPV4], timeout_s=timeout_s)


async def _fails(
    udp: UdpScript, tcp: TcpScript | None = None, *, kind: type[ResolveFailed], timeout_s: float = LONG
) -> ResolveFailed:
    start = time.monotonic()
    with pytest.raises(ResolveFailed) as caught:
        await _resolve(udp, tcp, timeout_s)
    assert type(caught.value) is kind, caught.value
    assert time.monotonic() - start < timeout_s + 5
    return caught.value


def _says(*answers: bytes, **how: int) -> UdpScript:
    return lambda query: [answer(query, answers, **how)]  # type: ignore[arg-type]


ERRORS: dict[str, tuple[UdpScript, type[ResolveFailed]]] = {
    "NXDOMAIN": (_says(rcode=3), NameNotFound),
    "NXDOMAIN with an address of another name": (_says(address("127.0.0.1", OTHER), rcode=3), NameNotFound),
    "SERVFAIL": (_says(rcode=2), ServerFailure),
    "FORMERR": (_says(rcode=1), ServerFailure),
    "NOTIMP": (_says(rcode=4), ServerFailure),
    "REFUSED": (_says(rcode=5), ResolveRefused),
    "an unknown code": (_says(rcode=15), ServerFailure),
    "no records": (_says(), NoAddresses),
    "only records of another type": (_says(record(QUESTION, 16, b"\x01x")), NoAddresses),
    "only records of another class": (_says(record(QUESTION, 1, bytes(4), rdclass=3)), NoAddresses),
    "only addresses of another name": (_says(address("127.0.0.1", OTHER)), BadAnswer),
    "only aliases of another name": (_says(alias(QUESTION, OTHER)), BadAnswer),
    "an alias of itself": (_says(alias(QUESTION)), CnameLoop),
    "two aliases of each other": (_says(alias(OTHER), alias(QUESTION, OTHER)), CnameLoop),
}


@pytest.mark.parametrize("sin", ERRORS)
@on_both_loops
async def test_an_answer_without_addresses_is_told_at_once(sin: str) -> None:
    script, kind = ERRORS[sin]
    await _fails(script, kind=kind)


@on_both_loops
async def test_an_alias_to_ever_new_names_ends() -> None:
    def script(query: bytes) -> Sequence[bytes]:
        label = name_of(query)[1:2]
        return [answer(query, [alias(b"\x01" + bytes([label[0] % 26 + 97]) + wire_name("example"))])]

    await _fails(script, kind=CnameLoop)


@on_both_loops
async def test_an_alias_with_a_terrible_name_is_asked_for_as_it_is() -> None:
    terrible = b"\x04\x00\n\x1b." + wire_name("example")
    error = await _fails(
        lambda query: [
            answer(query, rcode=3) if name_of(query) == terrible else answer(query, [alias(terrible)])
        ],
        kind=NameNotFound,
    )
    assert error.name == SEED


# Packets that are not the answer. The good one follows them, and must be waited for.

_FORGED = address("127.0.0.66")


def _other_id(query: bytes) -> bytes:
    return bytes((query[0] ^ 1, query[1]))


NOISE: dict[str, Callable[[bytes], bytes]] = {
    "another id": lambda query: answer(query, [_FORGED], query_id=_other_id(query)),
    "another question": lambda query: answer(query, [_FORGED], question=OTHER + bytes.fromhex("00010001")),
    "the question itself": lambda query: query,
    "another opcode": lambda query: answer(query, [_FORGED], flags=0x2000),
    "one byte": lambda query: query[:1],
    "eleven bytes": lambda query: answer(query, [_FORGED])[:11],
    "half a message": lambda query: answer(query, [_FORGED])[:-3],
    "65,507 bytes of 0xff": lambda query: query[:2] + b"\x80\x00" + b"\xff" * 9000,
    "more records than there are": lambda query: answer(query, [_FORGED, b"", b""]),
    "a compression loop": lambda query: answer(query, [address("127.0.0.66", b"\x01a\xc0\x1e")]),
    "a name without end": lambda query: answer(query, [b"\x3f" + b"a" * 63] * 100),
    "a length that lies": lambda query: answer(
        query, [QUESTION + struct.pack(">HHIH", 1, 1, 60, 60000) + bytes(4)]
    ),
    "an alias that is cut": lambda query: answer(query, [record(QUESTION, CNAME, b"\x09short")]),
}


@pytest.mark.parametrize("noise", NOISE)
@on_both_loops
async def test_noise_before_the_answer_is_ignored(noise: str) -> None:
    resolution = await _resolve(lambda query: [NOISE[noise](query), answer(query, [GOOD])])
    assert [each.host for each in resolution.addresses] == ["127.0.0.1"]
    assert resolution.queries[0].ignored == 1


@pytest.mark.parametrize("noise", ["another id", "the question itself", "one byte"])
@on_both_loops
async def test_noise_of_anybody_and_no_answer_is_a_timeout(noise: str) -> None:
    error = await _fails(lambda query: [NOISE[noise](query)], kind=ResolveTimeout, timeout_s=SHORT)
    assert "4 packets ignored that were no answer" in error.why


@pytest.mark.parametrize("noise", ["another question", "half a message", "a compression loop"])
@on_both_loops
async def test_noise_of_the_server_and_no_answer_is_a_bad_answer(noise: str) -> None:
    error = await _fails(lambda query: [NOISE[noise](query)], kind=BadAnswer, timeout_s=SHORT)
    assert error.why.startswith("4 unreadable packets, the last one: ")


@on_both_loops
async def test_a_server_that_floods_with_malformed_packets_is_given_up() -> None:
    error = await _fails(lambda query: [answer(query, [b"\xff"])] * MAX_MALFORMED, kind=BadAnswer)
    assert error.why.startswith("16 unreadable packets")


@on_both_loops
async def test_a_flood_of_stray_packets_does_not_hide_the_answer() -> None:
    flood = [NOISE["another id"]] * 50
    resolution = await _resolve(lambda query: [*(noise(query) for noise in flood), answer(query, [GOOD])])
    assert [each.host for each in resolution.addresses] == ["127.0.0.1"]


@on_both_loops
async def test_an_answer_from_another_address_never_arrives() -> None:
    """The right bytes, sent to our port by somebody else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        async with scripted_dns(silent) as server:

            def forge(query: bytes) -> Sequence[bytes]:
                stranger.sendto(answer(query, [_FORGED]), server.client or ("", 0))
                return []

            server.script = forge
            with pytest.raises(ResolveTimeout):
                await resolve(SEED, resolver=server.resolver, families=[Network.IPV4], timeout_s=SHORT)
    assert len(server.udp_queries) == 4


@on_both_loops
async def test_a_port_where_nothing_listens() -> None:
    async with scripted_dns(silent) as server:
        resolver = server.resolver
    with pytest.raises(ResolveRefused, match="nothing listens there"):
        await resolve(SEED, resolver=resolver, timeout_s=LONG)


@on_both_loops
async def test_silence() -> None:
    await _fails(silent, kind=ResolveTimeout, timeout_s=SHORT)


# Truncation, and what TCP can do wrong.

_CUT = _says(flags=TC)


@on_both_loops
async def test_truncation_without_tcp() -> None:
    error = await _fails(_CUT, kind=ResolveRefused)
    assert error.why == "truncated over UDP, and TCP is refused"


@on_both_loops
async def test_truncation_and_tcp_that_hangs() -> None:
    error = await _fails(_CUT, lambda query: None, kind=ResolveTimeout, timeout_s=SHORT)
    assert error.why == "truncated over UDP, and no answer over TCP"


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"", "the connection ended after 0 of 2 bytes"),
        (b"\x00", "the connection ended after 1 of 2 bytes"),
        (b"\xff\xff" + bytes(100), "the connection ended after 100 of 65535 bytes"),
        (b"\x00\x00", "0 bytes, less than a header"),
        (b"\x00\x05hello", "5 bytes, less than a header"),
    ],
)
@on_both_loops
async def test_truncation_and_tcp_whose_length_lies(reply: bytes, why: str) -> None:
    error = await _fails(_CUT, lambda query: reply, kind=BadAnswer)
    assert error.why == f"truncated over UDP, and over TCP: {why}"


@pytest.mark.parametrize("noise", ["another id", "another question", "a compression loop"])
@on_both_loops
async def test_truncation_and_nonsense_over_tcp(noise: str) -> None:
    await _fails(_CUT, lambda query: framed(NOISE[noise](query)), kind=BadAnswer)


@on_both_loops
async def test_truncation_over_tcp_too_is_taken_as_it_is() -> None:
    resolution = await _resolve(_CUT, lambda query: framed(answer(query, [GOOD], flags=TC)))
    assert [each.host for each in resolution.addresses] == ["127.0.0.1"]


@on_both_loops
async def test_tcp_that_drips_ends_at_the_limit() -> None:
    """A byte at a time, each long before any idle limit would strike."""
    loop = asyncio.get_running_loop()

    class Drip(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast("asyncio.Transport", transport)
            self.drip()

        def drip(self) -> None:
            if not self.transport.is_closing():
                self.transport.write(b"\xff")
                loop.call_later(0.02, self.drip)

    async with scripted_dns(_CUT, tcp_protocol=Drip) as server:
        start = loop.time()
        with pytest.raises(ResolveTimeout):
            await resolve(SEED, resolver=server.resolver, families=[Network.IPV4], timeout_s=SHORT)
        assert loop.time() - start < SHORT + 5


# Quantity.


def _many(count: int) -> list[bytes]:
    return [address(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(count)]


@on_both_loops
async def test_as_many_records_as_a_message_can_hold_are_kept() -> None:
    def script(query: bytes) -> bytes:
        return framed(answer(query, _many(4094)))

    resolution = await _resolve(_CUT, script)
    assert len(resolution.addresses) == 4094 <= MAX_ADDRESSES_PER_NAME


@on_both_loops
async def test_what_is_beyond_the_limit_of_both_families_is_counted() -> None:
    def script(query: bytes) -> bytes:
        if int.from_bytes(query[query.index(b"\0", 12) + 1 :][:2], "big") == RecordType.A:
            return framed(answer(query, _many(4000)))
        return framed(answer(query, [address(f"2001:db8::{n:x}") for n in range(2000)]))

    async with scripted_dns(_CUT, script) as server:
        resolution = await resolve(SEED, resolver=server.resolver, timeout_s=LONG)
    assert len(resolution.addresses) == MAX_ADDRESSES_PER_NAME
    assert resolution.dropped == 6000 - MAX_ADDRESSES_PER_NAME


@on_both_loops
async def test_the_same_record_thousands_of_times_is_one_address() -> None:
    resolution = await _resolve(_CUT, lambda query: framed(answer(query, [GOOD] * 4000)))
    assert len(resolution.addresses) == 1
    assert resolution.dropped == 0


def _expensive_messages(query: bytes) -> Iterator[bytes]:
    """Messages of 64 KiB built to cost the reader as much as can be had for a byte."""
    head = len(answer(query))
    chain = b"\x01a" * 126 + b"\0"
    labels = [struct.pack(">H", 0xC000 | (head + 2 * (n % 126))) for n in range(5000)]
    yield answer(query, [record(chain, 16, b""), *(record(pointer, 16, b"") for pointer in labels)])
    growing = [
        record(b"\x01b" + struct.pack(">H", 0xC000 | (head + offset + 14 * (n % 120))), 16, b"")
        for offset in (10, 12)  # to the pointer in an earlier name, and to its label
        for n in range(2000)
    ]
    yield answer(query, [record(QUESTION, 16, b""), *growing])
    pointers = b"".join(struct.pack(">H", 0xC000 | max(12, head + 10 + 2 * n)) for n in range(-1, 8000))
    yield answer(query, [record(QUESTION, 16, pointers), *[record(b"\xff\xf0", 16, b"")] * 1000])


@pytest.mark.parametrize("number", range(3))
def test_no_message_costs_much_to_read(number: int) -> None:
    """Steps are counted, not timed: a reader that walks every chain anew makes millions."""
    query = build_query(encode_name(SEED), RecordType.A, query_id=1)
    message = list(_expensive_messages(query))[number]
    assert len(message) <= 65535

    class Counting(bytes):
        steps = 0

        def __getitem__(self, index: Any) -> Any:
            Counting.steps += 1
            return super().__getitem__(index)

    with contextlib.suppress(MalformedMessage):
        read_reply(query, Counting(message))
    assert Counting.steps < len(message)
