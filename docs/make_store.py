"""Makes docs/store.md: the tables and views of a store, from `store.schema`."""

from __future__ import annotations

import re
from pathlib import Path

from bitcoin_handshake.store.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION

PAGE = Path(__file__).parent / "store.md"

HEAD = """\
# The store

Made by `python docs/generate.py` from the code; do not edit.

What runs learn is kept in one SQLite file. Any program that reads SQLite can open it, also while a run writes
into it (it is in WAL mode):

```text
sqlite3 crawl.sqlite 'SELECT * FROM by_network'
datasette crawl.sqlite
```

The schema has version {version} (`PRAGMA user_version`); the file has the application id {application:#x}
(`PRAGMA application_id`). A newer version of this program converts an older store when it writes into it; an
older version refuses a newer store. One run at a time writes: it holds a lock on the file `NAME-lock` beside
the store.

* Times are integers: milliseconds since the Unix epoch in columns whose name ends in `_ms`.
* `services` is an unsigned 64-bit mask, and SQLite's integers are signed: it is stored as two's complement.
  Tests of bits work (`services & 2048` for v2); `printf('%016x', services)` shows it as hex.
* `gossip.nodes` is a packed set of `node_id`: one byte 1, then zlib of the low bytes and after them the high
  bytes of the gaps between ascending numbers, the first gap being the first number; or one byte 2, then zlib
  of 32-bit little-endian gaps.

"""


def objects() -> list[tuple[str, str, str, str]]:
    """Return kind, name, comment and statement of each table and view."""
    found = []
    for statement in re.split(r";\n\n?", SCHEMA.strip()):
        comments = [line[3:] for line in statement.splitlines() if line.startswith("-- ")]
        body = "\n".join(line for line in statement.splitlines() if not line.startswith("-- "))
        if match := re.match(r"CREATE (TABLE|VIEW) (\w+)", body):
            found.append((match[1].lower(), match[2], " ".join(comments), body))
    return found


def columns(body: str) -> str:
    """Write the columns of a table as rows of Markdown."""
    rows = ["| column | type and constraints | meaning |", "|---|---|---|"]
    for line in body.splitlines()[1:]:
        match = re.match(r"    ([a-z]\w*) (.*?),?\s*(?:-- (.*))?$", line)
        if match:
            rows.append(f"| `{match[1]}` | {match[2].rstrip(', ')} | {match[3] or ''} |")
    return "\n".join(rows)


def page() -> str:
    """Write the whole page."""
    parts = [HEAD.format(version=SCHEMA_VERSION, application=APPLICATION_ID)]
    for kind, name, comment, body in objects():
        parts.append(f"## {kind} `{name}`\n\n" + (f"{comment}\n\n" if comment else ""))
        parts.append(columns(body) + "\n\n" if kind == "table" else f"```sql\n{body};\n```\n\n")
    return "".join(parts).rstrip() + "\n"
