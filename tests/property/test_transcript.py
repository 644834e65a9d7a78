"""Whatever is in a file, reading, replaying and explaining it ends in a documented way."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bitcoin_handshake.transcript.format import line_of
from bitcoin_handshake.transcript.layout import payload_spans
from bitcoin_handshake.transcript.reader import DamagedTranscript, read_conversations
from bitcoin_handshake.transcript.replay import Replay, replay
from bitcoin_handshake.transcript.stream import StreamMessage, detect_magic, read_hex, read_stream
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.message_literals import ALL
from tests.simulated import REGTEST, START
from tests.transcripts import (
    V1_SESSIONS,
    ListSink,
    behaviour_transcript,
    captured_v1,
    captured_v2,
    recorded,
    replayed,
)

SAMPLES = [
    captured_v1(0).records,
    captured_v2(secrets=False).records,
    captured_v2(secrets=True).records,
    behaviour_transcript("http").records,
    behaviour_transcript("bad-version").records,
    behaviour_transcript("chatty", limit=3000).records,
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
VALUES = (
    JSON
    | st.binary(max_size=40).map(bytes.hex)
    | st.sampled_from(
        ["v1", "v2", "sent", "received", "tx", "version", "verack", "v2.looks_like_v1", "caller"]
    )
    | st.integers(0, 300)
)
MAGICS = st.sampled_from([REGTEST.magic, b"abcd"])


def _is_told(error: DamagedTranscript) -> None:
    assert str(error).startswith(f"a.jsonl, line {error.line}: ")


def _replay_all(data: bytes) -> list[Replay] | None:
    """Read and replay; None where the file is damaged."""
    try:
        return [replay(each, "a.jsonl") for each in read_conversations(io.BytesIO(data), "a.jsonl")]
    except DamagedTranscript as error:
        _is_told(error)
        return None


@given(st.binary(max_size=300))
def test_any_bytes_are_damage_or_nothing(data: bytes) -> None:
    assert not _replay_all(data)


@given(st.lists(JSON, max_size=4))
def test_any_json_is_damage_or_nothing(values: list[object]) -> None:
    assert not _replay_all("\n".join(map(json.dumps, values)).encode())


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_of_a_transcript_ends_in_a_replay_or_in_damage(data: st.DataObject) -> None:
    records: list[dict[str, Any]] = [dict(record) for record in data.draw(st.sampled_from(SAMPLES))]
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(records) - 1))
        match data.draw(st.sampled_from(["value", "drop", "double", "swap"])):
            case "value":
                name = data.draw(st.sampled_from(sorted(records[index])))
                records[index] = records[index] | {name: data.draw(VALUES)}
            case "drop" if len(records) > 1:
                records.pop(index)
            case "double":
                records.insert(index, records[index])
            case _:
                records[0], records[index] = records[index], records[0]
    for result in _replay_all("\n".join(map(json.dumps, records)).encode()) or ():
        str(result.difference)


@given(
    st.lists(st.sampled_from(ALL) | st.tuples(st.just(None), st.binary(max_size=60)), max_size=6), st.data()
)
def test_any_messages_in_any_segmentation_replay_to_the_same(
    messages: list[Any], data: st.DataObject
) -> None:
    version = bytes.fromhex(V1_SESSIONS[0]["messages"][1]["message_hex"])
    stream = data.draw(st.sampled_from([b"", version]))
    for message, payload in messages:
        stream += payload if message is None else serialize_message(REGTEST.magic, message.msg_type, payload)
    session = recorded(
        V1Transport(REGTEST.magic), sink := ListSink(), limit=data.draw(st.sampled_from([0, 9**9]))
    )
    now, position = START, 0
    while position < len(stream):
        length = data.draw(st.integers(1, 200))
        now += data.draw(st.sampled_from([0.0, 0.001, 0.1234567]))
        session.receive_data(stream[position : position + length], now=now)
        position += length
    if data.draw(st.booleans()):
        session.receive_eof(now=now, reset=data.draw(st.booleans()))
    else:
        session.handle_timeout(now=now + 5)
    session.finish()
    result = replayed(sink)
    assert result.is_same, str(result.difference)


@given(
    MAGICS, st.binary(max_size=200) | st.sampled_from(ALL).map(lambda each: each[1]), st.binary(max_size=60)
)
def test_streams_lose_nothing_before_the_damage(magic: bytes, payload: bytes, rest: bytes) -> None:
    data = serialize_message(magic, "tx", payload) * 2 + rest
    assert detect_magic(data) == magic
    items = list(read_stream(data, magic))
    assert [item.message.payload for item in items[:2] if isinstance(item, StreamMessage)] == [payload] * 2
    end = sum(24 + item.message.size for item in items if isinstance(item, StreamMessage))
    last = items[-1]
    assert end == len(data) if isinstance(last, StreamMessage) else last.offset == end


@given(st.binary(max_size=200))
def test_any_bytes_as_hex_and_as_a_stream(data: bytes) -> None:
    assert len(read_hex(data).data) <= len(data) // 2
    list(read_stream(data, REGTEST.magic))
    assert read_hex(data.hex(" ", 3).encode()).data == data


@given(st.sampled_from(sorted({message.msg_type for message, _ in ALL})), st.binary(max_size=300))
def test_spans_of_any_payload_are_the_payload(msg_type: str, payload: bytes) -> None:
    assert b"".join(span.data for span in payload_spans(msg_type, payload)) == payload


@given(st.dictionaries(st.text(), JSON))
def test_lines_are_one_line_of_ascii(record: dict[str, Any]) -> None:
    line = line_of(record)
    assert line.isascii()
    assert len(line.splitlines()) == 1


def test_repeated_rejects_before_the_version_replay_to_the_same() -> None:
    """`reject` is no anomaly before `version`; what is omitted must not come back as one."""
    payload = bytes.fromhex("0274784203666565") + bytes(32)
    session = recorded(V1Transport(REGTEST.magic), sink := ListSink(), limit=0)
    session.receive_data(serialize_message(REGTEST.magic, "reject", payload) * 3, now=START)
    session.receive_eof(now=START, reset=False)
    session.finish()
    assert '"omitted"' in "".join(sink.lines)
    result = replayed(sink)
    assert result.is_same, str(result.difference)
