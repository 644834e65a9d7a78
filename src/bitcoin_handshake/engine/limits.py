"""What this machine lets us do at once, and the limits that we set ourselves.

Owns the named limits of the engine and the file-descriptor limit of the process.
"""

from __future__ import annotations

import errno
import resource

from bitcoin_handshake import defaults
from bitcoin_handshake.errors import EnvironmentFailure

__all__ = [
    "DEFAULT_CONCURRENCY",
    "MAX_READS_AT_DEADLINE",
    "MAX_TOTAL_BUFFERED",
    "OUT_OF_RESOURCES",
    "RECEIVE_CHUNK",
    "SHORTAGE_LIMIT_S",
    "fit_concurrency",
    "fit_lookups",
    "raise_descriptor_limit",
]

DEFAULT_CONCURRENCY = defaults.CONCURRENCY
"""Connections at once, unless the caller or the descriptor limit says otherwise."""

RECEIVE_CHUNK = 4 * 1024
"""Bytes that one read takes from one socket at most, before the next socket has its turn: a whole
handshake, and of a flood of pings 128, which take 0.7 ms to answer."""

MAX_READS_AT_DEADLINE = 256
"""Reads that a deadline waits for, where data waits in the socket: 1 MiB, which a session calls a
flood. A peer that is flooding by its messages has one more and delays the others by 0.7 ms."""

MAX_TOTAL_BUFFERED = 64 * 1024 * 1024
"""Bytes of unfinished messages that all connections together may hold. Above it, reading pauses
on every connection that holds more than SMALL_BUFFER; healthy handshakes go on."""

SMALL_BUFFER = 4 * 1024
"""What one connection may hold, and one RECEIVE_CHUNK more, even while reading is paused for the
large ones."""

RESERVED_DESCRIPTORS = 64
"""Descriptors left for files, the loop and the standard streams."""

MAX_LOOKUPS = 1024
"""Names that are being looked up at once, however many connections are allowed."""

DESCRIPTORS_PER_LOOKUP = 8
"""Two questions, each with a socket for every one of three name servers, and one for TCP."""

AMPLE_DESCRIPTORS = 8192
"""With a limit of 20,000, 3,000 names wait 50 s for a silent server at 10 s each, instead of 100 s."""

SHORTAGE_LIMIT_S = 120.0
"""How long to wait for a descriptor or a local port while nothing else ends: a connection that is
over keeps its port for 60 s."""

OUT_OF_RESOURCES = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.EADDRNOTAVAIL,
        errno.EAGAIN,
    }
)
"""Errors of `socket` and `connect` that say something of this machine and nothing of the peer.

EADDRNOTAVAIL is how Linux reports that no local port is left for the destination; it can also
mean that there is no local address to reach it from.
"""


def raise_descriptor_limit() -> int:
    """Raise the soft limit of open files to the hard one.

    Returns:
        The soft limit that now holds.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, 1 << 20)
    if soft < hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):
            return soft
    return soft


def fit_lookups(wanted: int | None = None) -> int:
    """Tell how many names may be looked up at once.

    An eighth of the descriptors are for that, and of those above AMPLE_DESCRIPTORS a half.

    Args:
        wanted: Connections at once that the caller asked for; None for DEFAULT_CONCURRENCY.
    """
    limit = raise_descriptor_limit()
    room = max(limit // 8, (limit - AMPLE_DESCRIPTORS) // 2) // DESCRIPTORS_PER_LOOKUP
    return max(1, min(wanted or DEFAULT_CONCURRENCY, MAX_LOOKUPS, room))


def fit_concurrency(wanted: int | None) -> int:
    """Tell how many connections may be open at once under the descriptor limit.

    Args:
        wanted: What the caller asked for; None for DEFAULT_CONCURRENCY.

    Returns:
        The wanted number, or what fits.

    Raises:
        EnvironmentFailure: Not even one connection fits.
    """
    limit = raise_descriptor_limit()
    left = limit - fit_lookups(wanted) * DESCRIPTORS_PER_LOOKUP
    room = left - RESERVED_DESCRIPTORS
    if room < 1:
        # A very low limit: what the process itself needs is about a dozen.
        room = left - 16
    if room < 1:
        raise EnvironmentFailure(
            f"the limit of open files is {limit}: too low for any connection; raise it (ulimit -n)"
        )
    return min(wanted or DEFAULT_CONCURRENCY, room)
