"""Running commands and comparing what they cost.

Processor time is user + system of the finished process and its children, as the kernel counts it.
Machines are shared and noisy, and their speed drifts: a figure is compared with a floor that ran
just before it and just after it, and the median of such ratios is what counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import IO

__all__ = ["CHECKOUT", "TOOL", "Cost", "Report", "paired", "run"]

CHECKOUT = Path(__file__).resolve().parent.parent
TOOL = (sys.executable, "-m", "bitcoin_handshake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one finished process cost.

    Attributes:
        cpu_s: User and system time, seconds.
        wall_s: From start to end, seconds.
        peak_rss_kib: Largest resident memory, KiB.
        output: What it printed on standard output.
        code: Its exit code.
    """

    cpu_s: float
    wall_s: float
    peak_rss_kib: int
    output: str
    code: int


def run(command: Sequence[str], *, stdin: IO[bytes] | None = None) -> Cost:
    """Run a command to its end; its standard error goes nowhere."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    began = time.monotonic()
    with subprocess.Popen(
        command,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=CHECKOUT,
        env=environment,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - began,
        peak_rss_kib=usage.ru_maxrss,
        output=output,
        code=process.returncode,
    )


def paired(
    figure: Callable[[], float], floor: Callable[[], float], *, rounds: int
) -> tuple[float, float, float]:
    """Measure two things in turns, the floor first and last.

    Returns:
        Median of the figure, median of the floor, median of the ratios of each figure to the mean
        of the floors around it.
    """
    floors = [floor()]
    figures = []
    for _ in range(rounds):
        figures.append(figure())
        floors.append(floor())
    around = [(before + after) / 2 for before, after in pairwise(floors)]
    ratios = [ours / theirs for ours, theirs in zip(figures, around, strict=True)]
    return median(figures), median(floors), median(ratios)


class Report:
    """A table of figures, what was asked of each, and whether it was reached."""

    def __init__(self, title: str) -> None:
        self.is_reached = True
        print(f"\n{title}")

    def line(self, name: str, value: str, *, asked: str = "", reached: bool | None = None) -> None:
        """Print one figure; `reached` None for one that nothing is asked of."""
        verdict = "" if reached is None else ("  reached" if reached else "  MISSED")
        self.is_reached = self.is_reached and reached is not False
        print(f"  {name:58} {value:>22}  {asked:>16}{verdict}", flush=True)
