"""`decode`: any input in any view ends in printable lines and exit code 0 or 1.

The first byte selects the view and, every other time, puts the input behind the header of a message.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from unittest.mock import patch

from bitcoin_handshake.cli.explain import explain
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.messages import REGISTRY
from bitcoin_handshake.transport.v1 import serialize_message
from tests.transcripts import captured_v2

VIEWS = (None, "as_json", "hexdump", "sequence")
MSG_TYPES = sorted(REGISTRY)
MAGIC = bytes.fromhex("f9beb4d9")
TRANSCRIPT = captured_v2(secrets=False).text.encode()


def one_input(data: bytes) -> None:
    """Explain the input."""
    if len(data) < 2:
        return
    view = VIEWS[data[0] % len(VIEWS)]
    msg_type = MSG_TYPES[data[1] % len(MSG_TYPES)]
    form = data[0] // len(VIEWS) % 4
    body = data[2:]
    raw = (body, serialize_message(MAGIC, msg_type, body), body, TRANSCRIPT + body)[form]
    out = io.StringIO()
    with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw))), redirect_stdout(out):
        try:
            code = explain("-", view=view, msg_type=msg_type if form == 2 else None, network=None)
        except InputError as error:
            str(error)
            return
    assert code in (0, 1)
    lines = out.getvalue().splitlines()
    assert all(line.isprintable() for line in lines)
    if view == "as_json":
        for line in lines:
            json.loads(line)
