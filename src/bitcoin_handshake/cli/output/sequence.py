"""A connection as a picture: who said what, and when.

Two lifelines with an arrow for each message, as wide as the terminal. Plain text; whatever comes
from the peer is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bitcoin_handshake.cli.output.messages import summary
from bitcoin_handshake.cli.output.printable import ascii_printable
from bitcoin_handshake.transcript.reader import Conversation, TranscriptLine
from bitcoin_handshake.transcript.recorder import decoded_fields

__all__ = ["MIN_WIDTH", "sequence_lines"]

MIN_WIDTH = 48
MAX_WIDTH = 160
TIME_WIDTH = 12


@dataclass(frozen=True, slots=True)
class _Strokes:
    line: str
    dash: str
    left: str
    right: str


_BOX = _Strokes("│", "─", "◀", "▶")  # box characters on purpose
_ASCII = _Strokes("|", "-", "<", ">")

_ENDS = {
    "completed": "handshake complete",
    "closed": "peer closed the connection",
    "reset": "peer reset the connection",
    "timeout": "time is up",
    "interrupted": "interrupted: no verdict",
}


def sequence_lines(conversation: Conversation, *, width: int, ascii_only: bool = False) -> Iterator[str]:
    """Draw one connection.

    Args:
        conversation: Its transcript.
        width: Columns to use, MIN_WIDTH (48) to MAX_WIDTH (160).
        ascii_only: Whether the output has no box characters.
    """
    picture = _Picture(max(MIN_WIDTH, min(width, MAX_WIDTH)), _ASCII if ascii_only else _BOX)
    yield from picture.head(conversation.header.record)
    for line in conversation.lines:
        yield from picture.rows(line)
    if not conversation.is_whole:
        yield picture.note(None, "the transcript ends here, without a verdict")


class _Picture:
    def __init__(self, width: int, strokes: _Strokes) -> None:
        self._strokes = strokes
        # time, space, lifeline, the room between, lifeline
        self._room = width - TIME_WIDTH - 3

    def head(self, header: Mapping[str, Any]) -> Iterator[str]:
        room = self._room + 2
        peer = _cut(ascii_printable(header["address"]), room - len("us") - 1)
        what = f"{ascii_printable(header['chain'])} {header['transport']}, connected"
        gap = max(1, room - len("us") - len(peer))
        yield f"{'':{TIME_WIDTH}} us{' ' * gap}{peer}"
        yield self.note(header["connected_ms"], what)
        if header["transport"] == "v2" and header["initiating"]:
            yield self._arrow(header["connected_ms"], "v2 key and garbage", is_sent=True)

    def rows(self, line: TranscriptLine) -> Iterator[str]:
        record = line.record
        match line.event:
            case "message":
                yield from self._message(line.at_ms, record)
            case "transport":
                words = f"v2 {record['kind'].replace('_', ' ')}, {record['size']} bytes"
                yield self._arrow(line.at_ms, words, is_sent=False)
            case "bytes":
                yield self._arrow(line.at_ms, f"{record['size']} bytes, no message", is_sent=False)
            case "omitted":
                names = ("messages", "bad_versions", "skipped", "decoys")
                count = sum(record[name] for name in names)
                yield self._arrow(line.at_ms, f"{count} messages, not kept", is_sent=False)
            case "failed":
                yield self.note(line.at_ms, f"failed: {record['reason']}")
            case "verdict":
                code = "" if record["code"] is None else f" ({record['phase']}: {record['code']})"
                yield self.note(None, f"verdict: {record['outcome']}{code}")
            case event if event in _ENDS:
                yield self.note(line.at_ms if "at_ms" in record else None, _ENDS[event])
            case _:  # raw bytes
                return

    def _message(self, at_ms: float, record: Mapping[str, Any]) -> Iterator[str]:
        payload = record["payload"]
        is_sent = record["direction"] == "sent"
        words = f"{record['msg_type'] or '(no type)'} {record['size']} B"
        yield self._arrow(at_ms, words, is_sent=is_sent)
        if not is_sent and record["skipped"] is not None:
            yield self.note(None, f"  skipped: {record['skipped']}")
            return
        if payload:
            fields = decoded_fields(record["msg_type"], bytes.fromhex(payload), limit=None)
            reason = fields["error"]["reason"] if "error" in fields else ""
            about = summary(record["msg_type"], fields["fields"]) or reason
            if about:
                yield self.note(None, f"  {about}")
        if not is_sent:
            for code in record["anomalies"]:
                yield self.note(None, f"  anomaly: {code}")

    def note(self, at_ms: float | None, words: str) -> str:
        """Write words between the lifelines."""
        stroke = self._strokes.line
        text = _cut(ascii_printable(words), self._room)
        return f"{_time(at_ms)} {stroke}{text:<{self._room}}{stroke}"

    def _arrow(self, at_ms: float, words: str, *, is_sent: bool) -> str:
        strokes = self._strokes
        text = f" {_cut(ascii_printable(words), self._room - 6)} "
        dashes = self._room - 1 - len(text)
        shaft = f"{strokes.dash * 2}{text}{strokes.dash * (dashes - 2)}"
        between = f"{shaft}{strokes.right}" if is_sent else f"{strokes.left}{shaft}"
        return f"{_time(at_ms)} {strokes.line}{between}{strokes.line}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _time(at_ms: float | None) -> str:
    return f"{'' if at_ms is None else f'{at_ms:.1f} ms':>{TIME_WIDTH}}"
