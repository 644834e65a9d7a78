"""Told addresses: which of them are worth a visit.

Owns the way from the payloads of `addr` and `addrv2` to the entries that the frontier takes. Nothing is
made of an entry that the caller does not choose: that is how a crawl passes over 25 million entries.

Rules, with Core's names where it has the same (`ProcessAddrs`, `AddrMan::IsTerrible`):

* A time of TIME_INIT (100,000,000) or less, or more than MAX_FUTURE_S ahead, says nothing: it becomes
  now minus 5 days.
* An entry older than `max_age_s` is left out.
* Port 0 is left out, but on I2P, where every port is 0; there any other port is left out.
* Ports of other well-known services are left out (`policy.BAD_PORTS`), as Core does.
* Special-purpose ranges are left out (`policy`), unless private addresses are allowed.
* One source may tell MAX_ENTRIES_PER_ANSWER entries per visit; what follows is not read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from bitcoin_handshake.errors import WireError
from bitcoin_handshake.messages.address_keys import dated_addr_entries, dated_addrv2_entries
from bitcoin_handshake.messages.addresses import Addr, AddrV2
from bitcoin_handshake.netaddr import NetworkId
from bitcoin_handshake.policy import BAD_PORTS, packed_refusal
from bitcoin_handshake.protocol import MsgType

__all__ = ["DEFAULT_MAX_AGE_S", "MAX_ENTRIES_PER_ANSWER", "Answer", "GossipRules", "TellEntry", "read_answer"]

TIME_INIT = 100_000_000
"""Times up to this one (March 1973) say that the sender knows none."""
MAX_FUTURE_S = 600
UNKNOWN_AGE_S = 5 * 86_400
DEFAULT_MAX_AGE_S = 30 * 86_400
"""Core forgets an address that was not seen for 30 days (`ADDRMAN_HORIZON`)."""
MAX_ENTRIES_PER_ANSWER = 10_000
"""Core up to 0.20 told 2,500 addresses; no node has reason to tell four times as many at once."""

_I2P = NetworkId.I2P.value
_NO_PORT = b"\x00\x00"
_BAD_PORTS = frozenset(port.to_bytes(2, "big") for port in BAD_PORTS)
_ADDRV2 = MsgType.ADDRV2.value

TellEntry = tuple[int, int, bytes]
"""Time (Unix seconds), services (64-bit mask) and packed key of one told address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GossipRules:
    """Which entries are taken.

    Attributes:
        allow_private: Take addresses in special-purpose ranges too.
        max_age_s: Seconds since an address was last seen, as its entry says, at most.
    """

    allow_private: bool = False
    max_age_s: int = DEFAULT_MAX_AGE_S

    def usable(self, entries: Iterable[TellEntry], *, now_unix: int) -> list[TellEntry]:
        """Return the entries that may be visited, with times that mean something.

        Args:
            entries: As they were told.
            now_unix: Unix seconds.
        """
        latest = now_unix + MAX_FUTURE_S
        oldest = now_unix - self.max_age_s
        taken = []
        for time, services, key in entries:
            if time <= TIME_INIT or time > latest:
                time = now_unix - UNKNOWN_AGE_S
            network_id = key[0]
            if time < oldest or (key.endswith(_NO_PORT) != (network_id == _I2P)):
                continue
            if key[-2:] in _BAD_PORTS:
                continue
            if not self.allow_private and packed_refusal(network_id, key[2:-2]) is not None:
                continue
            taken.append((time, services, key))
        return taken


@dataclass(slots=True)
class Answer:
    """What one node told.

    Attributes:
        keys: Every usable key, in order, repetitions included.
        fresh: The entries that the caller chose.
        entries: Number of entries in all messages that were well-formed.
        malformed: Number of messages that were not.
    """

    keys: list[bytes]
    fresh: list[TellEntry]
    entries: int = 0
    malformed: int = 0


def read_answer(
    messages: Sequence[tuple[str, bytes]], choose: Callable[[Sequence[bytes]], Collection[bytes]]
) -> Answer:
    """Read the address messages of one node.

    Args:
        messages: Type (`addr`, `addrv2`) and payload of each.
        choose: Returns the keys of which more is wanted, such as `Frontier.fresh` of the source.
    """
    answer = Answer([], [])
    for msg_type, payload in messages:
        room = MAX_ENTRIES_PER_ANSWER - answer.entries
        if room <= 0:
            break
        try:
            message = AddrV2.deserialize(payload) if msg_type == _ADDRV2 else Addr.deserialize(payload)
        except WireError:
            answer.malformed += 1
            continue
        answer.entries += message.count
        keys = message.keys()
        answer.keys += keys
        if fresh := choose(keys):
            dated = dated_addrv2_entries if msg_type == _ADDRV2 else dated_addr_entries
            answer.fresh += dated(payload, fresh)[:room]
    return answer
