"""What a transcript is: JSON lines, version 1.

Owns the names, the limits and the check of one line; docs/transcript.md describes them for people.
Knows nothing of files and of sessions.

Every line is one JSON object with `event` and `connection`, a number that tells the connections
of one file apart. `at_ms` is milliseconds since the connect began. Bytes are hex.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isinf
from types import MappingProxyType
from typing import Any

from bitcoin_handshake.errors import AnomalyCode, FailureCode, Phase
from bitcoin_handshake.handshake import Action, State
from bitcoin_handshake.protocol import (
    HEADER_LEN,
    MAGIC_LEN,
    MAX_PROTOCOL_MESSAGE_LENGTH,
)
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.transport.events import TransportEventKind

__all__ = [
    "EVENTS",
    "MAX_LINE_BYTES",
    "MAX_TRANSCRIPT_BYTES",
    "RAW_PIECE_BYTES",
    "TRANSCRIPT_VERSION",
    "Record",
    "action_name",
    "check_record",
    "line_of",
    "read_line",
]

TRANSCRIPT_VERSION = 1
MAX_TRANSCRIPT_BYTES = 1024 * 1024
"""Text kept of one connection; from there on, messages that change nothing are only counted. A
healthy handshake takes 6 KiB."""
MAX_LINE_BYTES = 4 * 1024 * 1024
"""The longest line that is read: that of a payload of 64 KiB with its fields is under a quarter."""
RAW_PIECE_BYTES = 256 * 1024
"""Raw bytes in one line at most."""

MAX_DEPTH = 32
"""Objects and lists inside each other: a block in its fields has six."""
_MORE_NAMES = frozenset(
    {"event", "skipped", "offset", "action", "state", "anomalies", "own_nonce", "by", "error", "secrets"}
)
"""Keys that not every line of their event has."""

Record = Mapping[str, Any]
"""One line as JSON has it, checked."""
_Check = Callable[[object], bool]

_encode = json.JSONEncoder(separators=(",", ":")).encode


def line_of(record: Record) -> str:
    """Write one line with its end; ASCII only, so that no peer's text does anything to a terminal."""
    return _encode(record) + "\n"


def action_name(action: Action | None) -> str | None:
    """Name what the state machine did with a message; None where framing kept it away."""
    return None if action is None else action.name.lower()


def read_line(text: bytes) -> Record:
    """Read and check one line.

    Args:
        text: The line, at most MAX_LINE_BYTES (4 MiB), with or without its end.

    Returns:
        The object; keys that version 1 does not know are left out.

    Raises:
        ValueError: It is no line of a transcript; says why, in words for people.
    """
    try:
        record = json.loads(text.decode("utf-8"), parse_float=_finite, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from None
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    check_record(record)
    known = EVENTS[record["event"]]
    kept = {name: value for name, value in record.items() if name in known or name in _MORE_NAMES}
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        _check_depth(kept)
    return kept


def check_record(record: Record) -> None:
    """Check that a JSON object is a line of a transcript.

    Raises:
        ValueError: It is none; says why.
    """
    event = record.get("event")
    if not isinstance(event, str):
        raise ValueError("no 'event'")
    if event == "connection":
        version = record.get("transcript")
        if not _count(version):
            raise ValueError("no version: 'transcript' must be a number")
        if version != TRANSCRIPT_VERSION:
            raise ValueError(f"transcript version {version}; this release reads {TRANSCRIPT_VERSION}")
    fields = EVENTS.get(event)
    if fields is None:
        raise ValueError(f"unknown event {event[:40]!r}")
    for name, (check, meaning) in fields.items():
        if name not in record:
            raise ValueError(f"'{event}' lacks '{name}'")
        if not check(record[name]):
            raise ValueError(f"'{name}' must be {meaning}")
    if event == "message":
        _check_message(record)


def _check_message(record: Record) -> None:
    payload, size = record["payload"], record["size"]
    if payload is not None and len(payload) != 2 * size:
        raise ValueError(f"'payload' has {len(payload) // 2} bytes, 'size' says {size}")
    if record["direction"] == "received":
        for name, (check, meaning) in _REACTION.items():
            if name not in record:
                raise ValueError(f"a message received lacks '{name}'")
            if not check(record[name]):
                raise ValueError(f"'{name}' must be {meaning}")


def _check_depth(record: Record) -> None:
    """Refuse what is nested so deeply that no recursion ends."""
    level: list[object] = [record]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if not below:
            return
        level = below
    raise ValueError("nested too deeply")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError("a number is too large")
    return value


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _count(value: object) -> bool:
    return _is_int(value) and 0 <= value < 2**53  # type: ignore[operator]  # an int by now


def _int32(value: object) -> bool:
    return _is_int(value) and -(2**31) <= value < 2**31  # type: ignore[operator]  # an int by now


def _size(value: object) -> bool:
    return _is_int(value) and 0 <= value <= 2**24  # type: ignore[operator]  # an int by now


def _number(value: object) -> bool:
    return (_is_int(value) or isinstance(value, float)) and 0 <= value < 1e12  # type: ignore[operator]


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _object(value: object) -> bool:
    return isinstance(value, dict)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 4096


_HEX_DIGITS = frozenset("0123456789abcdef")


def _hex(most: int, least: int = 0) -> _Check:
    def check(value: object) -> bool:
        return (
            isinstance(value, str)
            and 2 * least <= len(value) <= 2 * most
            and not len(value) % 2
            and _HEX_DIGITS.issuperset(value)
        )

    return check


def _one_of(values: object) -> _Check:
    known = frozenset(values)  # type: ignore[call-overload]  # every caller gives an iterable of str

    def check(value: object) -> bool:
        return isinstance(value, str) and value in known

    return check


def _maybe(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _list_of(check: _Check, most: int) -> _Check:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


_AT = (_number, "a number of milliseconds")
_COUNT = (_count, "a whole number, 0 or more")
_PHASE = (_maybe(_one_of(Phase)), "a phase or null")
_ANOMALIES = (_list_of(_one_of(AnomalyCode), 64), "a list of anomaly codes")
_CODE = (_one_of(FailureCode), "a failure code")
_RAW = (_hex(RAW_PIECE_BYTES), f"hex of at most {RAW_PIECE_BYTES} bytes")
_NONCE = (_hex(8, 8), "16 hex digits")
_LINE = {"connection": _COUNT}
_TIMED = {**_LINE, "at_ms": _AT}

_REACTION: Mapping[str, tuple[_Check, str]] = MappingProxyType(
    {
        "offset": _COUNT,
        "skipped": (_maybe(_one_of(AnomalyCode)), "an anomaly code or null"),
        "action": (_maybe(_one_of(action.name.lower() for action in Action)), "an action or null"),
        "state": (_one_of(state.name.lower() for state in State), "a state"),
        "anomalies": _ANOMALIES,
    }
)

EVENTS: Mapping[str, Mapping[str, tuple[_Check, str]]] = MappingProxyType(
    {
        "connection": {
            **_LINE,
            "transcript": _COUNT,
            "chain": (_text, "a text"),
            "magic": (_hex(MAGIC_LEN, MAGIC_LEN), "8 hex digits"),
            "address": (_text, "a text"),
            "transport": (_one_of(("v1", "v2")), "v1 or v2"),
            "initiating": (_flag, "true or false"),
            "started": (_text, "a text"),
            "connected_ms": _AT,
            "deadline_ms": _AT,
            "first_byte_ms": (_maybe(_number), "a number of milliseconds or null"),
            "linger_ms": _AT,
            "ping_nonce": _NONCE,
            "own_nonces": (_list_of(_NONCE[0], 64), "a list of 16 hex digits each"),
            "protocol_version": (_int32, "a 32-bit number"),
            "version": (_hex(65536), "hex of at most 65536 bytes"),
        },
        "message": {
            **_TIMED,
            "direction": (_one_of(("sent", "received")), "sent or received"),
            "msg_type": (_text, "a text"),
            "size": (_size, "a whole number, 0 to 16777216"),
            "header": (_maybe(_hex(HEADER_LEN, HEADER_LEN)), "48 hex digits or null"),
            "payload": (
                _maybe(_hex(MAX_PROTOCOL_MESSAGE_LENGTH)),
                f"hex of at most {MAX_PROTOCOL_MESSAGE_LENGTH} bytes or null",
            ),
            "fields": (_maybe(_object), "an object or null"),
        },
        "transport": {
            **_TIMED,
            "kind": (_one_of(TransportEventKind), "a transport event"),
            "offset": _COUNT,
            "size": _COUNT,
        },
        "read": {**_TIMED, "data": _RAW},
        "write": {**_TIMED, "data": _RAW},
        "bytes": {
            **_TIMED,
            "offset": _COUNT,
            "size": _COUNT,
            "data": (_maybe(_RAW[0]), f"{_RAW[1]} or null"),
        },
        "omitted": {
            **_TIMED,
            "offset": _COUNT,
            "messages": _COUNT,
            "bad_versions": _COUNT,
            "skipped": _COUNT,
            "decoys": _COUNT,
        },
        "completed": _TIMED,
        "closed": _TIMED,
        "reset": _TIMED,
        "timeout": _TIMED,
        "failed": {
            **_TIMED,
            "code": _CODE,
            "phase": _PHASE,
            "offset": _COUNT,
            "reason": (_text, "a text"),
            "facts": (_object, "an object"),
        },
        "interrupted": _LINE,
        "verdict": {
            **_LINE,
            "outcome": (_one_of(Outcome), "an outcome"),
            "phase": _PHASE,
            "code": (_maybe(_CODE[0]), "a failure code or null"),
            "reason": (_maybe(_text), "a text or null"),
            "anomalies": _ANOMALIES,
            "messages": _COUNT,
            "bytes_received": _COUNT,
            "truncated": (_flag, "true or false"),
        },
    }
)
"""The events, and of each its fields: what they must pass, and that in words."""
