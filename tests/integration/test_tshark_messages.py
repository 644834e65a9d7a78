"""tshark's Bitcoin dissector reads what we write, and finds the same values in it.

It shows type, length and checksum of every message, and the fields of those that it knows (not
of `addrv2`, compact blocks and filters, and it takes a transaction in the form of BIP144 for one
without inputs, so those are left out of the comparison of fields).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitcoin_handshake import messages as m
from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.messages import Message
from bitcoin_handshake.protocol import HEADER_LEN, MSG_TYPE_LEN
from tests.helpers import unavailable
from tests.message_literals import ALL, SEGWIT_TX
from tests.pcap import write_pcap, write_segments
from tests.strategies import MESSAGES

pytestmark = pytest.mark.tshark

PORT = 8333
Layers = dict[str, list[str]]
Fields = dict[str, list[object]]


def frame(msg_type: str, payload: bytes, magic: bytes) -> bytes:
    """Write a v1 message, independently of the transport."""
    checksum = sha256(sha256(payload).digest()).digest()[:4]
    head = magic + msg_type.encode().ljust(MSG_TYPE_LEN, b"\0")
    return head + len(payload).to_bytes(4, "little") + checksum + payload


def bitcoin_fields(tshark: str) -> list[str]:
    listing = subprocess.run([tshark, "-G", "fields"], check=True, capture_output=True, timeout=60)
    rows = (line.split("\t") for line in listing.stdout.decode().splitlines())
    return [row[2] for row in rows if row[0] == "F" and row[2].startswith("bitcoin.")]


@pytest.fixture(scope="module")
def dissect() -> Callable[[Path], list[Layers]]:
    """Run tshark over a capture; give the fields of each packet that holds a message."""
    tshark = shutil.which("tshark")
    if tshark is None:
        unavailable("no tshark (apt-get install tshark)")
    wanted = [*bitcoin_fields(tshark), "_ws.malformed", "_ws.expert.message"]

    def run(path: Path) -> list[Layers]:
        options = ["-r", str(path), "-d", f"tcp.port=={PORT},bitcoin", "-T", "json"]
        names = [part for name in wanted for part in ("-e", name)]
        done = subprocess.run([tshark, *options, *names], check=True, capture_output=True, timeout=120)
        packets = [packet["_source"].get("layers", {}) for packet in json.loads(done.stdout)]
        return [layers for layers in packets if "bitcoin.command" in layers]

    return run


def when(text: str) -> int:
    """Read tshark's UTC time as Unix seconds."""
    stamp = datetime.strptime(text.split(".")[0] + " +0000", "%b %d, %Y %H:%M:%S %z")
    return int(stamp.timestamp())


def number(text: str) -> int:
    return int(text, 0)


def header_fields(headers: Iterable[m.BlockHeader], prefix: str) -> Fields:
    headers = list(headers)
    return {
        f"{prefix}.version": [header.version & 0xFFFFFFFF for header in headers],
        f"{prefix}.prev_block": [header.prev_block.hex() for header in headers],
        f"{prefix}.merkle_root": [header.merkle_root.hex() for header in headers],
        f"{prefix}.timestamp": [header.timestamp for header in headers],
        f"{prefix}.bits": [header.bits for header in headers],
        f"{prefix}.nonce": [header.nonce for header in headers],
    }


def transaction_fields(transactions: Iterable[m.Transaction]) -> Fields:
    transactions = list(transactions)
    inputs = [input_ for transaction in transactions for input_ in transaction.inputs]
    outputs = [output for transaction in transactions for output in transaction.outputs]
    return {
        "tx.version": [transaction.version & 0xFFFFFFFF for transaction in transactions],
        "tx.lock_time": [transaction.lock_time for transaction in transactions],
        "tx.in.prev_output.hash": [input_.prev_txid.hex() for input_ in inputs],
        "tx.in.prev_output.index": [input_.prev_index for input_ in inputs],
        "tx.in.sig_script": [input_.script_sig.hex() for input_ in inputs],
        "tx.in.seq": [input_.sequence for input_ in inputs],
        "tx.out.value": [output.value & 0xFFFFFFFFFFFFFFFF for output in outputs],
        "tx.out.script": [output.script_pubkey.hex() for output in outputs],
        "tx.input_count": [len(transaction.inputs) for transaction in transactions],
        "tx.output_count": [len(transaction.outputs) for transaction in transactions],
        "tx.in.script_length": [len(input_.script_sig) for input_ in inputs],
        "tx.out.script_length": [len(output.script_pubkey) for output in outputs],
    }


def inventory_fields(message: m.Inv) -> Fields:
    return {
        f"{message.msg_type}.count": [len(message.items)],
        f"{message.msg_type}.type": [item.type for item in message.items],
        f"{message.msg_type}.hash": [item.hash.hex() for item in message.items],
    }


def locator_fields(message: m.GetHeaders) -> Fields:
    version = "headers.version" if message.msg_type == "getheaders" else "version.version"
    return {
        version: [message.version],
        f"{message.msg_type}.count": [len(message.locator)],
        f"{message.msg_type}.hash_start": [hash_.hex() for hash_ in message.locator],
        f"{message.msg_type}.hash_stop": [message.stop_hash.hex()],
    }


def addr_fields(message: m.Addr) -> Fields:
    entries = message.entries()
    return {
        "addr.count": [len(entries)],
        "addr.address": [entry.serialize().hex() for entry in entries],
        "addr.timestamp": [entry.time for entry in entries],
        "address.services": [entry.services for entry in entries],
        "address.address": [IPv6Address(entry.ip) for entry in entries],
        "address.port": [entry.port for entry in entries],
    }


def text_fields(*texts: bytes) -> Fields:
    fields: Fields = {"string.count": [len(text) for text in texts]}
    if all(0x20 <= byte < 0x7F for text in texts for byte in text):  # others are shown as escapes
        fields["string.value"] = [text.decode() for text in texts]
    return fields


def version_fields(message: m.Version) -> Fields:
    assert message.addr_from is not None
    fields: Fields = {
        "version.version": [message.protocol_version & 0xFFFFFFFF],
        "version.services": [message.services],
        "version.nonce": [message.nonce],
        "version.relay": [message.relay],
        "address.services": [message.addr_recv.services, message.addr_from.services],
        "address.address": [IPv6Address(message.addr_recv.ip), IPv6Address(message.addr_from.ip)],
        "address.port": [message.addr_recv.port, message.addr_from.port],
        **text_fields(message.user_agent or b""),
    }
    if message.start_height is not None:
        fields["version.start_height"] = [message.start_height & 0xFFFFFFFF]
    if 0 <= message.timestamp < 2**32:
        fields["version.timestamp"] = [message.timestamp]
    return fields


def merkleblock_fields(message: m.MerkleBlock) -> Fields:
    return {
        **header_fields([message.header], "merkleblock"),
        "merkleblock.num_transactions": [message.total_transactions],
        "merkleblock.hashes.count": [len(message.hashes)],
        "merkleblock.flags.count": [len(message.flag_bytes)],
        "merkleblock.hashes.hash": [hash_.hex() for hash_ in message.hashes],
        "merkleblock.flags.data": [message.flag_bytes.hex()],
    }


def filterload_fields(message: m.FilterLoad) -> Fields:
    return {
        "data.count": [len(message.filter)],
        "data.value": [message.filter.hex()],
        "filterload.nhashfunc": [message.hash_functions],
        "filterload.ntweak": [message.tweak],
        "filterload.nflags": [message.flags],
    }


def reject_fields(message: m.Reject) -> Fields:
    data = message.data.hex() if message.data is not None else ""
    return {
        "reject.ccode": [message.ccode],
        "reject.data": [data],
        **text_fields(message.message, message.reason),
    }


KNOWN: dict[str, Callable[[Any], Fields]] = {
    "version": version_fields,
    "verack": lambda o: {},
    "addr": addr_fields,
    "getaddr": lambda o: {},
    "ping": lambda o: {"ping.nonce": [o.nonce]},
    "pong": lambda o: {"pong.nonce": [o.nonce]},
    "inv": inventory_fields,
    "getdata": inventory_fields,
    "notfound": inventory_fields,
    "mempool": lambda o: {},
    "getblocks": locator_fields,
    "getheaders": locator_fields,
    "headers": lambda o: {
        **header_fields(o.headers, "headers"),
        "headers.count": [o.count, *(o.tx_counts or (0,) * o.count)],
    },
    "block": lambda o: {
        **header_fields([o.header], "block"),
        **transaction_fields(o.transactions),
        "block.num_transactions": [len(o.transactions)],
    },
    "tx": lambda o: transaction_fields([o.transaction]),
    "merkleblock": merkleblock_fields,
    "filterload": filterload_fields,
    "filteradd": lambda o: {"data.count": [len(o.data)], "data.value": [o.data.hex()]},
    "filterclear": lambda o: {},
    "reject": reject_fields,
    "alert": lambda o: {},
    "checkorder": lambda o: {},
    "submitorder": lambda o: {},
    "reply": lambda o: {},
}
"""The messages that tshark knows, with the fields that it shows."""


def is_for_tshark(message: Message) -> bool:
    """Whether tshark 4.0 can read it: not the short forms, nothing behind the end, no witnesses."""
    if getattr(message, "trailing", b""):
        return False
    match message:
        case m.Version():
            # It goes by the number: below 70002 it expects no relay, below 209 no start height.
            return message.relay is not None and message.protocol_version & 0xFFFFFFFF >= 70002
        case m.Ping():
            return message.nonce is not None
        case m.Tx():
            return not message.transaction.has_witness
        case m.Block():
            return not any(transaction.has_witness for transaction in message.transactions)
        case _:
            return True


def assert_same_fields(message: Message, layers: Layers) -> None:
    for name, expected in KNOWN[message.msg_type](message).items():
        shown = [text for text in layers.get(f"bitcoin.{name}", []) if text not in ("", "<MISSING>")]
        wanted = [value for value in expected if value != ""]
        read: Callable[[str], object]
        if name.endswith("timestamp"):
            read = when
        elif name == "address.address":
            read = IPv6Address
        elif wanted and isinstance(wanted[0], int):
            read = number
        else:
            read = str
        assert [read(text) for text in shown] == wanted, f"{message.msg_type}: {name}"


def assert_same_frame(message: Message, payload: bytes, magic: bytes, layers: Layers) -> None:
    assert layers["bitcoin.command"] == [message.msg_type]
    assert [number(text) for text in layers["bitcoin.length"]] == [len(payload)]
    checksum = sha256(sha256(payload).digest()).digest()[:4]
    assert [number(text) for text in layers["bitcoin.checksum"]] == [int.from_bytes(checksum)]
    assert [number(text) for text in layers["bitcoin.magic"]] == [int.from_bytes(magic)]


def is_unknown(layers: Layers) -> bool:
    return "Unknown command" in layers.get("_ws.expert.message", [])


@pytest.mark.parametrize("chain", [Chain.MAINNET, Chain.TESTNET3, Chain.REGTEST])
def test_every_message_that_we_write(
    chain: Chain, tmp_path: Path, dissect: Callable[[Path], list[Layers]]
) -> None:
    magic = CHAINS[chain].magic
    path = tmp_path / "messages.pcap"
    written = [(message, message.serialize()) for message, _ in ALL]
    write_segments(path, (frame(message.msg_type, data, magic) for message, data in written), port=PORT)
    packets = dissect(path)
    assert len(packets) == len(ALL)
    unknown = set()
    for (message, data), layers in zip(written, packets, strict=True):
        assert_same_frame(message, data, magic, layers)
        if is_unknown(layers):
            unknown.add(message.msg_type)
        elif is_for_tshark(message):
            assert "_ws.malformed" not in layers
            assert_same_fields(message, layers)
    assert unknown == set(MESSAGES) - set(KNOWN)


def test_any_message_that_it_knows(tmp_path: Path, dissect: Callable[[Path], list[Layers]]) -> None:
    magic = CHAINS[Chain.MAINNET].magic
    path = tmp_path / "messages.pcap"
    known = st.one_of(*(MESSAGES[msg_type] for msg_type in KNOWN)).filter(is_for_tshark)

    @settings(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(st.lists(known, min_size=1, max_size=12))
    def agree(messages: list[Message]) -> None:
        payloads = [message.serialize() for message in messages]
        frames = (frame(msg.msg_type, data, magic) for msg, data in zip(messages, payloads, strict=True))
        write_segments(path, frames, port=PORT)
        for message, payload, layers in zip(messages, payloads, dissect(path), strict=True):
            assert_same_frame(message, payload, magic, layers)
            assert not is_unknown(layers)
            assert "_ws.malformed" not in layers
            assert_same_fields(message, layers)

    agree()


def test_a_stream_cut_anywhere(tmp_path: Path, dissect: Callable[[Path], list[Layers]]) -> None:
    magic = CHAINS[Chain.REGTEST].magic
    block = m.Block(m.BlockHeader(1, bytes(32), bytes(32), 0, 0, 0), (SEGWIT_TX,) * 2000)
    messages: list[Message] = [m.Ping(1), block, m.Pong(2)]
    payloads = [message.serialize() for message in messages]
    stream = b"".join(
        frame(message.msg_type, data, magic) for message, data in zip(messages, payloads, strict=True)
    )
    assert len(stream) == 3 * HEADER_LEN + sum(map(len, payloads)) > 200_000
    path = tmp_path / "stream.pcap"
    write_pcap(path, stream, port=PORT)
    commands = [command for layers in dissect(path) for command in layers["bitcoin.command"]]
    assert commands == ["ping", "block", "pong"]
