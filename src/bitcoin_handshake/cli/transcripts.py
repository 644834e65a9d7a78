"""The transcripts of a run: opened before anything is dialled, closed when all is written."""

from __future__ import annotations

import os
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bitcoin_handshake.cli.sources import Sources
from bitcoin_handshake.errors import EnvironmentFailure, InputError

if TYPE_CHECKING:
    from bitcoin_handshake.transcript.writer import TranscriptFiles

__all__ = ["Transcripts"]


class Transcripts:
    """What `--transcript` asks for, or nothing.

    Args:
        path: File or folder; None for no transcripts.
        sources: What is read, which must not be written over.
        output: File of the records, which must be another one; None for none.

    Attributes:
        sink: Where the transcripts go, or None.

    Raises:
        InputError: The file is read, or the records go there.
        EnvironmentFailure: It cannot be opened.
    """

    def __init__(self, path: str | None, sources: Sources, output: str | None) -> None:
        self.sink: TranscriptFiles | None = None
        if path is None:
            return
        from bitcoin_handshake.transcript.writer import TranscriptFiles

        self.sink = TranscriptFiles(path)
        descriptor = self.sink.descriptor
        if descriptor is None:
            return
        if sources.is_file(descriptor):
            self.close()
            raise InputError(f"{path} is read; transcripts cannot be written there")
        if output is not None and _is_same(output, descriptor):
            self.close()
            raise InputError(f"{path} gets the records; transcripts need a file of their own")

    def close(self) -> EnvironmentFailure | None:
        """Write what waits, and return why something could not be written."""
        sink, self.sink = self.sink, None
        if sink is not None:
            try:
                sink.close()
            except EnvironmentFailure as error:
                return error
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _is_same(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False
