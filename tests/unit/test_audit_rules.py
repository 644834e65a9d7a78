"""Each finding has facts that give it, and the healthy node gives none of the bad ones."""

from __future__ import annotations

from typing import Any

import pytest

from bitcoin_handshake.audit.facts import AddressFacts
from bitcoin_handshake.audit.findings import Level
from bitcoin_handshake.audit.rules import Context, examine
from tests.audits import record, transport, version

CONTEXT = Context(reference_height=850_000, reference_source="--height", lingered=True)
HEALTHY = {
    "reach.ok",
    "v2.ok",
    "height.ok",
    "clock.ok",
    "software.seen",
    "services.full",
    "ping.ok",
    "view.addr_recv",
    "view.features",
}


def _ids(*records: dict[str, Any], context: Context = CONTEXT) -> dict[str, Level]:
    facts = [AddressFacts.from_record(one) for one in records]
    return {finding.id: finding.level for finding in examine(facts, context)}


def _failed(code: str, phase: str, **facts: Any) -> dict[str, Any]:
    """A node that failed before its `version`."""
    v1 = transport("refused", phase=phase, code=code, reason="why", bytes_received=facts.pop("received", 0))
    given = {"version": None, "features": {}, "claims_v2": None, "speaks_v2": None, **facts}
    return record(
        outcome="failed",
        code=code,
        phase=phase,
        reason="why",
        transports={"v1": v1, "v2": transport()},
        **given,
    )


def test_a_healthy_node_has_no_bad_finding() -> None:
    assert set(_ids(record())) == HEALTHY
    assert max(_ids(record()).values()) is Level.OK


REACH = [
    (_failed("resolve.nxdomain", "resolve", address=None), "resolve.failed"),
    (_failed("connect.refused", "connect"), "reach.refused"),
    (_failed("connect.timeout", "connect"), "reach.filtered"),
    (_failed("connect.unreachable", "connect"), "reach.no_route"),
    (_failed("connect.failed", "connect"), "reach.failed"),
    (_failed("peer.closed", "version"), "reach.slots_full"),
    (_failed("peer.reset", "version"), "reach.slots_full"),
    (_failed("peer.closed", "version", received=5), "reach.closed"),
    (_failed("peer.closed", "verack", version=version()), "reach.closed_after_version"),
    (_failed("peer.timeout", "version"), "reach.silent"),
    (_failed("peer.timeout", "verack", version=version()), "reach.no_verack"),
    (_failed("peer.rejected", "version"), "reach.rejected"),
    (_failed("peer.flood", "version"), "reach.flood"),
    (_failed("foreign.ssh", "version"), "reach.foreign"),
    (_failed("v1.other_chain", "version"), "chain.other"),
    (_failed("v1.bad_magic", "version"), "chain.unknown"),
    (_failed("handshake.bad_version_message", "version"), "version.malformed"),
    (_failed("handshake.version_too_old", "version"), "version.too_old"),
    (_failed("handshake.self_connection", "version"), "reach.echo"),
]


@pytest.mark.parametrize(("given", "expected"), REACH, ids=[name for _, name in REACH])
def test_a_failure_is_one_problem(given: dict[str, Any], expected: str) -> None:
    problems = [name for name, level in _ids(given).items() if level is Level.PROBLEM]
    assert problems == [expected]


def test_what_was_not_dialled_is_unknown() -> None:
    skipped = record(outcome="skipped", code="policy.not_routable", version=None, features={})
    assert _ids(skipped)["reach.skipped"] is Level.UNKNOWN


def test_a_fault_of_the_proxy_is_not_blamed_on_the_node() -> None:
    assert _ids(_failed("proxy.closed", "proxy"))["reach.proxy"] is Level.UNKNOWN


@pytest.mark.parametrize(
    ("claims", "speaks", "expected", "level"),
    [
        (True, True, "v2.ok", Level.OK),
        (False, True, "v2.not_claimed", Level.NOTE),
        (True, False, "v2.broken", Level.WARNING),
        (True, None, "v2.broken", Level.WARNING),
        (False, False, "v2.off", Level.NOTE),
    ],
)
def test_v2_is_what_is_claimed_and_what_is_measured(
    claims: bool, speaks: bool | None, expected: str, level: Level
) -> None:
    found = _ids(record(claims_v2=claims, speaks_v2=speaks))
    assert {name: found[name] for name in found if name.startswith("v2.")} == {expected: level}


@pytest.mark.parametrize(
    ("height", "expected", "level"),
    [
        (850_000, "height.ok", Level.OK),
        (849_998, "height.ok", Level.OK),
        (849_997, "height.lag", Level.NOTE),
        (849_994, "height.lag", Level.NOTE),
        (849_993, "height.behind", Level.WARNING),
        (0, "height.behind", Level.WARNING),
        (850_006, "height.ok", Level.OK),
        (850_007, "height.ahead", Level.WARNING),
    ],
)
def test_the_height_is_compared_with_the_reference(height: int, expected: str, level: Level) -> None:
    found = _ids(record(version=version(start_height=height)))
    assert {name: found[name] for name in found if name.startswith("height.")} == {expected: level}


def test_without_a_reference_the_height_is_a_note() -> None:
    assert _ids(record(), context=Context())["height.unknown"] is Level.NOTE


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (0, "clock.ok"),
        (60, "clock.ok"),
        (-61, "clock.off"),
        (600, "clock.off"),
        (-601, "clock.wrong"),
        (7200, "clock.wrong"),
        (None, "clock.wrong"),
    ],
)
def test_the_clock_is_judged_by_its_offset(offset: int | None, expected: str) -> None:
    found = _ids(record(version=version(time_offset_s=offset)))
    assert [name for name in found if name.startswith("clock.")] == [expected]


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("/Satoshi:24.2.0/", "software.old"),
        ("/Satoshi:0.21.1/", "software.old"),
        ("/Satoshi:25.0.0/", "software.seen"),
        ("/Satoshi:28.1.0/Knots:20250305/", "software.seen"),
        ("/btcwire:0.5.0/btcd:0.24.2/", "software.seen"),
        (None, "software.seen"),
    ],
)
def test_releases_with_known_vulnerabilities_are_flagged(user_agent: str | None, expected: str) -> None:
    found = _ids(record(version=version(user_agent=user_agent)))
    assert [name for name in found if name in ("software.old", "software.seen")] == [expected]


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ("0000000000000409", {"services.full"}),
        ("0000000000000408", {"services.pruned"}),
        ("0000000000000008", {"services.none"}),
        ("0000000000000001", {"services.full", "services.no_witness"}),
        ("0000000000000000", {"services.none", "services.no_witness"}),
    ],
)
def test_the_services_say_what_others_get(services: str, expected: set[str]) -> None:
    found = _ids(record(version=version(services=services)))
    assert {name for name in found if name.startswith("services.")} == expected


@pytest.mark.parametrize(
    ("ping_ms", "expected"), [(None, "ping.none"), (1000.0, "ping.ok"), (1000.5, "ping.slow")]
)
def test_the_ping_is_judged(ping_ms: float | None, expected: str) -> None:
    found = _ids(record(times_ms={"connect": 1.0, "ping": ping_ms}))
    assert [name for name in found if name.startswith("ping.")] == [expected]


def test_nobody_misses_a_ping_that_was_not_sent() -> None:
    found = _ids(record(times_ms={"connect": 1.0, "ping": None}), context=Context(lingered=False))
    assert not [name for name in found if name.startswith("ping.")]


def test_an_anomaly_is_a_warning_with_its_code() -> None:
    assert _ids(record(anomalies=["message.malformed"]))["anomaly.message.malformed"] is Level.WARNING


def test_an_old_protocol_version_is_a_note() -> None:
    assert _ids(record(version=version(protocol_version=70015)))["software.old_protocol"] is Level.NOTE


def test_addresses_that_do_not_work_beside_some_that_do_are_a_warning() -> None:
    dead = _failed("connect.timeout", "connect", address="[2001:db8::1]:8333", network="ipv6")
    facts = [AddressFacts.from_record(one) for one in (record(), dead)]
    (partly,) = [finding for finding in examine(facts, CONTEXT) if finding.id == "reach.partly"]
    assert partly.level is Level.WARNING
    assert partly.title == "1 of 2 addresses work (no address of ipv6 works)"


def test_without_internet_the_fault_may_be_ours() -> None:
    dead = _failed("connect.timeout", "connect")
    assert _ids(dead, context=Context(has_internet=False))["local.no_internet"] is Level.UNKNOWN
    assert "local.no_internet" not in _ids(dead, context=Context(has_internet=True))
    assert "local.no_internet" not in _ids(record(), context=Context(has_internet=False))
