"""Which nodes of a network behave how: shares, as a person writes them, and who gets what.

Owns the reading of a mix (`core=90,silent=5,http`) and its repeatable assignment to nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from random import Random

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS, Behaviour

__all__ = ["DEFAULT_MIX", "assign_behaviours", "parse_behaviours"]

DEFAULT_MIX = (
    "core=55,core-v1=6,v2-only=1,v2-decoys=1,v2-wrong-tag=1,v2-other-chain=1,"
    "core-0.20=10,core-0.12=2,knots=3,btcd=3,speaks-first=2,segments=1,"
    "unknown-messages=1,slow=2,no-verack=2,version-only=1,silent=2,closes-at-once=2,resets=1,refuses=2,"
    "http=1,litecoin=1,hostile-user-agent=1"
)
MAX_SHARE = 1e9
"""Upper limit of a share: their sum stays far from where a float ends."""


def parse_behaviours(text: str) -> dict[str, float]:
    """Read a mix: `NAME[=SHARE],...`, where `all` stands for every behaviour.

    Args:
        text: Names with their weights, positive numbers up to MAX_SHARE (1e9); 1 where none is given.

    Returns:
        Weight by name, in the order given.

    Raises:
        InputError: A name is unknown or comes twice, or a share is not a positive number
            up to MAX_SHARE.
    """
    mix: dict[str, float] = {}
    for item in text.split(","):
        name, equals, share = (part.strip() for part in item.partition("="))
        weight = _parse_share(item, share) if equals else 1.0
        for known in BEHAVIOURS if name == "all" else (name,):
            if known not in BEHAVIOURS:
                raise InputError(_unknown(known))
            if known in mix:
                raise InputError(f"behaviour {known!r} is given twice")
            mix[known] = weight
    return mix


def assign_behaviours(mix: Mapping[str, float], count: int, *, seed: int) -> list[Behaviour]:
    """Give each of `count` nodes a behaviour, in numbers as near to the shares as they can be.

    The same arguments give the same list: the largest remainders get what division leaves over
    (the seed decides between equals), and the order is shuffled by the seed.

    Args:
        mix: Positive weights by name, as `parse_behaviours` gives them.
        count: Number of nodes.
        seed: Any integer.
    """
    total = sum(mix.values())
    quotas = {name: count * weight / total for name, weight in mix.items()}
    numbers = {name: int(quota) for name, quota in quotas.items()}
    rng = Random(f"behaviours {seed}")
    by_remainder = rng.sample(list(quotas), len(quotas))  # who comes first among equals
    by_remainder.sort(key=lambda name: numbers[name] - quotas[name])
    for name in by_remainder[: count - sum(numbers.values())]:
        numbers[name] += 1
    assigned = [BEHAVIOURS[name] for name, number in numbers.items() for _ in range(number)]
    rng.shuffle(assigned)
    return assigned


def _parse_share(item: str, share: str) -> float:
    try:
        weight = float(share)
    except ValueError:
        weight = 0.0
    if not 0 < weight <= MAX_SHARE:
        raise InputError(f"{item.strip()!r}: the share is not a positive number up to {MAX_SHARE:,.0f}")
    return weight


def _unknown(name: str) -> str:
    if not name:
        return "the name of a behaviour is missing; 'simulate --list-behaviours' lists them"
    near = get_close_matches(name, BEHAVIOURS, n=3, cutoff=0.5)
    near += [known for known in BEHAVIOURS if name in known and known not in near][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "'simulate --list-behaviours' lists them"
    return f"unknown behaviour {name!r}: {hint}"
