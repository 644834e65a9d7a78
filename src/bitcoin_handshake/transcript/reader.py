"""Reading transcripts back; what is read may be anybody's.

Owns the cutting into lines and into connections. Every line is checked before it is handed out;
the first bad one ends the reading with an error that names file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.transcript.format import MAX_LINE_BYTES, Record, read_line

__all__ = [
    "LAST_EVENTS",
    "Conversation",
    "DamagedTranscript",
    "TranscriptLine",
    "read_conversations",
    "read_lines",
]

LAST_EVENTS = frozenset({"verdict", "interrupted"})
"""What a connection ends with, where it ends."""


@dataclass(kw_only=True, eq=False, repr=False)
class DamagedTranscript(InputError):
    """A line is not one of a transcript, or does not fit to those before it.

    Attributes:
        name: Of the file.
        line: Number of the line, from 1.
        why: What is wrong.
    """

    what: str = field(init=False)  # built from the three facts
    name: str
    line: int
    why: str

    def __post_init__(self) -> None:
        self.what = f"{self.name}, line {self.line}: {self.why}"


@dataclass(slots=True)
class TranscriptLine:
    """One checked line.

    Attributes:
        number: Of the line in its file, from 1.
        event: What it tells.
        record: All of it.
    """

    number: int
    event: str
    record: Record

    @property
    def connection(self) -> int:
        """Number of the connection that it belongs to."""
        return int(self.record["connection"])

    @property
    def at_ms(self) -> float:
        """Milliseconds since the connect began; 0 on lines without a time."""
        return float(self.record.get("at_ms", 0.0))


@dataclass(slots=True)
class Conversation:
    """All lines of one connection.

    Attributes:
        header: The first.
        lines: The others, in order.
    """

    header: TranscriptLine
    lines: list[TranscriptLine] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the last line is there."""
        return bool(self.lines) and self.lines[-1].event in LAST_EVENTS


def read_lines(stream: BinaryIO, name: str) -> Iterator[TranscriptLine]:
    """Read the lines of a transcript, empty ones left out.

    Args:
        stream: Opened in binary mode.
        name: Of the file, for errors.

    Raises:
        DamagedTranscript: A line is none of a transcript, or too long.
        EnvironmentFailure: The stream cannot be read.
    """
    for number, text in enumerate(_raw_lines(stream, name), 1):
        if len(text) > MAX_LINE_BYTES:
            raise DamagedTranscript(name=name, line=number, why=f"longer than {MAX_LINE_BYTES} bytes")
        if text.isspace():
            continue
        try:
            record = read_line(text)
        except ValueError as error:
            raise DamagedTranscript(name=name, line=number, why=str(error)) from None
        yield TranscriptLine(number, record["event"], record)


def _raw_lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    while True:
        try:
            text = stream.readline(MAX_LINE_BYTES + 1)
        except OSError as error:
            raise EnvironmentFailure(f"cannot read {name}: {error.strerror or error}") from None
        if not text:
            return
        yield text


def read_conversations(stream: BinaryIO, name: str) -> Iterator[Conversation]:
    """Read a transcript, connection by connection, each as soon as it is whole.

    Those without a last line come at the end; so does what was read before a damaged line, ahead
    of the error.

    Raises:
        DamagedTranscript: A line is none of a transcript, or stands where it cannot.
        EnvironmentFailure: The stream cannot be read.
    """
    open_: dict[int, Conversation] = {}
    damage: DamagedTranscript | None = None
    try:
        for line in read_lines(stream, name):
            number = line.connection
            if line.event == "connection":
                # Of an earlier run that ended without a word, appended to the same file.
                if number in open_:
                    yield open_.pop(number)
                open_[number] = Conversation(line)
                continue
            conversation = open_.get(number)
            if conversation is None:
                raise DamagedTranscript(
                    name=name, line=line.number, why=f"connection {number} has no first line"
                )
            _check_time(conversation, line, name)
            conversation.lines.append(line)
            if line.event in LAST_EVENTS:
                yield open_.pop(number)
    except DamagedTranscript as error:
        damage = error
    yield from open_.values()
    if damage is not None:
        raise damage


def _check_time(conversation: Conversation, line: TranscriptLine, name: str) -> None:
    if "at_ms" not in line.record:
        return
    before = conversation.lines[-1].at_ms if conversation.lines else 0.0
    if line.at_ms < before:
        raise DamagedTranscript(
            name=name, line=line.number, why=f"{line.at_ms:g} ms lies before {before:g} ms"
        )
