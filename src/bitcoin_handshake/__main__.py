"""The command itself, and `python -m bitcoin_handshake`."""

from __future__ import annotations

import os
import signal
from types import FrameType

__all__ = ["run"]

GC_THRESHOLD = 50_000
"""Allocations before the collector looks for cycles; Python's default is 700."""


def _exit(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


# When this module is imported, not in `run`: what is imported next takes most of the start, and a
# KeyboardInterrupt there, or while the interpreter ends, would print a traceback. An event loop puts
# handlers of its own in their place (`cli.interrupts`). What is ignored (`nohup`, a job in the background)
# stays ignored.
for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) in (signal.SIG_DFL, signal.default_int_handler):
        signal.signal(_number, _exit)


def run() -> None:
    """Run the command line of this process and exit.

    Outside the event loop, SIGINT, SIGTERM and SIGHUP end the process at once and without output, with
    128 plus their number as exit code.
    """
    import gc

    # Nearly everything is freed by its reference count. At the default threshold the collector takes a
    # twentieth of the imports, and 4 us of each handshake.
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    from bitcoin_handshake.cli.main import run as run_command

    run_command()


if __name__ == "__main__":
    run()
