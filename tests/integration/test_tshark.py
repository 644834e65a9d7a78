"""tshark's Bitcoin dissector reads what we write, and finds in captured sessions what we find in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.conversation.linger import linger_or_hang_up
from bitcoin_handshake.handshake import Handshake, LocalVersion
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.session import Session
from bitcoin_handshake.transport.v1 import V1Transport
from tests.helpers import own_vectors
from tests.tshark import dissect

pytestmark = pytest.mark.tshark

MAGIC = CHAINS[Chain.REGTEST].magic
NONCE = 0x0123456789ABCDEF
PING_NONCE = 0x1122334455667788
SESSIONS: list[dict[str, Any]] = json.loads(own_vectors("observed_v1_sessions.json").read_text())["sessions"]


def _session(*, initiating: bool) -> Session:
    version = LocalVersion(user_agent=b"/bitcoin-handshake:0.1.0/").serialize(
        nonce=NONCE if initiating else NONCE + 1,
        time_unix=1_700_000_000,
        ip=NetAddr.from_text("203.0.113.7", 8333).to_addrv1(),
        port=8333,
    )
    handshake = Handshake(version, initiating=initiating)
    linger_s = 5.0 if initiating else 0.0
    return Session(
        V1Transport(MAGIC),
        handshake,
        now=0.0,
        deadline=10.0,
        conversation=linger_or_hang_up(linger_s, ping_nonce=PING_NONCE),
    )


def _shake_hands() -> list[tuple[bool, bytes]]:
    """Let two sessions talk until both are silent: every flight, and whether the initiator sent it."""
    initiator, responder = _session(initiating=True), _session(initiating=False)
    flow: list[tuple[bool, bytes]] = []
    while True:
        ours, theirs = initiator.data_to_send(), responder.data_to_send()
        if not ours and not theirs:
            assert initiator.is_complete
            return flow
        if ours:
            flow.append((True, ours))
            responder.receive_data(ours, now=0.1)
        if theirs:
            flow.append((False, theirs))
            initiator.receive_data(theirs, now=0.1)


def _malformed(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message for message in messages if "_malformed" in message]


def test_our_handshake_is_well_formed_and_in_order(tmp_path: Path) -> None:
    flow = _shake_hands()
    messages = dissect(tmp_path, flow)
    assert not _malformed(messages)
    assert {message["magic"] for message in messages} == {f"0x{MAGIC.hex()}"}
    sent = [message["command"] for message in dissect(tmp_path, [run for run in flow if run[0]])]
    assert sent == ["version", "wtxidrelay", "sendaddrv2", "verack", "ping"]


def test_every_field_of_our_version_is_read_as_it_was_meant(tmp_path: Path) -> None:
    version = dissect(tmp_path, _shake_hands())[0]
    expected = {
        "command": "version",
        "version.version": "70016",
        "version.services": "0x0000000000000000",
        "version.timestamp": "Nov 14, 2023 22:13:20.000000000 UTC",
        "address.services": "0x0000000000000000,0x0000000000000000",
        "address.address": "::ffff:203.0.113.7,::",
        "address.port": "8333,0",
        "version.nonce": f"0x{NONCE:016x}",
        "string.value": "/bitcoin-handshake:0.1.0/",
        "version.start_height": "0",
        "version.relay": "0",
    }
    assert {name: version.get(name) for name in expected} == expected


def test_our_ping_carries_its_nonce(tmp_path: Path) -> None:
    ping = next(message for message in dissect(tmp_path, _shake_hands()) if message["command"] == "ping")
    assert ping["ping.nonce"] == f"0x{PING_NONCE:016x}"


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session["label"])
@pytest.mark.parametrize("joined", [False, True], ids=["message by message", "one segment"])
def test_finds_in_captured_sessions_what_we_find(
    tmp_path: Path, session: dict[str, Any], joined: bool
) -> None:
    received = [bytes.fromhex(m["message_hex"]) for m in session["messages"] if m["dir"] == "received"]
    flow = [(False, b"".join(received))] if joined else [(False, data) for data in received]
    theirs = dissect(tmp_path, flow)
    transport = V1Transport(MAGIC)
    transport.receive_data(b"".join(received))
    ours = []
    old_pings = 0  # without a nonce, as peers before BIP31 get them: tshark does not know that form
    while (message := transport.next_message()) is not None:
        ours.append(message.msg_type)
        old_pings += message.msg_type == "ping" and not message.payload
    assert len(_malformed(theirs)) == old_pings
    assert [message["command"] for message in theirs if "command" in message] == ours
    assert len(ours) == len(received)


def test_tshark_does_judge(tmp_path: Path) -> None:
    """A `version` that ends inside a field is called malformed, so silence above means something."""
    whole = bytes.fromhex(SESSIONS[0]["messages"][0]["message_hex"])
    cut = whole[:16] + (80).to_bytes(4, "little") + whole[20 : 24 + 80]
    assert _malformed(dissect(tmp_path, [(True, cut)]))
