"""Text of strangers, made safe to show.

Peers, DNS servers and lines of a file choose what is in it: escape sequences that repaint a
terminal, line ends that forge a second line, formulas that a spreadsheet runs.
"""

from __future__ import annotations

import re

__all__ = ["ascii_printable", "column_text", "formula_safe", "number_safe", "printable"]

# What pandas, DuckDB or LibreOffice read as a number, a date, a time or a missing value.
_NUMBER = re.compile(
    r"\s*[+-]?(?:"
    r"(?:[0-9][0-9_,.' ]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*%?|0[xXbB][0-9a-fA-F]+"
    r"|inf(?:inity)?|nan|n/?a|<na>|null|none|true|false|t|f|yes|no"
    r"|#n/a(?: n/a)?|1\.#ind|1\.#qnan|-?nan"
    r"|[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?"
    r")\s*",
    re.IGNORECASE,
)

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


# Directions and classes of characters that leave the rest of a line where it is.
_STILL_DIRECTIONS = frozenset(("L", "EN", "ES", "ET", "CS", "ON"))
_MOVING_CATEGORIES = ("M", "C", "Z")


def column_text(text: str) -> str:
    """Write text that stands in a column: it cannot look like the end of the column.

    Columns are separated by two spaces. Of several spaces in a row, and of those at the beginning
    and at the end, all but the first within the text become `\\x20`. Non-ASCII characters stay
    where they print and have a place of their own: letters that run from right to left and marks
    that combine would move what follows, and become escapes.
    """
    if text.isascii() and text.isprintable() and "  " not in text and text == text.strip():
        return text
    inner = text.strip(" ")
    start = len(text) - len(text.lstrip(" "))
    end = len(text) - start - len(inner)
    shown = "".join(char if _has_own_place(char) else _escaped(char) for char in inner)
    shown = re.sub(" {2,}", lambda match: " " + "\\x20" * (len(match[0]) - 1), shown)
    return "\\x20" * start + shown + "\\x20" * max(end, 0)


def _has_own_place(char: str) -> bool:
    if char.isascii():
        return char.isprintable()
    import unicodedata  # a library of its own, which most runs do not need

    return (
        char.isprintable()
        and unicodedata.bidirectional(char) in _STILL_DIRECTIONS
        and not unicodedata.category(char).startswith(_MOVING_CATEGORIES)
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def formula_safe(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def number_safe(text: str) -> str:
    """Put an apostrophe before what a reader of CSV would take for a number or a missing value."""
    return f"'{text}" if _NUMBER.fullmatch(text) else text
