"""A query to the simulated seed: any bytes end in an answer that fits, or in silence."""

from __future__ import annotations

from bitcoin_handshake.simulate.zone import DnsBehaviour, SeedNode, Zone

_NODES = [*(SeedNode(f"127.0.0.{n}") for n in range(100)), SeedNode("::1", 0x809)]
_ZONES = [Zone("seed.example", _NODES, behaviour=behaviour, ttl_s=60) for behaviour in DnsBehaviour]


def one_input(data: bytes) -> None:
    """Ask every behaviour, over UDP and TCP."""
    for zone in _ZONES:
        for query in (data, b"\0\7\1\0\0\1\0\0\0\0\0\0\4seed\7example\0" + data):
            for over_tcp in (False, True):
                answer = zone.answer(query, over_tcp=over_tcp)
                assert answer is None or 12 <= len(answer) <= (65535 if over_tcp else 1232)
                assert answer is None or answer[:2] == query[:2]
