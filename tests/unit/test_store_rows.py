"""Records become rows: every column, both transports, what is not known."""

from __future__ import annotations

import pytest

from bitcoin_handshake.store.rows import (
    NODE_COLUMNS,
    VISIT_COLUMNS,
    node_row,
    signed64,
    unsigned64,
    visit_rows,
)


@pytest.mark.parametrize("value", [0, 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_masks_survive_the_signed_column(value: int) -> None:
    assert -(1 << 63) <= signed64(value) < 1 << 63
    assert unsigned64(signed64(value)) == value


def test_a_node() -> None:
    key = bytes.fromhex("0104 01020304 208d")
    row = node_row(7, key, heard_ms=5, told_by=3, told_time=9, told_services=1 << 63)
    assert dict(zip(NODE_COLUMNS, row, strict=True)) == {
        "node_id": 7,
        "key": key,
        "network": "ipv4",
        "host": "1.2.3.4",
        "port": 8333,
        "heard_ms": 5,
        "told_by": 3,
        "told_time": 9,
        "told_services": -(1 << 63),
    }


NOT_TRIED = {"status": "not_tried"}
RECORD = {
    "timestamp": "2023-11-14T22:13:20.125Z",
    "outcome": "ok",
    "phase": None,
    "code": None,
    "transport": "v2",
    "transports": {
        "v1": {
            "status": "refused",
            "phase": "version",
            "code": "peer.closed",
            "bytes_sent": 1,
            "bytes_received": 2,
            "times_ms": {"connect": 1.5, "version": None, "verack": None},
        },
        "v2": {"status": "completed"},
    },
    "version": {
        "protocol_version": 70016,
        "services": "8000000000000c09",
        "user_agent": "/a/",
        "start_height": 5,
        "relay": True,
        "time_offset_s": -(2**80),
    },
    "features": {"wtxidrelay": True, "sendaddrv2": False, "feefilter": 5, "feefilter_text": "5"},
    "anomalies": ["x", "y"],
    "speaks_v2": True,
    "times_ms": {"connect": 1.0, "version": 2.0, "verack": 3.0, "ping": None},
    "bytes_sent": 10,
    "bytes_received": 20,
}


def test_a_visit_over_both_transports() -> None:
    other, verdict = visit_rows(RECORD, 1, 7, {"/a/": 4}.__getitem__, 1000)
    assert dict(zip(VISIT_COLUMNS, verdict, strict=True)) == {
        "crawl_id": 1,
        "node_id": 7,
        "is_verdict": 1,
        "ended_ms": 1_700_000_000_125,
        "outcome": "ok",
        "phase": None,
        "code": None,
        "transport": "v2",
        "protocol_version": 70016,
        "services": signed64(0x8000000000000C09),
        "user_agent_id": 4,
        "start_height": 5,
        "relay": True,
        "time_offset_s": -(2**63) + 1,
        "features": "wtxidrelay feefilter",
        "anomalies": "x y",
        "speaks_v2": True,
        "connect_ms": 1.0,
        "version_ms": 2.0,
        "verack_ms": 3.0,
        "ping_ms": None,
        "bytes_sent": 10,
        "bytes_received": 20,
        "addresses": 1000,
    }
    row = dict(zip(VISIT_COLUMNS, other, strict=True))
    assert (row["is_verdict"], row["transport"], row["outcome"], row["code"]) == (
        0,
        "v1",
        "failed",
        "peer.closed",
    )
    assert (row["connect_ms"], row["bytes_received"], row["services"]) == (1.5, 2, None)


def test_a_connection_that_was_not_established() -> None:
    record = {
        **RECORD,
        "outcome": "failed",
        "phase": "connect",
        "code": "connect.refused",
        "transport": None,
        "version": None,
        "features": dict.fromkeys(("wtxidrelay", "sendaddrv2")),
        "anomalies": [],
        "speaks_v2": None,
    }
    (row,) = visit_rows(record, 1, 7, len)
    values = dict(zip(VISIT_COLUMNS, row, strict=True))
    assert (values["code"], values["transport"], values["user_agent_id"]) == ("connect.refused", None, None)
    assert (values["features"], values["anomalies"], values["addresses"]) == (None, None, None)
