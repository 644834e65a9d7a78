"""A file, or standard input, that a command reads as bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import BinaryIO

from bitcoin_handshake.errors import EnvironmentFailure

__all__ = ["STDIN_NAME", "open_input"]

STDIN_NAME = "standard input"


@contextmanager
def open_input(path: str) -> Iterator[tuple[BinaryIO, str]]:
    """Open a file, or standard input for `-`, and give its name for errors.

    Raises:
        EnvironmentFailure: It cannot be opened.
    """
    if path == "-":
        if sys.stdin is None:
            raise EnvironmentFailure(f"{STDIN_NAME} is closed")
        yield sys.stdin.buffer, STDIN_NAME
        return
    try:
        stream = open(path, "rb")  # noqa: SIM115  # closed below
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise EnvironmentFailure(f"cannot read {path}: {why}") from None
    assert isinstance(stream, BufferedReader)
    with stream:
        yield stream, path
