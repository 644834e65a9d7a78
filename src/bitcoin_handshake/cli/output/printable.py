"""Text of strangers, made safe to show.

Peers, DNS servers and lines of a file choose what is in it: escape sequences that repaint a
terminal, line ends that forge a second line, formulas that a spreadsheet runs.
"""

from __future__ import annotations

__all__ = ["ascii_printable", "formula_safe", "printable"]

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def printable(text: str) -> str:
    """Write characters that do not print as escapes such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def ascii_printable(text: str) -> str:
    """Write all but printable ASCII as escapes: what is left is one column wide each."""
    if text.isascii():
        return printable(text)
    return "".join(
        char if char.isascii() and char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def formula_safe(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
