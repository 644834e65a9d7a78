"""Records as CSV (RFC 4180): the record of JSON, flattened into columns.

Nested keys are joined by `_`, lists by spaces. Empty means not known. Text that a spreadsheet
or pandas would take for a formula, a number or a missing value has an apostrophe before it; so have
all values of the columns that hold hex (`HEX_COLUMNS`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from bitcoin_handshake.cli.output.printable import formula_safe, number_safe, printable
from bitcoin_handshake.records import Features, MessageTime, ProbeResult

__all__ = ["COLUMNS", "HEX_COLUMNS", "csv_header", "csv_row"]

_VERSION_KEYS = (
    "protocol_version",
    "services",
    "services_names",
    "timestamp",
    "timestamp_text",
    "time_offset_s",
    "addr_recv",
    "addr_from",
    "nonce",
    "user_agent",
    "user_agent_hex",
    "start_height",
    "relay",
)
_REJECT_KEYS = ("message", "code", "reason")
_TIME_KEYS = ("resolve", "connect", "version", "verack", "ping")
_FEATURE_KEYS = (
    "wtxidrelay",
    "sendaddrv2",
    "sendtxrcncl",
    "sendheaders",
    "sendcmpct",
    "feefilter",
    "feefilter_text",
)

_ATTEMPT_KEYS = ("status", "phase", "code", "reason", "bytes_sent", "bytes_received")
_V1_TIME_KEYS = ("connect", "version", "verack")
_V2_TIME_KEYS = ("connect", "key", "garbage", "version_packet", "version", "verack")
_V2_FACT_KEYS = ("garbage_length", "decoys", "session_id")
_V1_KEYS = (*_ATTEMPT_KEYS, *(f"times_ms_{key}" for key in _V1_TIME_KEYS))
_V2_KEYS = (*_ATTEMPT_KEYS, *_V2_FACT_KEYS, *(f"times_ms_{key}" for key in _V2_TIME_KEYS))

COLUMNS = (
    "schema",
    "timestamp",
    "target",
    "address",
    "network",
    "chain",
    "seed",
    "outcome",
    "phase",
    "code",
    "reason",
    *(f"reject_{key}" for key in _REJECT_KEYS),
    "transport",
    "claims_v2",
    "speaks_v2",
    *(f"version_{key}" for key in _VERSION_KEYS),
    *(f"features_{key}" for key in _FEATURE_KEYS),
    "anomalies",
    *(f"times_ms_{key}" for key in _TIME_KEYS),
    "bytes_sent",
    "bytes_received",
    "messages",
    *(f"transports_v1_{key}" for key in _V1_KEYS),
    *(f"transports_v2_{key}" for key in _V2_KEYS),
)
"""The header, in order."""
HEX_COLUMNS = frozenset(
    (
        "version_services",
        "version_timestamp_text",
        "version_nonce",
        "version_user_agent_hex",
        "features_feefilter_text",
        "transports_v2_session_id",
    )
)
"""Columns of digits that are no numbers: 16 hex digits may look like `1e5` or `00012`."""
_IS_HEX = tuple(column in HEX_COLUMNS for column in COLUMNS)


def csv_header() -> str:
    """Write the header line."""
    return _line(COLUMNS)


def csv_row(result: ProbeResult) -> str:
    """Write a record as one line (a field never holds a line end)."""
    record = result.to_json()
    cells: list[object] = [record[column] for column in COLUMNS[:11]]
    reject = record["reject"]
    cells += [reject[key] if isinstance(reject, dict) else None for key in _REJECT_KEYS]
    cells += [record[column] for column in COLUMNS[14:17]]
    version = record["version"]
    cells += [version[key] if isinstance(version, dict) else None for key in _VERSION_KEYS]
    cells += _feature_cells(result, record["features"])
    cells.append(record["anomalies"])
    times = record["times_ms"]
    assert isinstance(times, dict)
    cells += [times[key] for key in _TIME_KEYS]
    cells += [result.bytes_sent, result.bytes_received, _messages_cell(result.messages)]
    cells += _transport_cells(record["transports"])
    return _line(
        [
            f"'{value}" if is_hex and value is not None else _cell(value)
            for value, is_hex in zip(cells, _IS_HEX, strict=True)
        ]
    )


def _feature_cells(result: ProbeResult, features: object) -> list[object]:
    assert isinstance(features, dict)
    cells = dict(features)
    known = result.features or Features()
    if known.sendtxrcncl is not None:
        cells["sendtxrcncl"] = f"{known.sendtxrcncl.version}:{known.sendtxrcncl.salt:016x}"
    if known.sendcmpct:
        cells["sendcmpct"] = [
            f"{one.version}:{'high' if one.high_bandwidth else 'low'}" for one in known.sendcmpct
        ]
    return [cells[key] for key in _FEATURE_KEYS]


def _transport_cells(transports: object) -> list[object]:
    assert isinstance(transports, dict)
    v1, v2 = transports["v1"], transports["v2"]
    return [
        *(v1[key] for key in _ATTEMPT_KEYS),
        *(v1["times_ms"][key] for key in _V1_TIME_KEYS),
        *(v2[key] for key in (*_ATTEMPT_KEYS, *_V2_FACT_KEYS)),
        *(v2["times_ms"][key] for key in _V2_TIME_KEYS),
    ]


def _messages_cell(messages: Sequence[MessageTime] | None) -> list[str] | None:
    if messages is None:
        return None
    return [
        f"{'sent' if one.is_sent else 'received'}:{one.msg_type}:{one.size}:{one.at_ms:.3f}"
        for one in messages
    ]


def _cell(value: object) -> object:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return number_safe(formula_safe(printable(value)))
        case list() | tuple():
            return number_safe(formula_safe(printable(" ".join(map(str, value)))))
        case _:
            return value


def _line(cells: Sequence[object]) -> str:
    buffer = StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
