"""The event loop of a command, with the signals that end it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any

from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.interrupts import Interrupts
from bitcoin_handshake.engine.limits import fit_concurrency

__all__ = ["run_interruptible"]


def run_interruptible(
    main: Callable[[Interrupts], Coroutine[Any, Any, ExitCode]], *, with_uvloop: bool = True
) -> ExitCode:
    """Run a coroutine in a new event loop, with signals caught until its end.

    Args:
        main: Makes the coroutine.
        with_uvloop: Whether to use uvloop, where it is installed. Loading it takes a tenth of the start.
            It helps commands that serve many sockets by asyncio protocols (`simulate`, `demo`). The
            dialer has its own epoll, so the `handshake` command is as fast without it.

    Raises:
        EnvironmentFailure: The limit of open files is too low for a single connection. Found here, before the
            loop opens its own, which would end in a traceback.
    """
    fit_concurrency(1)
    gc.freeze()
    with (
        Interrupts(hurry=_leave_in_a_hurry) as interrupts,
        asyncio.Runner(loop_factory=_loop_factory() if with_uvloop else None) as runner,
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
