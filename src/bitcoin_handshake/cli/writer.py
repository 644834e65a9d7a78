"""Writing in a thread of its own, so that a slow or stopped reader never holds up a timer.

Owns `BackgroundWriter`, which does the writing, and `RecordSink`, which gathers records for it in
the event loop. Knows nothing of what is written.
"""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from io import UnsupportedOperation
from queue import Empty, SimpleQueue
from typing import TextIO

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.records import ProbeResult

__all__ = ["BackgroundWriter", "RecordSink", "descriptor_writer", "stream_writer"]

MAX_BACKLOG = 4 * 1024 * 1024
"""Characters that wait to be written before no more nodes are dialled: about 5,000 records."""
LOW_BACKLOG = MAX_BACKLOG // 2
FLUSH_S = 0.05
"""How long a record may wait for others to be written with. Waking the thread for each would cost
more than making the record."""
FLUSH_COUNT = 256
TICK_S = 0.1


class BackgroundWriter:
    """Writes text in a thread of its own, in the order in which it comes.

    Args:
        write: Writes, and may block; called in the thread only. An `OSError` ends the writing.
        tick: Called in the thread every TICK_S seconds while nothing comes, if given.
        finish: Called in the thread at the end, if given.

    Attributes:
        error: Why writing ended early, or None. What came later is lost.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        tick: Callable[[], None] | None = None,
        finish: Callable[[], None] | None = None,
    ) -> None:
        self.error: OSError | None = None
        self._write = write
        self._tick = tick
        self._finish = finish
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._backlog = 0
        self._notify: Callable[[], None] | None = None
        # A daemon: a reader that never reads must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Characters that wait to be written."""
        return self._backlog

    def on_change(self, notify: Callable[[], None] | None) -> None:
        """Have `notify` called, in the thread, when the backlog is low again or writing failed."""
        self._notify = notify

    def put(self, text: str) -> None:
        """Have text written; does not block."""
        with self._lock:
            self._backlog += len(text)
        self._queue.put(text)

    def close(self) -> None:
        """Write what waits, and end. Blocks; may be interrupted by a signal's handler."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            while (text := self._next()) is not None:
                if self.error is None:
                    self._attempt(self._write, text)
                self._written(len(text))
        finally:
            if self._finish is not None:
                self._attempt(self._finish)

    def _next(self) -> str | None:
        while self._tick is not None:
            try:
                return self._queue.get(timeout=TICK_S)
            except Empty:
                if self.error is None:
                    self._attempt(self._tick)
        return self._queue.get()

    def _attempt(self, action: Callable[..., None], *arguments: str) -> None:
        try:
            action(*arguments)
        except OSError as error:
            self.error = self.error or error

    def _written(self, count: int) -> None:
        with self._lock:
            was_high = self._backlog > LOW_BACKLOG
            self._backlog -= count
            is_news = self.error is not None or (was_high and self._backlog <= LOW_BACKLOG)
        if is_news and self._notify is not None:
            self._notify()


class RecordSink:
    """Makes text of records and has it written, in batches; a `ResultSink`.

    Must be made inside the running event loop.

    Args:
        render: Makes the text of one record, its line end included.
        name: What the output is called, for errors.
        prologue: Text before the first record.
        on_failure: Called in the loop when writing failed.
    """

    def __init__(
        self,
        render: Callable[[ProbeResult], str],
        *,
        name: str,
        prologue: str = "",
        on_failure: Callable[[], None],
    ) -> None:
        self._render = render
        self._name = name
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._writer: BackgroundWriter
        self._prologue = prologue
        self._pending: list[ProbeResult] = []
        self._bug: Exception | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()

    def attach(self, writer: BackgroundWriter) -> None:
        """Say what writes; once, before the first record."""
        self._writer = writer
        writer.on_change(self._notify)

    def write(self, result: ProbeResult) -> None:
        """Take one record; it is handed on within FLUSH_S (0.05) seconds."""
        pending = self._pending
        pending.append(result)
        if len(pending) >= FLUSH_COUNT:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(FLUSH_S, self._flush)

    def finish(self, epilogue: str = "") -> None:
        """Hand on what is gathered, and a last text behind it."""
        self._flush()
        if self._prologue or epilogue:
            self._writer.put(self._prologue + epilogue)
            self._prologue = ""

    async def drain(self) -> None:
        """Wait until the backlog allows more.

        Raises:
            BrokenPipeError: The reader went away.
            EnvironmentFailure: The output cannot be written.
        """
        while self._writer.error is None and self._writer.backlog > MAX_BACKLOG:
            self._changed.clear()
            await self._changed.wait()
        self.raise_failure()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            # Together, not each as it comes: code that runs again at once is still in the caches.
            texts = [self._prologue]
            for result in self._pending:
                try:
                    texts.append(self._render(result))
                except Exception as bug:  # ours; the other records are written
                    self._bug = self._bug or bug
            self._pending.clear()
            self._prologue = ""
            self._writer.put("".join(texts))
            if self._bug is not None:
                self._on_failure()

    def raise_failure(self) -> None:
        """Raise why writing failed, if it did; see `drain`."""
        if self._bug is not None:
            raise self._bug
        error = self._writer.error
        if isinstance(error, BrokenPipeError):
            raise error
        if error is not None:
            raise EnvironmentFailure(f"cannot write {self._name}: {error.strerror or error}")

    def _notify(self) -> None:
        """Tell the loop, from the writer's thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._take_notice)

    def _take_notice(self) -> None:
        self._changed.set()
        if self._writer.error is not None:
            self._on_failure()


def stream_writer(stream: TextIO) -> Callable[[str], None]:
    """Return what writes to a stream, past its buffer where it has a descriptor.

    Characters that the stream's encoding does not have become escapes.
    """
    try:
        descriptor = stream.fileno()
    except (AttributeError, UnsupportedOperation, ValueError):  # a test's own, in memory

        def write(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write
    stream.flush()
    return descriptor_writer(descriptor, encoding=stream.encoding or "utf-8")


def descriptor_writer(descriptor: int, *, encoding: str = "utf-8") -> Callable[[str], None]:
    """Return what writes all of a text to a descriptor, waiting where it would block."""

    def write(text: str) -> None:
        rest = memoryview(text.encode(encoding, "backslashreplace"))
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:  # another program left it in that mode
                select.select([], [descriptor], [])

    return write
