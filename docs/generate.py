"""Makes the generated pages of the documentation, or compares them with the files.

    python docs/generate.py [--check]

Exit codes: 0 written, or with --check all current; 1 with --check, and some page is not current.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import make_codes
import make_commands
import make_messages
import make_store

GENERATED_FOLDERS = (make_codes.FOLDER / "codes", make_commands.FOLDER)


def pages() -> dict[Path, str]:
    """Write every generated page: path and text."""
    single = {make_messages.PAGE: make_messages.page(), make_store.PAGE: make_store.page()}
    return {**single, **make_codes.pages(), **make_commands.pages()}


def stale(wanted: dict[Path, str]) -> list[Path]:
    """List the pages whose file differs, is missing, or should not be there."""
    differing = [
        path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    extra = [path for folder in GENERATED_FOLDERS for path in folder.glob("*.md") if path not in wanted]
    return differing + extra


def main() -> int:
    """Write the pages, or compare them."""
    wanted = pages()
    if "--check" in sys.argv[1:]:
        for path in stale(wanted):
            print(f"not current: {path} (run: python docs/generate.py)")
        return 1 if stale(wanted) else 0
    for path in stale(wanted):
        if path in wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
