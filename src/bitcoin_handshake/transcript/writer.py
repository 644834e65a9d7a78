"""Transcripts into files: one for each connection of a run, or one for all.

Owns the files and the thread that writes them, so that a slow disk never holds up a timer.

A folder gets one file for each connection; its name is made of time, number and address. A file
gets all connections one after the other; where lines of two mix, their numbers tell them apart.
Files are readable by their owner only: with secrets they hold keys.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from dataclasses import dataclass, field
from queue import SimpleQueue

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.transcript.format import line_of

__all__ = ["TranscriptFiles"]

GATHERED_CHARACTERS = 32 * 1024
"""Text of a connection that is gathered before the thread gets it; most take less in all."""
MAX_BACKLOG = 64 * 1024 * 1024
"""Characters that wait for the disk before messages are only counted."""
MAX_NAME_LEN = 120
MAX_NAME_CLASHES = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(slots=True)
class _Open:
    """A connection that has not ended yet."""

    label: str
    lines: list[str] = field(default_factory=list)
    size: int = 0
    path: str | None = None


class TranscriptFiles:
    """A `TranscriptSink` that writes files.

    Args:
        path: A folder, where it exists or the name ends in a slash; else a file, which is appended to.

    Attributes:
        error: Why writing failed, or None; what came later is lost, and the run goes on.

    Raises:
        EnvironmentFailure: It cannot be opened or made.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error: OSError | None = None
        self._open: dict[int, _Open] = {}
        self._count = 0
        self._backlog = 0
        self._lock = threading.Lock()
        self._queue: SimpleQueue[tuple[_Open, int, str] | None] = SimpleQueue()
        self._descriptor: int | None = None
        self._begins_line = False
        self._is_folder = path.endswith(os.sep) or os.path.isdir(path)
        try:
            if self._is_folder:
                os.makedirs(path, exist_ok=True)
                _check_folder(path)
            else:
                self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                self._begins_line = _ends_inside_a_line(path, self._descriptor)
        except (OSError, ValueError) as error:
            raise EnvironmentFailure(f"cannot write {path}: {_why(error)}") from None
        self._thread = threading.Thread(target=self._run, name="transcripts", daemon=True)
        self._thread.start()

    @property
    def has_room(self) -> bool:
        """Whether the disk follows."""
        return self._backlog < MAX_BACKLOG

    @property
    def descriptor(self) -> int | None:
        """The file's descriptor; None for a folder."""
        return self._descriptor

    def begin(self, label: str) -> int:
        """Take a new connection."""
        self._count += 1
        self._open[self._count] = _Open(label)
        return self._count

    def write(self, connection: int, lines: str, *, is_last: bool) -> None:
        """Take lines; they are handed to the thread by and by."""
        open_ = self._open[connection]
        open_.lines.append(lines)
        open_.size += len(lines)
        if is_last:
            del self._open[connection]
        if is_last or open_.size >= GATHERED_CHARACTERS:
            self._hand_over(connection, open_)

    def close(self) -> None:
        """Say of connections without a verdict that they were interrupted; write what waits; end.

        Raises:
            EnvironmentFailure: Something could not be written, now or before.
        """
        for connection in list(self._open):
            last = line_of({"event": "interrupted", "connection": connection})
            self.write(connection, last, is_last=True)
        self._queue.put(None)
        self._thread.join()
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.close(descriptor)
            except OSError as error:
                self.error = self.error or error
        if self.error is not None:
            raise EnvironmentFailure(f"cannot write {self.error.filename or self.path}: {_why(self.error)}")

    def _hand_over(self, connection: int, open_: _Open) -> None:
        text = "".join(open_.lines)
        open_.lines.clear()
        open_.size = 0
        with self._lock:
            self._backlog += len(text)
        self._queue.put((open_, connection, text))

    # --- in the thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            open_, connection, text = item
            if self.error is None:
                try:
                    self._write(open_, connection, text.encode("ascii"))
                except OSError as error:
                    self.error = error
            with self._lock:
                self._backlog -= len(text)

    def _write(self, open_: _Open, connection: int, data: bytes) -> None:
        if self._descriptor is not None:
            if self._begins_line:  # a run that was killed, or a full disk, has left half a line
                self._begins_line = False
                data = b"\n" + data
            _write_all(self._descriptor, data)
            return
        # Opened for each write: thousands of connections would need as many descriptors.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        if open_.path is None:
            descriptor, open_.path = self._create(_file_name(open_.label, connection))
        else:
            descriptor = os.open(open_.path, flags)
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)

    def _create(self, name: str) -> tuple[int, str]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        for clash in range(MAX_NAME_CLASHES):
            suffix = f"-{clash}" if clash else ""
            path = os.path.join(self.path, f"{name}{suffix}.jsonl")
            try:
                return os.open(path, flags, 0o600), path
            except FileExistsError as error:
                clashing = error
        raise clashing


def _file_name(label: str, connection: int) -> str:
    """Make a name that no file system minds and that sorts by time."""
    time, _, address = label.partition(" ")
    time = _UNSAFE.sub("", time)
    rest = _UNSAFE.sub("_", address).strip("_.")
    return f"{time}-{connection:06d}-{rest}"[:MAX_NAME_LEN]


def _check_folder(path: str) -> None:
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13), path)


def _ends_inside_a_line(path: str, descriptor: int) -> bool:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return False
    try:
        with open(path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except OSError:  # may be written and not read
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
