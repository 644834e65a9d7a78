"""The v1 transport under any bytes in any segmentation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.errors import PeerError
from bitcoin_handshake.protocol import MsgType
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.helpers import chunked
from tests.sessions import MAGIC, captured_sessions, received_bytes

MAX_KEPT = 64
TYPES = st.one_of(st.sampled_from([each.value for each in MsgType]), st.text("abcz_ ~0", max_size=12))
MESSAGES = st.builds(serialize_message, st.just(MAGIC), TYPES, st.binary(max_size=3 * MAX_KEPT))
DAMAGED = st.builds(
    lambda message, at, mask: (
        message[: at % len(message)]
        + bytes((message[at % len(message)] ^ mask,))
        + message[at % len(message) + 1 :]
    ),
    MESSAGES,
    st.integers(4, 300),
    st.integers(1, 255),
)
CAPTURED = st.sampled_from([b"".join(received_bytes(each)) for each in captured_sessions()])
STREAMS = st.lists(st.one_of(MESSAGES, MESSAGES, DAMAGED, CAPTURED, st.binary(max_size=40)), max_size=6).map(
    b"".join
)
CUTS = st.lists(st.integers(0, 5000), max_size=30)


def _run(pieces: list[bytes]) -> tuple[list[tuple[object, ...]], int, object]:
    """Everything that comes out of a stream: messages, bytes consumed, the end."""
    transport = V1Transport(MAGIC, max_kept_payload=MAX_KEPT)
    messages: list[tuple[object, ...]] = []
    fed = 0
    for piece in pieces:
        transport.receive_data(piece)
        fed += len(piece)
        try:
            while (each := transport.next_message()) is not None:
                messages.append((each.msg_type, each.payload, each.size, each.anomaly, each.header))
        except PeerError as error:
            return messages, transport.consumed, (error.code, str(error))
        assert transport.buffered <= 24 + MAX_KEPT
        assert transport.consumed <= fed
    return messages, transport.consumed, None


@given(STREAMS, CUTS)
def test_segmentation_does_not_matter(stream: bytes, cuts: list[int]) -> None:
    whole = _run([stream])
    assert _run(chunked(stream, cuts)) == whole
    assert _run([stream[index : index + 1] for index in range(len(stream))]) == whole


@given(st.binary(max_size=400), CUTS)
def test_any_bytes_end_in_messages_or_in_a_documented_error(stream: bytes, cuts: list[int]) -> None:
    _run(chunked(MAGIC + stream, cuts))
    _run(chunked(stream, cuts))


@given(st.lists(st.tuples(TYPES, st.binary(max_size=MAX_KEPT)), max_size=8), CUTS)
def test_what_is_sent_arrives(sent: list[tuple[str, bytes]], cuts: list[int]) -> None:
    sender = V1Transport(MAGIC)
    for msg_type, payload in sent:
        sender.send_message(msg_type, payload)
    stream = sender.data_to_send()
    messages, consumed, end = _run(chunked(stream, cuts))
    assert [(each[0], each[1]) for each in messages] == sent
    assert (consumed, end) == (len(stream), None)
