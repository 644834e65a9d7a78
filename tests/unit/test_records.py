"""The record of a target: its JSON form, the summary, text that is safe to print."""

from __future__ import annotations

import json

import pytest

from bitcoin_handshake.errors import (
    AnomalyCode,
    BadMagic,
    BadTarget,
    BitcoinHandshakeError,
    ConnectRefused,
    InternalError,
    LooksLikeV1,
    PeerClosed,
    PeerReset,
    PeerTimeout,
    Phase,
    SelfConnection,
    SpeaksHttp,
    SpeaksSsh,
    SpeaksTls,
)
from bitcoin_handshake.measured import V2Facts
from bitcoin_handshake.messages.handshake import SendTxRcncl, Version
from bitcoin_handshake.messages.preferences import FeeFilter, SendCmpct
from bitcoin_handshake.records import (
    Features,
    MessageTime,
    Outcome,
    ProbeResult,
    rfc3339,
    user_agent_text,
)
from tests.results import TIMEOUT, V2_FACTS, probe_result, some_version

KEYS = [
    *("schema", "timestamp", "target", "address", "network", "chain", "seed", "outcome", "phase", "code"),
    *(
        "reason",
        "reject",
        "transport",
        "claims_v2",
        "speaks_v2",
        "transports",
        "version",
        "features",
        "anomalies",
        "times_ms",
        "bytes_sent",
    ),
    *("bytes_received", "messages"),
]
FEATURES = [
    "wtxidrelay",
    "sendaddrv2",
    "sendtxrcncl",
    "sendheaders",
    "sendcmpct",
    "feefilter",
    "feefilter_text",
]
NOT_TRIED = {
    "status": "not_tried",
    **dict.fromkeys(["phase", "code", "reason", "bytes_sent", "bytes_received"]),
}
NO_V1 = {**NOT_TRIED, "times_ms": dict.fromkeys(["connect", "version", "verack"])}
NO_V2 = {
    **NOT_TRIED,
    **dict.fromkeys(["garbage_length", "decoys", "session_id"]),
    "times_ms": dict.fromkeys(["connect", "key", "garbage", "version_packet", "version", "verack"]),
}
VERSION_KEYS = [
    *("protocol_version", "services", "services_names", "timestamp", "timestamp_text"),
    *("time_offset_s", "addr_recv"),
    *("addr_from", "nonce", "user_agent", "user_agent_hex", "start_height", "relay"),
]


def _json(result: ProbeResult) -> dict[str, object]:
    """The record as a reader gets it, by way of the text."""
    record: dict[str, object] = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert list(record) == KEYS
    return record


def _version_json(version: Version) -> dict[str, object]:
    record = _json(probe_result(version=version))["version"]
    assert isinstance(record, dict)
    assert list(record) == VERSION_KEYS
    return record


def test_a_whole_record() -> None:
    result = probe_result(
        seeds=["seed.test", "other.test"],
        transport="v1",
        version=some_version(),
        time_offset_s=-3,
        features=Features(
            True,
            True,
            SendTxRcncl(1, 0xFF),
            True,
            (SendCmpct(0, 2), SendCmpct(1, 1)),
            FeeFilter(1000),
        ),
        features_closed=True,
        anomalies=[AnomalyCode.BAD_CHECKSUM],
        resolve_ms=1.235,
        connect_ms=2.0,
        version_ms=3.0,
        verack_ms=4.0,
        ping_ms=5.0,
        bytes_sent=100,
        bytes_received=200,
        messages=[MessageTime(True, "version", 94, 0.123), MessageTime(False, "verack", 0, 7.0)],
    )
    assert _json(result) == {
        "schema": 1,
        "timestamp": "2023-11-14T22:13:20.500Z",
        "target": "seed.test",
        "address": "203.0.113.7:8333",
        "network": "ipv4",
        "chain": "mainnet",
        "seed": ["seed.test", "other.test"],
        "outcome": "ok",
        "phase": None,
        "code": None,
        "reason": None,
        "reject": None,
        "transport": "v1",
        "claims_v2": True,
        "speaks_v2": None,
        "transports": {
            "v1": {
                "status": "completed",
                "phase": None,
                "code": None,
                "reason": None,
                "bytes_sent": 100,
                "bytes_received": 200,
                "times_ms": {"connect": 2.0, "version": 3.0, "verack": 4.0},
            },
            "v2": NO_V2,
        },
        "version": {
            "protocol_version": 70016,
            "services": "0000000000000c09",
            "services_names": ["NETWORK", "WITNESS", "NETWORK_LIMITED", "P2P_V2"],
            "timestamp": 1_700_000_010,
            "timestamp_text": None,
            "time_offset_s": -3,
            "addr_recv": "203.0.113.9:5555",
            "addr_from": "[::]:0",
            "nonce": "fedcba9876543210",
            "user_agent": "/Satoshi:28.1.0/",
            "user_agent_hex": b"/Satoshi:28.1.0/".hex(),
            "start_height": 800_000,
            "relay": True,
        },
        "features": {
            "wtxidrelay": True,
            "sendaddrv2": True,
            "sendtxrcncl": {"version": 1, "salt": "00000000000000ff"},
            "sendheaders": True,
            "sendcmpct": [
                {"high_bandwidth": False, "version": 2, "version_text": None},
                {"high_bandwidth": True, "version": 1, "version_text": None},
            ],
            "feefilter": 1000,
            "feefilter_text": None,
        },
        "anomalies": ["v1.bad_checksum"],
        "times_ms": {"resolve": 1.235, "connect": 2.0, "version": 3.0, "verack": 4.0, "ping": 5.0},
        "bytes_sent": 100,
        "bytes_received": 200,
        "messages": [
            {"direction": "sent", "msg_type": "version", "size": 94, "at_ms": 0.123},
            {"direction": "received", "msg_type": "verack", "size": 0, "at_ms": 7.0},
        ],
    }


def test_what_is_not_known_is_null() -> None:
    error = BadTarget(text="a b", why="white space inside")
    record = _json(probe_result(outcome=Outcome.FAILED, netaddr=None, error=error, target="a b"))
    assert record == {
        **dict.fromkeys(KEYS),
        "schema": 1,
        "timestamp": "2023-11-14T22:13:20.500Z",
        "target": "a b",
        "chain": "mainnet",
        "outcome": "failed",
        "code": "input.bad_target",
        "reason": "'a b' is not a target: white space inside",
        "transports": {"v1": NO_V1, "v2": NO_V2},
        "features": dict.fromkeys(FEATURES),
        "anomalies": [],
        "times_ms": dict.fromkeys(["resolve", "connect", "version", "verack", "ping"]),
        "bytes_sent": 0,
        "bytes_received": 0,
    }


def test_a_failure_has_phase_code_and_reason() -> None:
    record = _json(probe_result(outcome=Outcome.PARTIAL, error=TIMEOUT, phase=Phase.VERACK))
    assert (record["outcome"], record["phase"], record["code"]) == ("partial", "verack", "peer.timeout")
    assert record["reason"] == "no verack in 10 s (5 bytes received)"


def test_a_record_of_both_transports() -> None:
    v2 = probe_result(
        transport="v2", v2=V2_FACTS, version=some_version(), connect_ms=0.5, bytes_sent=7, bytes_received=8
    )
    v2.other = probe_result(
        transport="v1", outcome=Outcome.PARTIAL, error=TIMEOUT, phase=Phase.VERACK, bytes_received=5
    )
    record = _json(v2)
    assert (record["transport"], record["claims_v2"], record["speaks_v2"]) == ("v2", True, True)
    assert record["transports"] == {
        "v1": {
            "status": "refused",
            "phase": "verack",
            "code": "peer.timeout",
            "reason": "no verack in 10 s (5 bytes received)",
            "bytes_sent": 0,
            "bytes_received": 5,
            "times_ms": dict.fromkeys(["connect", "version", "verack"]),
        },
        "v2": {
            "status": "completed",
            "phase": None,
            "code": None,
            "reason": None,
            "bytes_sent": 7,
            "bytes_received": 8,
            "garbage_length": 17,
            "decoys": 2,
            "session_id": "ab" * 32,
            "times_ms": {
                "connect": 0.5,
                "key": 1.0,
                "garbage": 2.0,
                "version_packet": 3.0,
                "version": None,
                "verack": None,
            },
        },
    }


@pytest.mark.parametrize(
    ("v2_bytes", "v1_outcome", "speaks"),
    [(0, Outcome.OK, False), (1, Outcome.OK, None), (0, Outcome.FAILED, None), (0, Outcome.PARTIAL, None)],
)
def test_silence_in_v2_proves_nothing_until_v1_completes(
    v2_bytes: int, v1_outcome: Outcome, speaks: bool | None
) -> None:
    closed = PeerClosed(phase=Phase.KEY, bytes_received=v2_bytes)
    v2 = probe_result(
        transport="v2", v2=V2Facts(), outcome=Outcome.FAILED, error=closed, bytes_received=v2_bytes
    )
    v1 = probe_result(transport="v1", outcome=v1_outcome, other=v2)
    assert v1.speaks_v2 is speaks
    assert (v1.claims_v2, v2.claims_v2) == (None, None)


@pytest.mark.parametrize(
    ("error", "speaks"),
    [
        (LooksLikeV1(), False),
        (PeerReset(phase=Phase.KEY, bytes_received=0), False),
        (PeerTimeout(phase=Phase.KEY, waited_s=5.0, bytes_received=0), None),
        (InternalError("a bug"), None),
        (None, None),
    ],
)
def test_only_what_the_peer_did_shows_that_it_lacks_v2(
    error: BitcoinHandshakeError | None, speaks: bool | None
) -> None:
    v2 = probe_result(transport="v2", v2=V2Facts(), outcome=Outcome.FAILED, error=error)
    assert probe_result(transport="v1", outcome=Outcome.OK, other=v2).speaks_v2 is speaks
    failed = probe_result(transport="v1", outcome=Outcome.FAILED, other=v2)
    assert failed.speaks_v2 is (False if isinstance(error, LooksLikeV1) else None)


@pytest.mark.parametrize(
    ("v2_outcome", "v1_bytes", "is_said"),
    [(Outcome.FAILED, 0, True), (Outcome.FAILED, 1, False), (Outcome.OK, 0, False)],
)
def test_a_ban_is_named_only_where_v2_failed_and_v1_got_nothing(
    v2_outcome: Outcome, v1_bytes: int, is_said: bool
) -> None:
    v2 = probe_result(transport="v2", v2=V2Facts(), outcome=v2_outcome)
    closed = PeerClosed(phase=Phase.VERSION, bytes_received=v1_bytes)
    v1 = probe_result(transport="v1", outcome=Outcome.FAILED, error=closed, other=v2)
    assert v1.reason is not None
    assert v1.reason.endswith("may have led to a ban: try --transport v1") is is_said


def test_where_only_v2_was_asked_the_reason_says_so() -> None:
    closed = PeerClosed(phase=Phase.KEY, bytes_received=0)
    alone = probe_result(transport="v2", outcome=Outcome.FAILED, error=closed)
    assert alone.reason == f"{closed}; --transport both asks in v1 too"
    alone.other = probe_result(transport="v1")
    assert alone.reason == str(closed)


@pytest.mark.parametrize("kind", [SpeaksHttp, SpeaksTls, SpeaksSsh])
def test_who_is_no_node_is_not_to_be_asked_in_v1(kind: type[BadMagic]) -> None:
    error = kind(received=b"HTTP", expected=bytes(4))
    error.phase = Phase.KEY
    assert probe_result(transport="v2", outcome=Outcome.FAILED, error=error).reason == str(error)


def test_an_echo_of_our_key_is_not_to_be_asked_in_v1() -> None:
    echo = SelfConnection()
    echo.phase = Phase.KEY
    assert probe_result(transport="v2", outcome=Outcome.FAILED, error=echo).reason == str(echo)
    echo.phase = Phase.VERSION
    assert (probe_result(transport="v2", outcome=Outcome.FAILED, error=echo).reason or "").endswith(
        "in v1 too"
    )


def test_extreme_numbers_are_printed() -> None:
    version = some_version(
        protocol_version=-(2**31),
        services=2**64 - 1,
        timestamp=-(2**63),
        nonce=0,
        start_height=-(2**31),
        relay=255,
    )
    record = _version_json(version)
    assert (record["protocol_version"], record["start_height"]) == (-(2**31), -(2**31))
    assert (record["timestamp"], record["services"]) == (None, "f" * 16)
    assert record["timestamp_text"] == "-9223372036854775808"
    assert (record["nonce"], record["relay"]) == ("0" * 16, True)
    at_limit = _version_json(some_version(timestamp=2**53 - 1, relay=0))
    assert (at_limit["timestamp"], at_limit["timestamp_text"]) == (2**53 - 1, None)
    beyond = _version_json(some_version(timestamp=2**53, relay=0))
    assert (beyond["timestamp"], beyond["timestamp_text"]) == (None, "9007199254740992")
    assert _version_json(some_version(relay=0))["relay"] is False


def test_fields_that_were_left_out_are_null() -> None:
    version = some_version(addr_from=None, nonce=None, user_agent=None, start_height=None, relay=None)
    record = _version_json(version)
    for key in ("addr_from", "nonce", "user_agent", "user_agent_hex", "start_height", "relay"):
        assert record[key] is None


@pytest.mark.parametrize(
    ("features_closed", "lingered", "early", "late"),
    [(False, False, None, None), (True, False, False, None), (True, True, False, False)],
)
def test_absence_is_a_fact_only_once_the_window_has_closed(
    features_closed: bool, lingered: bool, early: bool | None, late: bool | None
) -> None:
    result = probe_result(features=Features(), features_closed=features_closed, lingered=lingered)
    assert _json(result)["features"] == dict(
        zip(FEATURES, [early, early, early, late, late, late, None], strict=True)
    )


def test_values_of_zero_are_values() -> None:
    features = Features(sendtxrcncl=SendTxRcncl(0, 0), feefilter=FeeFilter(0), sendcmpct=(SendCmpct(0, 0),))
    record = _json(probe_result(features=features, features_closed=True, lingered=True))["features"]
    assert isinstance(record, dict)
    assert record["sendtxrcncl"] == {"version": 0, "salt": "0" * 16}
    assert (record["feefilter"], type(record["feefilter"])) == (0, int)
    assert record["sendcmpct"] == [{"high_bandwidth": False, "version": 0, "version_text": None}]
    assert _json(probe_result(features=Features(feefilter=FeeFilter(-(2**63)))))["features"] is not None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"/Satoshi:28.1.0/", "/Satoshi:28.1.0/"),
        ("/n\u00f6de:1/".encode(), "/n\u00f6de:1/"),
        (b"", ""),
        (b"\x1b[2J\x07", "\\x1b[2J\\x07"),
        (b"a\r\nb\tc", "a\\r\\nb\\tc"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\u202eevil\u2028".encode(), "\\u202eevil\\u2028"),
        ("\U000e0001".encode(), "\\U000e0001"),
        (b"\x7f\xc2\x9b31m", "\\x7f\\x9b31m"),
    ],
)
def test_user_agents_are_printable(raw: bytes, text: str) -> None:
    assert user_agent_text(raw) == text
    assert user_agent_text(raw).isprintable()
    result = probe_result(version=some_version(user_agent=raw))
    assert result.user_agent == text
    record = _version_json(some_version(user_agent=raw))
    assert (record["user_agent"], record["user_agent_hex"]) == (text, raw.hex())


def test_a_record_without_version_has_no_user_agent() -> None:
    assert probe_result().user_agent is None
    assert probe_result(version=some_version(user_agent=None)).user_agent is None


@pytest.mark.parametrize(
    ("time_unix", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
        (1_700_000_000.9999, "2023-11-14T22:13:20.999Z"),
        (951_782_399.5, "2000-02-28T23:59:59.500Z"),
    ],
)
def test_times_are_rfc3339(time_unix: float, text: str) -> None:
    assert rfc3339(time_unix) == text


def _silent_v2(**changes: object) -> ProbeResult:
    """What comes of a key that nobody answers."""
    fields: dict[str, object] = {
        "outcome": Outcome.FAILED,
        "error": PeerClosed(phase=Phase.KEY, bytes_received=0, retry_v1=True),
        "phase": Phase.KEY,
        "transport": "v2",
        "v2": V2Facts(),
    }
    return probe_result(**(fields | changes))


def test_no_connection_in_v1_after_v2_is_not_tried_and_says_why() -> None:
    second = probe_result(outcome=Outcome.FAILED, error=ConnectRefused(), phase=Phase.CONNECT)
    transports = _json(_silent_v2(other=second))["transports"]
    assert isinstance(transports, dict)
    assert transports["v1"] == NO_V1 | {
        "phase": "connect",
        "code": "connect.refused",
        "reason": "connection refused: nothing listens there",
    }


def test_claims_come_from_whichever_version_came() -> None:
    assert probe_result().claims_v2 is None
    assert probe_result(version=some_version(services=0x409)).claims_v2 is False
    assert _silent_v2(other=probe_result(transport="v1", version=some_version())).claims_v2 is True


def test_silence_is_blamed_on_everything_that_it_may_come_from() -> None:
    for kind in (PeerClosed, PeerReset):
        assert "speaks v1 only, is full, or banned us" in str(kind(phase=Phase.KEY, bytes_received=0))
    assert "v2" not in str(PeerClosed(phase=Phase.VERSION, bytes_received=0))
