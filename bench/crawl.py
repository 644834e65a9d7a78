"""A crawl of a whole network in one command: found, processor time, time, memory; `make bench-crawl`.

    python -m bench.crawl [--small]

The network is bench/crawl_fleet.c, compiled by the C compiler of this machine: 25,000 nodes that gossip as
Core does, 225,000 dead addresses, half of which refuse and half are silent, and some onion and I2P ones.
v1, 3 seconds for each node, one attempt. Then 5,000 of 50,000, and 25,000 of 1,000,000 for the growth of
the processor time per address.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.measure import TOOL, Cost, Report, run

SOURCE = Path(__file__).with_name("crawl_fleet.c")
PORT = 28444
TIMEOUT_S = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What one crawl cost and found."""

    cost: Cost
    known: int
    reachable: int
    connections: int
    most_of_one: int

    @property
    def cpu_us(self) -> float:
        """Processor time for each known address, microseconds."""
        return self.cost.cpu_s / self.known * 1e6


def crawl(fleet: Path, live: int, dead: int, folder: Path, options: list[str]) -> Found:
    """Crawl a network of its own."""
    other = dead // 20
    arguments = [str(fleet), *map(str, (PORT, live, dead, other, 1))]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    first = process.stdout.readline().split()[1]
    store = folder / f"{live}-{dead}.sqlite"
    command = [
        *TOOL, "crawl", "-n", "regtest", "--transport", "v1", "-t", str(TIMEOUT_S), "--allow-private",
        "--db", str(store), "--json", "-q", *options, first,
    ]  # fmt: skip
    try:
        cost = run(command)
    finally:
        process.stdin.close()
        total, _, most = process.stdout.readline().split()
        process.wait()
        process.stdout.close()
    sum_ = json.loads(cost.output)
    return Found(cost, sum_["known"], sum_["reachable_total"], int(total), int(most))


def tell(report: Report, found: Found, live: int, *, cpu_s: float, wall_s: float, rss_mb: float) -> None:
    """Print the figures of one crawl beside what is asked."""
    cost = found.cost
    report.line(
        "reachable nodes found", f"{found.reachable}", asked=f"{live}", reached=found.reachable == live
    )
    report.line("addresses known", f"{found.known}")
    report.line(
        "connections to nodes; most to one",
        f"{found.connections}; {found.most_of_one}",
        asked=f"{live}; 1",
        reached=found.connections == live and found.most_of_one == 1,
    )
    report.line("processor time", f"{cost.cpu_s:.1f} s", asked=f"<= {cpu_s:g} s", reached=cost.cpu_s <= cpu_s)
    report.line("time", f"{cost.wall_s:.1f} s", asked=f"<= {wall_s:g} s", reached=cost.wall_s <= wall_s)
    rss = cost.peak_rss_kib * 1024 / 1e6
    report.line("resident memory", f"{rss:.0f} MB", asked=f"<= {rss_mb:g} MB", reached=rss <= rss_mb)
    report.line("processor time per address", f"{found.cpu_us:.0f} us")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="only 5,000 of 50,000")
    parser.add_argument("options", nargs="*", help="further options of the crawl, after --")
    arguments = parser.parse_args()
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("bench.crawl: needs a C compiler (cc or gcc)", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet = folder / "fleet"
        subprocess.run([compiler, "-O2", "-o", str(fleet), str(SOURCE)], check=True)
        report = Report("5,000 nodes of 50,000 addresses")
        small = crawl(fleet, 5_000, 45_000, folder, arguments.options)
        tell(report, small, 5_000, cpu_s=6.6, wall_s=24, rss_mb=140)
        if arguments.small:
            return 0 if report.is_reached else 1
        whole = Report("25,000 nodes of 250,000 addresses")
        large = crawl(fleet, 25_000, 225_000, folder, arguments.options)
        tell(whole, large, 25_000, cpu_s=60, wall_s=110, rss_mb=250)
        growth = Report("Growth of the processor time per address")
        less = crawl(fleet, 2_500, 22_500, folder, arguments.options)
        more = crawl(fleet, 25_000, 975_000, folder, arguments.options)
        ratio = large.cpu_us / less.cpu_us
        growth.line("250,000 over 25,000 addresses", f"{ratio:.2f}", asked="<= 1.15", reached=ratio <= 1.15)
        ratio = more.cpu_us / large.cpu_us
        growth.line("1,000,000 over 250,000", f"{ratio:.2f}", asked="<= 1.3", reached=ratio <= 1.3)
    return 0 if report.is_reached and whole.is_reached and growth.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
