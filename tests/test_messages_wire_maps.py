"""The wire maps in the messages' docstrings are true: sizes, types and names, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from importlib import import_module
from struct import Struct
from typing import Any

import pytest

from bitcoin_handshake.messages import REGISTRY, AddrEntry, BlockHeader, EmptyMessage, Message
from bitcoin_handshake.messages.addresses import ADDR_ENTRY_LEN
from bitcoin_handshake.messages.headers import BLOCK_HEADER_LEN
from tests.message_literals import ALL, GENESIS_HEADER

LINE = re.compile(r"(?P<indent> +)(?P<size>\d+|\.\.) +(?P<name>\w+) +(?P<rest>\S.*)")
FORMATS = {
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "uint8": "B",
    "bool": "B",
    "uint16": "H",
    "hash": "32s",
    "bytes16": "16s",
}
HAS_FIELDS = [cls for cls in REGISTRY.values() if not issubclass(cls, EmptyMessage)]


@dataclass
class MapLine:
    """One line of a wire map: its depth (0 outside of lists), size or None, name and type."""

    depth: int
    size: int | None
    name: str
    type: str


def wire_map(cls: type[Message]) -> list[MapLine]:
    """Parse the `Wire` section of a docstring: to the next empty line."""
    text = (cls.__doc__ or "").partition("Wire")[2].partition("\n\n")[0]
    matches = [match for match in map(LINE.match, text.splitlines()) if match]
    base = min((len(match["indent"]) for match in matches), default=0)
    return [
        MapLine(
            (len(match["indent"]) - base) // 4,
            None if match["size"] == ".." else int(match["size"]),
            match["name"],
            match["rest"].split()[0].rstrip(",;"),
        )
        for match in matches
    ]


def fixed_classes() -> Iterator[type[Message]]:
    """The messages that are one run of fixed fields."""
    for cls in HAS_FIELDS:
        lines = wire_map(cls)
        if lines and all(line.size is not None and line.type in FORMATS for line in lines):
            yield cls


def structs_of(cls: type[Message]) -> list[Struct]:
    return [value for value in vars(import_module(cls.__module__)).values() if isinstance(value, Struct)]


@pytest.mark.parametrize("cls", HAS_FIELDS)
def test_a_message_with_fields_has_a_wire_map(cls: type[Message]) -> None:
    assert wire_map(cls), f"{cls.__name__} has no wire map"


@pytest.mark.parametrize("cls", [cls for cls in REGISTRY.values() if issubclass(cls, EmptyMessage)])
def test_a_message_without_fields_says_so(cls: type[Message]) -> None:
    assert "no fields" in (cls.__doc__ or "")
    assert not wire_map(cls)


@pytest.mark.parametrize("cls", HAS_FIELDS)
def test_sizes_are_those_of_the_types(cls: type[Message]) -> None:
    for line in wire_map(cls):
        if line.type in FORMATS:
            assert line.size == Struct("<" + FORMATS[line.type]).size, line.name
        if line.type == "header":
            assert line.size == BLOCK_HEADER_LEN == len(GENESIS_HEADER.serialize())


@pytest.mark.parametrize("cls", HAS_FIELDS)
def test_names_are_those_of_the_fields_in_their_order(cls: type[Message]) -> None:
    names = [field.name for field in fields(cls) if field.name != "trailing"]
    if "payload" in names:
        return  # addr, addrv2, headers: records of their entries are compared below
    mapped = [line.name for line in wire_map(cls) if line.depth == 0]
    if names == ["transaction"]:
        names = ["version", "flag", "inputs", "outputs", "witnesses", "lock_time"]
    assert mapped == names


@pytest.mark.parametrize("cls", list(fixed_classes()))
def test_a_fixed_message_is_packed_as_its_map_says(cls: type[Message]) -> None:
    lines = wire_map(cls)
    layout = Struct("<" + "".join(FORMATS[line.type] for line in lines))
    assert layout.size == sum(line.size or 0 for line in lines)
    values: list[Any] = [
        bytes((number,)) * 32 if line.type == "hash" else number for number, line in enumerate(lines, start=1)
    ]
    message = cls(*values)
    assert message.serialize() == layout.pack(*values)
    assert cls.deserialize(layout.pack(*values)) == message
    if len(lines) > 1:
        assert layout.size in {struct.size for struct in structs_of(cls)}
        assert layout.format in {struct.format for struct in structs_of(cls)}


def test_there_are_fixed_messages() -> None:
    names = {cls.msg_type for cls in fixed_classes()}
    assert {"ping", "pong", "sendcmpct", "feefilter", "sendtxrcncl", "getcfilters", "reqrecon"} <= names
    assert "addr" not in names


@pytest.mark.parametrize("cls", HAS_FIELDS)
def test_no_literal_is_shorter_than_the_fixed_fields(cls: type[Message]) -> None:
    optional = {
        field.name for field in fields(cls) if field.default is None and field.default is not MISSING
    } | {"flag"}
    least = sum(
        1 if line.size is None else line.size
        for line in wire_map(cls)
        if line.depth == 0 and line.name not in optional | {"witnesses", "wallet_transaction"}
    )
    shortest = min(len(data) for message, data in ALL if message.msg_type == cls.msg_type)
    assert shortest >= least


def test_maps_of_entries() -> None:
    """The entries inside lists: `addr` and the header are fixed, and sum up to their length."""
    entry = [line for line in wire_map(REGISTRY["addr"]) if line.depth == 1]
    assert sum(line.size or 0 for line in entry) == ADDR_ENTRY_LEN
    assert [line.name for line in entry] == [field.name for field in fields(AddrEntry)]
    (item,) = {
        tuple((line.size, line.name) for line in wire_map(REGISTRY[name]) if line.depth == 1)
        for name in ("inv", "getdata", "notfound")
    }
    assert item == ((4, "type"), (32, "hash"))
    assert len(fields(BlockHeader)) == 6


def test_version_ends_where_its_map_says() -> None:
    lines = wire_map(REGISTRY["version"])
    head = [line.size or 0 for line in lines[:6]]
    assert sum(head) == 80
    sizes = {struct.size for struct in structs_of(REGISTRY["version"])}
    # version up to addr_recv, addr_from and nonce; or all up to the length of the user agent
    assert {sum(head[:4]), sum(head[4:]), sum(head) + 1} == {46, 34, 81}
    assert {46, 34, 81} <= sizes
