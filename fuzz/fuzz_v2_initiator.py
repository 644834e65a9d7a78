"""The v2 transport as initiator: any stream ends in messages or in a documented error."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fuzz import v2_stream


def one_input(data: bytes) -> None:
    """Read what the input makes of the responder's side."""
    v2_stream.one_input(data, initiating=True)
