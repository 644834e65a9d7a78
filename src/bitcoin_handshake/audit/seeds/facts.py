"""What the answers and the handshakes say about each seed. Pure: counts, shares and the verdict.

Owns the figures of an audit and the points of Core's policy for DNS seeds that can be measured. What a node
is, the survey has decided: a node counts as reachable where its outcome is `ok`.

Source: Bitcoin Core, `doc/dnsseed-policy.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, median_low
from typing import Any

from bitcoin_handshake.audit.seeds.ask import Answer, Signatures
from bitcoin_handshake.netaddr import NetAddr, Network

__all__ = ["Check", "Node", "SeedAudit", "audits", "reference_height"]

MIN_TTL_S = 60
"""The policy's lower limit."""
MAX_CLOCK_OFFSET_S = 70 * 60
"""A node further off is ignored by Core for its own clock (`MAX_TIMEOFFSET` until 27)."""
MAX_HEIGHT_LAG = 144
"""Blocks of a day: a node further behind is not at the tip."""
MAX_GROUP_SHARE = 0.5
"""Share of all addresses in one /16, /32 or autonomous system from which on it is one operator's."""
FEW = 8
"""Fewer addresses than this say nothing about their spread."""
GOOD_SHARE, POOR_SHARE = 0.75, 0.5
"""Reachable share of a good seed, and of a poor one; below that it is bad."""
_OTHER_CHAIN = frozenset(("v1.other_chain", "v1.bad_magic", "v2.other_chain"))
TOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One address that seeds answered.

    Attributes:
        netaddr: With the port of the chain.
        special: The special-purpose range that it is in; None for none.
        record: The record of schema version 1; None where it was not dialled.
        asn: Its autonomous system; None where it is not known.
    """

    netaddr: NetAddr
    special: str | None = None
    record: Mapping[str, Any] | None = None
    asn: int | None = None

    @property
    def was_dialled(self) -> bool:
        """Whether a connection was tried: one that the options or this machine kept us from was not."""
        return self.record is not None and self.record["outcome"] != "skipped"

    @property
    def is_reachable(self) -> bool:
        """Whether the handshake was completed."""
        return self.record is not None and self.record["outcome"] == "ok"

    @property
    def services(self) -> int | None:
        """What it offers, or None."""
        version = None if self.record is None else self.record["version"]
        return None if version is None else int(version["services"], 16)

    @property
    def group(self) -> str:
        """Its /16 of IPv4 or /32 of IPv6, which Core takes for one owner's."""
        host = self.netaddr.host
        if self.netaddr.network is Network.IPV4:
            return ".".join(host.split(".")[:2]) + ".0.0/16"
        from ipaddress import IPv6Network

        return str(IPv6Network(f"{host.partition('%')[0]}/32", strict=False))


@dataclass(frozen=True, slots=True)
class Check:
    """One point of the policy.

    Attributes:
        id: Stable.
        title: What it asks for.
        state: `pass`, `fail` or `not measurable`.
        evidence: The figures.
    """

    id: str
    title: str
    state: str
    evidence: str

    def to_json(self) -> dict[str, str]:
        """Return the fields as JSON has them."""
        return {"id": self.id, "title": self.title, "state": self.state, "evidence": self.evidence}


@dataclass(slots=True, kw_only=True)
class SeedAudit:
    """All that an audit says about one seed.

    Attributes:
        seed: Its name.
        answers: To all questions.
        nodes: Behind its addresses, by address; each once.
        signatures: What DNSSEC says.
        shared: How many of its addresses other seeds of this audit answered too.
        stale: Addresses that were not reachable in the last audit and are answered and not reachable again.
        compared: Whether there was a last audit.
        reference_height: The median of all reachable nodes of this audit, or what the caller said.
        has_asns: Whether autonomous systems are known.
    """

    seed: str
    answers: Sequence[Answer]
    nodes: Mapping[str, Node]
    signatures: Signatures
    shared: int = 0
    stale: Sequence[str] = field(default=())
    compared: bool = False
    reference_height: int | None = None
    has_asns: bool = False

    # --- DNS ---------------------------------------------------------------------------------

    @property
    def answered(self) -> list[Answer]:
        """The answers that have addresses."""
        return [answer for answer in self.answers if answer.addresses]

    @property
    def rcodes(self) -> Counter[str]:
        """Response codes, and failure codes where no answer came."""
        return Counter(answer.rcode or answer.code or "?" for answer in self.answers)

    @property
    def ttl_s(self) -> int | None:
        """The shortest TTL."""
        return min((answer.ttl_s for answer in self.answers if answer.ttl_s is not None), default=None)

    @property
    def time_ms(self) -> float | None:
        """The median of the times of the answers."""
        times = [answer.elapsed_ms for answer in self.answers if answer.elapsed_ms is not None]
        return median(times) if times else None

    @property
    def duplicates(self) -> int:
        """Records that repeat an address within one answer."""
        return sum(len(answer.addresses) - len(set(answer.addresses)) for answer in self.answers)

    # --- nodes -------------------------------------------------------------------------------

    def share(self, network: Network | None = None) -> tuple[int, int]:
        """Return how many nodes were reachable, and how many were dialled; of one network or of all."""
        dialled = [
            node
            for node in self.nodes.values()
            if node.was_dialled and network in (None, node.netaddr.network)
        ]
        return sum(node.is_reachable for node in dialled), len(dialled)

    @property
    def reachable(self) -> list[Node]:
        """The nodes that completed the handshake."""
        return [node for node in self.nodes.values() if node.is_reachable]

    @property
    def special(self) -> list[str]:
        """Addresses of special-purpose ranges, which no seed should answer."""
        return [address for address, node in self.nodes.items() if node.special]

    @property
    def other_chain(self) -> list[str]:
        """Addresses of nodes of another chain."""
        return [
            address
            for address, node in self.nodes.items()
            if node.record is not None and node.record["code"] in _OTHER_CHAIN
        ]

    @property
    def lagging(self) -> list[str]:
        """Reachable nodes that are more than MAX_HEIGHT_LAG (144) blocks behind."""
        tip = self.reference_height
        if tip is None:
            return []
        return [
            address
            for address, node in self.nodes.items()
            if (height := _version(node, "start_height")) is not None and height < tip - MAX_HEIGHT_LAG
        ]

    @property
    def wrong_clock(self) -> list[str]:
        """Reachable nodes whose clock is more than MAX_CLOCK_OFFSET_S (4200) off."""
        return [
            address
            for address, node in self.nodes.items()
            if (offset := _version(node, "time_offset_s")) is not None and abs(offset) > MAX_CLOCK_OFFSET_S
        ]

    @property
    def user_agents(self) -> Counter[str]:
        """User agents of the reachable nodes."""
        return Counter(str(_version(node, "user_agent") or "") for node in self.reachable)

    @property
    def v2(self) -> int:
        """Reachable nodes that spoke v2."""
        return sum(node.record is not None and node.record["speaks_v2"] is True for node in self.reachable)

    def filters(self) -> dict[str, tuple[int, int, int]]:
        """Return for each filter: its addresses, those that told their services, those that have the bits."""
        found: dict[str, tuple[int, int, int]] = {}
        for label, mask in {
            answer.question.label: answer.question.mask for answer in self.answers if answer.question.mask
        }.items():
            addresses = {
                address
                for answer in self.answers
                if answer.question.mask == mask
                for address in answer.addresses
            }
            offered = [
                services
                for address in addresses
                if address in self.nodes and (services := self.nodes[address].services) is not None
            ]
            found[label] = (len(addresses), len(offered), sum(each & mask == mask for each in offered))
        return found

    def groups(self) -> Counter[str]:
        """Count the addresses of each /16 and /32."""
        return Counter(node.group for node in self.nodes.values() if not node.special)

    def asns(self) -> Counter[str]:
        """Count the addresses of each autonomous system."""
        return Counter(f"AS{node.asn}" for node in self.nodes.values() if node.asn)

    # --- the policy --------------------------------------------------------------------------

    def checks(self) -> list[Check]:
        """Hold the seed against each point of the policy that can be measured, and name the others."""
        return [
            self._availability(),
            self._ttl(),
            self._functioning(),
            self._public(),
            self._chain(),
            self._filters(),
            self._spread(),
            self._one_operator(),
            self._same_for_all(),
            Check("seed.logging", "logs no more than needed, keeps it for itself", _UNKNOWN, ""),
        ]

    def _availability(self) -> Check:
        count = len(self.answered)
        text = f"{count} of {len(self.answers)} questions had addresses"
        bad = ", ".join(f"{count} x {name}" for name, count in self.rcodes.items() if name != "NOERROR")
        return Check(
            "seed.available", "answers with addresses", _state(count > 0), f"{text}; {bad}" if bad else text
        )

    def _ttl(self) -> Check:
        ttl = self.ttl_s
        if ttl is None:
            return Check("seed.ttl", "TTL of at least a minute", _UNKNOWN, "no records")
        return Check("seed.ttl", "TTL of at least a minute", _state(ttl >= MIN_TTL_S), f"{ttl} s")

    def _functioning(self) -> Check:
        title = f"at least {GOOD_SHARE:.0%} of the nodes work"
        good, dialled = self.share()
        if not dialled:
            return Check("seed.functioning", title, _UNKNOWN, "no node was dialled")
        evidence = f"{good} of {dialled} reachable ({good / dialled:.0%})"
        if self.compared:
            evidence += f"; {len(self.stale)} unreachable since the last audit"
        return Check("seed.functioning", title, _state(good / dialled >= GOOD_SHARE), evidence)

    def _public(self) -> Check:
        found = self.special
        return Check(
            "seed.public", "public addresses only", _measured(self.nodes, not found), _some(found) or "all"
        )

    def _chain(self) -> Check:
        wrong = {
            "of another chain": self.other_chain,
            "behind the tip": self.lagging,
            "with a wrong clock": self.wrong_clock,
        }
        evidence = "; ".join(f"{what}: {_some(which)}" for what, which in wrong.items() if which)
        title = "nodes of this chain, at its tip, with the right time"
        state = _measured(self.reachable or self.other_chain, not evidence)
        return Check("seed.chain", title, state, evidence or f"{len(self.reachable)} nodes")

    def _filters(self) -> Check:
        title = "filters are honest"
        found = {label: counts for label, counts in self.filters().items() if counts[1]}
        false = [f"{label}: {had} of {of}" for label, (_, of, had) in found.items() if had < of]
        evidence = f"nodes with the bits: {'; '.join(false)}" if false else f"{', '.join(found)}: all"
        return Check(
            "seed.filters", title, _measured(found, not false), evidence if found else "no node told"
        )

    def _spread(self) -> Check:
        return self._spread_of("seed.groups", "no /16 or /32 has over half", self.groups())

    def _one_operator(self) -> Check:
        if not self.has_asns:
            return Check(
                "seed.operators", "no network operator has over half", _UNKNOWN, "needs --asmap or --mmdb"
            )
        return self._spread_of("seed.operators", "no network operator has over half", self.asns())

    def _spread_of(self, check_id: str, title: str, groups: Counter[str]) -> Check:
        total = groups.total()
        if total < FEW:
            return Check(check_id, title, _UNKNOWN, f"{total} addresses are too few")
        [(name, count)] = groups.most_common(1)
        evidence = f"{len(groups)} for {total} addresses; the largest, {name}, has {count}"
        return Check(check_id, title, _state(count / total <= MAX_GROUP_SHARE), evidence)

    def _same_for_all(self) -> Check:
        """Compare what different resolvers were told; caches and turns make small sets differ, too."""
        title = "singles out no one who asks"
        by_server: dict[str, set[str]] = {}
        for answer in self.answered:
            by_server.setdefault(answer.question.server.to_text(), set()).update(answer.addresses)
        if len(by_server) < 2:
            return Check("seed.same_for_all", title, _UNKNOWN, "needs several --resolver")
        common = set.intersection(*by_server.values())
        union = set.union(*by_server.values())
        return Check(
            "seed.same_for_all", title, _UNKNOWN,
            f"{len(common)} of {len(union)} addresses are the same at {len(by_server)} resolvers",
        )  # fmt: skip

    # --- the verdict -------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """Return `good`, `poor`, `bad`, `dead` or `unknown`."""
        if not self.answered:
            return "dead"
        if self.signatures.state == "bogus":
            return "bad"
        good, dialled = self.share()
        if not dialled:
            return "bad" if self.special else "unknown"
        share = good / dialled
        if share < POOR_SHARE:
            return "bad"
        failed = [check for check in self.checks() if check.state == "fail"]
        return "poor" if failed or share < GOOD_SHARE else "good"

    def verdict_line(self) -> str:
        """Write the verdict and what it rests on, in one line."""
        good, dialled = self.share()
        parts = [f"{good} of {dialled} nodes reachable ({good / dialled:.0%})"] if dialled else []
        if not self.answered:
            parts.append(", ".join(f"{count} x {name}" for name, count in self.rcodes.items()))
        parts += [
            f"{check.title}: no ({check.evidence})"
            for check in self.checks()
            if check.state == "fail" and check.id not in _SAID
        ]
        if self.signatures.state == "bogus":
            parts.append(f"DNSSEC is bogus ({self.signatures.why})")
        return f"{self.seed}: {self.verdict}: {'; '.join(parts) or 'no node was dialled'}"

    def to_json(self) -> dict[str, object]:
        """Return all of it as JSON has it."""
        return {
            "seed": self.seed,
            "verdict": self.verdict,
            "line": self.verdict_line(),
            "questions": len(self.answers),
            "answered": len(self.answered),
            "rcodes": dict(self.rcodes),
            "ttl_s": self.ttl_s,
            "time_ms": None if self.time_ms is None else round(self.time_ms, 3),
            "truncated": sum(answer.was_truncated for answer in self.answers),
            "dnssec": {"state": self.signatures.state, "reason": self.signatures.why or None},
            "addresses": len(self.nodes),
            "reachable": {
                "all": _share_json(self.share()),
                "ipv4": _share_json(self.share(Network.IPV4)),
                "ipv6": _share_json(self.share(Network.IPV6)),
            },
            "filters": {
                label: {"addresses": count, "told": told, "have_the_bits": had}
                for label, (count, told, had) in self.filters().items()
            },
            "reference_height": self.reference_height,
            "other_chain": self.other_chain,
            "lagging": self.lagging,
            "wrong_clock": self.wrong_clock,
            "special": self.special,
            "speak_v2": self.v2,
            "user_agents": dict(self.user_agents.most_common()),
            "duplicates": self.duplicates,
            "shared": self.shared,
            "stale": list(self.stale) if self.compared else None,
            "groups": len(self.groups()),
            "autonomous_systems": dict(self.asns().most_common()) if self.has_asns else None,
            "policy": [check.to_json() for check in self.checks()],
            "answers": [answer.to_json() for answer in self.answers],
        }  # fmt: skip


_UNKNOWN = "not measurable"
_SAID = frozenset(("seed.functioning", "seed.available"))


def _share_json(share: tuple[int, int]) -> dict[str, object]:
    good, dialled = share
    return {
        "reachable": good,
        "dialled": dialled,
        "share": round(good / dialled, 4) if dialled else None,
    }


def _state(is_fine: bool) -> str:
    return "pass" if is_fine else "fail"


def _measured(basis: Collection[object], is_fine: bool) -> str:
    return _state(is_fine) if basis else _UNKNOWN


def _some(addresses: Sequence[str]) -> str:
    """Name the first few."""
    more = f" and {len(addresses) - TOP} more" if len(addresses) > TOP else ""
    return f"{', '.join(addresses[:TOP])}{more}"


def _version(node: Node, key: str) -> Any:
    """Return a field of a reachable node's `version`."""
    if node.record is None or not node.is_reachable or node.record["version"] is None:
        return None
    return node.record["version"][key]


def reference_height(nodes: Collection[Node]) -> int | None:
    """Return the median height of the reachable nodes; None without any."""
    heights = [
        height for node in nodes if (height := _version(node, "start_height")) is not None and height > 0
    ]
    return median_low(heights) if heights else None


def audits(
    answers: Sequence[Answer],
    nodes: Mapping[str, Node],
    signatures: Mapping[str, Signatures],
    *,
    unreachable_before: Mapping[str, Collection[str]],
    height: int | None = None,
    has_asns: bool = False,
) -> list[SeedAudit]:
    """Put together what belongs to each seed, in the order in which they were asked.

    Args:
        unreachable_before: Addresses that the last audit of a seed could not reach, by seed; a seed that
            is not there has no last audit.
        height: Height of the chain; None for the median of all nodes.
    """
    by_seed: dict[str, list[Answer]] = {}
    for answer in answers:
        by_seed.setdefault(answer.question.seed, []).append(answer)
    named = {
        seed: {address for answer in its for address in answer.addresses} for seed, its in by_seed.items()
    }
    spread = Counter(address for addresses in named.values() for address in addresses)
    tip = reference_height(nodes.values()) if height is None else height
    found = []
    for seed, its in by_seed.items():
        own = {address: nodes[address] for address in sorted(named[seed])}
        before = unreachable_before.get(seed)
        found.append(
            SeedAudit(
                seed=seed,
                answers=its,
                nodes=own,
                signatures=signatures.get(seed, Signatures("unknown", "")),
                shared=sum(spread[address] > 1 for address in own),
                stale=[
                    address
                    for address, node in own.items()
                    if before is not None and address in before and node.was_dialled and not node.is_reachable
                ],
                compared=before is not None,
                reference_height=tip,
                has_asns=has_asns,
            )
        )
    return found
