"""SIGINT, SIGTERM and SIGHUP: the first asks to end, the second ends at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from bitcoin_handshake.cli.exit_codes import ExitCode

__all__ = ["Interrupts"]

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Catches the signals that ask a process to end, inside a `with` block.

    A signal that is ignored (SIGHUP by `nohup`, SIGINT in a background job) stays so.
    Outside the main thread nothing is caught.

    Args:
        hurry: Called before the process ends at once; must be quick.

    Attributes:
        happened: Whether one came.
        exit_code: That of a process that the first one ended: 130 for SIGINT, 143 for SIGTERM, 129 for
            SIGHUP.
    """

    def __init__(self, *, hurry: Callable[[], None] | None = None) -> None:
        self.happened = False
        self.exit_code = ExitCode.INTERRUPTED
        self._hurry = hurry
        self._stop: Callable[[], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def on_first(self, stop: Callable[[], None]) -> None:
        """Have `stop` called, in the running event loop, at the first signal or if it came already."""
        self._loop = asyncio.get_running_loop()
        self._stop = stop
        if self.happened:
            self._loop.call_soon(stop)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.happened:
            if self._hurry is not None:
                self._hurry()
            os._exit(self.exit_code)
        self.happened = True
        self.exit_code = ExitCode(128 + number)
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)
