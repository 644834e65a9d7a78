"""Figures and verdicts from made-up answers and records."""

from __future__ import annotations

from typing import Any

import pytest

from bitcoin_handshake.audit.seeds.ask import Answer, Signatures
from bitcoin_handshake.audit.seeds.facts import Node, SeedAudit, audits, reference_height
from bitcoin_handshake.audit.seeds.questions import Question
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.resolver.servers import Server

SERVER = Server.from_text("9.9.9.9")
OTHER = Server.from_text("1.1.1.1")


def _node(host: str, outcome: str = "ok", *, height: int = 100, offset: int = 0, **more: Any) -> Node:
    version = {
        "services": f"{more.pop('services', 0x9):016x}",
        "start_height": height,
        "time_offset_s": offset,
        "user_agent": "/x/",
    }
    record = {
        "outcome": outcome,
        "code": more.pop("code", None if outcome == "ok" else "peer.timeout"),
        "version": version if outcome == "ok" else None,
        "speaks_v2": more.pop("speaks_v2", None),
    }
    return Node(netaddr=NetAddr.from_text(host, 8333), record=record, **more)


def _answer(
    addresses: list[str], *, mask: int = 0, server: Server = SERVER, ttl: int | None = 3600
) -> Answer:
    return Answer(
        question=Question("s", mask, "A", server),
        rcode="NOERROR",
        addresses=addresses,
        ttl_s=ttl,
        elapsed_ms=10.0,
        protocol="udp",
    )


def _audit(nodes: list[Node], answers: list[Answer] | None = None, state: str = "none") -> SeedAudit:
    by_host = {node.netaddr.host: node for node in nodes}
    given = [_answer(list(by_host))] if answers is None else answers
    [audit] = audits(given, by_host, {"s": Signatures(state, "why")}, unreachable_before={})
    return audit


HOSTS = [f"1.{number}.0.1" for number in range(1, 11)]


def _checks(audit: SeedAudit) -> dict[str, str]:
    return {check.id: check.state for check in audit.checks()}


@pytest.mark.parametrize(
    ("good", "verdict"), [(10, "good"), (8, "good"), (7, "poor"), (5, "poor"), (4, "bad")]
)
def test_the_share_decides(good: int, verdict: str) -> None:
    nodes = [_node(host, "ok" if number < good else "failed") for number, host in enumerate(HOSTS)]
    assert _audit(nodes).verdict == verdict


def test_bogus_signatures_are_bad() -> None:
    audit = _audit([_node(host) for host in HOSTS], state="bogus")
    assert audit.verdict == "bad"
    assert "DNSSEC is bogus (why)" in audit.verdict_line()


def test_nodes_that_could_not_be_dialled_say_nothing() -> None:
    audit = _audit([_node(host, "skipped") for host in HOSTS])
    assert (audit.verdict, audit.share()) == ("unknown", (0, 0))
    assert _checks(audit)["seed.functioning"] == "not measurable"
    assert audit.verdict_line() == "s: unknown: no node was dialled"


@pytest.mark.parametrize(("ttl", "state"), [(59, "fail"), (60, "pass"), (None, "not measurable")])
def test_ttl(ttl: int | None, state: str) -> None:
    audit = _audit([_node("1.1.1.1")], [_answer(["1.1.1.1"], ttl=ttl), _answer([], ttl=None)])
    assert _checks(audit)["seed.ttl"] == state


def test_heights_and_clocks() -> None:
    nodes = [_node(host, height=1000) for host in HOSTS]
    nodes[0] = _node(HOSTS[0], height=855)
    nodes[1] = _node(HOSTS[1], height=856)
    nodes[2] = _node(HOSTS[2], height=1000, offset=-4201)
    nodes[3] = _node(HOSTS[3], height=1000, offset=4200)
    audit = _audit(nodes)
    assert (audit.reference_height, audit.lagging, audit.wrong_clock) == (1000, [HOSTS[0]], [HOSTS[2]])
    assert reference_height([]) is None
    assert reference_height([_node("1.1.1.1", height=0)]) is None


def test_services_of_a_filter() -> None:
    nodes = [_node("1.1.0.1", services=0x9), _node("1.2.0.1", services=0x1), _node("1.3.0.1", "failed")]
    hosts = [node.netaddr.host for node in nodes]
    audit = _audit(nodes, [_answer(hosts, mask=0x9), _answer(hosts[:1], mask=0x1)])
    assert audit.filters() == {"x9": (3, 2, 1), "x1": (1, 1, 1)}
    assert _checks(audit)["seed.filters"] == "fail"


def test_groups() -> None:
    assert Node(netaddr=NetAddr.from_text("1.2.3.4", 1)).group == "1.2.0.0/16"
    assert Node(netaddr=NetAddr.from_text("2001:db8:1::1", 1)).group == "2001:db8::/32"
    half = [_node(f"1.1.0.{n}") for n in range(5)] + [_node(host) for host in HOSTS[5:]]
    assert _checks(_audit(half))["seed.groups"] == "pass"
    more = [_node(f"1.1.0.{n}") for n in range(6)] + [_node(host) for host in HOSTS[6:]]
    assert _checks(_audit(more))["seed.groups"] == "fail"
    assert _checks(_audit(more[:7]))["seed.groups"] == "not measurable"


def test_several_resolvers_are_compared() -> None:
    nodes = [_node(host) for host in HOSTS[:3]]
    audit = _audit(nodes, [_answer(HOSTS[:2]), _answer(HOSTS[1:3], server=OTHER)])
    [check] = [check for check in audit.checks() if check.id == "seed.same_for_all"]
    assert check.evidence == "1 of 3 addresses are the same at 2 resolvers"


def test_counts() -> None:
    nodes = [_node("1.1.0.1", speaks_v2=True), _node("1.2.0.1", speaks_v2=False), _node("1.3.0.1", "failed")]
    audit = _audit(nodes, [_answer(["1.1.0.1", "1.2.0.1", "1.1.0.1", "1.3.0.1"])])
    assert (audit.v2, audit.duplicates, audit.time_ms) == (1, 1, 10.0)
    assert audit.user_agents == {"/x/": 2}


def test_the_json_form_holds_everything() -> None:
    audit = _audit([_node(host) for host in HOSTS])
    form = audit.to_json()
    assert form["reachable"] == {
        "all": {"reachable": 10, "dialled": 10, "share": 1.0},
        "ipv4": {"reachable": 10, "dialled": 10, "share": 1.0},
        "ipv6": {"reachable": 0, "dialled": 0, "share": None},
    }
    assert (form["stale"], form["autonomous_systems"], form["verdict"]) == (None, None, "good")
