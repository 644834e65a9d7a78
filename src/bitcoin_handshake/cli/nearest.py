"""The name that somebody most likely meant: for commands, variables and whatever else is mistyped."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]

LIKENESS = 0.75
"""Share of equal characters, as `difflib` counts them: `dmeo` is like `demo` (0.75), `node` is not."""


def nearest(word: str, names: Iterable[str], *, likeness: float = LIKENESS) -> str | None:
    """Return the name that is most like a word, upper and lower case being the same, or None."""
    from difflib import get_close_matches  # 2 ms, and rarely needed

    by_lower = {name.lower(): name for name in names}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[found[0]] if found else None
