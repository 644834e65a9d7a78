"""The bytes of the sins in v2; what comes of each is in tests/adversarial."""

from __future__ import annotations

import pytest

from bitcoin_handshake.simulate.script import LIFETIME_S, End, Script
from bitcoin_handshake.simulate.v2_sins import Listener
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.bip324.ciphers import BIP324Cipher
from bitcoin_handshake.transport.bip324.keys import derive_session_keys
from tests.simulated import REGTEST, START, converse, initiator, node_facts, script_of, v2_initiator

SINS = [
    *("v2-garbage-4096", "v2-no-terminator", "v2-wrong-tag", "v2-flipped-length", "v2-too-large"),
    *("v2-then-v1", "v2-drip-key", "v2-close-after-key"),
]
PRIVATE_KEY = bytes(range(1, 33))
KEY = ellswift.create(PRIVATE_KEY, bytes(32))


def _asked(name: str) -> tuple[Script, bytes, BIP324Cipher]:
    """A sin that got our key, what it sent, and our side of the ciphers."""
    script = script_of(name)
    script.receive_data(KEY, now=START)
    sent = script.data_to_send()
    secret = ellswift.xdh(KEY, sent[:64].ljust(64, b"\0"), PRIVATE_KEY, initiating=True)
    return script, sent, BIP324Cipher(derive_session_keys(secret, REGTEST.magic), initiating=True)


@pytest.mark.parametrize("name", SINS)
def test_says_nothing_before_the_key_is_whole(name: str) -> None:
    script = script_of(name)
    script.receive_data(KEY[:63], now=START)
    assert script.data_to_send() == b""
    script.receive_data(KEY[63:], now=START)
    assert script.data_to_send() != b""


@pytest.mark.parametrize("name", SINS)
def test_is_healthy_in_v1(name: str) -> None:
    session = initiator()
    converse(session, script_of(name))
    assert session.is_complete


def test_one_byte_of_garbage_too_many_is_all_that_is_wrong() -> None:
    _, sent, cipher = _asked("v2-garbage-4096")
    assert sent.index(cipher.receive_terminator) == 64 + 4096
    packet = sent[64 + 4096 + 16 :]
    assert cipher.decrypt_length(packet[:3]) == 0
    assert cipher.decrypt(packet[3:], aad=sent[64 : 64 + 4096]) == b"\0"


def test_no_terminator_comes_within_the_limit() -> None:
    _, sent, cipher = _asked("v2-no-terminator")
    assert len(sent) > 64 + 4095 + 16
    assert cipher.receive_terminator not in sent


def test_one_bit_of_the_length_is_flipped() -> None:
    _, sent, cipher = _asked("v2-flipped-length")
    start = sent.index(cipher.receive_terminator) + 16
    assert cipher.decrypt_length(sent[start : start + 3]) == 1
    assert len(sent) > start + 20 + 1


def test_the_packet_is_one_byte_longer_than_any_message() -> None:
    _, sent, cipher = _asked("v2-too-large")
    start = sent.index(cipher.receive_terminator) + 16
    assert cipher.decrypt_length(sent[start:]) == 4_000_014


def test_one_bit_of_the_tag_is_flipped() -> None:
    _, sent, cipher = _asked("v2-wrong-tag")
    start = sent.index(cipher.receive_terminator) + 16
    assert cipher.decrypt_length(sent[start : start + 3]) == 0
    good = sent[start + 3 : -1] + bytes((sent[-1] ^ 1,))
    assert cipher.decrypt(good, aad=sent[64 : start - 16]) == b"\0"


def test_v1_follows_the_key() -> None:
    _, sent, _ = _asked("v2-then-v1")
    assert sent[64:].startswith(REGTEST.magic + b"version\0")


def test_the_key_drips() -> None:
    script, sent, _ = _asked("v2-drip-key")
    now = START
    while script.deadline is not None and script.deadline < START + LIFETIME_S:
        now = script.deadline
        script.handle_timeout(now=now)
        piece = script.data_to_send()
        assert len(piece) <= 1
        sent += piece
    assert len(sent) == 64
    assert now == START + 64 * 5.0


def test_closes_behind_the_key() -> None:
    script, sent, _ = _asked("v2-close-after-key")
    assert (len(sent), script.end) == (64, End.CLOSE)


def _listener() -> Listener:
    return Listener(node_facts(), lambda _: script_of("core-v1"), lambda _: script_of("silent"), now=START)


def test_a_listener_waits_until_it_knows_and_not_for_ever() -> None:
    listener = _listener()
    listener.receive_data(REGTEST.magic, now=START)
    assert (listener.data_to_send(), listener.end, listener.deadline) == (b"", None, START + LIFETIME_S)
    listener.handle_timeout(now=START + LIFETIME_S)
    assert listener.end is End.CLOSE


def test_a_listener_ends_with_its_client() -> None:
    for data in (b"", initiator().data_to_send(), v2_initiator().data_to_send()):
        listener = _listener()
        listener.receive_data(data, now=START)
        listener.receive_eof(now=START)
        assert listener.end is End.CLOSE
