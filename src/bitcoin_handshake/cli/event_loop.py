"""The event loop of a command, with the signals that end it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.interrupts import Interrupts

__all__ = ["run_interruptible"]

GC_THRESHOLD = 50_000
"""Objects made and not freed before cycles are looked for; Python's own number is 700."""


def run_interruptible(main: Callable[[Interrupts], Coroutine[Any, Any, ExitCode]]) -> ExitCode:
    """Run a coroutine in a new event loop, with signals caught until its end."""
    # Nearly all that a run makes is freed by its reference count: looking for cycles as often as
    # Python does by default costs 4 us a handshake, a twentieth.
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    with (
        Interrupts(hurry=_leave_in_a_hurry) as interrupts,
        asyncio.Runner(loop_factory=_loop_factory()) as runner,
    ):
        return runner.run(main(interrupts))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # no wheel for this platform: the standard loop does as well
        return None
    return uvloop.new_event_loop


def _leave_in_a_hurry() -> None:
    from bitcoin_handshake.cli.progress import restore_cursor

    restore_cursor()
