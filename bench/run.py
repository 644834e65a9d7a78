"""Runs every benchmark, one after another; `make bench`.

    python bench/run.py [NAME...]

Exit codes: 0 every figure that something is asked of was reached; 1 not.
"""

from __future__ import annotations

import compileall
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started as a file

from bench.children import dies_with_parent  # the path comes first

CHECKOUT = Path(__file__).resolve().parent.parent
BENCHMARKS = (
    "startup",
    "forms",
    "handshakes",
    "transports",
    "bip324",
    "messages",
    "scan",
    "memory",
    "proxies",
)


def main() -> int:
    # Where bytecode is not written at import, every start would pay for the compiler.
    compileall.compile_dir(CHECKOUT / "src", quiet=1)
    missed = []
    for name in sys.argv[1:] or BENCHMARKS:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{name}"], cwd=CHECKOUT, check=False, preexec_fn=dies_with_parent
        )
        if done.returncode:
            missed.append(name)
    print(f"\nMissed in: {', '.join(missed)}" if missed else "\nEverything that is asked was reached.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
