"""Every message: any payload is refused with a WireError, or kept to the last byte.

The first byte of an input selects the message type, the rest is the payload.
"""

from __future__ import annotations

import json

from bitcoin_handshake.errors import WireError
from bitcoin_handshake.messages import REGISTRY, Addr, AddrV2, decode, netaddr_from_key

MSG_TYPES = sorted(REGISTRY)


def one_input(data: bytes) -> None:
    """Decode the payload, write it back, show it, and read its addresses."""
    if not data:
        return
    msg_type, payload = MSG_TYPES[data[0] % len(MSG_TYPES)], data[1:]
    try:
        message = decode(msg_type, payload)
    except WireError as error:
        str(error)
        return
    assert message.serialize() == payload
    assert decode(msg_type, payload) == message
    json.dumps(message.to_json())
    if isinstance(message, (Addr, AddrV2)):
        usable = [entry.netaddr for entry in message.entries() if entry.netaddr is not None]
        assert list(map(netaddr_from_key, message.keys())) == usable
