"""Runs a transcript through the same session again, offline.

Owns the way from lines back to what a session is fed with, and the comparison. The peer's side
and the passing of time are fed; everything else must come out again, line by line.

* v1: the bytes of each message, rebuilt from header and payload, go through the v1 transport.
* v2: messages and the transport's own events are fed in above the transport, which is encrypted.
* With secrets: the raw bytes go through the v2 transport made of the same keys.
* What is not there (payloads over the kept limit, messages that were only counted) is fed in above
  the transport, as so many bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from bitcoin_handshake.chain import Chain, ChainParams
from bitcoin_handshake.errors import EnvironmentFailure, LocalProtocolError
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.protocol import MAX_PROTOCOL_MESSAGE_LENGTH
from bitcoin_handshake.transcript.format import Record
from bitcoin_handshake.transcript.reader import Conversation, DamagedTranscript, TranscriptLine
from bitcoin_handshake.transcript.scripted import FOREIGN_CODES, V2_TRANSPORT_CODES, Feed, ScriptedTransport
from bitcoin_handshake.transcript.session import RecordedSession
from bitcoin_handshake.transcript.sink import ConnectionFacts, V2Secrets
from bitcoin_handshake.transport.base import Transport
from bitcoin_handshake.transport.bip324.packets import MAX_GARBAGE_LEN
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport

__all__ = ["Difference", "Replay", "replay"]

_ABOVE = frozenset({"transport", "bytes", "omitted"})
_RAW = frozenset({"read", "write"})
_REASONS_WITH_MORE = frozenset({"peer.timeout", "handshake.bad_version_message"})
"""Their words hold a time of more digits than is recorded, or what was wrong with a payload that was
only counted."""
_NOT_COMPARED = frozenset({"connection", "started"})
MAX_TEXT_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay first came to something else.

    Attributes:
        line: Number of the recorded line; None where the recording had ended.
        name: Of the key that differs; `event` where another thing happened.
        recorded, replayed: The two values; None where there is none.
    """

    line: int | None
    name: str
    recorded: object
    replayed: object

    def __str__(self) -> str:
        where = "behind the last line" if self.line is None else f"line {self.line}"
        return f"{where}: {self.name} was {_shown(self.recorded)}, now {_shown(self.replayed)}"

    def to_json(self) -> dict[str, object]:
        """Return the four as JSON has them."""
        return {
            "line": self.line,
            "name": self.name,
            "recorded": self.recorded,
            "replayed": self.replayed,
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay.

    Attributes:
        header: The first line of the connection.
        verdict: The last line as replayed; None where the recording has none.
        difference: The first difference, or None.
        is_whole: Whether the recording has its end.
        events: Lines compared.
    """

    header: Record
    verdict: Record | None
    difference: Difference | None
    is_whole: bool
    events: int

    @property
    def is_same(self) -> bool:
        """Whether everything came out again, the verdict included where there is one."""
        return self.difference is None and self.is_whole


def replay(conversation: Conversation, name: str) -> Replay:
    """Run one connection again.

    Args:
        conversation: As `read_conversations` gives it.
        name: Of the file, for errors.

    Raises:
        DamagedTranscript: The lines cannot be fed to a session: they contradict each other.
    """
    return _Replayer(conversation, name).run()


class _Lines:
    """A sink that keeps the lines, and refuses messages while some are only counted."""

    def __init__(self) -> None:
        self.has_room = True
        self.lines: list[str] = []

    def begin(self, label: str) -> int:
        return 1

    def write(self, connection: int, lines: str, *, is_last: bool) -> None:
        self.lines.append(lines)


class _UnreadSession(RecordedSession):
    """A `RecordedSession` whose events nobody fetches: a short file may stand for millions."""

    __slots__ = ()

    def _skip_events(self) -> None:
        assert self._events is not None
        self._events.clear()
        super()._skip_events()


class _Replayer:
    def __init__(self, conversation: Conversation, name: str) -> None:
        self._conversation = conversation
        self._name = name
        self._lines = conversation.lines
        self._sink = _Lines()
        self._is_raw = self._has_raw_bytes()
        self._scripted: ScriptedTransport | None = None
        self._at_end: TranscriptLine | None = None

    def run(self) -> Replay:
        session = self._open()
        for group in self._groups():
            try:
                self._feed(session, group)
            except (LocalProtocolError, EnvironmentFailure) as error:  # a private key that is none
                raise self._damage(group[0], str(error)) from None
        last = self._lines[-1] if self._lines else None
        if last is not None and last.event == "verdict":
            session.finish()
        return self._compare()

    # --- setting up -------------------------------------------------------------------------

    def _has_raw_bytes(self) -> bool:
        header = self._conversation.header.record
        return isinstance(header.get("secrets"), dict) and not any(
            line.event == "omitted" or (line.event == "verdict" and line.record["truncated"])
            for line in self._lines
        )

    def _open(self) -> _UnreadSession:
        header = self._conversation.header.record
        secrets = self._secrets(header["secrets"]) if self._is_raw else None
        magic = bytes.fromhex(header["magic"])
        chain = header["chain"]
        if chain not in Chain.__members__.values():
            raise self._damage(self._conversation.header, f"unknown chain {chain[:40]!r}")
        own = [int(nonce, 16) for nonce in header["own_nonces"]]
        facts = ConnectionFacts(
            chain=ChainParams(chain=Chain(chain), magic=magic, default_port=0),
            address=header["address"],
            initiating=header["initiating"],
            started_unix=0.0,
            own_nonces=own,
            secrets=secrets,
        )
        return _UnreadSession(
            self._transport(header, magic, secrets),
            Handshake(
                bytes.fromhex(header["version"]),
                initiating=header["initiating"],
                protocol_version=header["protocol_version"],
                own_nonces={*own, *self._nonces_of_others()},
            ),
            now=header["connected_ms"] / 1000,
            started=0.0,
            deadline=header["deadline_ms"] / 1000,
            first_byte_by=None if header["first_byte_ms"] is None else header["first_byte_ms"] / 1000,
            linger_s=header["linger_ms"] / 1000,
            ping_nonce=int(header["ping_nonce"], 16),
            facts=facts,
            sink=self._sink,
            limit=2**62,
        )

    def _transport(self, header: Record, magic: bytes, secrets: V2Secrets | None) -> Transport:
        if secrets is None:
            inner = None
            if header["transport"] == "v1":
                inner = V1Transport(magic, max_kept_payload=MAX_PROTOCOL_MESSAGE_LENGTH)
            self._scripted = scripted = ScriptedTransport(header["transport"], inner, self._sink)
            self._at_end = self._failure_at_end() if inner is None else None
            if self._at_end is not None:
                try:
                    scripted.fail_at_end(self._at_end.record)
                except ValueError as error:
                    raise self._damage(self._at_end, str(error)) from None
            return scripted
        try:
            return V2Transport(
                magic=magic,
                initiating=header["initiating"],
                keys=(secrets.private_key, secrets.ellswift),
                garbage=secrets.garbage,
                decoys=secrets.decoys,
                version_contents=secrets.version_contents,
                trace=True,
            )
        except LocalProtocolError as error:
            raise self._damage(self._conversation.header, str(error)) from None

    def _failure_at_end(self) -> TranscriptLine | None:
        """Return the line of a service that was named only when no more bytes came."""
        for line, following in pairwise(self._lines):
            is_end = line.event in ("closed", "reset", "timeout")
            if is_end and following.event == "failed" and following.record["code"] in FOREIGN_CODES:
                return following
        return None

    def _secrets(self, record: object) -> V2Secrets:
        assert isinstance(record, dict)
        try:
            secrets = V2Secrets(
                private_key=bytes.fromhex(record["private_key"]),
                ellswift=bytes.fromhex(record["ellswift"]),
                garbage=bytes.fromhex(record["garbage"]),
                decoys=tuple(bytes.fromhex(each) for each in record["decoys"]),
                version_contents=bytes.fromhex(record["version_contents"]),
            )
        except (KeyError, TypeError, ValueError):
            raise self._damage(self._conversation.header, "'secrets' must be an object of hex") from None
        if len(secrets.garbage) > MAX_GARBAGE_LEN:
            raise self._damage(self._conversation.header, "'secrets' hold too much garbage")
        return secrets

    def _nonces_of_others(self) -> Iterator[int]:
        """Nonces that were ours on other connections at that time."""
        for line in self._lines:
            if line.event == "message" and line.record.get("own_nonce") is True:
                yield int.from_bytes(bytes.fromhex(line.record["payload"] or "")[72:80], "little")

    # --- feeding ----------------------------------------------------------------------------

    def _groups(self) -> Iterator[list[TranscriptLine]]:
        """Put what was read at one moment together: the limits of a session are judged by read."""
        group: list[TranscriptLine] = []
        for line in filter(self._is_input, self._lines):
            if group and (self._is_alone(line) or self._is_alone(group[0]) or line.at_ms != group[0].at_ms):
                yield group
                group = []
            group.append(line)
        if group:
            yield group

    def _is_input(self, line: TranscriptLine) -> bool:
        record = line.record
        if line.event == "message":
            is_callers = record["direction"] == "sent" and record.get("by") == "caller"
            return is_callers or (record["direction"] == "received" and not self._is_raw)
        if line.event in ("closed", "reset", "timeout"):
            return True
        if self._is_raw:
            return line.event in _RAW
        if line.event == "failed":
            is_v2 = self._conversation.header.record["transport"] == "v2"
            return is_v2 and record["code"] in V2_TRANSPORT_CODES and line is not self._at_end
        return line.event in _ABOVE

    def _is_alone(self, line: TranscriptLine) -> bool:
        is_sent = line.event == "message" and line.record["direction"] == "sent"
        return is_sent or line.event in ("closed", "reset", "timeout", *_RAW)

    def _feed(self, session: RecordedSession, group: list[TranscriptLine]) -> None:
        first = group[0]
        now = group[-1].at_ms / 1000
        record = first.record
        match first.event:
            case "closed" | "reset":
                session.receive_eof(now=now, reset=first.event == "reset")
            case "timeout":
                session.handle_timeout(now=now)
            case "read":
                session.receive_data(bytes.fromhex(record["data"]), now=now)
            case "write":
                session.data_to_send()
            case "message" if record["direction"] == "sent":
                self._say(session, first, now)
            case _:
                self._stage(session, group, now)

    def _say(self, session: RecordedSession, line: TranscriptLine, now: float) -> None:
        payload = line.record["payload"]
        if payload is None:
            raise self._damage(line, "a message sent by the caller has no payload")
        try:
            session.send_message(line.record["msg_type"], bytes.fromhex(payload), now=now)
        except (LocalProtocolError, ValueError) as error:
            raise self._damage(line, str(error)) from None

    def _stage(self, session: RecordedSession, group: list[TranscriptLine], now: float) -> None:
        scripted = self._scripted
        assert scripted is not None
        feed = Feed(scripted)
        for line in group:
            try:
                feed.add(line)
            except ValueError as error:
                raise self._damage(line, str(error)) from None
        session.receive_data(feed.data(), now=now)

    def _damage(self, line: TranscriptLine, why: str) -> DamagedTranscript:
        return DamagedTranscript(name=self._name, line=line.number, why=why)

    # --- comparing --------------------------------------------------------------------------

    def _compare(self) -> Replay:
        header = self._conversation.header
        recorded = [header, *(line for line in self._lines if line.event != "interrupted")]
        if not self._is_raw:
            recorded = [line for line in recorded if line.event not in _RAW]
        replayed = [json.loads(text) for text in self._sink.lines]
        difference = None
        for old, new in zip_longest(recorded, replayed):
            difference = _difference(old, new)
            if difference is not None:
                break
        last = replayed[-1]
        return Replay(
            header.record,
            last if last["event"] == "verdict" else None,
            difference,
            self._conversation.is_whole,
            len(recorded),
        )


def _difference(old: TranscriptLine | None, new: Record | None) -> Difference | None:
    if old is None or new is None:
        return Difference(
            None if old is None else old.number,
            "event",
            None if old is None else old.event,
            None if new is None else new["event"],
        )
    if old.event != new["event"]:
        return Difference(old.number, "event", old.event, new["event"])
    skipped = _NOT_COMPARED | _derived(new)
    for name, value in new.items():
        if name not in skipped and old.record.get(name) != value:
            return Difference(old.number, name, old.record.get(name), value)
    return None


def _derived(record: Record) -> frozenset[str]:
    """Name the keys that follow from others, or from what is not recorded."""
    names = {"truncated"}
    if record.get("code") in _REASONS_WITH_MORE:
        names.add("reason")
    return frozenset(names)


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= MAX_TEXT_SHOWN else f"{text[:MAX_TEXT_SHOWN]}..."
