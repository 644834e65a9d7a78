"""The v1 transport: any bytes, fed whole and in pieces, give the same messages and the same end."""

from __future__ import annotations

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.transport.v1 import V1Transport

MAGIC = b"\xf9\xbe\xb4\xd9"
MAX_KEPT = 256


def one_input(data: bytes) -> None:
    """Read the stream behind the first two bytes, which say whether a magic precedes it and how it is cut."""
    if len(data) < 2:
        return
    stream = MAGIC + data[2:] if data[0] & 1 else data[2:]
    step = data[1] + 1
    pieces = [stream[start : start + step] for start in range(0, len(stream), step)]
    assert _messages([stream]) == _messages(pieces)


def _messages(pieces: list[bytes]) -> list[object]:
    transport = V1Transport(MAGIC, max_kept_payload=MAX_KEPT)
    seen: list[object] = []
    for piece in pieces:
        transport.receive_data(piece)
        try:
            while (message := transport.next_message()) is not None:
                assert message.payload is None or len(message.payload) == message.size <= MAX_KEPT
                assert message.msg_type.isprintable()
                seen.append((message.msg_type, message.payload, message.size, message.anomaly))
        except PeerError as error:
            seen.append(str(error))
            break
        assert transport.buffered <= MAX_KEPT + 24
    seen.append(transport.consumed)
    return seen
