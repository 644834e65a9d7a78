"""Which address is visited next.

Owns every address that a crawl knows, once each, as packed keys and arrays. Pure: no clock, no
randomness, no I/O; the same calls with the same seed give the same order.

How the order comes about. A crawl hears most addresses a hundred times and from whoever wants to be
heard, so a plain queue would let one talkative liar go before everybody else. This is fair queueing,
as routers do it, with three levels:

1. Networks take turns. One that has no room at the moment, or nothing waiting, is passed over.
2. Within a network, groups of *sources* take turns: the neighbourhood (`address_group`) of whoever told.
   Each has its own count of rounds, and gets one address into each round. A source that tells ten
   thousand fakes fills rounds far ahead, while a source that comes later starts in the round that is
   being served. An address that several groups told waits in the earliest of their rounds, so nobody can
   delay an address by telling it first. After MAX_TELLERS groups it is settled and costs nothing more.
3. Within one round, addresses of a neighbourhood of which little is queued go first, then the ones that
   were seen most recently, then chance, which derives from the seed.

What one source told at once is put into rounds by the same rule: one of each neighbourhood, the freshest
first, then the next of each.

Memory. Half of `max_known` addresses may be told by anybody. From there on a group of sources may add its
share only: the other half, divided by the groups there are. So a flood from one neighbourhood cannot use
up the room of the others.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from heapq import heappop, heappush
from zlib import crc32

from bitcoin_handshake.crawl.backoff import may_try
from bitcoin_handshake.crawl.gossip import TellEntry
from bitcoin_handshake.crawl.groups import address_group
from bitcoin_handshake.netaddr import NetworkId

__all__ = ["DEFAULT_MAX_KNOWN", "MAX_TELLERS", "Frontier", "KnownNode", "State"]

DEFAULT_MAX_KNOWN = 4_000_000
"""Addresses that are remembered at most: ten times what the network was ever seen to tell."""
MAX_TELLERS = 3
"""Groups of sources whose telling can move an address forward."""

# Fields of an entry in a queue, from its most significant bits on: round, crowd 4, age 12, number 24.
# One integer is compared faster than a tuple, and takes 32 bytes instead of 200. The number is the index
# of the address, multiplied by an odd factor that derives from the seed: so chance needs no bits.
_ROUND_SHIFT = 40
_CROWD_SHIFT = 36
_AGE_SHIFT = 24
_NUMBER_BITS = 24
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1
_MAX_AGE = 0xFFF
_AGE_UNIT_S = 600
_NEVER = 0xFFFF_FFFF

_NETWORKS = tuple(int(id_) for id_ in NetworkId)


class State(IntEnum):
    """Where an address stands in this crawl."""

    WAITING = 0  # in a queue; ends when it is taken
    TAKEN = 1  # being visited; ends with `finish` or `give_back`
    FINISHED = 2  # visited
    RESTING = 3  # known from before, failed, and its back-off is not over
    IDLE = 4  # cannot be visited from here: its network is not reachable


_WAITING = int(State.WAITING)
_TAKEN = int(State.TAKEN)
_FINISHED = int(State.FINISHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNode:
    """An address that an earlier run left behind.

    Attributes:
        key: Packed key.
        time: When it was last seen, as somebody said; Unix seconds.
        failures: Visits since the last one that succeeded.
        tried_unix: When it was last visited, Unix seconds; 0 for never.
        is_finished: Whether the crawl that goes on has visited it already.
    """

    key: bytes
    time: int = 0
    failures: int = 0
    tried_unix: int = 0
    is_finished: bool = False


class Frontier:
    """The addresses of one crawl, and the order in which they are visited.

    Args:
        seed: What chance derives from.
        networks: BIP155 ids of the networks that can be dialled; addresses of others are only kept.
        max_known: Addresses remembered at most, up to 2**24.

    Attributes:
        settled: Keys of which nothing more needs to be heard: taken, or told by enough groups.
        refused: Addresses that were not kept, for lack of room.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        networks: Collection[int] = _NETWORKS,
        max_known: int = DEFAULT_MAX_KNOWN,
    ) -> None:
        self._factor = crc32((seed & 2**64 - 1).to_bytes(8, "little")) & _NUMBER_MASK | 1
        self._inverse = pow(self._factor, -1, _NUMBER_MASK + 1)
        self._networks = frozenset(networks)
        self._max_known = max_known
        self._index: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._time = array("I")
        self._state = bytearray()
        self._tellers = bytearray()
        self._teller = array("I")  # the group that told an address last
        self._round = array("I")
        self._queues: dict[int, list[int]] = {}
        self._served: dict[int, int] = {}  # the round that a network is in
        self._turns: list[int] = []  # networks with a queue, next one first
        self._groups: dict[bytes, int] = {}
        self._last_round: dict[tuple[int, int], int] = {}  # of a group of sources in a network
        self._added: Counter[int] = Counter()  # addresses that a group of sources told first
        self._crowd: Counter[bytes] = Counter()  # addresses queued of a neighbourhood
        self._waiting: Counter[int] = Counter()
        self._finished: Counter[int] = Counter()
        self._taken = 0
        self.settled: set[bytes] = set()
        self.refused = 0

    def __len__(self) -> int:
        """Number of addresses known."""
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._index

    @property
    def waiting(self) -> int:
        """Addresses that wait for their visit."""
        return self._waiting.total()

    @property
    def taken(self) -> int:
        """Addresses that are being visited."""
        return self._taken

    def waiting_of(self, network_id: int) -> int:
        """Return how many addresses of a network wait."""
        return self._waiting[network_id]

    def index(self, key: bytes) -> int:
        """Return the number of a known address: 0 for the first one that was heard, and so on."""
        return self._index[key]

    def indexes(self, keys: Iterable[bytes]) -> list[int]:
        """Return the numbers of the known ones among the keys, in ascending order, each once."""
        found = set(map(self._index.get, keys))
        found.discard(None)
        return sorted(found)  # type: ignore[arg-type]  # None was taken out

    def key(self, index: int) -> bytes:
        """Return the packed key of a number."""
        return self._keys[index]

    def state(self, key: bytes) -> State:
        """Return where a known address stands."""
        return State(self._state[self._index[key]])

    # --- addresses in -----------------------------------------------------------------------

    def fresh(self, source: bytes, keys: Iterable[bytes]) -> set[bytes]:
        """Return the keys about which a source has something to tell: 0.05 to 0.15 us per key.

        Left out are those that are settled, and those that its group told last.
        """
        settled = self.settled
        unsettled = [key for key in keys if key not in settled]
        if not unsettled:
            return set()
        group = self._group(source)
        index = self._index.get
        tellers = self._teller
        return {key for key in unsettled if (number := index(key)) is None or tellers[number] != group}

    def hear(self, source: bytes, entries: Iterable[TellEntry], *, now_unix: int) -> list[TellEntry]:
        """Take what one source told.

        Args:
            source: Packed key of the node that told it, or the name of another kind of source.
            entries: What it told, already judged (`gossip.GossipRules`).
            now_unix: Unix seconds.

        Returns:
            The entries of the addresses that are new, in the order of their numbers, which follow the
            last one that was given.
        """
        group = self._group(source)
        new: list[TellEntry] = []
        known = self._index
        tellers = self._teller
        for entry in _in_turns(entries):
            time, _, key = entry
            index = known.get(key)
            if index is None:
                index = self._add(group, key, time)
                if index is None:
                    continue
                new.append(entry)
                if key[0] in self._networks:
                    self._queue(group, index, now_unix)
                else:
                    self._state[index] = State.IDLE
                    self.settled.add(key)
            elif tellers[index] != group and self._state[index] == _WAITING:
                if time > self._time[index]:
                    self._time[index] = time
                self._queue(group, index, now_unix)
        return new

    def load(self, nodes: Iterable[KnownNode], *, now_unix: int) -> None:
        """Take what an earlier run left behind, in the order of its numbers.

        Those that answered last time go before the others, each kind in turns with what is told now.
        """
        answering = self._group(b"answered before")
        others = self._group(b"known before")
        for node in nodes:
            index = self._append(node.key, node.time)
            if node.is_finished:
                self._finish(index)
            elif node.key[0] not in self._networks:
                self._state[index] = State.IDLE
                self.settled.add(node.key)
            elif may_try(node.failures, node.tried_unix, now_unix=now_unix):
                group = answering if node.tried_unix and not node.failures else others
                self._queue(group, index, now_unix)
            else:
                self._state[index] = State.RESTING
                self.settled.add(node.key)

    def _add(self, group: int, key: bytes, time: int) -> int | None:
        """Remember an address, unless the group has used up its room."""
        room = self._max_known - len(self._keys)
        half = self._max_known // 2
        if room <= 0 or (room <= half and self._added[group] * len(self._groups) >= half):
            self.refused += 1
            return None
        self._added[group] += 1
        return self._append(key, time)

    def _append(self, key: bytes, time: int) -> int:
        index = len(self._keys)
        self._index[key] = index
        self._keys.append(key)
        self._time.append(time)
        self._state.append(_WAITING)
        self._tellers.append(0)
        self._teller.append(0)
        self._round.append(_NEVER)
        return index

    def _queue(self, group: int, index: int, now_unix: int) -> None:
        """Put an address into the next round of a group of sources, if that is earlier than its own."""
        key = self._keys[index]
        network = key[0]
        self._teller[index] = group
        self._tellers[index] += 1
        if self._tellers[index] >= MAX_TELLERS:
            self.settled.add(key)
        served = self._served.get(network)
        if served is None:
            served = self._open_queue(network)
        turn = max(served, self._last_round.get((group, network), -1) + 1)
        waits_until = self._round[index]
        if turn >= waits_until:
            return
        self._last_round[group, network] = turn
        neighbourhood = address_group(key)
        if waits_until == _NEVER:
            self._waiting[network] += 1
            self._crowd[neighbourhood] += 1
        self._round[index] = turn
        crowd = min(self._crowd[neighbourhood].bit_length(), 15)
        age = min(max(0, now_unix - self._time[index]) // _AGE_UNIT_S, _MAX_AGE)
        number = index * self._factor & _NUMBER_MASK
        heappush(
            self._queues[network],
            turn << _ROUND_SHIFT | crowd << _CROWD_SHIFT | age << _AGE_SHIFT | number,
        )

    def _open_queue(self, network: int) -> int:
        self._queues[network] = []
        self._served[network] = 0
        self._turns.append(network)
        return 0

    def _group(self, source: bytes) -> int:
        """Return the number of a source's group."""
        name = address_group(source) if source and source[0] in _NETWORKS else source
        return self._groups.setdefault(name, len(self._groups) + 1)

    # --- visits out -------------------------------------------------------------------------

    def take(self, count: int, *, full: Collection[int] = ()) -> list[bytes]:
        """Return the next addresses to visit, at most `count`; each is returned once.

        Args:
            count: How many are wanted.
            full: BIP155 ids of networks that have no room now.
        """
        taken: list[bytes] = []
        passed = 0
        while len(taken) < count and passed < len(self._turns):
            network = self._turns.pop(0)
            self._turns.append(network)
            key = None if network in full else self._pop(network)
            if key is None:
                passed += 1
            else:
                passed = 0
                taken.append(key)
        return taken

    def _pop(self, network: int) -> bytes | None:
        queue = self._queues[network]
        while queue:
            entry = heappop(queue)
            index = (entry & _NUMBER_MASK) * self._inverse & _NUMBER_MASK
            if self._state[index] != _WAITING:
                continue  # an earlier round had it already
            self._served[network] = entry >> _ROUND_SHIFT
            self._state[index] = _TAKEN
            self._waiting[network] -= 1
            self._taken += 1
            key = self._keys[index]
            self._crowd[address_group(key)] -= 1
            self.settled.add(key)
            return key
        return None

    def finish(self, key: bytes) -> int:
        """Note that the visit of a taken address is over; return its number."""
        index = self._index[key]
        if self._state[index] == _TAKEN:
            self._taken -= 1
            self._finish(index)
        return index

    def _finish(self, index: int) -> None:
        key = self._keys[index]
        self._state[index] = _FINISHED
        self._finished[key[0]] += 1
        self.settled.add(key)

    def give_back(self, key: bytes, *, now_unix: int) -> None:
        """Queue a taken address again, of whose visit nothing came for a reason of our own."""
        index = self._index[key]
        if self._state[index] != _TAKEN:
            return
        self._taken -= 1
        self._state[index] = _WAITING
        self._round[index] = _NEVER
        self._queue(self._teller[index], index, now_unix)

    def close_network(self, network_id: int) -> None:
        """Visit no more of a network: its addresses are kept, those told from now on too."""
        self._networks -= {network_id}
        if network_id in self._turns:
            self._turns.remove(network_id)
        self._waiting[network_id] = 0
        for entry in self._queues.pop(network_id, ()):
            index = (entry & _NUMBER_MASK) * self._inverse & _NUMBER_MASK
            if self._state[index] == _WAITING:
                self._state[index] = State.IDLE
                self.settled.add(self._keys[index])

    def leave(self, key: bytes) -> None:
        """Note that a taken address was not visited; a later run may visit it."""
        index = self._index[key]
        if self._state[index] == _TAKEN:
            self._taken -= 1
            self._state[index] = State.IDLE

    # --- what there is ----------------------------------------------------------------------

    def finished_of(self, network_id: int) -> int:
        """Return how many addresses of a network were visited."""
        return self._finished[network_id]

    def networks(self) -> Iterator[tuple[int, int, int]]:
        """Return id, number of waiting and number of visited addresses of each network."""
        for network in _NETWORKS:
            if self._waiting[network] or self._finished[network]:
                yield network, self._waiting[network], self._finished[network]


def _in_turns(entries: Iterable[TellEntry]) -> list[TellEntry]:
    """Order what one source told: one of each neighbourhood, the freshest first, then the next of each."""
    rank: defaultdict[bytes, int] = defaultdict(int)
    ranked = []
    for entry in sorted(entries, key=_freshest_first):
        group = address_group(entry[2])
        ranked.append((rank[group], entry))
        rank[group] += 1
    ranked.sort(key=_by_rank)  # stable: the freshest first within one rank
    return [entry for _, entry in ranked]


def _freshest_first(entry: TellEntry) -> tuple[int, bytes]:
    return -entry[0], entry[2]


def _by_rank(ranked: tuple[int, TellEntry]) -> int:
    return ranked[0]
