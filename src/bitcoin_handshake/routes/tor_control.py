"""Asks Tor's control port how far it has come in starting.

Source: Tor's `control-spec.txt` (PROTOCOLINFO, AUTHENTICATE, GETINFO status/bootstrap-phase).
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path

__all__ = ["CONTROL_PORT", "bootstrap_phase"]

CONTROL_PORT = 9051
TIMEOUT_S = 3.0
_COOKIE_FILE = re.compile(rb'COOKIEFILE="((?:[^"\\]|\\.)*)"')
_PHASE = re.compile(rb"status/bootstrap-phase=(\S+) BOOTSTRAP PROGRESS=(\d+)(?:.*?SUMMARY=\"([^\"]*)\")?")


async def bootstrap_phase(host: str = "127.0.0.1", port: int = CONTROL_PORT) -> tuple[int, str] | None:
    """Return how many percent of its start Tor has done, and in its words what it does.

    Returns:
        None where no control port answers, or it does not let us in.
    """
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return await _ask(reader, writer)
            finally:
                writer.close()
    return None


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[int, str] | None:
    writer.write(b"PROTOCOLINFO 1\r\n")
    info = await reader.readuntil(b"250 OK\r\n")
    cookie = _COOKIE_FILE.search(info)
    if b"NULL" in info:
        writer.write(b'AUTHENTICATE ""\r\n')
    elif cookie is not None:
        path = cookie[1].decode(errors="surrogateescape").replace('\\"', '"').replace("\\\\", "\\")
        writer.write(b"AUTHENTICATE " + Path(path).read_bytes()[:64].hex().encode() + b"\r\n")
    else:
        return None
    if not (await reader.readuntil(b"\r\n")).startswith(b"250"):
        return None
    writer.write(b"GETINFO status/bootstrap-phase\r\n")
    phase = _PHASE.search(await reader.readuntil(b"\r\n"))
    return None if phase is None else (int(phase[2]), (phase[3] or b"").decode("ascii", "replace"))
