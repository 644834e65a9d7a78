"""What tests of transcripts share: a sink in memory, behaviours and captures written down."""

from __future__ import annotations

import io
import json
from typing import Any

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.protocol import HEADER_LEN
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from bitcoin_handshake.transcript.format import MAX_TRANSCRIPT_BYTES
from bitcoin_handshake.transcript.reader import Conversation, read_conversations
from bitcoin_handshake.transcript.replay import Replay, replay
from bitcoin_handshake.transcript.session import RecordedSession
from bitcoin_handshake.transcript.sink import ConnectionFacts, V2Secrets
from bitcoin_handshake.transport.base import Transport
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport
from tests.helpers import own_vectors
from tests.simulated import CLIENT_NONCE, REGTEST, START, converse, local_version, node_facts

STARTED = START - 0.001
V1_SESSIONS: list[dict[str, Any]] = json.loads(own_vectors("observed_v1_sessions.json").read_text())[
    "sessions"
]
V2_SESSION: dict[str, Any] = json.loads(own_vectors("observed_v2_session.json").read_text())


class ListSink:
    """A sink in memory.

    Attributes:
        text: Everything so far.
    """

    def __init__(self, *, has_room: bool = True) -> None:
        self.has_room = has_room
        self.labels: list[str] = []
        self.lines: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def begin(self, label: str) -> int:
        self.labels.append(label)
        return len(self.labels)

    def write(self, connection: int, lines: str, *, is_last: bool) -> None:
        self.lines.append(lines)


def recorded(
    transport: Transport,
    sink: ListSink,
    *,
    version: bytes | None = None,
    protocol_version: int = 70016,
    secrets: V2Secrets | None = None,
    limit: int = MAX_TRANSCRIPT_BYTES,
    linger_s: float = 0.0,
    ping_nonce: int = 0,
    own_nonces: tuple[int, ...] = (),
    first_byte_by: float | None = None,
) -> RecordedSession:
    """An initiator on regtest, one millisecond after its connect began."""
    return RecordedSession(
        transport,
        Handshake(
            local_version() if version is None else version,
            initiating=True,
            protocol_version=protocol_version,
            own_nonces={CLIENT_NONCE, *own_nonces},
        ),
        now=START,
        started=STARTED,
        deadline=START + 10,
        first_byte_by=first_byte_by,
        linger_s=linger_s,
        ping_nonce=ping_nonce,
        facts=ConnectionFacts(
            chain=REGTEST,
            address="127.0.0.1:18444",
            initiating=True,
            started_unix=1_700_000_000,
            own_nonces=(CLIENT_NONCE,),
            secrets=secrets,
        ),
        sink=sink,
        limit=limit,
    )


def behaviour_transcript(name: str, *, limit: int = MAX_TRANSCRIPT_BYTES, seed: int = 0) -> ListSink:
    """Shake hands with a simulated peer and write down everything."""
    sink = ListSink()
    session = recorded(V1Transport(REGTEST.magic), sink, limit=limit)
    converse(session, BEHAVIOURS[name].build(node_facts(seed=seed), None, START))
    session.finish()
    return sink


def captured_v1(index: int) -> ListSink:
    """One of the captured sessions, told as a transcript; its client's last messages are its own."""
    messages = V1_SESSIONS[index]["messages"]
    raw = [(message["dir"] == "sent", bytes.fromhex(message["message_hex"])) for message in messages]
    version = next(data for is_sent, data in raw if is_sent)[HEADER_LEN:]
    sink = ListSink()
    session = recorded(
        V1Transport(REGTEST.magic),
        sink,
        version=version,
        protocol_version=int.from_bytes(version[:4], "little"),
        linger_s=1.0,
        ping_nonce=0x0807060504030201,
    )
    now = START
    for is_sent, data in raw:
        if not is_sent:
            now += 0.0005
            session.receive_data(data, now=now)
        session.data_to_send()
    session.receive_eof(now=now + 0.25)
    session.finish()
    return sink


def captured_v2(*, secrets: bool, step: int = 500) -> ListSink:
    """The captured v2 session, told as a transcript, with or without its secrets."""
    capture = V2_SESSION
    private_key = bytes.fromhex(capture["initiator_privkey"])
    ellswift = bytes.fromhex(capture["initiator_ellswift"])
    garbage = bytes.fromhex(capture["initiator_garbage"])
    decoys = tuple(
        bytes.fromhex(packet["contents_hex"]) for packet in capture["initiator_packets"] if packet["ignore"]
    )
    transport = V2Transport(
        magic=CHAINS[Chain.REGTEST].magic,
        initiating=True,
        keys=(private_key, ellswift),
        garbage=garbage,
        decoys=decoys,
        trace=True,
    )
    sink = ListSink()
    kept = V2Secrets(private_key=private_key, ellswift=ellswift, garbage=garbage, decoys=decoys)
    session = recorded(transport, sink, secrets=kept if secrets else None, linger_s=1.0)
    session.data_to_send()
    stream = bytes.fromhex(capture["responder_stream_hex"])
    now = START
    for start in range(0, len(stream), step):
        now += 0.0005
        session.receive_data(stream[start : start + step], now=now)
        session.data_to_send()
    session.handle_timeout(now=now + 1)
    session.finish()
    return sink


def conversations(text: str) -> list[Conversation]:
    """Read a transcript."""
    return list(read_conversations(io.BytesIO(text.encode()), "a.jsonl"))


def replayed(sink: ListSink) -> Replay:
    """Run the one connection of a transcript again."""
    [conversation] = conversations(sink.text)
    return replay(conversation, "a.jsonl")
