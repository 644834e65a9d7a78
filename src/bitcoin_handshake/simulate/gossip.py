"""What a simulated node tells about the other nodes of its network.

Owns the answer to `getaddr`. A real Core gives at most 23 % of a table that holds many dead
addresses; here every node knows all others, so that a small network can be walked as well.
"""

from __future__ import annotations

from bitcoin_handshake.messages.addresses import Addr, AddrEntry, AddrV2, AddrV2Entry
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.protocol import MAX_ADDR_TO_SEND, ServiceFlags
from bitcoin_handshake.simulate.script import NodeFacts

__all__ = ["MAX_AGE_S", "address_answer"]

MAX_AGE_S = 3 * 3600
"""Seconds since an entry was last seen, at most."""
_SERVICES = (ServiceFlags.NODE_NETWORK | ServiceFlags.NODE_WITNESS).value


def address_answer(node: NodeFacts, *, is_v2: bool) -> tuple[str, bytes] | None:
    """Write the answer to `getaddr`.

    Args:
        node: The node that was asked.
        is_v2: Whether the client sent `sendaddrv2`.

    Returns:
        Type and payload of `addrv2` or `addr` with at most MAX_ADDR_TO_SEND (1000) of the other
        nodes; None where there is none, for Core then sends nothing.
    """
    # One more than are sent, because the node itself may be among them.
    count = min(MAX_ADDR_TO_SEND + 1, len(node.neighbours))
    others = [each for each in node.random.sample(node.neighbours, count) if each != node.netaddr]
    if not others:
        return None
    chosen = others[:MAX_ADDR_TO_SEND]
    message = (
        AddrV2.from_entries([_v2_entry(node, each) for each in chosen])
        if is_v2
        else Addr.from_entries([_v1_entry(node, each) for each in chosen])
    )
    return message.msg_type, message.serialize()


def _v1_entry(node: NodeFacts, netaddr: NetAddr) -> AddrEntry:
    return AddrEntry(_last_seen(node), _SERVICES, netaddr.to_addrv1(), netaddr.port)


def _v2_entry(node: NodeFacts, netaddr: NetAddr) -> AddrV2Entry:
    return AddrV2Entry(_last_seen(node), _SERVICES, netaddr.network_id.value, netaddr.packed, netaddr.port)


def _last_seen(node: NodeFacts) -> int:
    return node.time_unix() - node.random.randrange(MAX_AGE_S)
