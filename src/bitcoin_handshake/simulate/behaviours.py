"""The named behaviours of simulated peers, and what a handshake makes of each in every mode.

Owns the registry `BEHAVIOURS`. The profiles of healthy peers are in `profiles`, Core's conduct in
`core`, the sins in `sins` and, below the messages of v2, in `v2_sins`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from textwrap import fill
from types import MappingProxyType

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.conversation.steps import Steps
from bitcoin_handshake.errors import FailureCode, Phase
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.protocol import HEADER_LEN
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.simulate import profiles, sins, v2_sins
from bitcoin_handshake.simulate.banning import BanningPeer
from bitcoin_handshake.simulate.core import CORE, CORE_V1, CorePeer, Profile
from bitcoin_handshake.simulate.script import NodeFacts, Peer, Script, Scripted, Shaped
from bitcoin_handshake.simulate.v2_form import V2Form, v2_responder
from bitcoin_handshake.simulate.v2_sins import Listener
from bitcoin_handshake.transport.bip324.packets import EXPANSION, MAX_GARBAGE_LEN
from bitcoin_handshake.transport.v1 import V1Transport

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Client",
    "Expected",
    "behaviours_table",
    "behaviours_text",
]

SEGMENT_DELAY_S = 0.001
"""Between two segments of the peers that cut their messages: longer than a turn of a loop."""

Client = tuple[str, int] | None
"""Host and port of a client as the socket has them; None where there is no socket."""
Build = Callable[[NodeFacts, Client, float], Script]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a handshake ends in.

    Attributes:
        outcome: What becomes of the node.
        phase: Where it stops; None on `ok`.
        code: Why; None on `ok`.
    """

    outcome: Outcome
    phase: Phase | None = None
    code: FailureCode | None = None

    def to_text(self) -> str:
        """Return the three as words, those that are there."""
        return " ".join(word for word in (self.outcome, self.phase, self.code) if word)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way for a peer to behave.

    Attributes:
        name: What it is called on the command line.
        expected: What a default handshake with it ends in (`--transport auto`).
        description: One line about it.
        build: Makes the script of one connection: of the node, for a client, at a monotonic time.
        expected_v1, expected_v2, expected_both: What one ends in, in the other modes.
        listens: Whether there is a socket at all.
    """

    name: str
    expected: Expected
    description: str
    build: Build
    expected_v1: Expected
    expected_v2: Expected
    expected_both: Expected
    listens: bool = True

    def expected_in(self, mode: TransportMode) -> Expected:
        """Return what a handshake in this mode ends in."""
        return {
            TransportMode.AUTO: self.expected,
            TransportMode.V1: self.expected_v1,
            TransportMode.V2: self.expected_v2,
            TransportMode.BOTH: self.expected_both,
        }[mode]


OK = Expected(Outcome.OK)


def _failed(phase: Phase, code: FailureCode) -> Expected:
    return Expected(Outcome.FAILED, phase, code)


def _partial(code: FailureCode) -> Expected:
    return Expected(Outcome.PARTIAL, Phase.VERACK, code)


def _v1_only(
    name: str,
    v1: Expected,
    description: str,
    build: Build,
    *,
    auto: Expected | None = None,
    v2: Expected | None = None,
    listens: bool = True,
) -> Behaviour:
    """Make the row of a peer that has no v2; where `auto` differs, it ends with the attempt in v2."""
    v2 = v2 or auto or _failed(Phase.KEY, FailureCode.PEER_CLOSED)
    return Behaviour(name, auto or v1, description, build, v1, v2, v1, listens)


def _v1_and_v2(
    name: str, v2: Expected, description: str, build: Build, *, v1: Expected | None = None
) -> Behaviour:
    """Make the row of a peer that answers in v2 and is not asked in v1 then."""
    return Behaviour(name, v2, description, build, v1 or v2, v2, v2)


def _v2_sin(
    name: str, phase: Phase, code: FailureCode, description: str, steps: Callable[[Peer], Steps]
) -> Behaviour:
    """Make the row of a peer that errs in v2 and is healthy in v1."""

    def build(node: NodeFacts, client: Client, now: float) -> Script:
        return Listener(
            node,
            lambda now: CorePeer(node, CORE, client=client, now=now),
            lambda now: _raw_script(node, steps, now),
            now=now,
        )

    failed = _failed(phase, code)
    return Behaviour(name, failed, description, build, OK, failed, OK)


def _raw_script(node: NodeFacts, steps: Callable[[Peer], Steps], now: float) -> Script:
    peer = Peer(node, is_raw=True)
    return Scripted(steps(peer), peer, now=now)


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
    inner = CorePeer(node, CORE_V1, client=client, now=now)
    return Shaped(inner, _whole, delay_s=node.delay_s, now=now)


def _banning(node: NodeFacts, client: Client, now: float) -> Script:
    return BanningPeer(node, client=client, now=now)


def _magic_of_other_chain(node: NodeFacts) -> bytes:
    other = Chain.TESTNET4 if node.params.chain is not Chain.TESTNET4 else Chain.SIGNET
    return CHAINS[other].magic


def _of_other_chain(node: NodeFacts, client: Client, now: float) -> Script:
    transport = V1Transport(_magic_of_other_chain(node))
    return CorePeer(node, CORE_V1, client=client, now=now, transport=transport)


def _of_other_chain_v2(node: NodeFacts, client: Client, now: float) -> Script:
    # With more garbage its terminator and version packet would reach the 4,111 bytes at which a client
    # gives up by the length alone, as one connection in 195 of a real node of another chain does.
    form = V2Form(garbage_len=node.random.randrange(MAX_GARBAGE_LEN - EXPANSION))
    transport = v2_responder(node, form, magic=_magic_of_other_chain(node))
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


_KEY, _VERSION, _VERACK = Phase.KEY, Phase.VERSION, Phase.VERACK
_LOOKS_LIKE_V1 = FailureCode.V2_LOOKS_LIKE_V1
_CLOSED, _RESET, _TIMEOUT = FailureCode.PEER_CLOSED, FailureCode.PEER_RESET, FailureCode.PEER_TIMEOUT

_ROWS = (
    _v1_and_v2("core", OK, "Bitcoin Core 28.1, in order and timing: v2 and v1", _like(CORE)),
    _v1_only("core-v1", OK, "Bitcoin Core 28.1 with the v2 transport switched off", _like(CORE_V1)),
    _v1_only("core-32", OK, "a later Core: protocol version 70017", _like(profiles.CORE_32)),
    _v1_only(
        "core-23", OK, "Core 0.21 to 23: sendheaders and two sendcmpct behind verack", _like(profiles.CORE_23)
    ),
    _v1_only(
        "core-0.20",
        OK,
        "Core 0.14 to 0.20: 70015, nothing between version and verack",
        _like(profiles.CORE_0_20),
    ),
    _v1_only("core-0.12", OK, "Core 0.12: 70012, an alert behind verack", _like(profiles.CORE_0_12)),
    _v1_only("core-0.8", OK, "Core 0.8: 70001", _like(profiles.CORE_0_8)),
    _v1_only(
        "core-txrcncl",
        OK,
        "Core with transaction reconciliation: sendtxrcncl before verack",
        _like(profiles.CORE_TXRCNCL),
    ),
    _v1_only("pruned", OK, "a pruned Core: NETWORK_LIMITED without NETWORK", _like(profiles.PRUNED)),
    _v1_only(
        "knots", OK, "Bitcoin Knots: two layers of user agent, further service bits", _like(profiles.KNOTS)
    ),
    _v1_only(
        "btcd",
        OK,
        "btcd: one message a segment, no wtxidrelay; refuses others before verack",
        _cut(profiles.BTCD, _messages),
    ),
    _v1_only(
        "speaks-first",
        OK,
        "bcoin: version on accept, before the client's",
        _like(profiles.BCOIN),
        v2=_failed(_KEY, _LOOKS_LIKE_V1),
    ),
    _v1_only(
        "bans-on-garbage",
        OK,
        "bcoin: 10 points for every 24 bytes that are no header, at 100 a ban",
        _banning,
        v2=_failed(_KEY, _LOOKS_LIKE_V1),
    ),
    _v1_only(
        "libbitcoin",
        OK,
        "libbitcoin: version on accept, 70013",
        _like(profiles.LIBBITCOIN),
        v2=_failed(_KEY, _LOOKS_LIKE_V1),
    ),
    _v1_only("oldest", OK, "protocol version 31800, the lowest accepted", _like(profiles.OLDEST)),
    _v1_only(
        "ancient-addr-recv",
        OK,
        "31800, version ends after addr_recv (46 bytes)",
        _like(profiles.ANCIENT_FORMS["ancient-addr-recv"]),
    ),
    _v1_only(
        "ancient-nonce",
        OK,
        "31800, version ends after nonce (80 bytes)",
        _like(profiles.ANCIENT_FORMS["ancient-nonce"]),
    ),
    _v1_only(
        "ancient-user-agent",
        OK,
        "31800, version ends after the user agent",
        _like(profiles.ANCIENT_FORMS["ancient-user-agent"]),
    ),
    _v1_only(
        "ancient-height",
        OK,
        "31800, version ends after start_height",
        _like(profiles.ANCIENT_FORMS["ancient-height"]),
    ),
    _v1_only("segments", OK, "Core, but one byte a segment", _cut(CORE_V1, _single_bytes)),
    _v1_only("half-messages", OK, "Core, but every message cut in the middle", _cut(CORE_V1, _half_messages)),
    _v1_only(
        "one-segment",
        OK,
        "everything up to feefilter in one segment, without waiting for verack",
        _like(profiles.ONE_SEGMENT),
    ),
    _v1_only(
        "unknown-messages",
        OK,
        "unknown, odd and malformed messages before verack",
        _like(profiles.UNKNOWN_MESSAGES),
    ),
    _v1_only("chatty", OK, "200 messages (ping, inv, addr) before verack", _like(profiles.CHATTY)),
    _v1_only(
        "large-message", OK, "a message of 4,000,000 bytes before verack", _like(profiles.LARGE_MESSAGE)
    ),
    _v1_only("slow", OK, "Core, but each answer after a delay (1 s unless set)", _slow),
    _v1_only(
        "hostile-user-agent",
        OK,
        "256 bytes of ANSI escapes, line ends, formula, bidi, invalid UTF-8",
        _like(profiles.EXTREMES["hostile-user-agent"]),
    ),
    _v1_only("huge-timestamp", OK, "timestamp 2^63 - 1", _like(profiles.EXTREMES["huge-timestamp"])),
    _v1_only("negative-timestamp", OK, "timestamp -2^63", _like(profiles.EXTREMES["negative-timestamp"])),
    _v1_only("negative-height", OK, "start_height -2^31", _like(profiles.EXTREMES["negative-height"])),
    _v1_only("huge-height", OK, "start_height 2^31 - 1", _like(profiles.EXTREMES["huge-height"])),
    _v1_only("future-version", OK, "protocol version 2^31 - 1", _like(profiles.EXTREMES["future-version"])),
    _v1_only("unknown-services", OK, "all 64 service bits", _like(profiles.EXTREMES["unknown-services"])),
    _v1_only("odd-relay", OK, "relay byte 255", _like(profiles.EXTREMES["odd-relay"])),
    _v1_only(
        "trailing-bytes",
        OK,
        "64 bytes behind the last field of version",
        _like(profiles.EXTREMES["trailing-bytes"]),
    ),
    _v1_only("duplicate-version", OK, "version twice", _sin(sins.duplicate_version)),
    _v1_only("verack-twice", OK, "verack before version and twice behind it", _sin(sins.verack_twice)),
    _v1_only("late-features", OK, "wtxidrelay and sendaddrv2 behind verack", _sin(sins.late_features)),
    _v1_only("closes-after-verack", OK, "completes, then closes at once", _sin(sins.closes_after_verack)),
    _v1_only("resets-after-verack", OK, "completes, then resets at once", _sin(sins.resets_after_verack)),
    _v1_only("wrong-pong", OK, "completes, then answers pings with another nonce", _sin(sins.wrong_pong)),
    _v1_only(
        "bad-then-good-version",
        OK,
        "a version that does not parse, then one that does",
        _sin(sins.bad_then_good_version),
    ),
    _v1_only("bad-checksum", OK, "a ping with a wrong checksum before verack", _sin(sins.bad_checksum)),
    _v1_only("bad-msg-type", OK, "illegal message types before verack", _sin(sins.bad_msg_type)),
    _v1_only("no-verack", _partial(_TIMEOUT), "everything but verack, then silence", _sin(sins.no_verack)),
    _v1_only(
        "no-verack-then-close",
        _partial(_CLOSED),
        "everything but verack, then closes",
        _sin(sins.no_verack_then_close),
    ),
    _v1_only(
        "no-verack-then-reset",
        _partial(_RESET),
        "everything but verack, then resets",
        _sin(sins.no_verack_then_reset),
    ),
    _v1_only(
        "flood-after-version",
        _partial(FailureCode.PEER_FLOOD),
        "version, then pings without end",
        _sin(sins.flood_after_version),
    ),
    _v1_only(
        "flood-of-largest",
        _partial(FailureCode.PEER_FLOOD),
        "version, then messages of 4 MB as fast as they are read",
        _sin(sins.flood_of_largest),
    ),
    _v1_only("version-only", _failed(_VERACK, _TIMEOUT), "version, then silence", _sin(sins.version_only)),
    _v1_only(
        "version-then-close", _failed(_VERACK, _CLOSED), "version, then closes", _sin(sins.version_then_close)
    ),
    _v1_only(
        "reset-after-version",
        _failed(_VERACK, _RESET),
        "version, then resets",
        _sin(sins.reset_after_version),
    ),
    _v1_only(
        "verack-first",
        _failed(_VERACK, _TIMEOUT),
        "verack, then version: does not count",
        _sin(sins.verack_first),
    ),
    _v1_only(
        "verack-only", _failed(_VERSION, _TIMEOUT), "verack and never a version", _sin(sins.verack_only)
    ),
    _v1_only(
        "bad-checksum-verack",
        _failed(_VERACK, _TIMEOUT),
        "version, then verack with a wrong checksum",
        _sin(sins.bad_checksum_verack),
    ),
    _v1_only(
        "lies-after-version",
        _failed(_VERACK, _TIMEOUT),
        "version, then announces 3 MB and sends 10 bytes",
        _sin(sins.lies_after_version),
    ),
    _v1_only(
        "garbage-after-version",
        _failed(_VERACK, FailureCode.V1_BAD_MAGIC),
        "version, then random bytes",
        _sin(sins.garbage_after_version),
    ),
    _v1_only(
        "too-large-after-version",
        _failed(_VERACK, FailureCode.V1_MESSAGE_TOO_LARGE),
        "version, then announces a message of 4 GiB",
        _sin(sins.too_large_after_version),
    ),
    _v1_only(
        "too-old",
        _failed(_VERSION, FailureCode.HANDSHAKE_VERSION_TOO_OLD),
        "protocol version 31799",
        _sin(sins.too_old),
    ),
    _v1_only(
        "negative-version",
        _failed(_VERSION, FailureCode.HANDSHAKE_VERSION_TOO_OLD),
        "protocol version -1",
        _sin(sins.negative_version),
    ),
    _v1_only(
        "bad-version",
        _failed(_VERSION, FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE),
        "version that ends inside a field, then verack",
        _sin(sins.bad_version),
    ),
    _v1_only(
        "bad-version-then-close",
        _failed(_VERSION, FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE),
        "version that does not parse, then closes",
        _sin(sins.bad_version_then_close),
    ),
    _v1_only(
        "user-agent-too-long",
        _failed(_VERSION, FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE),
        "user agent of 257 bytes",
        _sin(sins.user_agent_too_long),
    ),
    _v1_only(
        "bad-checksum-version",
        _failed(_VERSION, _TIMEOUT),
        "version with a wrong checksum, then verack",
        _sin(sins.bad_checksum_version),
    ),
    _v1_only(
        "echo",
        _failed(_VERSION, FailureCode.HANDSHAKE_SELF_CONNECTION),
        "sends everything back",
        _sin(sins.echo, is_raw=True),
        auto=_failed(_KEY, FailureCode.HANDSHAKE_SELF_CONNECTION),
    ),
    _v1_only(
        "wrong-magic",
        _failed(_VERSION, FailureCode.V1_OTHER_CHAIN),
        "speaks first with the magic of mainnet (on mainnet: testnet3)",
        _sin(sins.wrong_magic),
        v2=_failed(_KEY, _LOOKS_LIKE_V1),
    ),
    _v1_only(
        "litecoin",
        _failed(_VERSION, FailureCode.V1_OTHER_CHAIN),
        "speaks first with Litecoin's magic",
        _sin(sins.litecoin),
        v2=_failed(_KEY, _LOOKS_LIKE_V1),
    ),
    _v1_only(
        "other-chain",
        _failed(_VERSION, _CLOSED),
        "Core on another chain: closes at our magic",
        _of_other_chain,
    ),
    _v1_only(
        "garbage",
        _failed(_VERSION, FailureCode.V1_BAD_MAGIC),
        "answers with random bytes",
        _sin(sins.garbage, is_raw=True),
        auto=_failed(Phase.GARBAGE, FailureCode.V2_OTHER_CHAIN),
    ),
    _v1_only(
        "http",
        _failed(_VERSION, FailureCode.FOREIGN_HTTP),
        "a web server",
        _sin(sins.http, is_raw=True),
        auto=_failed(_KEY, FailureCode.FOREIGN_HTTP),
    ),
    _v1_only(
        "tls",
        _failed(_VERSION, FailureCode.FOREIGN_TLS),
        "a TLS server",
        _sin(sins.tls, is_raw=True),
        auto=_failed(_KEY, FailureCode.FOREIGN_TLS),
    ),
    _v1_only(
        "ssh",
        _failed(_VERSION, FailureCode.FOREIGN_SSH),
        "an SSH server",
        _sin(sins.ssh),
        auto=_failed(_KEY, FailureCode.FOREIGN_SSH),
    ),
    _v1_only(
        "too-large",
        _failed(_VERSION, FailureCode.V1_MESSAGE_TOO_LARGE),
        "announces a message of 4,000,001 bytes",
        _sin(sins.too_large),
    ),
    _v1_only(
        "lies-about-length",
        _failed(_VERSION, _TIMEOUT),
        "announces 3 MB, sends 10 bytes",
        _sin(sins.lies_about_length),
    ),
    _v1_only(
        "silent",
        _failed(_VERSION, _TIMEOUT),
        "accepts and says nothing",
        _sin(sins.silent),
        v2=_failed(_KEY, _TIMEOUT),
    ),
    _v1_only(
        "drip",
        _failed(_VERSION, _TIMEOUT),
        "one byte every 5 s (unless set), forever",
        _sin(sins.drip),
        auto=_failed(_KEY, _TIMEOUT),
    ),
    _v1_only(
        "flood",
        _failed(_VERSION, FailureCode.PEER_FLOOD),
        "pings without end, never a version",
        _sin(sins.flood),
        v2=_failed(_KEY, _LOOKS_LIKE_V1),
    ),
    _v1_only(
        "closes-at-once",
        _failed(_VERSION, _CLOSED),
        "closes on accept: full, or bans us",
        _sin(sins.closes_at_once),
    ),
    _v1_only(
        "closes-after-version",
        _failed(_VERSION, _CLOSED),
        "closes at our version without a byte",
        _sin(sins.closes_after_version),
    ),
    _v1_only(
        "reject",
        _failed(_VERSION, FailureCode.PEER_REJECTED),
        "answers by reject (BIP61), then closes",
        _sin(sins.reject),
    ),
    _v1_only(
        "refuses",
        _failed(Phase.CONNECT, FailureCode.CONNECT_REFUSED),
        "is listed by the seed, and nothing listens there",
        _sin(sins.silent),
        v2=_failed(Phase.CONNECT, FailureCode.CONNECT_REFUSED),
        listens=False,
    ),
    _v1_only(
        "resets",
        _failed(_VERSION, _RESET),
        "resets at our first bytes",
        _sin(sins.resets, is_raw=True),
        v2=_failed(_KEY, _RESET),
    ),
    _v1_and_v2(
        "v2-only",
        OK,
        "Core, but closes on v1: no release does",
        _like(profiles.V2_ONLY),
        v1=_failed(_VERSION, _CLOSED),
    ),
    _v1_and_v2("v2-garbage-4095", OK, "v2: the most garbage allowed", _like(profiles.V2_GARBAGE_4095)),
    _v1_and_v2("v2-decoys", OK, "v2: three decoys before the version packet", _like(profiles.V2_DECOYS)),
    _v1_and_v2("v2-later-decoys", OK, "v2: a decoy before each message", _like(profiles.V2_LATER_DECOYS)),
    _v1_and_v2(
        "v2-version-contents",
        OK,
        "v2: a version packet that is not empty",
        _like(profiles.V2_VERSION_CONTENTS),
    ),
    _v2_sin(
        "v2-garbage-4096",
        Phase.GARBAGE,
        FailureCode.V2_NO_GARBAGE_TERMINATOR,
        "v2: one byte of garbage too many",
        v2_sins.too_much_garbage,
    ),
    _v2_sin(
        "v2-no-terminator",
        Phase.GARBAGE,
        FailureCode.V2_NO_GARBAGE_TERMINATOR,
        "v2: garbage without end",
        v2_sins.no_terminator,
    ),
    _v2_sin(
        "v2-wrong-tag",
        Phase.VERSION_PACKET,
        FailureCode.V2_AUTHENTICATION_FAILED,
        "v2: a version packet whose tag does not match",
        v2_sins.wrong_tag,
    ),
    _v2_sin(
        "v2-flipped-length",
        Phase.VERSION_PACKET,
        FailureCode.V2_AUTHENTICATION_FAILED,
        "v2: a bit flipped in the length of the version packet",
        v2_sins.flipped_length,
    ),
    _v2_sin(
        "v2-too-large",
        Phase.VERSION_PACKET,
        FailureCode.V2_PACKET_TOO_LARGE,
        "v2: announces a packet of 4,000,014 bytes",
        v2_sins.too_large_packet,
    ),
    _v2_sin(
        "v2-then-v1",
        Phase.GARBAGE,
        FailureCode.V2_OTHER_CHAIN,
        "v2: a key, then a version in v1",
        v2_sins.v1_after_key,
    ),
    _v2_sin(
        "v2-drip-key",
        _KEY,
        _TIMEOUT,
        "v2: a byte of its key every 5 s (unless set)",
        v2_sins.drip_key,
    ),
    _v2_sin(
        "v2-close-after-key",
        Phase.GARBAGE,
        _CLOSED,
        "v2: a key, then closes",
        v2_sins.close_after_key,
    ),
    _v1_and_v2(
        "v2-other-chain",
        _failed(Phase.GARBAGE, FailureCode.V2_OTHER_CHAIN),
        "Core on another chain, asked in v2: never a terminator",
        _of_other_chain_v2,
        v1=_failed(_VERSION, _CLOSED),
    ),
)

BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType({row.name: row for row in _ROWS})
"""The behaviours by name, healthy ones first."""


LIST_WIDTH = 80


def behaviours_text() -> str:
    """Write the registry for a terminal of LIST_WIDTH (80) columns."""
    paragraphs = []
    for row in _ROWS:
        ends = "; ".join(f"{mode}: {row.expected_in(mode).to_text()}" for mode in TransportMode)
        parts = (row.description, ends)
        lines = (fill(part, LIST_WIDTH, initial_indent="    ", subsequent_indent="      ") for part in parts)
        paragraphs.append("\n".join((row.name, *lines)))
    return "\n".join(paragraphs) + "\n"


def behaviours_table() -> str:
    """Write the registry as a Markdown table."""
    modes = tuple(TransportMode)
    lines = [
        f"| behaviour | what it does | {' | '.join(modes)} |",
        "|---" * (2 + len(modes)) + "|",
    ]
    for row in _ROWS:
        cells = (row.expected_in(mode).to_text() for mode in modes)
        lines.append(f"| `{row.name}` | {row.description} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
