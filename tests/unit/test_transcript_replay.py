"""A replay comes to the same, and says where it does not."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from bitcoin_handshake.transcript.reader import DamagedTranscript, read_conversations
from bitcoin_handshake.transcript.replay import Replay, replay
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from bitcoin_handshake.transport.v2 import V2Transport
from tests.simulated import REGTEST, START, converse, script_of
from tests.transcripts import (
    V1_SESSIONS,
    V2_SESSION,
    ListSink,
    behaviour_transcript,
    captured_v1,
    captured_v2,
    recorded,
    replayed,
)

Change = Callable[[list[dict[str, Any]]], object]


def _changed(sink: ListSink, change: Change) -> Replay:
    records = sink.records
    change(records)
    text = "".join(json.dumps(record) + "\n" for record in records)
    [conversation] = read_conversations(io.BytesIO(text.encode()), "a.jsonl")
    return replay(conversation, "a.jsonl")


def _find(records: list[dict[str, Any]], event: str, **facts: object) -> dict[str, Any]:
    return next(
        record
        for record in records
        if record["event"] == event and all(record.get(name) == value for name, value in facts.items())
    )


@pytest.mark.parametrize("index", range(len(V1_SESSIONS)))
def test_captured_v1_sessions_replay_to_ok(index: int) -> None:
    result = replayed(captured_v1(index))
    assert result.is_same, str(result.difference)
    assert result.verdict is not None
    assert result.verdict["outcome"] == "ok"


@pytest.mark.parametrize("secrets", [False, True])
@pytest.mark.parametrize("step", [1, 500, len(V2_SESSION["responder_stream_hex"])])
def test_the_captured_v2_session_replays_to_ok(secrets: bool, step: int) -> None:
    result = replayed(captured_v2(secrets=secrets, step=step))
    assert result.is_same, str(result.difference)
    assert result.verdict is not None
    assert result.verdict["outcome"] == "ok"


def test_with_secrets_the_raw_bytes_decide() -> None:
    """Messages of the peer are not fed then: what they say comes out of the bytes or is different."""

    def change(records: list[dict[str, Any]]) -> None:
        version = _find(records, "message", direction="received", msg_type="version")
        version["payload"] = version["payload"].replace("5361746f736869", "4361746f736869")

    result = _changed(captured_v2(secrets=True), change)
    assert result.difference is not None
    assert result.difference.name == "payload"


def test_a_flipped_raw_byte_ends_in_another_story() -> None:
    def change(records: list[dict[str, Any]]) -> None:
        read = [record for record in records if record["event"] == "read"][-1]
        read["data"] = f"{int(read['data'][:2], 16) ^ 1:02x}{read['data'][2:]}"

    assert _changed(captured_v2(secrets=True), change).difference is not None


@pytest.mark.parametrize(
    ("change", "name", "recorded_", "replayed_"),
    [
        (lambda r: _find(r, "verdict").update(outcome="failed"), "outcome", "failed", "ok"),
        (lambda r: _find(r, "verdict").update(messages=7), "messages", 7, 6),
        (
            lambda r: _find(r, "message", msg_type="verack", direction="received").update(action="ignore"),
            "action",
            "ignore",
            "complete",
        ),
        (lambda r: r.remove(_find(r, "completed")), "event", "message", "completed"),
        (lambda r: _find(r, "message", msg_type="pong", direction="sent").update(size=9, payload="00" * 9),
         "size", 9, 8),
        (lambda r: _find(r, "connection").update(linger_ms=0.0), "event", "message", "verdict"),
    ],
)  # fmt: skip
def test_the_first_difference_is_named(
    change: Change, name: str, recorded_: object, replayed_: object
) -> None:
    result = _changed(captured_v1(1), change)
    assert not result.is_same
    difference = result.difference
    assert difference is not None
    assert (difference.name, difference.recorded, difference.replayed) == (name, recorded_, replayed_)
    assert difference.line is not None
    assert str(difference).startswith(f"line {difference.line}: {name} was ")
    assert difference.to_json()["name"] == name


def test_another_payload_from_the_peer_is_another_verdict() -> None:
    def change(records: list[dict[str, Any]]) -> None:
        version = _find(records, "message", direction="received", msg_type="version")
        payload = (31799).to_bytes(4, "little") + bytes.fromhex(version["payload"])[4:]
        version["payload"] = payload.hex()
        version["header"] = serialize_message(REGTEST.magic, "version", payload)[:24].hex()

    result = _changed(captured_v1(0), change)
    assert result.verdict is not None
    assert result.verdict["code"] == "handshake.version_too_old"
    assert result.difference is not None


def test_a_transcript_without_its_end_is_not_the_same() -> None:
    result = _changed(captured_v1(1), lambda records: records.pop())
    assert result.difference is None
    assert not result.is_whole
    assert not result.is_same


def test_an_interrupted_transcript_is_the_same_as_far_as_it_goes() -> None:
    def change(records: list[dict[str, Any]]) -> None:
        records[7:] = [{"event": "interrupted", "connection": 1}]

    result = _changed(captured_v1(1), change)
    assert result.is_same
    assert result.verdict is None


FLOOD = pytest.param("flood-after-version", marks=pytest.mark.slow)


@pytest.mark.parametrize("name", ["flood", FLOOD, "flood-of-largest", "chatty"])
@pytest.mark.parametrize("limit", [0, 5000])
def test_what_was_only_counted_replays_to_the_same_verdict(name: str, limit: int) -> None:
    result = replayed(behaviour_transcript(name, limit=limit))
    assert result.is_same, str(result.difference)


def test_secrets_that_were_truncated_replay_above_the_transport() -> None:
    sink = captured_v2(secrets=True)

    def change(records: list[dict[str, Any]]) -> None:
        _find(records, "verdict")["truncated"] = True
        records[:] = [record for record in records if record["event"] not in ("read", "write")]

    assert _changed(sink, change).is_same


def test_messages_of_the_caller_are_sent_again() -> None:
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(), linger_s=5.0)
    converse(session, script_of("silent"))
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(), linger_s=1.0)
    for data in (m["message_hex"] for m in V1_SESSIONS[1]["messages"][1:3]):
        session.receive_data(bytes.fromhex(data), now=START + 0.5)
    session.send_message("getaddr", b"", now=START + 0.75)
    session.handle_timeout(now=START + 1.5)
    session.finish()
    result = replayed(sink)
    assert result.is_same, str(result.difference)


def test_a_nonce_of_another_connection_of_ours() -> None:
    message = bytes.fromhex(V1_SESSIONS[0]["messages"][1]["message_hex"])
    nonce = int.from_bytes(message[24 + 72 : 24 + 80], "little")
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(), own_nonces=(nonce,))
    session.receive_data(message, now=START + 1)
    session.finish()
    assert sink.records[-1]["code"] == "handshake.self_connection"
    assert replayed(sink).is_same


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: _find(r, "connection").update(chain="dogecoin"), "unknown chain 'dogecoin'"),
        (
            lambda r: _find(r, "message", direction="received").update(header=None),
            "a message received over v1 has no 'header'",
        ),
        (
            lambda r: r.insert(2, {"event": "omitted", "connection": 1, "at_ms": 1.1, "offset": 99,
             "messages": 5, "bad_versions": 0, "skipped": 0, "decoys": 0}),
            "5 messages do not fit into 99 bytes",
        ),
        (
            lambda r: r.insert(2, {"event": "bytes", "connection": 1, "at_ms": 1.1, "offset": 1,
             "size": 2**40, "data": None}),
            "stands for more than",
        ),
        (
            lambda r: r.insert(2, {"event": "bytes", "connection": 1, "at_ms": 1.1, "offset": 1,
             "size": 1, "data": "0000"}),
            "'data' has 2 bytes, 'size' says 1",
        ),
        (
            lambda r: r.insert(2, {"event": "message", "connection": 1, "at_ms": 1.0, "direction": "sent",
             "msg_type": "\u20ac", "size": 0, "header": None, "payload": "", "fields": None,
             "by": "caller"}),
            "'ascii' codec",
        ),
    ],
)  # fmt: skip
def test_lines_that_contradict_each_other_are_damage(change: Change, why: str) -> None:
    with pytest.raises(DamagedTranscript, match=why):
        _changed(captured_v1(1), change)


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ({}, "'secrets' must be an object of hex"),
        ({"garbage": "00" * 5000}, "too much garbage"),
        ({"private_key": "00"}, "private key"),
        ({"private_key": "00" * 32}, "xdh"),
        ({"decoys": 7}, "'secrets' must be an object of hex"),
    ],
)
def test_secrets_that_are_none_are_damage(secrets: dict[str, object], why: str) -> None:
    def change(records: list[dict[str, Any]]) -> None:
        records[0]["secrets"] = (records[0]["secrets"] | secrets) if secrets else {}

    with pytest.raises(DamagedTranscript, match=why):
        _changed(captured_v2(secrets=True), change)


@pytest.mark.parametrize("kind", ["messages", "decoys", "skipped", "bad_versions"])
def test_what_was_only_counted_takes_no_memory(kind: str) -> None:
    """A line of 200 characters may stand for thirteen million messages."""
    count = 20_000
    size = 20 * count

    def change(records: list[dict[str, Any]]) -> None:
        last = max(i for i, record in enumerate(records) if record.get("direction") == "received")
        omitted = {"event": "omitted", "connection": 1, "messages": 0, "bad_versions": 0, "skipped": 0}
        omitted |= {
            "at_ms": records[last]["at_ms"],
            "offset": records[last - 1]["offset"] + size,
            "decoys": 0,
        }
        for record in records[last:]:
            if "offset" in record:
                record["offset"] += size
        records.insert(last, omitted | {kind: count})

    _changed(captured_v2(secrets=False), lambda records: None)  # imports what it needs
    tracemalloc.start()
    try:
        _changed(captured_v2(secrets=False), change)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * size


@pytest.mark.parametrize("end", ["eof", "reset", "timeout"])
@pytest.mark.parametrize("name", ["v1", "v2"])
def test_a_service_that_is_named_at_its_end_replays_to_the_same(name: str, end: str) -> None:
    keys = (bytes(31) + b"\1", bytes(64))
    transport = (
        V1Transport(REGTEST.magic)
        if name == "v1"
        else V2Transport(magic=REGTEST.magic, initiating=True, keys=keys, garbage=b"", trace=True)
    )
    session = recorded(transport, sink := ListSink())
    session.receive_data(b"login: ", now=START + 0.1)
    if end == "timeout":
        session.handle_timeout(now=START + 5)
    else:
        session.receive_eof(now=START + 0.2, reset=end == "reset")
    session.finish()
    result = replayed(sink)
    assert result.is_same, str(result.difference)
    assert result.verdict is not None
    assert (result.verdict["code"], result.verdict["bytes_received"]) == ("foreign.text", 7)
