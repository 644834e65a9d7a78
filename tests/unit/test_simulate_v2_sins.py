"""What the sins of v2 send; what comes of them in every mode is in tests/adversarial."""

from __future__ import annotations

import pytest

from bitcoin_handshake.errors import FailureCode
from bitcoin_handshake.transport.bip324.ellswift import ELLSWIFT_LEN
from tests.simulated import START, converse, script_of, v2_initiator


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("v2-garbage-4096", FailureCode.V2_NO_GARBAGE_TERMINATOR),
        ("v2-no-terminator", FailureCode.V2_NO_GARBAGE_TERMINATOR),
        ("v2-wrong-tag", FailureCode.V2_AUTHENTICATION_FAILED),
        ("v2-too-large", FailureCode.V2_PACKET_TOO_LARGE),
        ("v2-close-after-key", FailureCode.PEER_CLOSED),
        ("v2-other-chain", FailureCode.V2_OTHER_CHAIN),
        ("v2-drip-key", FailureCode.PEER_TIMEOUT),
    ],
)
def test_a_sin_ends_in_its_code(name: str, code: FailureCode) -> None:
    session = v2_initiator()
    converse(session, script_of(name))
    assert session.error is not None
    assert session.error.code is code
    assert not session.is_complete


def test_a_flipped_length_never_delivers_a_message() -> None:
    session = v2_initiator()
    converse(session, script_of("v2-flipped-length"))
    assert session.error is not None
    assert session.messages_received == 0


@pytest.mark.parametrize("name", ["v2-wrong-tag", "v2-no-terminator", "v2-then-v1", "v2-close-after-key"])
def test_nothing_is_sent_before_the_whole_key_of_the_client(name: str) -> None:
    opening = v2_initiator().data_to_send()
    script = script_of(name)
    script.receive_data(opening[: ELLSWIFT_LEN - 1], now=START)
    assert script.data_to_send() == b""
    script.receive_data(opening[ELLSWIFT_LEN - 1 : ELLSWIFT_LEN], now=START)
    assert len(script.data_to_send()) >= ELLSWIFT_LEN
