"""CSV: columns, quoting, formulas."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given

from bitcoin_handshake.cli.output.csv_rows import COLUMNS, HEX_COLUMNS, csv_header, csv_row
from bitcoin_handshake.messages.historical import Reject
from bitcoin_handshake.records import ProbeResult
from tests.cli.samples import SAMPLES, ok, results
from tests.results import some_version


def _read(*results: ProbeResult) -> list[dict[str, str]]:
    text = csv_header() + "".join(map(csv_row, results))
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_header() -> None:
    assert csv_header() == ",".join(COLUMNS) + "\r\n"
    assert len(set(COLUMNS)) == len(COLUMNS) == 70


def test_a_healthy_node() -> None:
    (row,) = _read(ok())
    assert row["outcome"] == "ok"
    assert row["seed"] == "seed.example"
    assert row["version_services_names"] == "NETWORK WITNESS NETWORK_LIMITED P2P_V2"
    assert row["version_time_offset_s"] == "1"
    assert row["features_wtxidrelay"] == "true"
    assert row["features_sendtxrcncl"] == "false"
    assert row["features_feefilter"] == ""
    assert row["times_ms_connect"] == "0.25"
    assert row["reason"] == row["anomalies"] == row["messages"] == ""


def test_what_came_of_each_transport() -> None:
    (row,) = _read(SAMPLES["fell back"])
    assert (row["transport"], row["claims_v2"], row["speaks_v2"]) == ("v1", "false", "false")
    assert (
        row["transports_v1_status"],
        row["transports_v1_bytes_received"],
        row["transports_v1_times_ms_verack"],
    ) == (
        "completed",
        "198",
        "3.5",
    )
    assert (row["transports_v2_status"], row["transports_v2_phase"], row["transports_v2_code"]) == (
        "refused",
        "key",
        "peer.closed",
    )
    (row,) = _read(SAMPLES["v2"])
    assert row["transports_v1_status"] == "not_tried"
    assert (row["transports_v2_garbage_length"], row["transports_v2_decoys"]) == ("17", "2")
    assert row["transports_v2_session_id"] == "'" + "ab" * 32
    assert row["transports_v2_times_ms_version_packet"] == "1.75"


def test_lists_and_objects_become_words() -> None:
    (row,) = _read(SAMPLES["everything"])
    assert row["features_sendcmpct"] == "2:high 1:low"
    assert row["features_sendtxrcncl"] == "1:ffffffffffffffff"
    assert row["messages"] == "sent:version:102:0.500 received:ver,ack:0:1.000"
    assert row["version_start_height"] == "-2147483648"
    assert _read(SAMPLES["skipped"])[0]["seed"] == "seed.example other.example"


@pytest.mark.parametrize(
    "user_agent", [b"=cmd|' /C calc'!A0", b"+1", b"-1", b"@SUM(1)", b'=HYPERLINK("x","y")', b"='a',b"]
)
def test_no_formula_survives(user_agent: bytes) -> None:
    (row,) = _read(ok(user_agent))
    assert row["version_user_agent"] == "'" + user_agent.decode()


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [(b"a,b", "a,b"), (b'say "hi"', 'say "hi"'), (b"a\r\nb\t", "a\\r\\nb\\t"), (b"\t=1", "\\t=1")],
)
def test_quoting(user_agent: bytes, shown: str) -> None:
    (row,) = _read(ok(user_agent))
    assert row["version_user_agent"] == shown


@given(results)
def test_every_record_is_one_safe_line(result: ProbeResult) -> None:
    line = csv_row(result)
    assert line.endswith("\r\n")
    assert line[:-2].isprintable()
    (row,) = _read(result)
    assert None not in row
    assert None not in row.values()
    for column, cell in row.items():
        assert not cell.startswith(("=", "+", "@")), column
        assert not cell.startswith("-") or float(cell) < 0


def test_hex_is_never_read_as_a_number() -> None:
    (row,) = _read(ok())
    assert all(not row[column] or row[column].startswith("'") for column in HEX_COLUMNS)
    assert set(HEX_COLUMNS) <= set(COLUMNS)
    assert len(row["version_nonce"]) == 17


@pytest.mark.parametrize(
    ("user_agent", "cell"),
    [(b"1e5", "'1e5"), (b"00012", "'00012"), (b"NA", "'NA"), (b"/Satoshi:1/", "/Satoshi:1/")],
)
def test_text_that_looks_like_a_number_is_kept_as_text(user_agent: bytes, cell: str) -> None:
    result = ok()
    result.version = replace(some_version(), user_agent=user_agent)
    (row,) = _read(result)
    assert row["version_user_agent"] == cell


def test_a_reject_has_its_columns() -> None:
    result = ok()
    result.reject = Reject(b"version", 17, b"=obsolete\x1b")
    (row,) = _read(result)
    assert (row["reject_message"], row["reject_code"], row["reject_reason"]) == (
        "version",
        "17",
        "'=obsolete\\x1b",
    )
