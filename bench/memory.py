"""Resident memory when a million targets stream through standard input.

    python -m bench.memory [--small N] [--large N]

Half of the targets are nodes of a simulated fleet, half refuse.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from bench.fleet import Fleet
from bench.measure import TOOL, Report, run

MAX_RATIO = 1.2
NODES = 500

_WRITE = """
import sys
count, port, nodes = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for index in range(count):
    node = index % nodes
    host = f"127.1.{node >> 8}.{node & 255}" if index % 2 else f"127.9.{node >> 8}.{node & 255}"
    sys.stdout.write(f"{host}:{port}\\n")
"""


def peak_mib(count: int, port: str) -> float:
    """Stream `count` targets through the tool; return its peak resident memory in MiB."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(count), port, str(NODES)], stdout=subprocess.PIPE
    ) as writer:
        options = ("-n", "regtest", "--transport", "v1", "--json", "-q", "-o", "/dev/null")
        cost = run([*TOOL, "handshake", *options, "-"], stdin=writer.stdout)
    if cost.code != 0:
        raise SystemExit(f"the tool ended with exit code {cost.code}")
    return cost.peak_rss_kib / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    arguments = parser.parse_args()
    report = Report("Peak resident memory by streamed targets")
    with Fleet("-n", "regtest", "--nodes", str(NODES), "--behaviours", "core", "--port", "0") as fleet:
        port = fleet.addresses[0].rpartition(":")[2]
        small = peak_mib(arguments.small, port)
        report.line(f"{arguments.small} targets", f"{small:.1f} MiB")
        large = peak_mib(arguments.large, port)
        report.line(f"{arguments.large} targets", f"{large:.1f} MiB")
    ratio = large / small
    report.line("ratio", f"{ratio:.2f}", asked=f"<= {MAX_RATIO}", reached=ratio <= MAX_RATIO)
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
