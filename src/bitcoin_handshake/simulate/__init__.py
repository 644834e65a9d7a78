"""Simulated peers, from Bitcoin Core's own conduct to hostile ones, on loopback.

`network` is the way in; `behaviours` lists what peers can do.
"""

__all__: list[str] = []
