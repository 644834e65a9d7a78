"""Forms that the code takes for speed, each beside the plain form that it stands for.

    python -m bench.forms [--rounds N]

Processor time of one call, the best of N rounds in turns. A form that is no faster than the plain
one has no right to be there.
"""

from __future__ import annotations

import argparse
import hmac
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address

from bench.measure import Report
from bitcoin_handshake.chain import Chain
from bitcoin_handshake.cli.output.json_lines import json_line
from bitcoin_handshake.handshake import LocalVersion
from bitcoin_handshake.messages.handshake import V1Address, Version
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import refusal
from bitcoin_handshake.records import Outcome, ProbeResult, rfc3339
from bitcoin_handshake.targets import parse_target
from bitcoin_handshake.transport.bip324.keys import derive_session_keys
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.visit import GarbageSource

Call = Callable[[], object]

CALLS = 2000
USER_AGENT = b"/bitcoin-handshake:0.1.0/"
IP = bytes(10) + b"\xff\xff\x7f\x01\x02\x03"
MAGIC = Chain.REGTEST.params.magic
KEYS = 6


def version_forms() -> tuple[Call, Call]:
    """Our own `version`: one Struct, or the message class."""
    local = LocalVersion(user_agent=USER_AGENT)

    def plain() -> bytes:
        return Version(
            70016, 0, 1_700_000_000, V1Address(0, IP, 8333), V1Address(0), 7, USER_AGENT, 0, 0
        ).serialize()

    def ours() -> bytes:
        return local.serialize(nonce=7, time_unix=1_700_000_000, ip=IP, port=8333)

    assert ours() == plain()
    return ours, plain


def verack_forms() -> tuple[Call, Call]:
    """An empty message: looked up by its header, or read."""
    writer = V1Transport(MAGIC)
    writer.send_message("verack", b"")
    known = writer.data_to_send()
    writer.send_message("novelty", b"")
    unknown = writer.data_to_send()
    transport = V1Transport(MAGIC)

    def read(data: bytes) -> object:
        transport.receive_data(data)
        return transport.next_message()

    return lambda: read(known), lambda: read(unknown)


def time_forms() -> tuple[Call, Call]:
    """The time of a record: its second looked up, or written."""

    def plain() -> str:
        return datetime.fromtimestamp(1_700_000_000.25, UTC).isoformat(timespec="milliseconds")

    return lambda: rfc3339(1_700_000_000.25), plain


def json_forms() -> tuple[Call, Call]:
    """A record as JSON: by orjson, or by the standard encoder."""
    netaddr = NetAddr(Network.IPV4, "127.1.2.3", 18444)
    result = ProbeResult("127.1.2.3", "regtest", Outcome.FAILED, 1_700_000_000.25, netaddr, ())
    return lambda: json_line(result), lambda: json.dumps(result.to_json(), separators=(",", ":")) + "\n"


def keys_forms() -> tuple[Call, Call]:
    """The keys of a v2 session: HMAC over hashlib, or hmac.digest."""
    secret = bytes(32)

    def plain() -> list[bytes]:
        prk = hmac.digest(b"bitcoin_v2_shared_secret" + MAGIC, secret, "sha256")
        return [hmac.digest(prk, bytes((number,)), "sha256") for number in range(KEYS)]

    return lambda: derive_session_keys(secret, MAGIC), plain


def garbage_forms() -> tuple[Call, Call]:
    """Garbage: a key stream, or the system's random bytes."""
    draw = GarbageSource().draw
    return draw, lambda: os.urandom(int.from_bytes(os.urandom(4)) % 3601)


def policy_forms() -> tuple[Call, Call]:
    """A learned address: judged by its first octet, or parsed."""
    netaddr = NetAddr(Network.IPV4, "8.8.4.4", 8333)
    return lambda: refusal(netaddr), lambda: IPv4Address("8.8.4.4").is_global


def target_forms() -> tuple[Call, Call]:
    """A line of input: by one pattern, or by way of `ipaddress`."""

    def plain() -> NetAddr:
        host, _, port = "127.1.2.3:18444".partition(":")
        return NetAddr(Network.IPV4, str(IPv4Address(host)), int(port))

    return lambda: parse_target("127.1.2.3:18444"), plain


FORMS = (
    version_forms,
    verack_forms,
    time_forms,
    json_forms,
    keys_forms,
    garbage_forms,
    policy_forms,
    target_forms,
)


def microseconds(call: Call) -> float:
    """Processor time of one call."""
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - began) / CALLS * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds: int = parser.parse_args().rounds
    report = Report("Forms taken for speed, microseconds of a call, and over the plain form")
    for forms in FORMS:
        ours, plain = forms()
        pairs = [(microseconds(ours), microseconds(plain)) for _ in range(rounds)]
        ours_us, plain_us = (min(column) for column in zip(*pairs, strict=True))
        name = (forms.__doc__ or "").rstrip(".")
        ratio = ours_us / plain_us
        figures = f"{ours_us:.2f} / {plain_us:.2f} us = {ratio:.2f}"
        report.line(name, figures, asked="< 1", reached=ratio < 1)
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
