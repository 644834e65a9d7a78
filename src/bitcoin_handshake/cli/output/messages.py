"""One message in one line: the fields that matter; and its bytes beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bitcoin_handshake.cli.output.printable import printable
from bitcoin_handshake.protocol import services_names
from bitcoin_handshake.transcript.layout import Span

__all__ = ["hexdump_lines", "summary"]

MAX_VALUE_CHARACTERS = 72
MAX_SUMMARY_CHARACTERS = 400
BYTES_PER_ROW = 16


def summary(msg_type: str, fields: Mapping[str, Any] | None) -> str:
    """Say in a few words what a message holds.

    Args:
        msg_type: Its type.
        fields: As `to_json` has them; None for a message without any that is known.
    """
    if fields is None:
        return ""
    words = _version(fields) if msg_type == "version" else _general(fields)
    return _cut(printable("  ".join(words)))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SUMMARY_CHARACTERS else text[: MAX_SUMMARY_CHARACTERS - 3] + "..."


def _version(fields: Mapping[str, Any]) -> Iterator[str]:
    user_agent = fields["user_agent"]
    yield str(fields["protocol_version"])
    yield "(no user agent)" if user_agent is None else user_agent or "(empty user agent)"
    for name, shown in (("start_height", "height"), ("timestamp", "time"), ("relay", "relay")):
        value = fields.get(f"{name}_text", fields[name])
        if value is not None:
            yield f"{shown}={value}"
    yield "services=" + (",".join(services_names(int(fields["services"], 16))) or "none")
    if fields["nonce"] is not None:
        yield f"nonce={fields['nonce']}"
    yield f"addr_recv={fields['addr_recv']['address']}"
    if fields["trailing"]:
        yield f"trailing={_value(fields['trailing'])}"


def _general(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if f"{name}_text" not in fields and (name != "trailing" or value):
            yield f"{name.removesuffix('_text')}={_value(value)}"


def _value(value: object) -> str:
    match value:
        case None:
            return "none"
        case list():
            shown = [] if any(isinstance(each, (list, dict)) for each in value) else value
            text = ",".join(map(str, shown))
            return text if shown and len(text) <= MAX_VALUE_CHARACTERS else f"[{len(value)}]"
        case dict():
            return "{" + " ".join(f"{name}={_value(each)}" for name, each in value.items()) + "}"
        case _:
            text = str(value)
            return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[:MAX_VALUE_CHARACTERS]}..."


def hexdump_lines(spans: Iterable[Span]) -> Iterator[str]:
    """Write bytes beside the names of their fields, BYTES_PER_ROW (16) in a row."""
    for span in spans:
        for start in range(0, len(span.data), BYTES_PER_ROW):
            row = span.data[start : start + BYTES_PER_ROW]
            words = f"{span.name} {span.meaning}".strip() if not start else ""
            shown = _cut(printable(words)) if words or span.name else _characters(row)
            yield f"    {span.offset + start:08x}  {row.hex(' '):<47}  {shown}".rstrip()


def _characters(row: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
