"""The messages of a connection as a picture: a ladder in text, and a Mermaid diagram for Markdown.

Owns both forms. They are drawn from the `messages` of a record of schema version 1, which holds type,
size and time of each message; `replay --sequence` draws a transcript, with the fields too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["MAX_DRAWN", "WIDTH", "ladder", "mermaid"]

WIDTH = 80
"""Columns of the ladder at most."""
MAX_DRAWN = 40
"""Messages drawn at most; a line says how many follow."""
_TIME_WIDTH = 11
_ROOM = 40
"""Columns between the two lifelines."""


def ladder(record: Mapping[str, Any]) -> Iterator[str]:
    """Draw the messages of a record as lines of plain ASCII; none where it has no messages."""
    messages = _messages(record)
    if not messages:
        return
    peer = str(record["address"] or record["target"])
    room = WIDTH - _TIME_WIDTH - 5
    gap = max(1, _ROOM + 1 - len("us"))
    if gap + len(peer) + len("us") > room:
        gap = 1
    yield f"{'':{_TIME_WIDTH}}  us{' ' * gap}{_cut(peer, room - gap - len('us'))}"
    for message in messages[:MAX_DRAWN]:
        words = f" {_cut(_name(message), 24)} {message['size']} B "
        dashes = "-" * max(1, _ROOM - 3 - len(words))
        is_sent = message["direction"] == "sent"
        arrow = f"--{words}{dashes}>" if is_sent else f"<--{words}{dashes}"
        time = f"{message['at_ms']:.1f} ms"
        yield f"{time:>{_TIME_WIDTH}}  |{arrow:<{_ROOM}}|"
    if len(messages) > MAX_DRAWN:
        yield f"{'':{_TIME_WIDTH}}  and {len(messages) - MAX_DRAWN} more"


def mermaid(record: Mapping[str, Any]) -> Iterator[str]:
    """Write the messages of a record as a Mermaid block; nothing where it has no messages."""
    messages = _messages(record)
    if not messages:
        return
    yield "```mermaid"
    yield "sequenceDiagram"
    yield "    participant us"
    yield "    participant node"
    for message in messages[:MAX_DRAWN]:
        ends = "us->>node" if message["direction"] == "sent" else "node->>us"
        yield f"    {ends}: {_plain(_name(message))} {message['size']} B ({message['at_ms']:.1f} ms)"
    if len(messages) > MAX_DRAWN:
        yield f"    Note over us,node: and {len(messages) - MAX_DRAWN} more"
    yield "```"


def _messages(record: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return record.get("messages") or ()


def _name(message: Mapping[str, Any]) -> str:
    return str(message["msg_type"]) or "(no type)"


def _plain(text: str) -> str:
    """Leave out what Mermaid, or Markdown, would take for its own: the peer chooses the type."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_()") else "?" for char in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
