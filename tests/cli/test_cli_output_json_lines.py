"""JSON lines: what the standard encoder writes, one line each."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from bitcoin_handshake.cli.output.json_lines import json_line
from bitcoin_handshake.records import ProbeResult
from tests.cli.samples import SAMPLES, results

encode = json.JSONEncoder(separators=(",", ":")).encode


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_written_as_the_plain_way_does(name: str) -> None:
    assert json_line(SAMPLES[name]) == encode(SAMPLES[name].to_json()) + "\n"


@given(results)
@settings(max_examples=500)
def test_every_record_is_written_as_the_plain_way_does(result: ProbeResult) -> None:
    line = json_line(result)
    assert json.loads(line) == json.loads(encode(result.to_json()))  # exponents are written as 1e16 or 1e+16
    assert line.isascii()
    assert line.count("\n") == 1


def test_literal_record() -> None:
    assert json_line(SAMPLES["refused"]) == (
        '{"schema":1,"timestamp":"1970-01-01T00:00:00.000Z","target":"127.0.0.1:1",'
        '"address":"127.0.0.1:1","network":"ipv4","chain":"mainnet","seed":null,"outcome":"failed",'
        '"phase":"connect","code":"connect.refused","reason":"connection refused: nothing listens there",'
        '"reject":null,"transport":null,"claims_v2":null,"speaks_v2":null,"transports":{"v1":{"status":"not_tried",'
        '"phase":null,"code":null,"reason":null,"bytes_sent":null,"bytes_received":null,'
        '"times_ms":{"connect":null,"version":null,"verack":null}},"v2":{"status":"not_tried",'
        '"phase":null,"code":null,"reason":null,"bytes_sent":null,"bytes_received":null,'
        '"garbage_length":null,"decoys":null,"session_id":null,"times_ms":{"connect":null,"key":null,'
        '"garbage":null,"version_packet":null,"version":null,"verack":null}}},'
        '"version":null,"features":{"wtxidrelay":null,"sendaddrv2":null,'
        '"sendtxrcncl":null,"sendheaders":null,"sendcmpct":null,"feefilter":null,"feefilter_text":null},"anomalies":[],'
        '"times_ms":{"resolve":null,"connect":null,"version":null,"verack":null,"ping":null},'
        '"bytes_sent":0,"bytes_received":0,"messages":null}\n'
    )
