"""When an address that did not answer is tried again, across runs.

The pause doubles with every failure, from an hour to a week, so that a crawl every hour does not dial
ten dead addresses for each living one, and a node that comes back is found within a week.
"""

from __future__ import annotations

__all__ = ["FIRST_PAUSE_S", "MAX_PAUSE_S", "may_try", "pause_s"]

FIRST_PAUSE_S = 3600
MAX_PAUSE_S = 7 * 86_400


def pause_s(failures: int) -> int:
    """Return how many seconds pass between a visit that failed and the next one.

    Args:
        failures: Visits in a row that failed.
    """
    if failures <= 0:
        return 0
    return min(FIRST_PAUSE_S << min(failures - 1, 32), MAX_PAUSE_S)


def may_try(failures: int, tried_unix: int, *, now_unix: int) -> bool:
    """Tell whether an address may be visited.

    A clock that was set back does not keep an address out: a time in the future counts as none.

    Args:
        failures: Visits in a row that failed.
        tried_unix: When the last one was, Unix seconds; 0 for never.
        now_unix: Unix seconds.
    """
    return tried_unix > now_unix or now_unix - tried_unix >= pause_s(failures)
