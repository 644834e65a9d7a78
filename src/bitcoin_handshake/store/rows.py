"""From records to rows.

Owns which key of a record (`schema/record.schema.json`) is which column. A record is plain data, whoever
made it: a run in this process, a worker elsewhere, or a file of JSON lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bitcoin_handshake.messages.addresses import netaddr_from_key

__all__ = ["NODE_COLUMNS", "VISIT_COLUMNS", "node_row", "signed64", "unsigned64", "visit_rows"]

Record = Mapping[str, Any]

NODE_COLUMNS = (
    "node_id", "key", "network", "host", "port", "heard_ms", "told_by", "told_time", "told_services",
)  # fmt: skip
VISIT_COLUMNS = (
    "crawl_id", "node_id", "is_verdict", "ended_ms", "outcome", "phase", "code", "transport",
    "protocol_version", "services", "user_agent_id", "start_height", "relay", "time_offset_s", "features",
    "anomalies", "speaks_v2", "connect_ms", "version_ms", "verack_ms", "ping_ms", "bytes_sent",
    "bytes_received", "addresses",
)  # fmt: skip

_SIGN = 1 << 63
_ALL = 1 << 64
_NO_VERSION: Record = {}
_MAX_INT64 = _SIGN - 1


def signed64(value: int) -> int:
    """Turn an unsigned 64-bit mask into what SQLite stores: two's complement."""
    return value - _ALL if value & _SIGN else value


def unsigned64(value: int) -> int:
    """Turn a stored mask back."""
    return value & (_ALL - 1)


def node_row(
    node_id: int, key: bytes, *, heard_ms: int, told_by: int | None, told_time: int, told_services: int
) -> tuple[Any, ...]:
    """Make the row of an address; see the table `node`."""
    netaddr = netaddr_from_key(key)
    return (
        node_id, key, netaddr.network.value, netaddr.host, netaddr.port,
        heard_ms, told_by, told_time, signed64(told_services),
    )  # fmt: skip


def visit_rows(
    record: Record,
    crawl_id: int,
    node_id: int,
    user_agent_id: Callable[[str], int],
    addresses: int | None = None,
) -> list[tuple[Any, ...]]:
    """Make the rows of a node's record: its verdict last, before it the other connection, if any.

    Args:
        record: See `schema/record.schema.json`.
        crawl_id: The run.
        node_id: The node.
        user_agent_id: Gives the number of a user agent.
        addresses: Entries that the node told; None where it was not asked.
    """
    rows = []
    transport = record["transport"]
    ended_ms = _unix_ms(record["timestamp"])
    if transport is not None:
        for name, other in record["transports"].items():
            if name != transport and other["status"] != "not_tried":
                rows.append(_other_row(other, name, crawl_id, node_id, ended_ms))
    version = record["version"] or _NO_VERSION
    times = record["times_ms"]
    user_agent = version.get("user_agent")
    services = version.get("services")
    rows.append(
        (
            crawl_id, node_id, 1, ended_ms, record["outcome"], record["phase"], record["code"], transport,
            version.get("protocol_version"),
            None if services is None else signed64(int(services, 16)),
            None if user_agent is None else user_agent_id(user_agent),
            version.get("start_height"), version.get("relay"), _int64(version.get("time_offset_s")),
            _feature_names(record["features"]),
            " ".join(record["anomalies"]) or None,
            record["speaks_v2"],
            times["connect"], times["version"], times["verack"], times["ping"],
            record["bytes_sent"], record["bytes_received"], addresses,
        )
    )  # fmt: skip
    return rows


def _other_row(other: Record, name: str, crawl_id: int, node_id: int, ended_ms: int) -> tuple[Any, ...]:
    times = other["times_ms"]
    outcome = "ok" if other["status"] == "completed" else "failed"
    return (
        crawl_id, node_id, 0, ended_ms, outcome, other["phase"], other["code"], name,
        *(None,) * 9,
        times["connect"], times["version"], times["verack"], None,
        other["bytes_sent"], other["bytes_received"], None,
    )  # fmt: skip


def _feature_names(features: Record) -> str | None:
    return " ".join(name for name, value in features.items() if value and not name.endswith("_text")) or None


def _int64(value: int | None) -> int | None:
    return None if value is None else max(-_MAX_INT64, min(value, _MAX_INT64))


_seconds: dict[str, int] = {}


def _unix_ms(text: str) -> int:
    """Read an RFC 3339 time with milliseconds and Z. Records of one second share the work: 0.2 us."""
    second = _seconds.get(text[:19])
    if second is None:
        if len(_seconds) > 64:
            _seconds.clear()
        second = _seconds[text[:19]] = int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())
    return second * 1000 + int(text[20:23])
