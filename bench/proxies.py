"""What a proxy costs, and how much memory connections take that wait in one.

    python -m bench.proxies [--count N] [--waiting N]

The proxy runs in the process of the simulated network and is not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench.fleet import Fleet
from bench.measure import TOOL, Report, paired, run

MAX_RATIO = 1.35
MAX_WAITING_MIB = 200
ROUNDS = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--waiting", type=int, default=20_000)
    options = parser.parse_args()
    count: int = options.count
    report = Report(f"{count} v1 handshakes through a SOCKS5 proxy, and {options.waiting} that wait in one")
    nodes = ("--nodes", "50", "--behaviours", "core-0.20", "--port", "0")
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder, "targets")
        with Fleet(*nodes, "--networks", "ipv4,onion") as fleet:
            visible = [address for address in fleet.addresses if "onion" not in address]
            listing.write_text("\n".join((visible * count)[:count]))
            command = [*TOOL, "handshake", "-n", "regtest", "--transport", "v1", "--json", "-q"]
            command += ["--concurrency", "256", f"@{listing}"]
            proxy = ["--proxy", fleet.network["socks"]]
            through, direct, ratio = paired(
                lambda: run([*command, *proxy]).cpu_s, lambda: run(command).cpu_s, rounds=ROUNDS
            )
        report.line("directly, each", f"{direct / count * 1e6:.0f} us")
        report.line("through the proxy, each", f"{through / count * 1e6:.0f} us")
        report.line("ratio", f"{ratio:.2f}", asked=f"<= {MAX_RATIO}", reached=ratio <= MAX_RATIO)
        with Fleet(*nodes, "--networks", "ipv4,onion", "--proxy-behaviour", "no-circuit") as fleet:
            waiting: int = options.waiting
            hosts = [f"11.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}:8333" for n in range(waiting)]
            listing.write_text("\n".join(hosts))
            command = [*TOOL, "handshake", "-n", "regtest", "--json", "-q", "-t", "30", "--transport", "v1"]
            command += ["--concurrency", str(waiting), "--proxy", fleet.network["socks"], f"@{listing}"]
            cost = run(command)
        # The proxy shares the limit of descriptors, and closes what is over it.
        waited = cost.output.count('"proxy.timeout"')
        report.line(
            "waited to the end", f"{waited}", asked=f">= {waiting * 0.99:g}", reached=waited >= waiting * 0.99
        )
        peak = cost.peak_rss_kib / 1024
        report.line(
            "resident memory",
            f"{peak:.0f} MiB",
            asked=f"<= {MAX_WAITING_MIB}",
            reached=peak <= MAX_WAITING_MIB,
        )
    return 0 if report.is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
