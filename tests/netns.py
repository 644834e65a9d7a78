"""A network namespace of our own, in which public addresses can be dialled without a network.

Inside, every address of 0.0.0.0/1 is this machine: a server that listens on 0.0.0.0 is reached at
all of them. nftables refuses some (an answer at once) and drops others (silence).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from tests.helpers import CHECKOUT, unavailable

_SET_UP = """
set -e
ip link set lo up
ip route add local 0.0.0.0/1 dev lo
ip -6 route add local 2000::/4 dev lo 2>/dev/null || true
nft -f - <<'RULES'
table inet filter {
  set refused { type ipv4_addr; flags interval; auto-merge; }
  set dropped { type ipv4_addr; flags interval; auto-merge; }
  chain input {
    type filter hook input priority 0; policy accept;
    ip daddr @dropped drop
    ip daddr @refused tcp flags & (syn | ack) == syn reject with tcp reset
  }
}
RULES
echo ready
exec sleep infinity
"""

_CALL = """
import importlib, json, sys
module, name = sys.argv[1:]
function = getattr(importlib.import_module(module), name)
print(json.dumps(function(*json.load(sys.stdin))))
"""


class NetNamespace:
    """A network namespace that lives as long as the `with` block; needs root, iproute2 and nftables."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            unavailable("a network namespace needs root")
        for tool in ("unshare", "nsenter", "ip", "nft"):
            if shutil.which(tool) is None:
                unavailable(f"{tool} is not installed")
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", _SET_UP],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._holder = holder
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            _, why = holder.communicate(timeout=10)
            unavailable(f"a network namespace cannot be made here: {why.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate(timeout=10)

    def command(self, command: Sequence[str]) -> list[str]:
        """Give the command line that runs a command inside."""
        assert self._holder is not None
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net", "--", *command]

    def run(
        self, command: Sequence[str], *, input_text: str | None = None, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, from the top of the checkout, and give what it printed."""
        return subprocess.run(
            self.command(command),
            input=input_text,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=CHECKOUT,
        )

    def call(self, function: Callable[..., Any], *args: Any, timeout_s: float = 60) -> Any:
        """Call a module-level function inside, in a process of its own.

        Arguments and result travel as JSON. What the function raises fails the call with its traceback.
        """
        command = [sys.executable, "-c", _CALL, function.__module__, function.__qualname__]
        done = self.run(command, input_text=json.dumps(args), timeout_s=timeout_s)
        if done.returncode:
            raise RuntimeError(f"{function.__qualname__} failed inside the namespace:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])

    def refuse(self, addresses: Iterable[str]) -> None:
        """Answer TCP connections to these IPv4 addresses or prefixes with a reset."""
        self._add("refused", addresses)

    def drop(self, addresses: Iterable[str]) -> None:
        """Let everything to these IPv4 addresses or prefixes vanish."""
        self._add("dropped", addresses)

    def _add(self, name: str, addresses: Iterable[str]) -> None:
        elements = ",".join(addresses)
        rules = f"add element inet filter {name} {{ {elements} }}\n"
        done = self.run(["nft", "-f", "-"], input_text=rules)
        if elements and done.returncode:
            raise RuntimeError(f"nft: {done.stderr}")
