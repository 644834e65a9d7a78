"""What reading the long messages costs: ours, the least that Python can do, other libraries.

    python bench/messages.py [--rounds N]

Each figure has a floor that is measured in the same run, in turns with ours, over the same bytes:

* `addrv2`, 1,000 entries of all networks, read and de-duplicated: over a plain loop that slices
  the keys out of the bytes and checks nothing;
* `headers`, 2,000 of them, read into objects: over one `Struct.iter_unpack`;
* `version`, read: over one `Struct` per run of fixed fields.

python-bitcoinlib and btclib read the same bytes where they know the message.

Exit codes: 0 within the bounds; 1 not.

Recorded on two shared cores (CPython 3.11.7, python-bitcoinlib 0.12.2, btclib 2026.10.24): `addrv2`
3,080,000 entries a second over 4,500,000 for the plain loop (0.68; btclib 210,000); `headers` made
into objects 3,000,000 a second, in 2.5 times the time of `iter_unpack` (btclib 236,000); a block of
500 transactions 5.5 ms (python-bitcoinlib 23, btclib 14); a `version` 1.4 us (5.8 and 12.8).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from random import Random
from struct import Struct

from bitcoin_handshake.messages import (
    Addr,
    AddrEntry,
    AddrV2,
    AddrV2Entry,
    Block,
    BlockHeader,
    Headers,
    Transaction,
    TxInput,
    TxOutput,
    V1Address,
    Version,
)

ENTRIES = 1000
HEADERS = 2000
TRANSACTIONS = 500
VERSIONS = 1000

MIN_ADDRV2_RATIO = 0.5
"""Of the plain loop's rate."""
MAX_HEADERS_RATIO = 3.0
"""Of the time of `iter_unpack`."""

_HEADER = Struct("<i32s32sIIIx")
_VERSION = Struct("<iQqQ16s2sQ16s2sQ")
_START_HEIGHT = Struct("<i")

Work = Callable[[], object]


def best(rounds: int, *works: Work) -> list[float]:
    """The best time of each in seconds, in turns, so that a disturbance hits all of them."""

    def seconds(work: Work) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    times = [[seconds(work) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


# What is read. Networks and services in the mix that a mainnet node answers with.


def addrv2_payload(random: Random) -> bytes:
    def entry() -> AddrV2Entry:
        network_id = random.choice((1, 1, 1, 1, 2, 2, 4, 4, 5, 6))
        address = random.randbytes({1: 4, 2: 15, 4: 32, 5: 32, 6: 15}[network_id])
        prefix = {2: b"\x20", 6: b"\xfc"}.get(network_id, b"")
        services = random.choice((0x9, 0x409, 0xC09, 0x448, 0xC09))
        return AddrV2Entry(random.getrandbits(32), services, network_id, prefix + address, 8333)

    return AddrV2.from_entries([entry() for _ in range(ENTRIES)]).serialize()


def addr_payload(random: Random) -> bytes:
    def entry() -> AddrEntry:
        ip = bytes(10) + b"\xff\xff" + random.randbytes(4) if random.random() < 0.7 else random.randbytes(16)
        return AddrEntry(random.getrandbits(32), 0x409, ip, 8333)

    return Addr.from_entries([entry() for _ in range(ENTRIES)]).serialize()


def headers_payload(random: Random) -> bytes:
    def header() -> BlockHeader:
        numbers = (random.getrandbits(32), 0x1D00FFFF, random.getrandbits(32))
        return BlockHeader(0x20000000, random.randbytes(32), random.randbytes(32), *numbers)

    return Headers.from_headers([header() for _ in range(HEADERS)]).serialize()


def block_payload(random: Random) -> bytes:
    def transaction() -> Transaction:
        witness = (random.randbytes(71), random.randbytes(33))
        inputs = tuple(TxInput(random.randbytes(32), 0, witness=witness) for _ in range(2))
        outputs = tuple(TxOutput(1000, b"\x00\x14" + random.randbytes(20)) for _ in range(2))
        return Transaction(2, inputs, outputs)

    header = BlockHeader(0x20000000, random.randbytes(32), random.randbytes(32), 0, 0x1D00FFFF, 0)
    return Block(header, tuple(transaction() for _ in range(TRANSACTIONS))).serialize()


def version_payload() -> bytes:
    return Version(
        70016,
        0xC09,
        1_700_000_000,
        V1Address(0, bytes(10) + b"\xff\xff\x01\x02\x03\x04", 8333),
        V1Address(0xC09),
        0x0102030405060708,
        b"/Satoshi:28.1.0/",
        900_000,
        1,
    ).serialize()


# The floors.


def slice_keys(data: bytes) -> set[bytes]:
    """Slice network id, length, address and port of every entry out, and check nothing."""
    keys = set()
    pos = 3
    for _ in range(ENTRIES):
        pos += 4
        first = data[pos]
        if first < 253:
            pos += 1
        elif first == 253:
            pos += 3
        elif first == 254:
            pos += 5
        else:
            pos += 9
        end = pos + 4 + data[pos + 1]
        keys.add(data[pos:end])
        pos = end
    return keys


def read_version(data: bytes) -> tuple[object, ...]:
    """Read a `version` without a check and without an object."""
    fields = _VERSION.unpack_from(data)
    length = data[80]
    return (*fields, data[81 : 81 + length], _START_HEIGHT.unpack_from(data, 81 + length), data[-1])


# The other libraries. python-bitcoinlib knows no `addrv2`, and reads `headers` without the counts
# between them, so not these bytes.


def by_bitcoinlib(name: str, payload: bytes) -> dict[str, Work]:
    """How python-bitcoinlib reads a payload; nothing where it is not installed."""
    try:
        messages = import_module("bitcoin.messages")
    except ImportError:
        return {}
    return {"python-bitcoinlib": lambda: getattr(messages, name).msg_deser(BytesIO(payload))}


def by_btclib(name: str, payload: bytes) -> dict[str, Work]:
    """How btclib reads a payload; nothing where it is not installed."""
    try:
        cls = getattr(import_module("btclib.p2p"), name)
    except ImportError:
        return {}
    return {"btclib": lambda: cls.parse(payload, check_validity=False)}


def measure(
    title: str, rounds: int, count: int, unit: str, ours: dict[str, Work], rest: dict[str, Work]
) -> list[float]:
    """Measure all in turns, print the table, give the seconds of each; the first is ours."""
    works = ours | rest
    seconds = best(rounds, *works.values())
    print(title)
    for name, value in zip(works, seconds, strict=True):
        print(
            f"  {name:30}{value * 1e6:11,.0f} us{count / value:14,.0f} {unit}/s"
            f"{value / seconds[0]:9.2f} of ours"
        )
    return seconds


def measure_addrv2(rounds: int, payload: bytes) -> bool:
    assert set(AddrV2.deserialize(payload).keys()) == slice_keys(payload)
    ours: dict[str, Work] = {
        "read and de-duplicated": lambda: set(AddrV2.deserialize(payload).keys()),
        "plain loop, no checks": lambda: slice_keys(payload),
        "entries as objects": lambda: AddrV2.deserialize(payload).entries(),
    }
    rest = by_btclib("AddrV2", payload)
    seconds = measure(f"addrv2, {ENTRIES} entries", rounds, ENTRIES, "entries", ours, rest)
    ratio = seconds[1] / seconds[0]
    print(f"  rate over that of the plain loop: {ratio:.2f} (bound: {MIN_ADDRV2_RATIO} at least)")
    return ratio >= MIN_ADDRV2_RATIO


def measure_addr(rounds: int, payload: bytes) -> None:
    ours: dict[str, Work] = {
        "read and de-duplicated": lambda: set(Addr.deserialize(payload).keys()),
        "entries as objects": lambda: Addr.deserialize(payload).entries(),
    }
    rest = by_bitcoinlib("msg_addr", payload) | by_btclib("Addr", payload)
    measure(f"addr, {ENTRIES} entries", rounds, ENTRIES, "entries", ours, rest)


def measure_headers(rounds: int, payload: bytes) -> bool:
    ours: dict[str, Work] = {
        "read and made into objects": lambda: Headers.deserialize(payload).headers,
        "read": lambda: Headers.deserialize(payload),
        "one iter_unpack": lambda: list(_HEADER.iter_unpack(memoryview(payload)[3:])),
    }
    rest = by_btclib("Headers", payload)
    seconds = measure(f"headers, {HEADERS} of them", rounds, HEADERS, "headers", ours, rest)
    ratio = seconds[0] / seconds[2]
    print(f"  time with objects over that of iter_unpack: {ratio:.2f} (bound: {MAX_HEADERS_RATIO} at most)")
    return ratio <= MAX_HEADERS_RATIO


def measure_block(rounds: int, payload: bytes) -> None:
    ours: dict[str, Work] = {"read into objects": lambda: Block.deserialize(payload)}
    rest = by_bitcoinlib("msg_block", payload) | by_btclib("BlockPayload", payload)
    title = f"block, {TRANSACTIONS} transactions with witnesses, {len(payload):,} bytes"
    measure(title, rounds, TRANSACTIONS, "transactions", ours, rest)


def measure_version(rounds: int, payload: bytes) -> None:
    def times(work: Work) -> Work:
        def repeated() -> None:
            for _ in range(VERSIONS):
                work()

        return repeated

    ours: dict[str, Work] = {
        "read": lambda: Version.deserialize(payload),
        "one Struct per run, no checks": lambda: read_version(payload),
    }
    rest = by_bitcoinlib("msg_version", payload) | by_btclib("Version", payload)
    repeated = [{name: times(work) for name, work in works.items()} for works in (ours, rest)]
    measure(f"version, {VERSIONS} times", rounds, VERSIONS, "messages", *repeated)


def main() -> int:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description="Measure reading long messages.")
    parser.add_argument("--rounds", type=int, default=30, metavar="N", help="the best of N counts")
    rounds = parser.parse_args().rounds
    random = Random(5)
    within = measure_addrv2(rounds, addrv2_payload(random))
    measure_addr(rounds, addr_payload(random))
    within &= measure_headers(rounds, headers_payload(random))
    measure_block(max(3, rounds // 5), block_payload(random))
    measure_version(rounds, version_payload())
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
