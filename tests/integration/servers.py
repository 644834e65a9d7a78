"""Starting and stopping servers of other projects on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tests.helpers import CHECKOUT, unavailable

LOOPBACK = "127.0.0.1"
START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
STARTS = 3
# Below the range from which the system takes ports for outgoing connections.
_PORTS = range(20_000, 30_000)


class DidNotStart(Exception):
    """The server ended, or did not listen in time; says what it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that listens.

    Attributes:
        host: Its address.
        port: Its port.
        folder: Its own folder, which also holds `log`.
        log: What it writes to standard output and standard error.
        pid: Its process.
    """

    host: str
    port: int
    folder: Path
    log: Path
    pid: int

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


def find_binary(name: str, *, hint: str) -> str:
    """Locate a server's program in `.servers/bin` or on the PATH; skip or fail where there is none."""
    found = shutil.which(name, path=str(CHECKOUT / ".servers" / "bin")) or shutil.which(
        name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if found is None:
        unavailable(f"{name} is not installed ({hint})")
    return found


def free_port() -> int:
    """Find a port of loopback on which nothing listens, for TCP and UDP both."""
    first = os.getpid() * 7 % len(_PORTS)
    for port in chain(_PORTS[first:], _PORTS[:first]):
        try:
            with (
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            ):
                tcp.bind((LOOPBACK, port))
                udp.bind((LOOPBACK, port))
        except OSError:
            continue
        return port
    raise RuntimeError("no free port on loopback")


@contextlib.contextmanager
def running(folder: Path, command_for: Callable[[int], Sequence[str]]) -> Iterator[Server]:
    """Start a server on a free port, wait until it listens, and stop it at the end.

    Args:
        folder: An existing folder for its log.
        command_for: Gives the command line for a port.

    Raises:
        DidNotStart: Three attempts on three ports failed.
    """
    for attempt in range(1, STARTS + 1):
        port = free_port()
        log = folder / f"log-{attempt}"
        process = _spawn(command_for(port), folder, log)
        try:
            _wait_until_listening(process, port, log)
            yield Server(host=LOOPBACK, port=port, folder=folder, log=log, pid=process.pid)
        except DidNotStart:
            if attempt == STARTS:
                raise
        else:
            return
        finally:
            _stop(process)


def _spawn(command: Sequence[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
            return
        time.sleep(0.05)
    raise DidNotStart(f"{process.args!r}\n{log.read_text(errors='replace')[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process group to end, and end it where it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_LIMIT_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_LIMIT_S)
