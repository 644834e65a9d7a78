"""Children of a benchmark end with it, also where it is killed."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def dies_with_parent() -> None:
    """Ask Linux to end this process when its parent ends: a `preexec_fn` (prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
