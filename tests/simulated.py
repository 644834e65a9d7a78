"""What the tests of simulated peers share: a node's facts, and a conversation in memory."""

from __future__ import annotations

from random import Random

from bitcoin_handshake.chain import CHAINS, Chain, ChainParams
from bitcoin_handshake.conversation.linger import linger_or_hang_up
from bitcoin_handshake.errors import Phase
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.session import Session
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS, Expected
from bitcoin_handshake.simulate.script import End, NodeFacts, Script
from bitcoin_handshake.transport.bip324 import ellswift
from bitcoin_handshake.transport.v1 import V1Transport
from bitcoin_handshake.transport.v2 import V2Transport

REGTEST = CHAINS[Chain.REGTEST]
CLIENT_NONCE = 0x0102030405060708
START = 1000.0
TIMEOUT_S = 10.0


def node_facts(params: ChainParams = REGTEST, *, seed: int = 0, **options: object) -> NodeFacts:
    """Facts of a node whose clock stands still."""
    return NodeFacts(
        params=params,
        netaddr=NetAddr.from_text("127.1.0.1", params.default_port),
        random=Random(seed),
        time_unix=lambda: 1_700_000_000,
        **options,  # type: ignore[arg-type]  # the tests pass what NodeFacts has
    )


def local_version(protocol_version: int = 70016, *, nonce: int = CLIENT_NONCE) -> bytes:
    """What the client of a test says of itself."""
    local = LocalVersion(user_agent=b"/test:1/", protocol_version=protocol_version)
    return local.serialize(nonce=nonce, time_unix=1_700_000_000, ip=bytes(16), port=0)


def initiator(
    params: ChainParams = REGTEST, *, timeout_s: float = TIMEOUT_S, linger_s: float = 0.0
) -> Session:
    """A client of the same core, at the start of a connection."""
    handshake = Handshake(local_version(), initiating=True, own_nonces={CLIENT_NONCE})
    transport = V1Transport(params.magic)
    return Session(
        transport,
        handshake,
        now=START,
        deadline=START + timeout_s,
        conversation=linger_or_hang_up(linger_s, ping_nonce=0),
        trace=False,
    )


def v2_initiator(
    params: ChainParams = REGTEST, *, timeout_s: float = TIMEOUT_S, first_byte_s: float | None = None
) -> Session:
    """The same in v2, with keys and garbage that do not change."""
    private_key = bytes(range(1, 33))
    transport = V2Transport(
        magic=params.magic,
        initiating=True,
        keys=(private_key, ellswift.create(private_key, bytes(32))),
        garbage=b"garbage" * 10,
    )
    return Session(
        transport,
        Handshake(local_version(), initiating=True, own_nonces={CLIENT_NONCE}),
        now=START,
        deadline=START + timeout_s,
        first_byte_by=None if first_byte_s is None else START + first_byte_s,
        trace=False,
    )


def converse(session: Session, script: Script) -> list[bytes]:
    """Let both talk until the session has its verdict, skipping the time in which neither does.

    Returns:
        What the script sent, by segment.
    """
    now = START
    segments: list[bytes] = []
    while not session.finished:
        to_script, to_session = session.data_to_send(), script.data_to_send()
        if to_script:
            script.receive_data(to_script, now=now)
        if to_session:
            segments.append(to_session)
            session.receive_data(to_session, now=now)
        if to_script or to_session:
            continue
        if script.end is not None:
            session.receive_eof(now=now, reset=script.end is End.RESET)
            continue
        deadlines = [each for each in (session.deadline, script.deadline) if each is not None]
        now = max(now, min(deadlines))
        if session.deadline is not None and now >= session.deadline:
            session.handle_timeout(now=now)
        if script.deadline is not None and now >= script.deadline:
            script.handle_timeout(now=now)
    return segments


def verdict(session: Session) -> Expected:
    """What came of a session, in the terms of the table of behaviours."""
    if session.is_complete:
        return Expected(Outcome.OK)
    error = session.error
    assert error is not None
    outcome = Outcome.PARTIAL if session.handshake.messages_after_version else Outcome.FAILED
    return Expected(outcome, Phase(error.phase) if error.phase else None, error.code)


def script_of(name: str, facts: NodeFacts | None = None) -> Script:
    """One connection of the behaviour of this name."""
    return BEHAVIOURS[name].build(facts or node_facts(), None, START)
