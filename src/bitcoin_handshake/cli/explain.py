"""What `decode` does: recognises the input, and shows it up to its end or its damage."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Any, BinaryIO

from bitcoin_handshake.chain import chain_from_text
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.input_file import open_input
from bitcoin_handshake.cli.output.messages import hexdump_lines, summary
from bitcoin_handshake.cli.output.printable import printable
from bitcoin_handshake.cli.output.sequence import sequence_lines
from bitcoin_handshake.cli.writer import stream_writer
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.protocol import HEADER_LEN
from bitcoin_handshake.transcript.layout import Span, header_spans, payload_spans
from bitcoin_handshake.transcript.reader import (
    LAST_EVENTS,
    DamagedTranscript,
    TranscriptLine,
    read_conversations,
    read_lines,
)
from bitcoin_handshake.transcript.recorder import decoded_fields
from bitcoin_handshake.transcript.stream import (
    Damage,
    StreamMessage,
    chain_name,
    detect_magic,
    read_hex,
    read_stream,
)

__all__ = ["MAX_INPUT_BYTES", "explain"]

MAX_INPUT_BYTES = 256 * 1024 * 1024
"""Hex and raw bytes that are read at most; transcripts have no limit."""
HEAD_LEN = 4096
WIDTH_WITHOUT_TERMINAL = 100
ROWS_AT_ONCE = 1000
"""A message of 4,000,000 bytes may have as many fields: 400 MB of text."""
_Record = dict[str, Any]


def explain(path: str, *, view: str | None, msg_type: str | None, network: str | None) -> ExitCode:
    """Show an input on standard output.

    Args:
        path: File, or `-` for standard input.
        view: `as_json`, `hexdump`, `sequence`, or None for a line a message.
        msg_type: Of the one payload that the input is; None for messages with headers.
        network: Name of the chain; None for that of the magic.

    Returns:
        OK, or NONE_COMPLETED (1) where anything was damaged.

    Raises:
        InputError: The options do not fit to the input.
        EnvironmentFailure: It cannot be read or written.
    """
    with open_input(path) as (stream, name):
        return _Explainer(name, view, msg_type, network).run(stream)


class _Explainer:
    def __init__(self, name: str, view: str | None, msg_type: str | None, network: str | None) -> None:
        if sys.stdout is None:
            raise EnvironmentFailure("standard output is closed")
        self._name = name
        self._view = view
        self._msg_type = msg_type
        self._magic = None if network is None else chain_from_text(network).magic
        self._put = stream_writer(sys.stdout)
        self._is_damaged = False
        self._open: set[int] = set()
        self._unended = 0

    def run(self, stream: BinaryIO) -> ExitCode:
        head = _read(stream, HEAD_LEN, self._name)
        if self._msg_type is None and _begins_transcript(head):
            self._transcript(_Joined(head, stream))
        elif self._view == "sequence":
            raise InputError(f"{self._name} is not a transcript: --sequence draws nothing else")
        else:
            self._bytes(head + self._rest_of(stream, len(head)))
        return ExitCode.NONE_COMPLETED if self._is_damaged else ExitCode.OK

    def _rest_of(self, stream: BinaryIO, had: int) -> bytes:
        rest = _read(stream, MAX_INPUT_BYTES - had + 1, self._name)
        if had + len(rest) > MAX_INPUT_BYTES:
            raise InputError(f"{self._name} has more than {MAX_INPUT_BYTES} bytes")
        return rest

    # --- hex and raw bytes ------------------------------------------------------------------

    def _bytes(self, text: bytes) -> None:
        if not text and self._msg_type is None:
            self._damage(Damage(0, "the input is empty"))
            return
        damage = None
        data = text
        if _is_text(text):
            hex_text = read_hex(text)
            data, damage = hex_text.data, hex_text.damage
        if self._msg_type is not None:
            self._payload(self._msg_type, data)
        elif data or damage is None:
            damage = self._stream(data, damage)
        if damage is not None:
            self._damage(damage)

    def _payload(self, msg_type: str, payload: bytes) -> None:
        record: _Record = {"event": "message", "msg_type": msg_type, "size": len(payload)}
        self._show(record | decoded_fields(msg_type, payload, limit=None), payload_spans(msg_type, payload))

    def _stream(self, data: bytes, damage: Damage | None) -> Damage | None:
        """Show the messages; return why it ends: that of the hex where both have a reason."""
        magic = self._magic or detect_magic(data)
        if magic is None:
            begins = data[:8].hex()
            why = f"no message begins with {begins or 'nothing'}; a payload without header needs --type"
            return damage or Damage(0, why)
        chain = chain_name(magic)
        for item in read_stream(data, magic):
            if isinstance(item, Damage):
                return damage if damage is not None and item.why.startswith("ends ") else item
            self._stream_message(item, chain)
        return damage

    def _stream_message(self, item: StreamMessage, chain: str) -> None:
        message = item.message
        payload = message.payload or b""
        record: _Record = {
            "event": "message",
            "offset": item.offset,
            "chain": chain,
            "msg_type": message.msg_type,
            "size": message.size,
            "skipped": message.anomaly,
        }
        readable = None if message.anomaly is not None else payload
        spans = _chained(message.header, message.msg_type, payload, item.offset)
        self._show(record | decoded_fields(message.msg_type, readable, limit=None), spans)

    # --- transcripts ------------------------------------------------------------------------

    def _transcript(self, stream: BinaryIO) -> None:
        try:
            if self._view == "sequence":
                self._draw(stream)
            else:
                self._lines(stream)
        except DamagedTranscript as error:
            self._is_damaged = True
            if self._view == "as_json":
                damage = {"event": "damage", "line": error.line, "reason": error.why}
                self._put(json.dumps(damage) + "\n")
            else:
                self._put(f"damaged at line {error.line}: {printable(error.why)}\n")

    def _lines(self, stream: BinaryIO) -> None:
        number = 0
        for line in read_lines(stream, self._name):
            number = line.number
            self._note_end(line)
            self._transcript_line(dict(line.record))
        unended = self._unended + len(self._open)
        if unended:
            whose = "a connection ends" if unended == 1 else f"{unended} connections end"
            raise DamagedTranscript(name=self._name, line=number, why=f"{whose} without a verdict")

    def _note_end(self, line: TranscriptLine) -> None:
        """Keep account of the connections that have begun and not ended."""
        if line.event == "connection":
            self._unended += line.connection in self._open
            self._open.add(line.connection)
        elif line.event in LAST_EVENTS:
            self._open.discard(line.connection)

    def _draw(self, stream: BinaryIO) -> None:
        width = shutil.get_terminal_size((WIDTH_WITHOUT_TERMINAL, 0)).columns
        gap = ""
        for conversation in read_conversations(stream, self._name):
            lines = sequence_lines(conversation, width=width, ascii_only=not _has_box_characters())
            self._put(gap + "".join(f"{line}\n" for line in lines))
            gap = "\n"
            self._is_damaged = self._is_damaged or not conversation.is_whole

    def _transcript_line(self, record: _Record) -> None:
        if record["event"] != "message":
            self._show_event(record)
            return
        payload = None if record["payload"] is None else bytes.fromhex(record["payload"])
        header = bytes.fromhex(record["header"] or "")
        readable = None if record.get("skipped") is not None else payload
        for name in ("fields", "error"):
            record.pop(name, None)
        spans = _chained(header, record["msg_type"], payload or b"", 0)
        fields = decoded_fields(record["msg_type"], readable, limit=None)
        self._show(record | fields, spans, is_peers_fault=True)

    def _show_event(self, record: _Record) -> None:
        if self._view == "as_json":
            self._put(json.dumps(record) + "\n")
        else:
            self._put(printable(_event_words(record)).rstrip() + "\n")

    # --- output -----------------------------------------------------------------------------

    def _show(self, record: _Record, spans: Iterator[Span], *, is_peers_fault: bool = False) -> None:
        """Show a message. One that is not right is damage, except where a transcript reports it."""
        if ("error" in record or record.get("skipped") is not None) and not is_peers_fault:
            self._is_damaged = True
        if self._view == "as_json":
            for name in ("header", "payload"):
                record.pop(name, None)
            self._put(json.dumps(record) + "\n")
            return
        self._put(printable(_message_words(record)).rstrip() + "\n")
        if self._view == "hexdump":
            rows = hexdump_lines(spans)
            while text := "".join(f"{row}\n" for row in islice(rows, ROWS_AT_ONCE)):
                self._put(text)

    def _damage(self, damage: Damage) -> None:
        self._is_damaged = True
        if self._view == "as_json":
            self._put(json.dumps({"event": "damage", "offset": damage.offset, "reason": damage.why}) + "\n")
        else:
            self._put(f"damaged at offset {damage.offset}: {printable(damage.why)}\n")


def _message_words(record: Mapping[str, Any]) -> str:
    direction = {"sent": "->", "received": "<-"}.get(record.get("direction", ""), "")
    at_ms = f"{record['at_ms']:>10.3f} ms  {direction}  " if "at_ms" in record else ""
    offset = f"{record['offset']:>8}  " if "offset" in record and not at_ms else ""
    number = f"#{record['connection']:<4} " if "connection" in record else ""
    about = summary(record["msg_type"], record["fields"])
    if record.get("skipped") is not None:
        about = f"skipped: {record['skipped']}"
    elif "error" in record:
        about = f"malformed: {record['error']['reason']}"
    msg_type = record["msg_type"] or "(no type)"
    return f"{number}{at_ms}{offset}{msg_type:<12} {record['size']:>7} B  {about}"


def _event_words(record: Mapping[str, Any]) -> str:
    event = record["event"]
    at = f"{record['at_ms']:>10.3f} ms  " if "at_ms" in record else f"{'':15}"
    skipped = ("event", "connection", "at_ms", "data", "secrets", "version")
    facts = "  ".join(
        f"{name}={json.dumps(value) if isinstance(value, (dict, list, bool)) else value}"
        for name, value in record.items()
        if name not in skipped and value not in (None, [], {})
    )
    size = f"  {len(record['data']) // 2} bytes" if event in ("read", "write") else ""
    return f"#{record['connection']:<4} {at}--  {event}{size}  {facts}"


def _chained(header: bytes, msg_type: str, payload: bytes, offset: int) -> Iterator[Span]:
    if header:
        yield from header_spans(header, offset)
    yield from payload_spans(msg_type, payload, offset + len(header))


def _begins_transcript(head: bytes) -> bool:
    """Whether an object begins there; not where a magic does that looks like one.

    Every v1 header has a zero byte: the highest of the payload's length.
    """
    return head.lstrip().startswith(b"{") and b"\0" not in head[:HEADER_LEN]


def _is_text(data: bytes) -> bool:
    """Whether all bytes are printable ASCII or whitespace, as hex is and a magic is not."""
    return data.isascii() and all(byte >= 0x20 or byte in b"\t\n\r\f\v" for byte in data[:HEAD_LEN])


def _has_box_characters() -> bool:
    try:
        "│─◀▶".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _read(stream: BinaryIO, size: int, name: str) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:
        raise EnvironmentFailure(f"cannot read {name}: {error.strerror or error}") from None


class _Joined(BytesIO):
    """What was read already, and behind it the rest of a stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__(head)
        self._rest = rest

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line, across the seam."""
        limit = -1 if size is None else size
        line = super().readline(limit)
        if line.endswith(b"\n") or (0 <= limit <= len(line)):
            return line
        return line + self._rest.readline(limit - len(line) if limit >= 0 else -1)
