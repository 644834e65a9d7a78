"""tshark's Bitcoin dissector, as an independent judge of bytes.

The bytes are written into a capture file as the two directions of one TCP connection; nothing is
sniffed and nothing is sent.
"""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.helpers import unavailable

NODE_PORT = 18444
OUR_PORT = 50000
_NODE = socket.inet_aton("127.0.0.2")
_US = socket.inet_aton("127.0.0.1")
_LINKTYPE_RAW = 101  # packets begin with their IP header
_PSH_ACK = 0x18
_MAX_SEGMENT_LEN = 60_000


def write_capture(path: Path, flow: Iterable[tuple[bool, bytes]]) -> None:
    """Write a capture file of one connection.

    Args:
        path: Where to.
        flow: Runs of bytes in their order, each with whether we sent it.
    """
    sequence = {True: 1, False: 1}
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, _LINKTYPE_RAW))
        for number, (sent, data) in enumerate(_segments(flow)):
            tcp = struct.pack(
                ">HHIIBBHHH",
                OUR_PORT if sent else NODE_PORT,
                NODE_PORT if sent else OUR_PORT,
                sequence[sent],
                sequence[not sent],
                5 << 4,
                _PSH_ACK,
                0xFFFF,
                0,
                0,
            )
            source, target = (_US, _NODE) if sent else (_NODE, _US)
            length = 20 + len(tcp) + len(data)
            ip = struct.pack(">BBHHHBBH", 0x45, 0, length, number & 0xFFFF, 0, 64, socket.IPPROTO_TCP, 0)
            file.write(struct.pack("<IIII", number, 0, length, length) + ip + source + target + tcp + data)
            sequence[sent] += len(data)


def _segments(flow: Iterable[tuple[bool, bytes]]) -> Iterator[tuple[bool, bytes]]:
    for sent, data in flow:
        for start in range(0, len(data), _MAX_SEGMENT_LEN):
            yield sent, data[start : start + _MAX_SEGMENT_LEN]


def dissect(folder: Path, flow: Iterable[tuple[bool, bytes]]) -> list[dict[str, Any]]:
    """Let tshark read a connection, and give every Bitcoin message that it found.

    Args:
        folder: Where the capture file may be written.
        flow: As for `write_capture`.

    Returns:
        One dictionary a message, in their order: tshark's `bitcoin.*` fields by name without that prefix, as
        text; a field that occurs in several places of the message holds all its values, joined by commas.
        `_malformed` is there where tshark calls the message malformed.
    """
    if shutil.which("tshark") is None:
        unavailable("tshark is not installed (apt-get install tshark)")
    path = folder / "flow.pcap"
    write_capture(path, flow)
    command = [
        "tshark",
        "-r",
        str(path),
        "-d",
        f"tcp.port=={NODE_PORT},bitcoin",
        "-T",
        "json",
        "-J",
        "bitcoin _ws",
    ]
    done = subprocess.run(
        [*command, "--no-duplicate-keys"], capture_output=True, text=True, timeout=120, check=True
    )
    messages: list[dict[str, Any]] = []
    for packet in json.loads(done.stdout):
        layers = packet["_source"]["layers"]
        found = layers.get("bitcoin", [])
        messages.extend(dict(_fields(message)) for message in (found if isinstance(found, list) else [found]))
        if "_ws.malformed" in layers:
            messages.append({"_malformed": layers["_ws.malformed"]})
    return messages


def _fields(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Flatten tshark's tree into names and texts."""
    values: dict[str, list[str]] = {}

    def walk(node: Any, name: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, key)
        elif isinstance(node, list):
            for value in node:
                walk(value, name)
        else:
            values.setdefault(name.removeprefix("bitcoin."), []).append(str(node))

    walk(tree, "")
    yield from ((name, ",".join(texts)) for name, texts in values.items())
