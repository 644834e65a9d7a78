"""Writes capture files by hand: one TCP connection, for tshark to judge what we send.

The classic pcap format, little-endian, microseconds, link type LINKTYPE_RAW (101): each record
is an IPv4 packet. The checksums of IPv4 and TCP are zero; tshark does not check them unasked.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from struct import Struct

_FILE_HEADER = Struct("<IHHiIII")
_RECORD_HEADER = Struct("<IIII")
_IPV4 = Struct(">BBHHHBBH4s4s")
_TCP = Struct(">HHIIBBHHH")

MAX_SEGMENT = 60_000
CLIENT_PORT = 40_000
_SYN, _PSH_ACK = 0x02, 0x18


def _packet(source: int, target: int, sequence: int, flags: int, data: bytes) -> bytes:
    tcp = _TCP.pack(source, target, sequence, 1, 5 << 4, flags, 0xFFFF, 0, 0) + data
    length = _IPV4.size + len(tcp)
    return _IPV4.pack(0x45, 0, length, 0, 0, 64, 6, 0, b"\x7f\0\0\1", b"\x7f\0\0\1") + tcp


def write_pcap(path: Path, stream: bytes, *, port: int) -> None:
    """Write what a client sends to `port` as one capture file.

    Args:
        path: The file.
        stream: All bytes that the client sends; cut into segments of at most MAX_SEGMENT bytes.
        port: The server's port.
    """
    write_segments(
        path,
        (stream[start : start + MAX_SEGMENT] for start in range(0, len(stream), MAX_SEGMENT)),
        port=port,
    )


def write_segments(path: Path, segments: Iterable[bytes], *, port: int) -> None:
    """Write a capture file of given segments, each at most MAX_SEGMENT bytes."""
    packets = [_packet(CLIENT_PORT, port, 0, _SYN, b"")]
    sequence = 1
    for segment in segments:
        packets.append(_packet(CLIENT_PORT, port, sequence, _PSH_ACK, segment))
        sequence += len(segment)
    parts = [_FILE_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 0x10000, 101)]
    for number, packet in enumerate(packets):
        parts += (_RECORD_HEADER.pack(1_700_000_000, number, len(packet), len(packet)), packet)
    path.write_bytes(b"".join(parts))
