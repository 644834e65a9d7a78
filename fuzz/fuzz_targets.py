"""What people pipe in: any bytes are lines, any line is a target, a bad target, or nothing."""

from __future__ import annotations

import io

from bitcoin_handshake.errors import BadTarget
from bitcoin_handshake.targets import MAX_KEPT_LINE_BYTES, iter_lines, parse_target, read_targets


def one_input(data: bytes) -> None:
    """Read a stream of targets; one that is accepted reads the same again."""
    for batch in iter_lines(io.BytesIO(data)):
        assert all(len(line) <= 4 * MAX_KEPT_LINE_BYTES for line in batch)
        for target in read_targets(batch):
            if isinstance(target, BadTarget):
                assert str(target)
            else:
                assert parse_target(target.text) == target
