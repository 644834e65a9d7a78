"""Refuses tracked files that are binary or over 1 MB outside the folders that are meant for data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MAX_BYTES = 1_000_000
DATA = ("fuzz/corpus/", "tests/vectors/")


def faults(checkout: Path) -> list[str]:
    """List the files of a git checkout that do not belong there, each with the reason."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=checkout, capture_output=True, text=True, timeout=60, check=True
    )
    found = []
    for name in filter(None, listing.stdout.split("\0")):
        path = checkout / name
        if name.startswith(DATA) or not path.is_file():
            continue
        if path.stat().st_size > MAX_BYTES:
            found.append(f"{name}: over {MAX_BYTES:,} bytes")
        elif b"\0" in path.read_bytes():
            found.append(f"{name}: binary")
    return found


if __name__ == "__main__":
    here = Path.cwd()
    if (here / ".git").exists():  # an unpacked release has nothing to compare with
        sys.exit("\n".join(faults(here)) or None)
