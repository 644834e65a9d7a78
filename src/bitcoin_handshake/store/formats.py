"""Nodes of a store in the formats that other programs read.

* `ndjson`: one object a line, keys `queries.NODE_FIELDS`; `services` as 16 hex digits.
* `csv`: the same with a header line; a cell that a spreadsheet would take for a formula begins with `'`.
* `parquet`: the same as a table, `services` as an unsigned integer; needs pyarrow.
* `dnsseed`: the columns of bitcoin-seeder's `dnsseed.dump`, which Bitcoin Core's `makeseeds.py` reads.
* `bitnodes`: one JSON object like a snapshot of Bitnodes; what is not known is null.
* `list`: an address a line, as a target of this program.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import IO, Any

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.store.queries import NODE_FIELDS

__all__ = ["TEXT_FORMATS", "write_parquet"]

Node = dict[str, Any]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
DNSSEED_HEAD = (
    "# address                                        good  lastSuccess    %(2h)   %(8h)   %(1d)   %(7d)"
    "  %(30d)  blocks      svcs  version\n"
)


def ndjson(nodes: Iterable[Node]) -> Iterator[str]:
    """Write one object a line."""
    for node in nodes:
        yield json.dumps(_with_hex(node), ensure_ascii=False) + "\n"


def csv_lines(nodes: Iterable[Node]) -> Iterator[str]:
    """Write a header line and one line each."""
    yield ",".join(NODE_FIELDS) + "\n"
    for node in nodes:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow(_cell(value) for value in _with_hex(node).values())
        yield out.getvalue()


def dnsseed(nodes: Iterable[Node]) -> Iterator[str]:
    """Write the columns of `dnsseed.dump`.

    The shares of success over 2 hours to 30 days are those of the last visit: 100 or 0 percent.
    """
    yield DNSSEED_HEAD
    for node in nodes:
        good = node["outcome"] == "ok"
        share = " ".join(["100.00%" if good else "  0.00%"] * 5)
        agent = (node["user_agent"] or "").replace("\\", "\\\\").replace('"', '\\"')
        yield (
            f"{node['address']:<47}  {good:4d}  {(node['last_ok_ms'] or 0) // 1000:11d}  {share}"
            f"  {node['start_height'] or 0:6d}  {node['services'] or 0:08x}"
            f'  {node["protocol_version"] or 0:5d} "{agent}"\n'
        )


def bitnodes(nodes: Iterable[Node]) -> Iterator[str]:
    """Write one snapshot of the nodes that are reachable, in pieces."""
    count = 0
    height = 0
    latest = 0
    yield '{"nodes": {'
    for node in nodes:
        if node["outcome"] != "ok":
            continue
        values = [
            node["protocol_version"], node["user_agent"], node["ended_ms"] // 1000, node["services"],
            node["start_height"], None, None, None, None, None, None, None, None,
        ]  # fmt: skip
        yield f"{', ' if count else ''}{json.dumps(node['address'])}: {json.dumps(values)}"
        count += 1
        height = max(height, node["start_height"] or 0)
        latest = max(latest, node["ended_ms"] // 1000)
    yield f'}}, "timestamp": {latest}, "total_nodes": {count}, "latest_height": {height}}}\n'


def address_list(nodes: Iterable[Node]) -> Iterator[str]:
    """Write an address a line."""
    for node in nodes:
        yield f"{node['address']}\n"


TEXT_FORMATS: Mapping[str, Callable[[Iterable[Node]], Iterator[str]]] = MappingProxyType(
    {"ndjson": ndjson, "csv": csv_lines, "dnsseed": dnsseed, "bitnodes": bitnodes, "list": address_list}
)
"""The formats that are text, by name."""


def write_parquet(nodes: Iterable[Node], file: IO[bytes]) -> None:
    """Write a table.

    Raises:
        EnvironmentFailure: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise EnvironmentFailure(
            "the format parquet needs pyarrow: pip install 'bitcoin-handshake[parquet]'"
        ) from None
    kinds: dict[str, Any] = dict.fromkeys(NODE_FIELDS, pyarrow.string())
    kinds |= dict.fromkeys(("port", "protocol_version", "start_height", "time_offset_s"), pyarrow.int64())
    kinds |= dict.fromkeys(("ended_ms", "crawl_id", "last_ok_ms"), pyarrow.int64())
    kinds |= dict.fromkeys(("relay", "claims_v2", "speaks_v2"), pyarrow.bool_())
    kinds |= dict.fromkeys(("connect_ms", "verack_ms"), pyarrow.float64())
    kinds["services"] = pyarrow.uint64()
    schema = pyarrow.schema(list(kinds.items()))
    parquet.write_table(pyarrow.Table.from_pylist(list(nodes), schema=schema), file, compression="zstd")


def _with_hex(node: Node) -> Node:
    services = node["services"]
    return {**node, "services": None if services is None else f"{services:016x}"}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
