"""Where records go: standard output or a file, opened before anything is dialled.

A file that is there already stays as it is until the first records are written, or a run ends without
any: they are written beside it, and that file then takes its name.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from bitcoin_handshake.cli.palette import PLAIN, Palette, palette_for
from bitcoin_handshake.cli.sources import Sources
from bitcoin_handshake.cli.writer import descriptor_writer, stream_writer
from bitcoin_handshake.errors import EnvironmentFailure, InputError

__all__ = ["Destination"]

NAME_LEN = 32
"""Characters of a file's name that the file beside it has too; a name has 255 bytes at most."""


class Destination:
    """An output that is open.

    Args:
        path: File to write, or None for standard output.
        sources: What is read, which must not be written over.
        append: Whether what the file has is kept, and the records follow it.

    Attributes:
        name: What it is called in errors.
        stream: Standard output, or None for a file.
        palette: Its colours.
        write: Writes all of a text; may block.
        has_text: Whether records of an earlier run are kept: the header of a table is there.

    Raises:
        InputError: It is one of the files that are read.
        EnvironmentFailure: It cannot be opened.
    """

    def __init__(self, path: str | None, sources: Sources, *, append: bool = False) -> None:
        self._file: _File | None = None
        self.stream: TextIO | None = None
        self.palette: Palette = PLAIN
        self.has_text = False
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
            try:
                self._file = _File(path, sources, append=append)
            except InputError:
                raise
            except (OSError, ValueError) as error:
                why = (error.strerror if isinstance(error, OSError) else None) or str(error)
                raise EnvironmentFailure(f"cannot write {path}: {why}") from None
            self.has_text = self._file.has_text
            self.write = self._file.write

    def finish(self) -> None:
        """End a run: what was there before is gone, also where no record came.

        Raises:
            EnvironmentFailure: What was written is lost.
        """
        if self._file is not None:
            try:
                self._file.replace()
            except OSError as error:
                raise EnvironmentFailure(f"cannot write {self.name}: {error.strerror}") from None
        self.close()

    def close(self) -> None:
        """Close the file, if it is one; without a record, what was there before stays.

        Raises:
            EnvironmentFailure: What was written is lost.
        """
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                raise EnvironmentFailure(f"cannot write {self.name}: {error.strerror}") from None


class _File:
    """A file that is written: in place, or beside the one that it is to replace.

    In place where it is no regular file, where records are appended, and where the directory takes no
    other file.
    """

    def __init__(self, path: str, sources: Sources, *, append: bool) -> None:
        self.has_text = False
        self._beside: str | None = None
        self._truncates = False
        self._path = os.path.realpath(path) if "\0" not in path else path
        is_new = not os.path.lexists(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if append else 0)
        self._descriptor = os.open(path, flags, 0o666)
        self._made = self._path if is_new else None
        try:
            self._prepare(path, sources, append=append)
        except BaseException:
            os.close(self._descriptor)
            raise
        self._write = descriptor_writer(self._descriptor)

    def _prepare(self, path: str, sources: Sources, *, append: bool) -> None:
        state = os.fstat(self._descriptor)
        if not stat.S_ISREG(state.st_mode):
            return
        if sources.is_file(self._descriptor):
            raise InputError(f"{path} is read; it cannot be written as well")
        if append:
            self.has_text = state.st_size > 0
        elif self._made is None:
            self._truncates = not self._open_beside(state)

    def _open_beside(self, state: os.stat_result) -> bool:
        """Open a new file in the same directory, with the same owner and mode; tell whether it could be."""
        folder, _, name = self._path.rpartition(os.sep)
        beside = f"{folder}{os.sep}.{name[:NAME_LEN]}.{os.getpid()}.part"
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            if (state.st_uid, state.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, state.st_uid, state.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(state.st_mode))
        except OSError:
            os.close(descriptor)
            os.unlink(beside)
            return False
        os.close(self._descriptor)
        self._descriptor, self._beside = descriptor, beside
        return True

    def write(self, text: str) -> None:
        """Write all of a text, and take the place of what was there."""
        if self._truncates:
            self.replace()
        self._write(text)
        self.replace()

    def replace(self) -> None:
        """Take the place of what was there."""
        self._made = None
        if self._truncates:
            self._truncates = False
            os.ftruncate(self._descriptor, 0)
        if self._beside is not None:
            os.rename(self._beside, self._path)
            self._beside = None

    def close(self) -> None:
        """Close; remove the file if nothing of it is wanted."""
        for path in (self._beside, self._made):
            if path is not None:
                with suppress(OSError):
                    os.unlink(path)
        os.close(self._descriptor)
