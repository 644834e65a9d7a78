"""Processor time of the start: of the commands that do nothing, and up to the first dial.

python -m bench.startup

The first dial is measured with one typed address over v1 and JSON output. The tool is then asleep
until the node answers, so the processor clock of its process is read there. A machine's speed
changes from minute to minute, so the limit is over a floor that is measured in turns with it: a bare
interpreter that imports click and asyncio, which the command line and the dialer need.

Recorded on two shared cores (CPython 3.11.7, click 8.4), medians of runs one after the other; before
is the state that imported the resolver, the v2 transport and uvloop at every start:

    before   202 ms to the first dial, 1.51 of the floor
    after    144 ms to the first dial, 1.21 of the floor

The floor bounds it: the modules that click and asyncio import are over 80 % of what is left. The rest is
our own modules, half of it their dataclasses.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from statistics import median

from bench.measure import CHECKOUT, TOOL, Report, paired, run

MAX_HELP_MS = 150.0
MAX_DIAL_OVER_FLOOR = 1.3
RUNS = 9
FLOOR = "import asyncio, click"
ANSWER_LIMIT_S = 30


def dial_ms() -> float:
    """Measure the processor time from the start to the first dial and our `version`."""
    options = ("-n", "regtest", "--transport", "v1", "--json", "-q", "-o", os.devnull)
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(ANSWER_LIMIT_S)
        target = "{}:{}".format(*listener.getsockname())
        process = subprocess.Popen([*TOOL, *options, target], stderr=subprocess.DEVNULL, env=environment)
        try:
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(ANSWER_LIMIT_S)
                peer.recv(1)
                return time.clock_gettime(_processor_clock(process.pid)) * 1000
        finally:
            process.kill()
            process.wait()


def _processor_clock(pid: int) -> int:
    """Return the id of another process's clock, as Linux composes it (`clock_getcpuclockid`)."""
    return (~pid << 3) | 2


def main() -> int:
    report = Report("Start-up, milliseconds of processor time")
    bare = median(run([sys.executable, "-c", ""]).cpu_s for _ in range(RUNS)) * 1000
    report.line("bare interpreter", f"{bare:.0f} ms")
    for option in ("--version", "--help"):
        cost = median(run([*TOOL, option]).cpu_s for _ in range(RUNS)) * 1000
        report.line(option, f"{cost:.0f} ms", asked=f"<= {MAX_HELP_MS:g} ms", reached=cost <= MAX_HELP_MS)
    floor_command = [sys.executable, "-c", FLOOR]
    dial, floor, ratio = paired(dial_ms, lambda: run(floor_command).cpu_s * 1000, rounds=RUNS)
    report.line("interpreter, click and asyncio", f"{floor:.0f} ms")
    report.line("start to first dial, one address over v1", f"{dial:.0f} ms")
    report.line(
        "start to first dial over the floor",
        f"{ratio:.2f}",
        asked=f"<= {MAX_DIAL_OVER_FLOOR}",
        reached=ratio <= MAX_DIAL_OVER_FLOOR,
    )
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
