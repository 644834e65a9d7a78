"""The rules of an examination: facts in, findings out.

Pure. Each rule looks at one topic and gives each id at most once per address. `examine` applies
all of them. What a node is (`ok`, `partial`, `failed`, `skipped`) was decided before, by `prober`;
the rules explain it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bitcoin_handshake.audit.facts import AddressFacts, TransportFacts
from bitcoin_handshake.audit.findings import Finding, Level
from bitcoin_handshake.codes import ANOMALY_SENTENCES, AnomalyCode, FailureCode
from bitcoin_handshake.guidance import GUIDANCE
from bitcoin_handshake.protocol import ServiceFlags

__all__ = ["Context", "examine"]

MAX_CLOCK_OFFSET_S = 600
"""Core warns its operator above 10 minutes (`timedata.h`, `TimeOffsets::WARN_THRESHOLD`)."""
CLOCK_NOTE_S = 60
HEIGHT_LAG_NOTE = 2
HEIGHT_LAG_WARNING = 6
"""Blocks behind the reference: an hour at the usual rate."""
SLOW_PING_MS = 1000.0
OLDEST_SAFE_CORE = 25
"""CVE-2024-35202, a crash by a remote peer, is fixed in Bitcoin Core 25.0."""
CURRENT_PROTOCOL_VERSION = 70016
"""Since Core 0.21, `wtxidrelay` (BIP339)."""

_CORE = re.compile(r"^/Satoshi:(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the rules know besides the facts.

    Attributes:
        reference_height: Height of the chain; None when it is not known.
        reference_source: Where the height comes from, as words.
        has_internet: Whether other nodes were reachable from here; None when nobody asked.
        lingered: Whether the connection stayed open for the ping.
    """

    reference_height: int | None = None
    reference_source: str = ""
    has_internet: bool | None = None
    lingered: bool = False


def examine(facts: Sequence[AddressFacts], context: Context) -> list[Finding]:
    """Apply all rules to the addresses of one node.

    Args:
        facts: One entry for each address; for a name that does not resolve, one entry.
        context: What else is known.
    """
    findings = [finding for one in facts for rule in _RULES for finding in rule(one, context)]
    findings.extend(_whole_node(facts, context))
    return findings


# --- is it reachable? --------------------------------------------------------------------------

_REACH = {
    "resolve": ("resolve.failed", "The name does not resolve"),
    "connect.refused": ("reach.refused", "The host refuses the connection: nothing listens on this port"),
    "connect.timeout": (
        "reach.filtered",
        "Nothing answers: the host is down, or a firewall drops the packets",
    ),
    "connect.unreachable": ("reach.no_route", "There is no route from here to this address"),
    "v1.other_chain": ("chain.other", "The node belongs to another chain"),
    "v2.other_chain": ("chain.other", "The node belongs to another chain"),
    "v1.bad_magic": ("chain.unknown", "The peer speaks neither this chain nor another known one"),
    "peer.flood": ("reach.flood", "The peer sends data without end and does not complete the handshake"),
    "peer.rejected": ("reach.rejected", "The node rejects the connection with a message"),
    "handshake.bad_version_message": ("version.malformed", "The `version` of the peer cannot be read"),
    "handshake.version_too_old": ("version.too_old", "The protocol version of the peer is from before 2011"),
    "handshake.self_connection": (
        "reach.echo",
        "The address leads to an echo service, or back to this program",
    ),
}
_SLOTS_FULL = (
    "Check `maxconnections` of the node, and whether it is still loading. If it has banned this address, "
    "`bitcoin-cli listbanned` shows it. Try again later or from another address."
)


def _reach(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    if facts.outcome == "skipped":
        yield _finding(
            facts, "reach.skipped", Level.UNKNOWN, "The address was not dialled", _advice(facts.code)
        )
        return
    if facts.outcome == "ok":
        both = [name for name, one in _transports(facts) if one.status == "completed"]
        yield Finding(
            id="reach.ok",
            level=Level.OK,
            address=facts.name,
            title=f"The node completes the handshake over {' and '.join(both)}",
            evidence=_times(facts),
        )
        return
    code = facts.code or ""
    topic = "resolve" if facts.phase == "resolve" else code
    if topic in _REACH:
        name, title = _REACH[topic]
        yield _finding(facts, name, Level.PROBLEM, title, _advice(code))
    elif code.startswith("foreign."):
        title = "Another service answers at this address"
        yield _finding(facts, "reach.foreign", Level.PROBLEM, title, _advice(code))
    elif facts.phase == "proxy":
        title = "The address could not be reached through the proxy"
        yield _finding(facts, "reach.proxy", Level.UNKNOWN, title, _advice(code))
    elif code in ("peer.closed", "peer.reset"):
        yield _closed(facts)
    elif code == "peer.timeout":
        yield _silent(facts)
    else:
        yield _finding(facts, "reach.failed", Level.PROBLEM, "The handshake fails", _advice(code))


def _closed(facts: AddressFacts) -> Finding:
    if facts.protocol_version is not None:
        title = "The node closes the connection after its `version`"
        advice = "It may refuse our services, version or user agent, or its inbound slots are full."
        return _finding(facts, "reach.closed_after_version", Level.PROBLEM, title, advice)
    received = max(one.bytes_received or 0 for _, one in _transports(facts))
    if received:
        title = "The node closes the connection in the middle of the handshake"
        return _finding(facts, "reach.closed", Level.PROBLEM, title, _advice(facts.code))
    title = (
        "The node accepts the connection and closes it at once: its slots are full, or this address is banned"
    )
    return _finding(facts, "reach.slots_full", Level.PROBLEM, title, _SLOTS_FULL)


def _silent(facts: AddressFacts) -> Finding:
    if facts.protocol_version is not None:
        title = "The node sends `version` and never `verack`"
        return _finding(facts, "reach.no_verack", Level.PROBLEM, title, _advice(facts.code))
    title = "The connection is accepted, and no complete `version` arrives"
    advice = (
        "The node hangs or is still loading, or a proxy or firewall accepts connections in its place. Look "
        "at the log of the node."
    )
    return _finding(facts, "reach.silent", Level.PROBLEM, title, advice)


# --- what is it like? --------------------------------------------------------------------------


def _v2(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    if facts.outcome != "ok":
        return
    evidence = f"service bit: {_yes(facts.claims_v2)}, measured: {_yes(facts.speaks_v2)}"
    if facts.speaks_v2 and facts.claims_v2:
        title = "The v2 transport (BIP324) works"
        yield Finding(id="v2.ok", level=Level.OK, address=facts.name, title=title, evidence=evidence)
    elif facts.speaks_v2:
        title = "The v2 transport works, and the node does not advertise it"
        yield Finding(
            id="v2.not_claimed", level=Level.NOTE, address=facts.name, title=title, evidence=evidence
        )
    elif facts.claims_v2:
        yield Finding(
            id="v2.broken",
            level=Level.WARNING,
            address=facts.name,
            title="The node advertises the v2 transport, and it does not work from here",
            evidence=f"{evidence}; {facts.v2.reason or 'not tried'}",
            advice="Something on the path may block it. Compare from another network.",
        )
    else:
        yield Finding(
            id="v2.off",
            level=Level.NOTE,
            address=facts.name,
            title="The node does not speak the v2 transport",
            evidence=evidence,
            advice="Bitcoin Core has it since 26.0 (`v2transport=1`, the default since 27.0).",
        )


def _height(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    height = facts.start_height
    if height is None:
        return
    reference = context.reference_height
    if reference is None:
        yield Finding(
            id="height.unknown",
            level=Level.NOTE,
            address=facts.name,
            title=f"The node is at height {height}; there is nothing to compare it with",
            advice="Give the height of the chain with `--height`.",
        )
        return
    lag = reference - height
    evidence = f"height {height}, reference {reference} ({context.reference_source})"
    if lag > HEIGHT_LAG_WARNING:
        yield Finding(
            id="height.behind",
            level=Level.WARNING,
            address=facts.name,
            title=f"The node is {lag} blocks behind",
            evidence=evidence,
            advice="It may still be synchronising. If the lag does not shrink, look at its log.",
        )
    elif lag > HEIGHT_LAG_NOTE:
        title = f"The node is {lag} blocks behind"
        yield Finding(id="height.lag", level=Level.NOTE, address=facts.name, title=title, evidence=evidence)
    elif lag < -HEIGHT_LAG_WARNING:
        title = f"The node claims {-lag} blocks more than the reference"
        yield Finding(
            id="height.ahead", level=Level.WARNING, address=facts.name, title=title, evidence=evidence
        )
    else:
        title = "The height is current"
        yield Finding(id="height.ok", level=Level.OK, address=facts.name, title=title, evidence=evidence)


def _clock(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    if facts.protocol_version is None:
        return
    offset = facts.time_offset_s
    if offset is None or abs(offset) > MAX_CLOCK_OFFSET_S:
        shown = "far away" if offset is None else f"{offset:+d} s"
        yield Finding(
            id="clock.wrong",
            level=Level.WARNING,
            address=facts.name,
            title="The clock of the node is wrong, or ours is",
            evidence=f"offset {shown}",
            advice="Synchronise the clocks (NTP). A node more than two hours off rejects new blocks.",
        )
    elif abs(offset) > CLOCK_NOTE_S:
        yield Finding(
            id="clock.off",
            level=Level.NOTE,
            address=facts.name,
            title="The clock of the node differs from ours by more than a minute",
            evidence=f"offset {offset:+d} s",
        )
    else:
        evidence = f"offset {offset:+d} s"
        title = "The clock is right"
        yield Finding(id="clock.ok", level=Level.OK, address=facts.name, title=title, evidence=evidence)


def _software(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    if facts.protocol_version is None:
        return
    evidence = f"{facts.user_agent or 'no user agent'}, protocol version {facts.protocol_version}"
    core = _CORE.match(facts.user_agent or "")
    # Before 0.x became x.0 (22.0), releases were 0.21 and lower.
    major = None if core is None else int(core[1])
    if major is not None and major < OLDEST_SAFE_CORE:
        yield Finding(
            id="software.old",
            level=Level.WARNING,
            address=facts.name,
            title="The release has known vulnerabilities that a remote peer can use",
            evidence=evidence,
            advice=f"Upgrade: a peer can crash releases before {OLDEST_SAFE_CORE}.0 (CVE-2024-35202).",
        )
    else:
        title = "The software is named"
        yield Finding(
            id="software.seen", level=Level.NOTE, address=facts.name, title=title, evidence=evidence
        )
    if facts.protocol_version < CURRENT_PROTOCOL_VERSION:
        yield Finding(
            id="software.old_protocol",
            level=Level.NOTE,
            address=facts.name,
            title=f"The protocol version is below {CURRENT_PROTOCOL_VERSION}",
            evidence=evidence,
        )


def _services(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    services = facts.services
    if services is None:
        return
    evidence = " ".join(facts.services_names) or "none"
    if services & ServiceFlags.NODE_NETWORK:
        title = "The node offers the whole chain"
        yield Finding(id="services.full", level=Level.OK, address=facts.name, title=title, evidence=evidence)
    elif services & ServiceFlags.NODE_NETWORK_LIMITED:
        title = "The node is pruned: it offers the latest blocks only"
        yield Finding(
            id="services.pruned", level=Level.NOTE, address=facts.name, title=title, evidence=evidence
        )
    else:
        yield Finding(
            id="services.none",
            level=Level.WARNING,
            address=facts.name,
            title="The node offers no blocks: others will not connect to it",
            evidence=evidence,
            advice="Core offers NETWORK or NETWORK_LIMITED by default. Check the configuration.",
        )
    if not services & ServiceFlags.NODE_WITNESS:
        yield Finding(
            id="services.no_witness",
            level=Level.WARNING,
            address=facts.name,
            title="The node does not offer witness data (BIP144): Bitcoin Core does not sync from it",
            evidence=evidence,
        )


def _ping(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    if facts.outcome != "ok" or not context.lingered:
        return
    if facts.ping_ms is None:
        yield Finding(
            id="ping.none",
            level=Level.WARNING,
            address=facts.name,
            title="The node did not answer a ping while we waited",
            advice="It may be busy. Try a longer `--duration`.",
        )
    elif facts.ping_ms > SLOW_PING_MS:
        evidence = f"{facts.ping_ms:.0f} ms"
        title = "The node answers pings slowly"
        yield Finding(id="ping.slow", level=Level.NOTE, address=facts.name, title=title, evidence=evidence)
    else:
        evidence = f"{facts.ping_ms:.1f} ms"
        title = "The node answers pings"
        yield Finding(id="ping.ok", level=Level.OK, address=facts.name, title=title, evidence=evidence)


def _view(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    if facts.addr_recv is not None:
        title = "The node sees us under this address"
        yield Finding(
            id="view.addr_recv", level=Level.NOTE, address=facts.name, title=title, evidence=facts.addr_recv
        )
    negotiated = [name for name in ("wtxidrelay", "sendaddrv2", "sendtxrcncl") if facts.features.get(name)]
    if negotiated:
        title = "Features that the node negotiated"
        yield Finding(
            id="view.features",
            level=Level.NOTE,
            address=facts.name,
            title=title,
            evidence=" ".join(negotiated),
        )


def _anomalies(facts: AddressFacts, context: Context) -> Iterator[Finding]:
    for code in facts.anomalies:
        yield Finding(
            id=f"anomaly.{code}",
            level=Level.WARNING,
            address=facts.name,
            title="The node does not follow the protocol",
            evidence=f"{code}: {ANOMALY_SENTENCES[AnomalyCode(code)]}",
        )


Rule = Callable[[AddressFacts, Context], Iterator[Finding]]
_RULES: tuple[Rule, ...] = (
    _reach,
    _v2,
    _height,
    _clock,
    _software,
    _services,
    _ping,
    _view,
    _anomalies,
)


def _whole_node(facts: Sequence[AddressFacts], context: Context) -> Iterator[Finding]:
    """Compare the addresses of one node."""
    good = [one for one in facts if one.outcome == "ok"]
    bad = [one for one in facts if one.outcome in ("failed", "partial")]
    if not good and bad and context.has_internet is False:
        yield Finding(
            id="local.no_internet",
            level=Level.UNKNOWN,
            title="No other node is reachable from here either: the fault may be on this side",
            advice="Check the internet connection and the firewall of this machine.",
        )
    if good and bad:
        networks = sorted({one.network for one in bad if one.network} - {one.network for one in good})
        where = f" (no address of {', '.join(networks)} works)" if networks else ""
        yield Finding(
            id="reach.partly",
            level=Level.WARNING,
            title=f"{len(good)} of {len(good) + len(bad)} addresses work{where}",
            evidence=", ".join(one.name for one in bad),
            advice="Repair or withdraw the addresses that do not work: others try them too.",
        )


def _finding(facts: AddressFacts, name: str, level: Level, title: str, advice: str | None) -> Finding:
    evidence = "; ".join(filter(None, (facts.reason, facts.reject)))
    if facts.connect_ms is not None and facts.phase not in ("connect", "resolve"):
        evidence = f"{evidence} (connected in {facts.connect_ms:.1f} ms)"
    return Finding(id=name, level=level, address=facts.name, title=title, evidence=evidence, advice=advice)


def _advice(code: str | None) -> str | None:
    return None if code is None else GUIDANCE[FailureCode(code)].advice


def _transports(facts: AddressFacts) -> tuple[tuple[str, TransportFacts], ...]:
    return (("v1", facts.v1), ("v2", facts.v2))


def _times(facts: AddressFacts) -> str:
    return "" if facts.connect_ms is None else f"connected in {facts.connect_ms:.1f} ms"


def _yes(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
