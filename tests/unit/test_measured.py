"""What is asked of the transports, as text."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.measured import TransportMode, TransportStatus, V2Facts, elapsed_ms


@pytest.mark.parametrize("text", ["auto", "v1", "v2", "both"])
def test_modes_are_read_from_text(text: str) -> None:
    assert TransportMode.from_text(text).value == text


def test_other_modes_are_refused_with_the_choice() -> None:
    with pytest.raises(InputError, match="'v3': one of auto, v1, v2, both"):
        TransportMode.from_text("v3")


def test_words_are_stable() -> None:
    assert [*TransportStatus] == ["completed", "refused", "not_tried"]


def test_nothing_is_known_at_first() -> None:
    facts = V2Facts()
    assert (facts.garbage_length, facts.decoys, facts.session_id) == (None, 0, None)
    assert (facts.key_ms, facts.garbage_ms, facts.version_packet_ms) == (None, None, None)


@pytest.mark.parametrize(
    ("start", "end", "ms"),
    [(1.0, 1.0, 0.0), (1.0, 1.00123456, 1.235), (0.0, 60.0, 60_000.0), (5.0, 5.0000004, 0.0)],
)
def test_times_are_milliseconds_to_the_microsecond(start: float, end: float, ms: float) -> None:
    assert elapsed_ms(start, end) == ms
