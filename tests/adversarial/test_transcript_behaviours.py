"""The transcript of every simulated behaviour replays to the same verdict, in v1 and in v2."""

from __future__ import annotations

import pytest

from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.transcript.format import check_record
from bitcoin_handshake.transcript.sink import V2Secrets
from bitcoin_handshake.transport.v2 import V2Transport
from tests.simulated import REGTEST, converse, script_of, verdict
from tests.transcripts import ListSink, behaviour_transcript, recorded, replayed
from tests.v2_peers import key_pair

pytestmark = pytest.mark.slow

GARBAGE = b"garbage"


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_v1_transcript_replays_to_the_same(name: str) -> None:
    sink = behaviour_transcript(name)
    for record in sink.records:
        check_record(record)
    result = replayed(sink)
    assert result.is_same, str(result.difference)
    assert result.verdict == sink.records[-1]


@pytest.mark.parametrize("secrets", [False, True], ids=["above", "raw"])
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_v2_transcript_replays_to_the_same(name: str, secrets: bool) -> None:
    keys = key_pair(1)
    transport = V2Transport(magic=REGTEST.magic, initiating=True, keys=keys, garbage=GARBAGE, trace=True)
    sink = ListSink()
    kept = V2Secrets(private_key=keys[0], ellswift=keys[1], garbage=GARBAGE)
    session = recorded(transport, sink, secrets=kept if secrets else None)
    converse(session, script_of(name))
    session.finish()
    result = replayed(sink)
    assert result.is_same, str(result.difference)
    assert result.verdict is not None
    assert result.verdict["code"] == verdict(session).code
