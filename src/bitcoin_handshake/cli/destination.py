"""Where records go: standard output or a file, opened before anything is dialled."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import TextIO

from bitcoin_handshake.cli.palette import PLAIN, Palette, palette_for
from bitcoin_handshake.cli.sources import Sources
from bitcoin_handshake.cli.writer import descriptor_writer, stream_writer
from bitcoin_handshake.errors import EnvironmentFailure, InputError

__all__ = ["Destination"]


class Destination:
    """An output that is open.

    Args:
        path: File to write, or None for standard output.
        sources: What is read, which must not be written over.

    Attributes:
        name: What it is called in errors.
        stream: Standard output, or None for a file.
        palette: Its colours.
        write: Writes all of a text; may block.

    Raises:
        InputError: It is one of the files that are read.
        EnvironmentFailure: It cannot be opened.
    """

    def __init__(self, path: str | None, sources: Sources) -> None:
        self._descriptor: int | None = None
        self.stream: TextIO | None = None
        self.palette: Palette = PLAIN
        self.write: Callable[[str], None]
        if path is None:
            if sys.stdout is None:
                raise EnvironmentFailure("standard output is closed")
            self.name = "standard output"
            self.stream = sys.stdout
            self.palette = palette_for(sys.stdout)
            self.write = stream_writer(sys.stdout)
        else:
            self.name = path
            self._descriptor = _open(path, sources)
            self.write = descriptor_writer(self._descriptor)

    def close(self) -> None:
        """Close the file, if it is one.

        Raises:
            EnvironmentFailure: What was written is lost.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError as error:
                raise EnvironmentFailure(f"cannot write {self.name}: {error.strerror}") from None


def _open(path: str, sources: Sources) -> int:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise EnvironmentFailure(f"cannot write {path}: {why}") from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        if sources.is_file(descriptor):
            os.close(descriptor)
            raise InputError(f"{path} is read; it cannot be written as well")
        os.ftruncate(descriptor, 0)
    return descriptor
