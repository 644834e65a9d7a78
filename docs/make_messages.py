"""Makes docs/messages.md: every message with its BIP, version, direction, v2 id and wire map.

The wire maps and rules are the docstrings of the classes; the rest is the table below. `docs/generate.py`
writes the page.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import NamedTuple

from bitcoin_handshake.messages import NAMES_WITHOUT_LAYOUT, REGISTRY, Message

PAGE = Path(__file__).with_name("messages.md")


class About(NamedTuple):
    """What a class cannot say of its message.

    Attributes:
        bip: Numbers of the BIPs that define it; '' for those older than BIPs.
        since: Lowest common protocol version at which Core sends or expects it, or an era.
        direction: `handshake` between version and verack only, `request`, `answer`,
            `announcement`, or `both`.
        v2_id: One-byte id of BIP324 and its table; None where only the long form exists.
    """

    bip: str
    since: str
    direction: str
    v2_id: int | None = None


MESSAGES = {
    "version": About("14, 37, 60", "always", "handshake"),
    "verack": About("", "209", "handshake"),
    "wtxidrelay": About("339", "70016", "handshake"),
    "sendaddrv2": About("155", "70016 in practice", "handshake"),
    "sendtxrcncl": About("330", "70016", "handshake"),
    "feature": About("434", "70017", "handshake", 37),
    "addr": About("", "always; time in entries since 31402", "answer, announcement", 1),
    "addrv2": About("155", "negotiated", "answer, announcement", 28),
    "getaddr": About("", "always", "request"),
    "ping": About("31", "always; nonce above 60000", "request", 18),
    "pong": About("31", "60001", "answer", 19),
    "inv": About("", "always", "announcement", 14),
    "getdata": About("", "always", "request", 11),
    "notfound": About("37", "70001", "answer", 17),
    "mempool": About("35", "60002", "request", 15),
    "getblocks": About("", "always", "request", 9),
    "getheaders": About("", "31800", "request", 12),
    "headers": About("", "31800", "answer, announcement", 13),
    "block": About("144", "always", "answer", 2),
    "tx": About("144", "always", "answer", 21),
    "sendheaders": About("130", "70012", "both"),
    "sendcmpct": About("152", "70014", "both", 20),
    "feefilter": About("133", "70013", "announcement", 5),
    "cmpctblock": About("152", "70014", "answer, announcement", 4),
    "getblocktxn": About("152", "70014", "request", 10),
    "blocktxn": About("152", "70014", "answer", 3),
    "filterload": About("37, 111", "70001", "both", 8),
    "filteradd": About("37", "70001", "both", 6),
    "filterclear": About("37", "70001", "both", 7),
    "merkleblock": About("37", "70001", "answer", 16),
    "getcfilters": About("157", "service bit", "request", 22),
    "cfilter": About("157", "service bit", "answer", 23),
    "getcfheaders": About("157", "service bit", "request", 24),
    "cfheaders": About("157", "service bit", "answer", 25),
    "getcfcheckpt": About("157", "service bit", "request", 26),
    "cfcheckpt": About("157", "service bit", "answer", 27),
    "reqrecon": About("330", "proposed", "request"),
    "sketch": About("330", "proposed", "answer"),
    "reqsketchext": About("330", "proposed", "request"),
    "reconcildiff": About("330", "proposed", "answer"),
    "sendpackages": About("331", "proposed", "handshake"),
    "ancpkginfo": About("331", "proposed", "answer"),
    "getpkgtxns": About("331", "proposed", "request"),
    "pkgtxns": About("331", "proposed", "answer"),
    "reject": About("61", "70002; Core 0.9 to 0.19", "answer"),
    "alert": About("", "311; Core 0.3.11 to 0.12", "announcement"),
    "checkorder": About("", "early Core", "request"),
    "submitorder": About("", "early Core", "request"),
    "reply": About("", "early Core", "answer"),
}

HEAD = """\
# Messages

Made by `python docs/generate.py` from the docstrings; do not edit.

Every message that has a class in `bitcoin_handshake.messages`. *Since* is the lowest common protocol
version at which Bitcoin Core sends or expects it; *v2 id* is its one-byte id in the v2 transport
(BIP324; — where only the long form exists). In the wire maps the first column is the length in
bytes, `..` where it varies; a list is its count as a CompactSize and then its entries. Whatever
follows the last field is kept as `trailing`. No payload is over 4,000,000 bytes.
"""

TAIL = """\
## Known names without a layout

Proposals that were never deployed, drafts, and messages of other chains. Their payload is kept as
bytes in an `UnknownMessage`, like that of every name that is not on this page.
"""


def table() -> str:
    """Write the overview."""
    rows = ["| message | class | BIP | since | direction | v2 id |", "|---|---|---|---|---|---|"]
    for msg_type, cls in REGISTRY.items():
        about = MESSAGES[msg_type]
        cells = [
            f"[`{msg_type}`](#{msg_type})",
            f"`{cls.__name__}`",
            about.bip or "—",
            about.since,
            about.direction,
            "—" if about.v2_id is None else str(about.v2_id),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def section(msg_type: str, cls: type[Message]) -> str:
    """Write what the docstring of one class says: a sentence, then the wire map and the rules."""
    summary, _, rest = (inspect.getdoc(cls) or "").partition("\n\n")
    module = cls.__module__.rpartition(".")[2]
    parts = [f"## {msg_type}\n", f"{summary}\n", f"`messages.{module}.{cls.__name__}`\n"]
    if rest:
        parts.append(f"```text\n{rest}\n```\n")
    return "\n".join(parts)


def page() -> str:
    """Write the whole page."""
    sections = [section(msg_type, cls) for msg_type, cls in REGISTRY.items()]
    names = ", ".join(f"`{name}`" for name in sorted(NAMES_WITHOUT_LAYOUT))
    return "\n".join([HEAD, table(), *sections, TAIL, names + "\n"])
