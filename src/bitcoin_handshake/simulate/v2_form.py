"""How a simulated peer speaks v2, and how it tells what a client speaks.

Owns `V2Form`, the v2 part of a `Profile`, and `listen`, which chooses the transport of a
connection by the client's first bytes. A client of v1 costs one comparison: the key pair of v2 is
made only for a client that needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitcoin_handshake.simulate.script import NodeFacts
from bitcoin_handshake.transport.base import Transport
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.packets import MAX_GARBAGE_LEN
from bitcoin_handshake.transport.foreign import V1_VERSION_TYPE
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport

__all__ = ["MAX_KEPT_PAYLOAD", "V2Form", "key_pair", "listen", "speaks_v1", "v2_responder"]

MAX_KEPT_PAYLOAD = 4096
"""What a node keeps of a message; of those that it reads none is longer. In v2 a packet is held whole
until its tag is checked, up to Core's limit."""
DECOY_LEN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Form:
    """How a peer speaks v2.

    Attributes:
        garbage_len: Bytes of garbage; None for a random number, as Core's.
        decoys: Contents of decoys before the version packet.
        version_contents: Contents of the version packet.
        has_later_decoys: Whether a decoy goes before each message.
        speaks_v1: Whether it serves clients of v1 too.
    """

    garbage_len: int | None = None
    decoys: tuple[bytes, ...] = ()
    version_contents: bytes = b""
    has_later_decoys: bool = False
    speaks_v1: bool = True


def key_pair(node: NodeFacts) -> tuple[bytes, bytes]:
    """Make a private key of 32 bytes and its encoding of 64, from the node's own random source."""
    private_key = node.random.randbytes(32)  # over the curve's order once in 2**127
    return private_key, ellswift.create(private_key, node.random.randbytes(32))


def speaks_v1(magic: bytes, data: bytes) -> bool | None:
    """Tell what a client speaks by its first bytes; None where there are too few.

    Spec:
        Core, `V2Transport::ProcessReceivedMaybeV1Bytes` in `net.cpp`.
    """
    prefix = magic + V1_VERSION_TYPE
    if data.startswith(prefix):
        return True
    return None if prefix.startswith(data) else False


def listen(node: NodeFacts, form: V2Form, data: bytes) -> Transport | None:
    """Choose the transport for a client.

    Args:
        node: The node that it connected to.
        form: How that speaks v2.
        data: All that the client sent so far; feed it to the transport then.

    Returns:
        The transport, or None where more bytes must come.
    """
    if form.speaks_v1:
        is_v1 = speaks_v1(node.params.magic, data)
        if is_v1 is None:
            return None
        if is_v1:
            return V1Transport(node.params.magic, max_kept_payload=MAX_KEPT_PAYLOAD)
    return v2_responder(node, form, magic=node.params.magic)


def v2_responder(node: NodeFacts, form: V2Form, *, magic: bytes) -> V2Transport:
    """Make the transport of a node that was found to be asked in v2."""
    length = node.random.randrange(MAX_GARBAGE_LEN + 1) if form.garbage_len is None else form.garbage_len
    kind = _WithDecoys if form.has_later_decoys else V2Transport
    return kind(
        magic=magic,
        initiating=False,
        keys=key_pair(node),
        garbage=node.random.randbytes(length),
        decoys=form.decoys,
        version_contents=form.version_contents,
        max_kept_payload=MAX_KEPT_PAYLOAD,
    )


class _WithDecoys(V2Transport):
    """A transport that hides every message behind a decoy."""

    __slots__ = ()

    def send_message(self, msg_type: str, payload: bytes) -> None:
        self.send_decoy(bytes(DECOY_LEN))
        super().send_message(msg_type, payload)
