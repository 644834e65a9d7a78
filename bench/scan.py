"""A list of 50,000 public addresses, in a network namespace: most of them refuse or are silent.

    python -m bench.scan [--count N]

A tenth are nodes; of the rest half refuse and half never answer. Needs root, iproute2, nftables.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from ipaddress import IPv4Address
from pathlib import Path

from bench.children import dies_with_parent
from bench.measure import CHECKOUT, TOOL, Report, run
from tests.netns import NetNamespace

PORT = 8333
MAX_WALL_S = 30.0
MAX_CPU_S = 12.0
NODES, REFUSING, SILENT = "11.0.0.0", "12.0.0.0", "13.0.0.0"


def addresses(base: str, count: int) -> list[str]:
    first = int(IPv4Address(base)) + 257
    return [str(IPv4Address(first + index)) for index in range(count)]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=50_000)
    count: int = parser.parse_args().count
    nodes = addresses(NODES, count // 10)
    refusing = addresses(REFUSING, (count - len(nodes)) // 2)
    silent = addresses(SILENT, count - len(nodes) - len(refusing))
    expected = {
        **dict.fromkeys(nodes, "ok"),
        **dict.fromkeys(refusing, "connect.refused"),
        **dict.fromkeys(silent, "connect.timeout"),
    }
    targets = list(expected)
    random.Random(1).shuffle(targets)
    report = Report(
        f"{count} addresses: {len(nodes)} nodes, {len(refusing)} refuse, {len(silent)} are silent"
    )
    with NetNamespace() as namespace, tempfile.TemporaryDirectory() as folder:
        namespace.drop([f"{SILENT}/8"])
        listing = Path(folder, "targets")
        listing.write_text("\n".join(targets))
        records = Path(folder, "records")
        fleet = subprocess.Popen(
            namespace.command([sys.executable, "-m", "bench.scan_fleet", str(PORT)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=dies_with_parent,
            text=True,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
        )
        assert fleet.stdin is not None
        assert fleet.stdout is not None
        fleet.stdin.write("\n".join(nodes))
        fleet.stdin.close()
        fleet.stdout.readline()
        try:
            for transport in ("v1", "auto"):
                options = ("-t", "3", "--concurrency", "4096", "--transport", transport, "--json", "-q")
                command = [*TOOL, "handshake", *options, "-o", str(records), f"@{listing}"]
                cost = run(namespace.command(command))
                right = 0
                with records.open() as lines:
                    for line in lines:
                        record = json.loads(line)
                        host = record["target"]
                        right += (record["code"] or record["outcome"]) == expected[host]
                report.line(
                    f"--transport {transport}: judged right",
                    f"{right} of {count}",
                    asked=str(count),
                    reached=right == count,
                )
                is_asked = transport == "v1"
                report.line(
                    f"--transport {transport}: time",
                    f"{cost.wall_s:.1f} s",
                    asked=f"<= {MAX_WALL_S:g} s",
                    reached=cost.wall_s <= MAX_WALL_S if is_asked else None,
                )
                report.line(
                    f"--transport {transport}: processor time",
                    f"{cost.cpu_s:.1f} s",
                    asked=f"<= {MAX_CPU_S:g} s",
                    reached=cost.cpu_s <= MAX_CPU_S if is_asked else None,
                )
        finally:
            fleet.terminate()
            fleet.wait()
            fleet.stdout.close()
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
