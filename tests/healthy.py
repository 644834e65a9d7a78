"""What tests of the main job share: the nodes of the fixture `network`, and targets without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from bitcoin_handshake.simulate.network import SimulatedNetwork

NODES = 5
"""How many the fixture `network` has."""


def node_port(network: SimulatedNetwork) -> int:
    """The port of its nodes."""
    return network.nodes[0].netaddr.port


class Endless:
    """Targets without end, and how many of them were taken."""

    def __init__(self, make: Callable[[int], str]) -> None:
        self.taken = 0
        self._make = make

    def __iter__(self) -> Iterator[str]:
        for index in count():
            self.taken = index + 1
            yield self._make(index)
