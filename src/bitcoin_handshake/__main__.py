"""The command itself, and `python -m bitcoin_handshake`."""

from __future__ import annotations

import signal

__all__ = ["run"]


def run() -> None:
    """Run the command line of this process and exit.

    Ctrl-C while the command still loads ends it at once and without a word; from then on the
    command has handlers of its own.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from bitcoin_handshake.cli.main import run as run_command

    signal.signal(signal.SIGINT, handler)
    run_command()


if __name__ == "__main__":
    run()
