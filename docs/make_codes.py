"""Makes docs/codes.md and docs/codes/: one page for each failure code, with advice.

Everything on the pages comes from `bitcoin_handshake.codes`, `guidance` and the classes in `errors`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bitcoin_handshake import errors
from bitcoin_handshake.codes import ANOMALY_SENTENCES, FAILURE_SENTENCES, FailureCode
from bitcoin_handshake.errors import BitcoinHandshakeError, proxies
from bitcoin_handshake.guidance import GUIDANCE

FOLDER = Path(__file__).parent
INDEX_HEAD = """\
# Failure codes

Made by `python docs/generate.py` from the code; do not edit.

A record that is not `ok` has a `code`: a stable text that says why. Codes are never renamed or removed; new
ones may be added. The phase says where the connection stopped. Each code links to a page that says what you
can do.

| code | phase | meaning |
|---|---|---|
"""
ANOMALY_HEAD = """\

## Anomalies

An anomaly is something that a peer did against the protocol while the session continued. `anomalies` of a
record lists each code once. Where Bitcoin Core would disconnect for policy, this tool records the anomaly and
stays connected.

| code | what happens to the message |
|---|---|
"""


def class_of(code: FailureCode) -> type[BitcoinHandshakeError] | None:
    """Find the exception class that carries a code."""
    found = (
        value
        for module in (errors, proxies)
        for name in module.__all__
        if isinstance(value := getattr(module, name), type)
        and issubclass(value, BitcoinHandshakeError)
        and value is not BitcoinHandshakeError
        and value.__dict__.get("code") is code
    )
    return next(found, None)


def file_name(code: FailureCode) -> str:
    """Name the page of a code: `peer.timeout` is `peer-timeout.md`."""
    return f"{code.value.replace('.', '-').replace('_', '-')}.md"


def code_page(code: FailureCode) -> str:
    """Write the page of one code."""
    guidance = GUIDANCE[code]
    cls = class_of(code)
    lines = [f"# {code.value}\n", f"{FAILURE_SENTENCES[code]}.\n"]
    if guidance.phases:
        lines.append(f"Phase: {', '.join(f'`{phase}`' for phase in guidance.phases)}\n")
    lines.append(f"## What you can do\n\n{guidance.advice}\n")
    if cls is not None:
        fields = ", ".join(f"`{field.name}`" for field in dataclasses.fields(cls)) or "none"
        lines.append(f"## In the library\n\n`bitcoin_handshake.errors.{cls.__name__}`, fields: {fields}\n")
    return "\n".join(lines)


def index() -> str:
    """Write the table of all codes."""
    rows = []
    for code, sentence in FAILURE_SENTENCES.items():
        phases = ", ".join(GUIDANCE[code].phases)
        rows.append(f"| [`{code.value}`](codes/{file_name(code)}) | {phases} | {sentence} |\n")
    anomalies = [f"| `{code.value}` | {sentence} |\n" for code, sentence in ANOMALY_SENTENCES.items()]
    return INDEX_HEAD + "".join(rows) + ANOMALY_HEAD + "".join(anomalies)


def pages() -> dict[Path, str]:
    """Write all pages: path and text."""
    single = {FOLDER / "codes" / file_name(code): code_page(code) for code in FailureCode}
    return {FOLDER / "codes.md": index(), **single}
