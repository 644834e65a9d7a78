"""What tests of records and sums share: a result, a `version`, facts of v2."""

from __future__ import annotations

from bitcoin_handshake.errors import PeerTimeout, Phase
from bitcoin_handshake.measured import V2Facts
from bitcoin_handshake.messages.handshake import V1Address, Version
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.records import Outcome, ProbeResult

NETADDR = NetAddr.from_text("203.0.113.7", 8333)
TIMEOUT = PeerTimeout(phase=Phase.VERACK, waited_s=10.0, bytes_received=5)
V2_FACTS = V2Facts(
    garbage_length=17,
    decoys=2,
    session_id=b"\xab" * 32,
    key_ms=1.0,
    garbage_ms=2.0,
    version_packet_ms=3.0,
)


def some_version(**changes: object) -> Version:
    address = V1Address(0, bytes.fromhex("00000000000000000000ffffcb007109"), 5555)
    fields: dict[str, object] = {
        "protocol_version": 70016,
        "services": 0xC09,
        "timestamp": 1_700_000_010,
        "addr_recv": address,
        "addr_from": V1Address(),
        "nonce": 0xFEDCBA9876543210,
        "user_agent": b"/Satoshi:28.1.0/",
        "start_height": 800_000,
        "relay": 1,
    }
    return Version(**(fields | changes))  # type: ignore[arg-type]  # fields of Version by name


def probe_result(**changes: object) -> ProbeResult:
    fields: dict[str, object] = {
        "target": "seed.test",
        "chain": "mainnet",
        "outcome": Outcome.OK,
        "timestamp": 1_700_000_000.5,
        "netaddr": NETADDR,
    }
    return ProbeResult(**(fields | changes))  # type: ignore[arg-type]  # fields of ProbeResult by name
