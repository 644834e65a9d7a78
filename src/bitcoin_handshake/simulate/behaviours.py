"""The named behaviours of simulated peers, and what a default v1 handshake makes of each.

Owns the registry `BEHAVIOURS`. The profiles of healthy peers are in `profiles`, Core's conduct in
`core`, the sins in `sins`; behaviours of the v2 transport get a module of their own beside these
and their rows here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.errors import FailureCode, Phase
from bitcoin_handshake.protocol import HEADER_LEN
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.simulate import profiles, sins
from bitcoin_handshake.simulate.core import CORE, CorePeer, Profile
from bitcoin_handshake.simulate.script import NodeFacts, Peer, Script, Scripted, Shaped, Steps
from bitcoin_handshake.transport.v1 import V1Transport

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Client",
    "Expected",
    "behaviours_table",
]

SEGMENT_DELAY_S = 0.001
"""Between two segments of the peers that cut their messages: longer than a turn of a loop."""

Client = tuple[str, int] | None
"""Host and port of a client as the socket has them; None where there is no socket."""
Build = Callable[[NodeFacts, Client, float], Script]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a handshake over v1 with default options ends in.

    Attributes:
        outcome: What becomes of the node.
        phase: Where it stops; None on `ok`.
        code: Why; None on `ok`.
    """

    outcome: Outcome
    phase: Phase | None = None
    code: FailureCode | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return the three as JSON has them."""
        return {"outcome": self.outcome, "phase": self.phase, "code": self.code}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way for a peer to behave.

    Attributes:
        name: What it is called on the command line.
        expected: What a default handshake with it ends in.
        description: One line about it.
        build: Makes the script of one connection: of the node, for a client, at a monotonic time.
        listens: Whether there is a socket at all.
    """

    name: str
    expected: Expected
    description: str
    build: Build
    listens: bool = True


OK = Expected(Outcome.OK)


def _failed(phase: Phase, code: FailureCode) -> Expected:
    return Expected(Outcome.FAILED, phase, code)


def _partial(code: FailureCode) -> Expected:
    return Expected(Outcome.PARTIAL, Phase.VERACK, code)


def _like(profile: Profile) -> Build:
    def build(node: NodeFacts, client: Client, now: float) -> Script:
        return CorePeer(node, profile, client=client, now=now)

    return build


def _sin(steps: Callable[[Peer], Steps], *, is_raw: bool = False) -> Build:
    def build(node: NodeFacts, client: Client, now: float) -> Script:
        peer = Peer(node, is_raw=is_raw)
        return Scripted(steps(peer), peer, now=now)

    return build


def _cut(profile: Profile, cut: Callable[[bytes], Iterable[bytes]]) -> Build:
    def build(node: NodeFacts, client: Client, now: float) -> Script:
        inner = CorePeer(node, profile, client=client, now=now)
        return Shaped(inner, cut, delay_s=SEGMENT_DELAY_S, now=now)

    return build


def _slow(node: NodeFacts, client: Client, now: float) -> Script:
    inner = CorePeer(node, CORE, client=client, now=now)
    return Shaped(inner, _whole, delay_s=node.delay_s, now=now)


def _of_other_chain(node: NodeFacts, client: Client, now: float) -> Script:
    other = Chain.TESTNET4 if node.params.chain is not Chain.TESTNET4 else Chain.SIGNET
    transport = V1Transport(CHAINS[other].magic)
    return CorePeer(node, CORE, client=client, now=now, transport=transport)


def _whole(data: bytes) -> Iterable[bytes]:
    return (data,)


def _single_bytes(data: bytes) -> Iterable[bytes]:
    return (data[index : index + 1] for index in range(len(data)))


def _messages(data: bytes) -> Iterable[bytes]:
    """Cut bytes between the messages."""
    start = 0
    while start < len(data):
        stop = start + HEADER_LEN + int.from_bytes(data[start + 16 : start + 20], "little")
        yield data[start:stop]
        start = stop


def _half_messages(data: bytes) -> Iterable[bytes]:
    """Cut bytes in the middle of each message: most segments hold the ends of two."""
    start = 0
    position = 0
    for message in _messages(data):
        middle = position + len(message) // 2
        yield data[start:middle]
        start = middle
        position += len(message)
    yield data[start:]


_VERSION, _VERACK = Phase.VERSION, Phase.VERACK
_CLOSED, _RESET, _TIMEOUT = FailureCode.PEER_CLOSED, FailureCode.PEER_RESET, FailureCode.PEER_TIMEOUT

_ROWS = (
    Behaviour("core", OK, "Bitcoin Core 28.1, in order and timing", _like(CORE)),
    Behaviour("core-v1", OK, "Bitcoin Core 28.1 with the v2 transport switched off", _like(CORE)),
    Behaviour("core-32", OK, "a later Core: protocol version 70017", _like(profiles.CORE_32)),
    Behaviour(
        "core-23", OK, "Core 0.21 to 23: sendheaders and two sendcmpct behind verack", _like(profiles.CORE_23)
    ),
    Behaviour(
        "core-0.20",
        OK,
        "Core 0.14 to 0.20: 70015, nothing between version and verack",
        _like(profiles.CORE_0_20),
    ),
    Behaviour("core-0.12", OK, "Core 0.12: 70012, an alert behind verack", _like(profiles.CORE_0_12)),
    Behaviour("core-0.8", OK, "Core 0.8: 70001", _like(profiles.CORE_0_8)),
    Behaviour(
        "core-txrcncl",
        OK,
        "Core with transaction reconciliation: sendtxrcncl before verack",
        _like(profiles.CORE_TXRCNCL),
    ),
    Behaviour("pruned", OK, "a pruned Core: NETWORK_LIMITED without NETWORK", _like(profiles.PRUNED)),
    Behaviour(
        "knots", OK, "Bitcoin Knots: two layers of user agent, further service bits", _like(profiles.KNOTS)
    ),
    Behaviour(
        "btcd",
        OK,
        "btcd: one message a segment, no wtxidrelay; refuses others before verack",
        _cut(profiles.BTCD, _messages),
    ),
    Behaviour("speaks-first", OK, "bcoin: version on accept, before the client's", _like(profiles.BCOIN)),
    Behaviour("libbitcoin", OK, "libbitcoin: version on accept, 70013", _like(profiles.LIBBITCOIN)),
    Behaviour("oldest", OK, "protocol version 31800, the lowest accepted", _like(profiles.OLDEST)),
    Behaviour(
        "ancient-addr-recv",
        OK,
        "31800, version ends after addr_recv (46 bytes)",
        _like(profiles.ANCIENT_FORMS["ancient-addr-recv"]),
    ),
    Behaviour(
        "ancient-nonce",
        OK,
        "31800, version ends after nonce (80 bytes)",
        _like(profiles.ANCIENT_FORMS["ancient-nonce"]),
    ),
    Behaviour(
        "ancient-user-agent",
        OK,
        "31800, version ends after the user agent",
        _like(profiles.ANCIENT_FORMS["ancient-user-agent"]),
    ),
    Behaviour(
        "ancient-height",
        OK,
        "31800, version ends after start_height",
        _like(profiles.ANCIENT_FORMS["ancient-height"]),
    ),
    Behaviour("segments", OK, "Core, but one byte a segment", _cut(CORE, _single_bytes)),
    Behaviour("half-messages", OK, "Core, but every message cut in the middle", _cut(CORE, _half_messages)),
    Behaviour(
        "one-segment",
        OK,
        "everything up to feefilter in one segment, without waiting for verack",
        _like(profiles.ONE_SEGMENT),
    ),
    Behaviour(
        "unknown-messages",
        OK,
        "unknown, odd and malformed messages before verack",
        _like(profiles.UNKNOWN_MESSAGES),
    ),
    Behaviour("chatty", OK, "200 messages (ping, inv, addr) before verack", _like(profiles.CHATTY)),
    Behaviour(
        "large-message", OK, "a message of 4,000,000 bytes before verack", _like(profiles.LARGE_MESSAGE)
    ),
    Behaviour("slow", OK, "Core, but each answer after a delay (1 s unless set)", _slow),
    Behaviour(
        "hostile-user-agent",
        OK,
        "256 bytes of ANSI escapes, line ends, formula, bidi, invalid UTF-8",
        _like(profiles.EXTREMES["hostile-user-agent"]),
    ),
    Behaviour("huge-timestamp", OK, "timestamp 2^63 - 1", _like(profiles.EXTREMES["huge-timestamp"])),
    Behaviour("negative-timestamp", OK, "timestamp -2^63", _like(profiles.EXTREMES["negative-timestamp"])),
    Behaviour("negative-height", OK, "start_height -2^31", _like(profiles.EXTREMES["negative-height"])),
    Behaviour("huge-height", OK, "start_height 2^31 - 1", _like(profiles.EXTREMES["huge-height"])),
    Behaviour("future-version", OK, "protocol version 2^31 - 1", _like(profiles.EXTREMES["future-version"])),
    Behaviour("unknown-services", OK, "all 64 service bits", _like(profiles.EXTREMES["unknown-services"])),
    Behaviour("odd-relay", OK, "relay byte 255", _like(profiles.EXTREMES["odd-relay"])),
    Behaviour(
        "trailing-bytes",
        OK,
        "64 bytes behind the last field of version",
        _like(profiles.EXTREMES["trailing-bytes"]),
    ),
    Behaviour("duplicate-version", OK, "version twice", _sin(sins.duplicate_version)),
    Behaviour("verack-twice", OK, "verack before version and twice behind it", _sin(sins.verack_twice)),
    Behaviour("late-features", OK, "wtxidrelay and sendaddrv2 behind verack", _sin(sins.late_features)),
    Behaviour("closes-after-verack", OK, "completes, then closes at once", _sin(sins.closes_after_verack)),
    Behaviour("resets-after-verack", OK, "completes, then resets at once", _sin(sins.resets_after_verack)),
    Behaviour("wrong-pong", OK, "completes, then answers pings with another nonce", _sin(sins.wrong_pong)),
    Behaviour(
        "bad-then-good-version",
        OK,
        "a version that does not parse, then one that does",
        _sin(sins.bad_then_good_version),
    ),
    Behaviour("bad-checksum", OK, "a ping with a wrong checksum before verack", _sin(sins.bad_checksum)),
    Behaviour("bad-msg-type", OK, "illegal message types before verack", _sin(sins.bad_msg_type)),
    Behaviour("no-verack", _partial(_TIMEOUT), "everything but verack, then silence", _sin(sins.no_verack)),
    Behaviour(
        "no-verack-then-close",
        _partial(_CLOSED),
        "everything but verack, then closes",
        _sin(sins.no_verack_then_close),
    ),
    Behaviour(
        "no-verack-then-reset",
        _partial(_RESET),
        "everything but verack, then resets",
        _sin(sins.no_verack_then_reset),
    ),
    Behaviour(
        "flood-after-version",
        _partial(FailureCode.PEER_FLOOD),
        "version, then pings without end",
        _sin(sins.flood_after_version),
    ),
    Behaviour(
        "flood-of-largest",
        _partial(FailureCode.PEER_FLOOD),
        "version, then messages of 4 MB as fast as they are read",
        _sin(sins.flood_of_largest),
    ),
    Behaviour("version-only", _failed(_VERACK, _TIMEOUT), "version, then silence", _sin(sins.version_only)),
    Behaviour(
        "version-then-close", _failed(_VERACK, _CLOSED), "version, then closes", _sin(sins.version_then_close)
    ),
    Behaviour(
        "reset-after-version",
        _failed(_VERACK, _RESET),
        "version, then resets",
        _sin(sins.reset_after_version),
    ),
    Behaviour(
        "verack-first",
        _failed(_VERACK, _TIMEOUT),
        "verack, then version: does not count",
        _sin(sins.verack_first),
    ),
    Behaviour(
        "verack-only", _failed(_VERSION, _TIMEOUT), "verack and never a version", _sin(sins.verack_only)
    ),
    Behaviour(
        "bad-checksum-verack",
        _failed(_VERACK, _TIMEOUT),
        "version, then verack with a wrong checksum",
        _sin(sins.bad_checksum_verack),
    ),
    Behaviour(
        "lies-after-version",
        _failed(_VERACK, _TIMEOUT),
        "version, then announces 3 MB and sends 10 bytes",
        _sin(sins.lies_after_version),
    ),
    Behaviour(
        "garbage-after-version",
        _failed(_VERACK, FailureCode.V1_BAD_MAGIC),
        "version, then random bytes",
        _sin(sins.garbage_after_version),
    ),
    Behaviour(
        "too-large-after-version",
        _failed(_VERACK, FailureCode.V1_MESSAGE_TOO_LARGE),
        "version, then announces a message of 4 GiB",
        _sin(sins.too_large_after_version),
    ),
    Behaviour(
        "too-old",
        _failed(_VERSION, FailureCode.HANDSHAKE_VERSION_TOO_OLD),
        "protocol version 31799",
        _sin(sins.too_old),
    ),
    Behaviour(
        "negative-version",
        _failed(_VERSION, FailureCode.HANDSHAKE_VERSION_TOO_OLD),
        "protocol version -1",
        _sin(sins.negative_version),
    ),
    Behaviour(
        "bad-version",
        _failed(_VERSION, FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE),
        "version that ends inside a field, then verack",
        _sin(sins.bad_version),
    ),
    Behaviour(
        "bad-version-then-close",
        _failed(_VERSION, FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE),
        "version that does not parse, then closes",
        _sin(sins.bad_version_then_close),
    ),
    Behaviour(
        "user-agent-too-long",
        _failed(_VERSION, FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE),
        "user agent of 257 bytes",
        _sin(sins.user_agent_too_long),
    ),
    Behaviour(
        "bad-checksum-version",
        _failed(_VERSION, _TIMEOUT),
        "version with a wrong checksum, then verack",
        _sin(sins.bad_checksum_version),
    ),
    Behaviour(
        "echo",
        _failed(_VERSION, FailureCode.HANDSHAKE_SELF_CONNECTION),
        "sends everything back",
        _sin(sins.echo, is_raw=True),
    ),
    Behaviour(
        "wrong-magic",
        _failed(_VERSION, FailureCode.V1_OTHER_CHAIN),
        "speaks first with the magic of mainnet (on mainnet: testnet3)",
        _sin(sins.wrong_magic),
    ),
    Behaviour(
        "litecoin",
        _failed(_VERSION, FailureCode.V1_OTHER_CHAIN),
        "speaks first with Litecoin's magic",
        _sin(sins.litecoin),
    ),
    Behaviour(
        "other-chain",
        _failed(_VERSION, _CLOSED),
        "Core on another chain: closes at our magic",
        _of_other_chain,
    ),
    Behaviour(
        "garbage",
        _failed(_VERSION, FailureCode.V1_BAD_MAGIC),
        "answers with random bytes",
        _sin(sins.garbage, is_raw=True),
    ),
    Behaviour("http", _failed(_VERSION, FailureCode.V1_HTTP), "a web server", _sin(sins.http, is_raw=True)),
    Behaviour("tls", _failed(_VERSION, FailureCode.V1_TLS), "a TLS server", _sin(sins.tls, is_raw=True)),
    Behaviour("ssh", _failed(_VERSION, FailureCode.V1_SSH), "an SSH server", _sin(sins.ssh)),
    Behaviour(
        "too-large",
        _failed(_VERSION, FailureCode.V1_MESSAGE_TOO_LARGE),
        "announces a message of 4,000,001 bytes",
        _sin(sins.too_large),
    ),
    Behaviour(
        "lies-about-length",
        _failed(_VERSION, _TIMEOUT),
        "announces 3 MB, sends 10 bytes",
        _sin(sins.lies_about_length),
    ),
    Behaviour("silent", _failed(_VERSION, _TIMEOUT), "accepts and says nothing", _sin(sins.silent)),
    Behaviour(
        "drip", _failed(_VERSION, _TIMEOUT), "one byte every 5 s (unless set), forever", _sin(sins.drip)
    ),
    Behaviour(
        "flood",
        _failed(_VERSION, FailureCode.PEER_FLOOD),
        "pings without end, never a version",
        _sin(sins.flood),
    ),
    Behaviour(
        "closes-at-once",
        _failed(_VERSION, _CLOSED),
        "closes on accept: full, or bans us",
        _sin(sins.closes_at_once),
    ),
    Behaviour(
        "closes-after-version",
        _failed(_VERSION, _CLOSED),
        "closes at our version without a byte",
        _sin(sins.closes_after_version),
    ),
    Behaviour(
        "reject", _failed(_VERSION, _CLOSED), "answers by reject (BIP61), then closes", _sin(sins.reject)
    ),
    Behaviour(
        "refuses",
        _failed(Phase.CONNECT, FailureCode.CONNECT_REFUSED),
        "is listed by the seed, and nothing listens there",
        _sin(sins.silent),
        listens=False,
    ),
    Behaviour(
        "resets", _failed(_VERSION, _RESET), "resets at our first bytes", _sin(sins.resets, is_raw=True)
    ),
)

BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType({row.name: row for row in _ROWS})
"""The behaviours by name, healthy ones first."""


def behaviours_table() -> str:
    """Write the registry as a Markdown table."""
    lines = ["| behaviour | what it does | outcome | phase | code |", "|---|---|---|---|---|"]
    for row in _ROWS:
        phase, code = row.expected.phase or "", row.expected.code or ""
        lines.append(f"| `{row.name}` | {row.description} | {row.expected.outcome} | {phase} | {code} |")
    return "\n".join(lines) + "\n"
