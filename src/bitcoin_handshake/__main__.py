"""The command itself, and `python -m bitcoin_handshake`."""

from __future__ import annotations

import gc
import signal

__all__ = ["run"]

GC_THRESHOLD = 50_000
"""Allocations before the collector looks for cycles; Python's default is 700."""


def run() -> None:
    """Run the command line of this process and exit.

    Ctrl-C while the command still loads ends it at once and without a word; from then on the
    command has handlers of its own.
    """
    # Nearly everything is freed by its reference count. At the default threshold the collector takes a
    # twentieth of the imports, and 4 us of each handshake.
    gc.set_threshold(GC_THRESHOLD, 20, 50)
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bitcoin_handshake.cli.main import run as run_command

    signal.signal(signal.SIGINT, handler)
    run_command()


if __name__ == "__main__":
    run()
