"""What tests of v2 share: key pairs, two transports on a wire, and a peer that writes by hand."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.transport.base import ReceivedMessage, Transport
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher
from bitcoin_handshake.transport.bip324.keys import SessionId, SessionKeys, derive_session_keys
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import MAX_CONTENTS_LEN, V2Transport
from tests.helpers import shared_vectors

MAGIC = bytes.fromhex("f9beb4d9")
OTHER_MAGIC = bytes.fromhex("0b110907")

Message = tuple[str, bytes]


@functools.cache
def key_pair(number: int) -> tuple[bytes, bytes]:
    """A private key of 32 bytes and one of its encodings, the same in every run."""
    private_key = (number + 1).to_bytes(32, "big")
    return private_key, ellswift.create(private_key, bytes([number]) * 32)


def initiator(
    *,
    magic: bytes = MAGIC,
    garbage: bytes = b"",
    decoys: tuple[bytes, ...] = (),
    version_contents: bytes = b"",
    max_packet_contents: int = MAX_CONTENTS_LEN,
) -> V2Transport:
    return V2Transport(
        magic=magic,
        initiating=True,
        keys=key_pair(0),
        garbage=garbage,
        decoys=decoys,
        version_contents=version_contents,
        max_packet_contents=max_packet_contents,
        trace=True,
    )


def responder(
    *,
    magic: bytes = MAGIC,
    garbage: bytes = b"",
    decoys: tuple[bytes, ...] = (),
    version_contents: bytes = b"",
    max_packet_contents: int = MAX_CONTENTS_LEN,
    falls_back: bool = True,
) -> V2Transport:
    return V2Transport(
        magic=magic,
        initiating=False,
        keys=key_pair(1),
        garbage=garbage,
        decoys=decoys,
        version_contents=version_contents,
        max_packet_contents=max_packet_contents,
        v1_factory=(lambda: V1Transport(magic)) if falls_back else None,
        trace=True,
    )


def messages(transport: Transport) -> list[Message]:
    """Every message that is there now, type and payload."""
    return [(message.msg_type, message.payload or b"") for message in drain(transport)]


def drain(transport: Transport) -> list[ReceivedMessage]:
    """Every message that is there now."""
    return list(iter(transport.next_message, None))


def failure(transport: Transport) -> PeerError | None:
    """Drain a transport, and return what it failed with, if it did."""
    try:
        drain(transport)
    except PeerError as error:
        return error
    return None


def pump(a: Transport, b: Transport) -> None:
    """Carry bytes both ways until neither side has any; messages stay where they arrived."""
    moved = True
    while moved:
        moved = False
        for source, sink in ((a, b), (b, a)):
            if data := source.data_to_send():
                sink.receive_data(data)
                moved = True


class ManualPeer:
    """A peer of `ours` that writes each part of its stream when it is told, or does not.

    Args:
        initiating: Whether this peer, not `ours`, is the initiator.
        ours: Encoded key of the transport under test, 64 bytes.
        magic: Magic in this peer's key schedule.
    """

    def __init__(self, *, initiating: bool, ours: bytes, magic: bytes = MAGIC) -> None:
        private_key, self.key = key_pair(2)
        secret = ellswift.xdh(self.key, ours, private_key, initiating=initiating)
        self.cipher = BIP324Cipher(derive_session_keys(secret, magic), initiating=initiating)
        self.terminator = self.cipher.send_terminator

    def opening(self, garbage: bytes = b"", *, version_contents: bytes = b"") -> bytes:
        """Key, garbage, terminator and version packet."""
        packet = self.cipher.encrypt(version_contents, aad=garbage)
        return self.key + garbage + self.terminator + packet


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketVector:
    """One row of BIP324's packet encoding vectors."""

    index: int
    private_key: bytes
    ours: bytes
    theirs: bytes
    initiating: bool
    contents: bytes = field(repr=False)
    aad: bytes = field(repr=False)
    ignore: bool
    x_ours: bytes
    x_theirs: bytes
    x_shared: bytes
    secret: bytes
    keys: SessionKeys
    ciphertext: bytes = field(repr=False)
    ciphertext_end: bytes = field(repr=False)


def csv_rows(name: str) -> Iterator[dict[str, str]]:
    with shared_vectors(name).open(newline="") as file:
        yield from csv.DictReader(file)


def packet_vectors() -> list[PacketVector]:
    """The seven rows, in the order of the file."""
    return [_packet_vector(row) for row in csv_rows("bip324_packet_encoding_test_vectors.csv")]


def _packet_vector(row: dict[str, str]) -> PacketVector:
    def octets(name: str) -> bytes:
        return bytes.fromhex(row[name])

    initiating = row["in_initiating"] == "1"
    send = octets("mid_send_garbage_terminator")
    receive = octets("mid_recv_garbage_terminator")
    return PacketVector(
        index=int(row["in_idx"]),
        private_key=octets("in_priv_ours"),
        ours=octets("in_ellswift_ours"),
        theirs=octets("in_ellswift_theirs"),
        initiating=initiating,
        contents=octets("in_contents") * int(row["in_multiply"]),
        aad=octets("in_aad"),
        ignore=row["in_ignore"] == "1",
        x_ours=octets("mid_x_ours"),
        x_theirs=octets("mid_x_theirs"),
        x_shared=octets("mid_x_shared"),
        secret=octets("mid_shared_secret"),
        keys=SessionKeys(
            initiator_l=octets("mid_initiator_l"),
            initiator_p=octets("mid_initiator_p"),
            responder_l=octets("mid_responder_l"),
            responder_p=octets("mid_responder_p"),
            initiator_terminator=send if initiating else receive,
            responder_terminator=receive if initiating else send,
            session_id=SessionId(octets("out_session_id")),
        ),
        ciphertext=octets("out_ciphertext"),
        ciphertext_end=octets("out_ciphertext_endswith"),
    )
