"""The `version` message: what is accepted comes out the same again and has a record."""

from __future__ import annotations

import json

from bitcoin_handshake.errors import WireError
from bitcoin_handshake.messages.handshake import Version
from bitcoin_handshake.records import Outcome, ProbeResult


def one_input(data: bytes) -> None:
    """Read a payload."""
    try:
        version = Version.deserialize(data)
    except WireError:
        return
    assert version.serialize() == data
    json.dumps(version.to_json(), allow_nan=False)
    record = json.dumps(ProbeResult("x", "mainnet", Outcome.OK, 0.0, version=version).to_json())
    assert record.isprintable()
