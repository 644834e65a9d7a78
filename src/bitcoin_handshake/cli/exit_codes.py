"""The exit codes, all of them."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """What the process says to whoever started it."""

    OK = 0  # at least one node completed the handshake
    NONE_COMPLETED = 1  # ran, and none did; everything skipped counts as this
    USAGE = 2  # wrong usage, no target at all, a malformed argument; nothing was dialled
    NOTHING_RESOLVED = 3  # no target gave an address
    ENVIRONMENT = 4  # this machine fails: no such file, disk full, no descriptors, proxy down
    INTERNAL = 70  # a bug of ours
    HUNG_UP = 129  # ended by SIGHUP; what was known is printed
    INTERRUPTED = 130  # interrupted by SIGINT (Ctrl-C); what was known is printed
    PIPE_CLOSED = 141  # the reader of the output went away
    TERMINATED = 143  # ended by SIGTERM; what was known is printed
