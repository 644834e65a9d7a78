"""Codes are stable, and each has its sentence."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum

import pytest

from bitcoin_handshake.codes import ANOMALY_SENTENCES, FAILURE_SENTENCES, AnomalyCode, FailureCode, Phase

# Printed, stored and documented: append-only. A line may be added here, none changed or removed.
FAILURE_CODES = """
input.bad_target input.bad_option
resolve.failed resolve.nxdomain resolve.no_addresses resolve.servfail resolve.refused resolve.timeout
resolve.bad_answer resolve.cname_loop
connect.refused connect.unreachable connect.timeout connect.failed
peer.closed peer.reset peer.timeout peer.flood peer.rejected
v1.bad_magic v1.other_chain foreign.http foreign.tls foreign.ssh v1.message_too_large
foreign.ftp foreign.smtp foreign.imap foreign.pop3 foreign.mysql foreign.telnet foreign.vnc foreign.text
v2.no_garbage_terminator v2.authentication_failed v2.packet_too_large v2.looks_like_v1 v2.other_chain
wire.truncated wire.trailing_bytes wire.non_minimal_compact_size wire.field_too_long wire.bad_encoding
handshake.bad_version_message handshake.version_too_old handshake.self_connection
policy.not_routable policy.address_family policy.no_proxy
local.environment local.protocol internal
"""
ANOMALY_CODES = """
v1.bad_checksum v1.bad_msg_type v2.bad_msg_type handshake.bad_version_message handshake.before_version
handshake.duplicate_version handshake.duplicate_verack handshake.late_feature message.malformed
message.trailing_bytes message.wrong_pong message.implausible_value
"""
PHASES = "resolve connect proxy key garbage version_packet version verack getaddr"


def test_codes_are_append_only() -> None:
    assert {*FAILURE_CODES.split()} <= {code.value for code in FailureCode}
    assert {*ANOMALY_CODES.split()} <= {code.value for code in AnomalyCode}
    assert [phase.value for phase in Phase] == PHASES.split()


@pytest.mark.parametrize(
    ("codes", "sentences"), [(FailureCode, FAILURE_SENTENCES), (AnomalyCode, ANOMALY_SENTENCES)]
)
def test_every_code_has_a_sentence(codes: type[StrEnum], sentences: dict[StrEnum, str]) -> None:
    assert list(sentences) == list(codes)
    for sentence in sentences.values():
        assert sentence
        assert not sentence.endswith(".")
        assert "\n" not in sentence


def test_the_breakdown_has_its_sentences_without_docstrings_too() -> None:
    """`python -OO` removes docstrings."""
    program = (
        "from bitcoin_handshake.codes import Phase\n"
        "from bitcoin_handshake.errors import PeerTimeout\n"
        "from bitcoin_handshake.records import Outcome, ProbeResult\n"
        "from bitcoin_handshake.summary import Summary\n"
        "error = PeerTimeout(phase=Phase.VERSION, waited_s=1, bytes_received=0)\n"
        "summary = Summary()\n"
        "summary.count(ProbeResult('x', 'regtest', Outcome.FAILED, 0, error=error))\n"
        "print(*summary.reasons, __doc__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"{FAILURE_SENTENCES[FailureCode.PEER_TIMEOUT]} (peer.timeout) None\n"
