"""A simulated network in a process of its own, for the length of a `with` block."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Sequence
from typing import Any, Self

from bench.children import dies_with_parent
from bench.measure import CHECKOUT, TOOL

__all__ = ["Fleet"]


class Fleet:
    """`bitcoin-handshake simulate`, running.

    Args:
        options: Further options of the command.
        prefix: Words before the command, such as those that enter a network namespace.

    Attributes:
        network: What the command said of itself: seed name, DNS server, nodes.
    """

    def __init__(self, *options: str, prefix: Sequence[str] = ()) -> None:
        self._command = (*prefix, *TOOL, "simulate", "--json", *options)
        self.network: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT / "src")},
            start_new_session=True,
            preexec_fn=dies_with_parent,
            text=True,
        )
        assert self._process.stdout is not None
        self.network = json.loads(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(timeout=20)
        assert self._process.stdout is not None
        self._process.stdout.close()

    @property
    def addresses(self) -> list[str]:
        """`host:port` of every IPv4 node."""
        return [node["address"] for node in self.network["nodes"] if node["address"][0] != "["]
