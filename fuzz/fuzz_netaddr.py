"""Addresses as peers send them and as people type them."""

from __future__ import annotations

from bitcoin_handshake.errors import BadEncoding, FieldTooLong, InputError
from bitcoin_handshake.netaddr import ADDRV1_LEN, NetAddr


def one_input(data: bytes) -> None:
    """Read an addrv2 entry, an addr entry and a text; whatever is accepted must come out the same again."""
    if len(data) < 3:
        return
    port = int.from_bytes(data[1:3], "big")
    try:
        address = NetAddr.from_addrv2(data[0], data[3:], port)
    except (BadEncoding, FieldTooLong):
        address = None
    if address is not None:
        assert address.packed == data[3:]
        assert address.network_id == data[0]
        assert NetAddr.from_text(address.host, port, cjdns=data[0] == 6) == address
    if len(data) == 3 + ADDRV1_LEN:
        assert NetAddr.from_addrv1(data[3:], port).to_addrv1() == data[3:]
    try:
        typed = NetAddr.from_text(data[3:].decode("utf-8", "replace"), port)
    except InputError:
        return
    assert NetAddr.from_text(typed.host, port) == typed
