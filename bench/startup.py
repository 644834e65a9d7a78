"""Processor time of the commands that do nothing: what every call pays.

python -m bench.startup
"""

from __future__ import annotations

import sys
from statistics import median

from bench.measure import TOOL, Report, run

MAX_HELP_MS = 150.0
RUNS = 9


def main() -> int:
    report = Report("Start-up, milliseconds of processor time")
    bare = median(run([sys.executable, "-c", ""]).cpu_s for _ in range(RUNS)) * 1000
    report.line("bare interpreter", f"{bare:.0f} ms")
    for option in ("--version", "--help"):
        cost = median(run([*TOOL, option]).cpu_s for _ in range(RUNS)) * 1000
        report.line(option, f"{cost:.0f} ms", asked=f"<= {MAX_HELP_MS:g} ms", reached=cost <= MAX_HELP_MS)
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
