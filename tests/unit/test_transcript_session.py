"""What a session writes down, in which order; and that it is a session like any other."""

from __future__ import annotations

import pytest

from bitcoin_handshake.protocol import HEADER_LEN
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.transcript.format import check_record
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from bitcoin_handshake.transport.v2 import V2Transport
from tests.simulated import REGTEST, START, converse, initiator, script_of, verdict
from tests.transcripts import (
    V1_SESSIONS,
    ListSink,
    behaviour_transcript,
    captured_v1,
    captured_v2,
    recorded,
    replayed,
)
from tests.v2_peers import key_pair


def _story(sink: ListSink) -> list[str]:
    """Each line in a word or two."""
    return [
        f"{record['direction']} {record['msg_type']}"
        if record["event"] == "message"
        else f"{record['event']} {record.get('kind', '')}".strip()
        for record in sink.records
    ]


def test_a_captured_v1_session_is_told_in_its_order() -> None:
    assert _story(captured_v1(1)) == [
        "connection",
        "sent version",
        "received version",
        "sent verack",
        "received verack",
        "completed",
        "sent ping",
        "received sendcmpct",
        "received ping",
        "sent pong",
        "received feefilter",
        "received pong",
        "closed",
        "verdict",
    ]


def test_a_captured_v2_session_tells_what_happened_below_its_messages() -> None:
    assert _story(captured_v2(secrets=False))[:6] == [
        "connection",
        "transport key",
        "sent version",
        "transport garbage",
        "transport version_packet",
        "received version",
    ]


def test_secrets_and_raw_bytes_are_there_only_where_asked_for() -> None:
    without, with_ = captured_v2(secrets=False), captured_v2(secrets=True)
    assert "secrets" not in without.records[0]
    assert not {"read", "write"} & {record["event"] for record in without.records}
    assert with_.records[0]["secrets"]["private_key"] == "01020304" + bytes(range(5, 33)).hex()
    assert {"read", "write"} <= {record["event"] for record in with_.records}
    assert with_.records[0]["secrets"]["private_key"] not in without.text


def test_a_message_is_its_header_payload_fields_and_reaction() -> None:
    message = bytes.fromhex(V1_SESSIONS[1]["messages"][1]["message_hex"])
    record = captured_v1(1).records[2]
    assert record["header"] == message[:HEADER_LEN].hex()
    assert record["payload"] == message[HEADER_LEN:].hex()
    assert record["fields"]["user_agent"] == "/Satoshi:28.1.0(inquisition)/"
    assert (record["size"], record["offset"]) == (115, 139)
    reaction = {name: record[name] for name in ("action", "state", "anomalies", "skipped")}
    assert reaction == {
        "action": "take_version",
        "state": "await_verack",
        "anomalies": [],
        "skipped": None,
    }
    assert record["at_ms"] == 1.5


def test_v2_messages_have_no_header() -> None:
    messages = [record for record in captured_v2(secrets=True).records if record["event"] == "message"]
    assert messages
    assert all(record["header"] is None for record in messages)


@pytest.mark.parametrize("index", range(4))
def test_every_line_passes_its_own_check(index: int) -> None:
    for record in captured_v1(index).records + captured_v2(secrets=True).records:
        check_record(record)


FLOOD = pytest.param("flood-after-version", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", ["core", "echo", FLOOD, "http", "bad-checksum", "silent"])
def test_writing_down_changes_no_verdict(name: str) -> None:
    plain = initiator()
    converse(plain, script_of(name))
    session = recorded(V1Transport(REGTEST.magic), ListSink())
    converse(session, script_of(name))
    assert verdict(session) == verdict(plain)
    assert session.messages_received == plain.messages_received
    assert session.bytes_received == plain.bytes_received


def test_anomalies_stand_with_the_message_that_showed_them_first() -> None:
    records = behaviour_transcript("bad-checksum").records
    bad = next(record for record in records if record.get("skipped"))
    assert bad["skipped"] == "v1.bad_checksum"
    assert bad["anomalies"] == ["v1.bad_checksum"]
    assert bad["action"] is None
    assert bad["fields"] is None


def test_what_never_became_a_message_is_kept() -> None:
    records = behaviour_transcript("http").records
    [rest] = [record for record in records if record["event"] == "bytes"]
    assert bytes.fromhex(rest["data"]).startswith(b"HTTP/1.")
    assert rest["size"] == len(rest["data"]) // 2


def test_a_payload_over_the_kept_limit_is_size_and_checksum() -> None:
    records = behaviour_transcript("large-message").records
    [large] = [record for record in records if record.get("size", 0) > 65536]
    assert large["payload"] is None
    assert large["fields"] is None
    assert len(large["header"]) == 2 * HEADER_LEN


def test_a_flood_takes_bounded_text_and_says_what_is_missing() -> None:
    sink = behaviour_transcript("flood-after-version", limit=10_000)
    assert len(sink.text) < 20_000
    [omitted] = [record for record in sink.records if record["event"] == "omitted"]
    last = sink.records[-1]
    received = [record for record in sink.records if record.get("direction") == "received"]
    assert last["truncated"] is True
    assert omitted["messages"] + len(received) == last["messages"]


def test_what_changes_something_is_written_beyond_the_limit() -> None:
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(), limit=0)
    data = serialize_message(REGTEST.magic, "ping", bytes(8)) * 3
    version = bytes.fromhex(V1_SESSIONS[0]["messages"][1]["message_hex"])
    session.receive_data(data + version + data, now=START + 1)
    session.receive_data(serialize_message(REGTEST.magic, "verack", b""), now=START + 2)
    session.finish()
    assert _story(sink) == [
        "connection",
        "sent version",
        "received ping",  # the first one is an anomaly
        "omitted",
        "received version",
        "sent wtxidrelay",
        "sent sendaddrv2",
        "sent verack",
        "omitted",
        "received verack",
        "completed",
        "verdict",
    ]
    assert [record["messages"] for record in sink.records if record["event"] == "omitted"] == [2, 3]


def test_messages_are_counted_by_what_they_were_not() -> None:
    bad_version = serialize_message(REGTEST.magic, "version", bytes(40))
    bad_checksum = serialize_message(REGTEST.magic, "tx", b"\1")[:-1] + b"\2"
    ping = serialize_message(REGTEST.magic, "ping", bytes(8))
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(), limit=0)
    session.receive_data(bad_version + bad_checksum + ping, now=START + 1)
    session.receive_data(3 * bad_version + 2 * bad_checksum + ping, now=START + 2)
    session.handle_timeout(now=START + 10)
    session.finish()
    [omitted] = [record for record in sink.records if record["event"] == "omitted"]
    assert [omitted[name] for name in ("messages", "bad_versions", "skipped", "decoys")] == [1, 3, 2, 0]
    assert sink.records[-1]["code"] == "handshake.bad_version_message"
    result = replayed(sink)
    assert result.is_same, str(result.difference)


def test_decoys_are_counted_too() -> None:
    ours, theirs = key_pair(1), key_pair(2)
    transport = V2Transport(magic=REGTEST.magic, initiating=True, keys=ours, garbage=b"", trace=True)
    peer = V2Transport(magic=REGTEST.magic, initiating=False, keys=theirs, garbage=b"")
    session = recorded(transport, sink := ListSink(), limit=0)
    peer.receive_data(session.data_to_send())
    session.receive_data(peer.data_to_send(), now=START + 1)
    for _ in range(1500):
        peer.send_decoy(b"nothing")
    session.receive_data(peer.data_to_send(), now=START + 2)
    session.receive_eof(now=START + 3)
    session.finish()
    [omitted] = [record for record in sink.records if record["event"] == "omitted"]
    assert omitted["decoys"] == 1000  # more are not told of by the transport
    result = replayed(sink)
    assert result.is_same, str(result.difference)


def test_a_sink_without_room_gets_what_matters() -> None:
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(has_room=False))
    converse(session, script_of("chatty"))
    session.finish()
    assert session.outcome is Outcome.OK
    assert sink.records[-1]["truncated"] is True
    assert sum(record["event"] == "message" for record in sink.records) < 12


def test_messages_of_the_caller_are_marked() -> None:
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink())
    converse(session, script_of("core"))
    session.send_message("getaddr", b"", now=START + 3)
    assert sink.records[-1]["by"] == "caller"
    assert [record["msg_type"] for record in sink.records if record.get("by")] == ["getaddr"]


def test_what_ends_a_finished_session_is_not_written_again() -> None:
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink())
    converse(session, script_of("core"))
    before = sink.text
    session.receive_data(b"more", now=START + 5)
    session.receive_eof(now=START + 5)
    session.handle_timeout(now=START + 5)
    assert sink.text == before
