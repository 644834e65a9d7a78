"""Asking for addresses: what is the answer, what is not, and every bound."""

from __future__ import annotations

import pytest

from bitcoin_handshake import session as session_module
from bitcoin_handshake.conversation import getaddr
from bitcoin_handshake.conversation.getaddr import AddressAnswer, GetAddr
from bitcoin_handshake.errors import AnomalyCode, PeerClosed, PeerFlood, PeerTimeout, Phase
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.wire import serialize_compact_size
from tests.sessions import MAGIC, START, TIMEOUT_S, VERACK, VERSION, message, our_version

WAIT_S = 20.0
SETTLE_S = 0.5
# Time 1,700,000,000, services 9, IPv4 8.8.8.8, port 8333.
ENTRY = bytes.fromhex("00f15365 09 01 04 08080808 208d")


def _addrv2(count: int, entry: bytes = ENTRY) -> bytes:
    return message("addrv2", serialize_compact_size(count) + entry * count)


def _asked(settle_s: float = SETTLE_S) -> tuple[Session, AddressAnswer]:
    conversation = GetAddr(wait_s=WAIT_S, settle_s=settle_s)
    session = Session(
        V1Transport(MAGIC),
        Handshake(our_version(), initiating=True),
        now=START,
        deadline=START + TIMEOUT_S,
        conversation=conversation,
    )
    session.receive_data(VERSION + VERACK, now=START)
    assert session.data_to_send().endswith(VERACK + message("getaddr"))
    assert (session.finished, session.deadline, session.phase) == (False, START + WAIT_S, Phase.GETADDR)
    return session, conversation.result


def test_an_answer_in_one_message_ends_when_no_more_follows() -> None:
    session, answer = _asked()
    session.receive_data(_addrv2(1000), now=START + 0.1)
    assert session.deadline == START + 0.1 + SETTLE_S
    session.handle_timeout(now=START + 0.6)
    assert (session.finished, session.error, answer.error) == (True, None, None)
    assert (answer.is_answered, answer.entries, answer.answer_ms) == (True, 1000, 100.0)
    assert answer.messages == [("addrv2", bytes.fromhex("fde803") + ENTRY * 1000)]


def test_an_answer_in_several_messages_is_taken_whole() -> None:
    session, answer = _asked()
    for at, count in enumerate((1000, 1000, 500)):
        session.receive_data(_addrv2(count), now=START + at * 0.4)
    assert session.deadline == START + 0.8 + SETTLE_S
    session.handle_timeout(now=START + 1.3)
    assert (answer.entries, len(answer.messages), answer.announcements) == (2500, 3, 0)


def test_the_first_answer_ends_it_where_nothing_is_waited_for() -> None:
    session, answer = _asked(settle_s=0.0)
    session.receive_data(_addrv2(11) + _addrv2(1000), now=START)
    assert (session.finished, answer.entries, session.deadline) == (True, 11, None)


@pytest.mark.parametrize("count", [1, 10])
def test_an_announcement_is_kept_and_is_not_the_answer(count: int) -> None:
    session, answer = _asked(settle_s=0.0)
    session.receive_data(_addrv2(count), now=START)
    assert (session.finished, session.deadline) == (False, START + WAIT_S)
    assert (answer.is_answered, answer.announcements, answer.entries) == (False, 1, count)
    session.handle_timeout(now=START + WAIT_S)
    assert (session.finished, answer.is_answered, answer.error) == (True, False, None)


def test_an_addr_message_is_an_answer_too() -> None:
    session, answer = _asked(settle_s=0.0)
    session.receive_data(message("addr", b"\x0b" + bytes(30) * 11), now=START)
    assert (session.finished, answer.entries) == (True, 11)


def test_a_node_that_says_nothing_is_a_timeout_of_its_own() -> None:
    session, answer = _asked()
    session.handle_timeout(now=START + WAIT_S)
    assert isinstance(answer.error, PeerTimeout)
    assert (answer.error.phase, answer.error.waited_s) == (Phase.GETADDR, WAIT_S)
    assert (session.error, session.is_complete) == (None, True)


def test_a_peer_that_hangs_up_before_it_answers_is_a_fact() -> None:
    session, answer = _asked()
    session.receive_eof(now=START + 1)
    assert isinstance(answer.error, PeerClosed)
    assert (answer.error.phase, session.finished) == (Phase.GETADDR, True)
    assert (session.error, session.is_complete) == (None, True)


def test_a_peer_that_hangs_up_after_it_answered_did_nothing_wrong() -> None:
    session, answer = _asked()
    session.receive_data(_addrv2(1000), now=START)
    session.receive_eof(now=START)
    assert (session.finished, answer.error) == (True, None)


@pytest.mark.parametrize(
    "payload",
    [
        bytes.fromhex("fde903") + ENTRY * 1001,  # over 1,000
        bytes.fromhex("fde803") + ENTRY,  # not enough bytes for 1,000
        b"\xfd\x01\x00" + ENTRY,  # a count that is written too long
        b"",
        b"\x01" + bytes(65536),  # over what a transport keeps
    ],
)
def test_a_bad_message_is_left_out_and_the_wait_goes_on(payload: bytes) -> None:
    session, answer = _asked()
    session.receive_data(message("addrv2", payload), now=START)
    assert (answer.rejected, answer.messages, session.deadline) == (1, [], START + WAIT_S)
    assert session.handshake.anomalies == [AnomalyCode.MALFORMED]


def test_an_answer_that_never_ends_is_cut_by_its_entries() -> None:
    session, answer = _asked()
    for _ in range(11):
        session.receive_data(_addrv2(1000), now=START)
    assert (session.finished, answer.is_truncated, answer.error) == (True, True, None)
    assert answer.entries == getaddr.MAX_ANSWER_ENTRIES


def test_an_answer_that_never_ends_is_cut_by_its_bytes() -> None:
    session, answer = _asked()
    big = message("addrv2", b"\x01" + bytes(65535))
    for _ in range(17):
        session.receive_data(big, now=START)
        assert session.buffered <= getaddr.MAX_ANSWER_BYTES
    assert (session.finished, answer.is_truncated) == (True, True)


def test_an_answer_that_never_ends_is_cut_by_its_messages() -> None:
    session, answer = _asked()
    session.receive_data(message("addrv2", b"\x00") * getaddr.MAX_ANSWER_MESSAGES, now=START)
    assert (session.finished, answer.is_truncated, answer.entries) == (True, True, 0)


def test_one_byte_a_second_does_not_move_the_deadline() -> None:
    session, answer = _asked()
    for at, byte in enumerate(_addrv2(1000)[:19]):
        session.receive_data(bytes((byte,)), now=START + at)
        assert session.deadline == START + WAIT_S
    session.handle_timeout(now=START + WAIT_S)
    assert isinstance(answer.error, PeerTimeout)


def test_messages_of_one_answer_do_not_move_the_end_beyond_the_limit() -> None:
    session, _ = _asked()
    for at in range(1, 200):
        session.receive_data(_addrv2(11), now=START + at * 0.1)
    assert session.deadline == START + WAIT_S


def test_bytes_after_the_handshake_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_CONVERSATION_BYTES", 100)
    session, answer = _asked()
    session.receive_data(message("inv", bytes(76)), now=START)
    assert not session.finished
    session.receive_data(b"\xfa", now=START)
    assert session.finished
    assert isinstance(answer.error, PeerFlood)
