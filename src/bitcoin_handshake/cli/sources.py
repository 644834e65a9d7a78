"""Where targets come from: arguments, files, standard input.

Owns the opening of them, all before anything is dialled, and the reading of the streams in
threads, in bounded memory. What a target is, `targets` knows.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from bitcoin_handshake.errors import BadTarget, EnvironmentFailure, InputError
from bitcoin_handshake.targets import Target, iter_lines, parse_target, read_targets

__all__ = ["Sources"]

BATCH = 256
"""Targets read at once in the loop: about half a millisecond."""
BLOCKS_AHEAD = 2
"""Blocks of lines (64 KiB each) that a reading thread may be ahead."""

Batch = Sequence[Target | BadTarget]


class Sources:
    """Everything that was asked for, opened.

    Args:
        arguments: As typed: targets, `@FILE`, `-`.

    Attributes:
        count: Targets handed out so far, malformed ones included.
        is_exhausted: Whether all were handed out.

    Raises:
        BadTarget: An argument is malformed.
        InputError: Standard input is named twice.
        EnvironmentFailure: A file cannot be opened.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.count = 0
        self.is_exhausted = False
        self._files = ExitStack()
        self._streams: list[tuple[str, BinaryIO]] = []
        names = [argument for argument in arguments if argument == "-" or argument.startswith("@")]
        self._typed = [parse_target(argument) for argument in arguments if argument not in names]
        if names.count("-") > 1:
            raise InputError("standard input (-) can be read only once")
        try:
            for name in names:
                self._streams.append((name, self._open(name)))
        except BaseException:
            self.close()
            raise

    def _open(self, name: str) -> BinaryIO:
        if name == "-":
            if sys.stdin is None:
                raise EnvironmentFailure("standard input is closed")
            return sys.stdin.buffer
        path = name[1:]
        if not path:
            raise BadTarget(text=name, why="the name of a file belongs behind @")
        try:
            stream = open(path, "rb", buffering=0)  # noqa: SIM115  # closed by the stack
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise EnvironmentFailure(f"cannot read {path}: {why}") from None
        return self._files.enter_context(stream)

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def is_file(self, descriptor: int) -> bool:
        """Whether a descriptor is one of the files that are read."""
        for _, stream in self._streams:
            try:
                if os.path.samestat(os.fstat(stream.fileno()), os.fstat(descriptor)):
                    return True
            except (OSError, ValueError):  # in memory: a test's own
                continue
        return False

    async def batches(self) -> AsyncIterator[Batch]:
        """Hand out the targets: the typed ones first, then each stream in the order named.

        Raises:
            EnvironmentFailure: A stream cannot be read.
        """
        for start in range(0, len(self._typed), BATCH):
            yield self._counted(self._typed[start : start + BATCH])
        for name, stream in self._streams:
            shown = "standard input" if name == "-" else name[1:]
            number = 1
            async for lines in _blocks(name, stream):
                for start in range(0, len(lines), BATCH):
                    piece = lines[start : start + BATCH]
                    batch = list(read_targets(piece, name=shown, first_line=number))
                    number += len(piece)
                    if batch:
                        yield self._counted(batch)
        self.is_exhausted = True

    def _counted(self, batch: Batch) -> Batch:
        self.count += len(batch)
        return batch


class _Blocks:
    """Lines of one stream, read by a thread that stays BLOCKS_AHEAD at most."""

    def __init__(self, name: str, stream: BinaryIO) -> None:
        self._name = name
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._room = threading.Semaphore(BLOCKS_AHEAD)
        self._is_closed = False
        self.queue: asyncio.Queue[list[str] | EnvironmentFailure | None] = asyncio.Queue()
        # A daemon: nobody can interrupt a thread that waits for a keyboard.
        threading.Thread(target=self._read, name=f"read {name}", daemon=True).start()

    async def next(self) -> list[str] | None:
        """Wait for the next block of lines; None at the end."""
        item = await self.queue.get()
        self._room.release()
        if isinstance(item, EnvironmentFailure):
            raise item
        return item

    def close(self) -> None:
        """Let the thread end at its next block."""
        self._is_closed = True
        self._room.release()

    def _read(self) -> None:
        end: EnvironmentFailure | None = None
        try:
            for lines in self._lines():
                self._hand_over(lines)
                self._room.acquire()
                if self._is_closed:
                    return
        except OSError as error:
            shown = "standard input" if self._name == "-" else self._name[1:]
            end = EnvironmentFailure(f"cannot read {shown}: {error.strerror or error}")
        except ValueError:  # closed under our hands: the run is over
            return
        self._hand_over(end)

    def _lines(self) -> Iterator[list[str]]:
        return iter_lines(self._stream)

    def _hand_over(self, item: list[str] | EnvironmentFailure | None) -> None:
        try:
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)
        except RuntimeError:  # the loop is closed: the run is over
            self._is_closed = True


async def _blocks(name: str, stream: BinaryIO) -> AsyncIterator[list[str]]:
    blocks = _Blocks(name, stream)
    try:
        while (lines := await blocks.next()) is not None:
            yield lines
    finally:
        blocks.close()
