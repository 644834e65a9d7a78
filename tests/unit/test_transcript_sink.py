"""The facts of a connection."""

from __future__ import annotations

from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.transcript.sink import ConnectionFacts, V2Secrets
from tests.simulated import REGTEST


def test_facts_of_a_connection_that_we_opened() -> None:
    facts = ConnectionFacts.of(REGTEST, NetAddr.from_text("2001:db8::1", 8333), started_unix=1.0, nonce=7)
    assert (facts.address, facts.initiating, facts.own_nonces) == ("[2001:db8::1]:8333", True, (7,))
    assert facts.secrets is None


def test_secrets_are_hex() -> None:
    secrets = V2Secrets(private_key=b"\1" * 32, ellswift=b"\2" * 64, garbage=b"", decoys=(b"ab", b""))
    assert secrets.to_json() == {
        "private_key": "01" * 32,
        "ellswift": "02" * 64,
        "garbage": "",
        "decoys": ["6162", ""],
        "version_contents": "",
    }
