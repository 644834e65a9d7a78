"""The value that stands for what happens below the messages."""

from __future__ import annotations

from bitcoin_handshake.transport.events import TransportEvent, TransportEventKind


def test_says_what_it_is() -> None:
    event = TransportEvent(TransportEventKind.DECOY, 120, 5)
    assert repr(event) == "TransportEvent(decoy, offset=120, size=5)"
    assert (event.kind, event.offset, event.size) == ("decoy", 120, 5)
