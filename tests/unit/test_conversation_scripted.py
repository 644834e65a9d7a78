"""Scripts that are played against a real peer."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from bitcoin_handshake.conversation.scripted import Script, Scripted
from bitcoin_handshake.conversation.steps import CLOSE, RESET, Delay, Inbox, Say, Send, Step
from bitcoin_handshake.errors import LocalProtocolError, PeerClosed, PeerTimeout
from bitcoin_handshake.handshake import Handshake
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.v1 import V1Transport
from tests.sessions import MAGIC, START, TIMEOUT_S, VERACK, VERSION, message, our_version

Steps = Generator[Step, None, object]


def _ask_headers(inbox: Inbox) -> Steps:
    yield Say("getheaders", b"x")
    headers = yield from inbox.expect("headers")
    yield Delay(2.0)
    yield Say("mempool")
    return headers.payload


def _played(script: Script) -> tuple[Session, Scripted]:
    scripted = Scripted(script, limit_s=30.0)
    session = Session(
        V1Transport(MAGIC),
        Handshake(our_version(), initiating=True),
        now=START,
        deadline=START + TIMEOUT_S,
        conversation=scripted,
    )
    session.data_to_send()
    session.receive_data(VERSION, now=START)
    session.data_to_send()
    session.receive_data(VERACK, now=START)
    return session, scripted


def test_a_script_says_expects_waits_and_returns() -> None:
    session, scripted = _played(_ask_headers)
    assert session.data_to_send() == message("getheaders", b"x")
    assert session.deadline == START + 30.0
    session.receive_data(message("inv", b"\x00") + message("headers", b"\x00"), now=START + 1)
    assert (session.data_to_send(), session.deadline) == (b"", START + 3.0)
    session.handle_timeout(now=START + 3.0)
    assert session.data_to_send() == message("mempool")
    assert session.finished
    assert (scripted.result.value, scripted.result.is_complete, scripted.error) == (b"\x00", True, None)


def test_a_script_that_waits_too_long_is_a_timeout() -> None:
    session, scripted = _played(_ask_headers)
    session.handle_timeout(now=START + 30.0)
    assert (session.finished, scripted.result.is_complete) == (True, False)
    assert isinstance(scripted.error, PeerTimeout)


def test_a_peer_that_hangs_up_ends_the_script() -> None:
    session, scripted = _played(_ask_headers)
    session.receive_eof(now=START + 1)
    assert (session.finished, session.error) == (True, None)
    assert isinstance(scripted.error, PeerClosed)


def test_close_ends_it_without_an_error() -> None:
    def script(inbox: Inbox) -> Steps:
        yield Say("mempool")
        yield CLOSE
        return None

    session, scripted = _played(script)
    assert session.data_to_send() == message("mempool")
    assert (session.finished, scripted.error, scripted.result.is_complete) == (True, None, False)


@pytest.mark.parametrize("step", [Send(b"x"), RESET])
def test_steps_of_simulated_peers_are_refused(step: Step) -> None:
    def script(inbox: Inbox) -> Steps:
        yield step
        return None

    with pytest.raises(LocalProtocolError, match="simulated"):
        _played(script)
