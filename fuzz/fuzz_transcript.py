"""Transcripts: any bytes are damage with file and line, or a replay that ends.

An input that begins with a byte below 0x20 changes a real transcript instead: the bytes behind it say
which characters of it are replaced by which.
"""

from __future__ import annotations

import io

from bitcoin_handshake.transcript.reader import DamagedTranscript, read_conversations
from bitcoin_handshake.transcript.replay import replay
from tests.transcripts import behaviour_transcript, captured_v1, captured_v2

SAMPLES = [
    sink.text.encode()
    for sink in (
        captured_v1(0),
        captured_v2(secrets=False),
        captured_v2(secrets=True),
        behaviour_transcript("http"),
        behaviour_transcript("chatty", limit=3000),
    )
]


def _changed(data: bytes) -> bytes:
    text = bytearray(SAMPLES[data[0] % len(SAMPLES)])
    for start in range(1, len(data) - 2, 3):
        text[int.from_bytes(data[start : start + 2]) % len(text)] = data[start + 2]
    return bytes(text)


def one_input(data: bytes) -> None:
    """Read it and replay every connection."""
    if data and data[0] < 0x20:
        data = _changed(data)
    try:
        for conversation in read_conversations(io.BytesIO(data), "a.jsonl"):
            str(replay(conversation, "a.jsonl").difference)
    except DamagedTranscript as error:
        if not str(error).startswith("a.jsonl, line "):
            raise AssertionError(str(error)) from error
