"""What a DNS seed is asked: its name and the filters for service bits that it documents.

Source: the seeds' own documentation as Core 28.1 repeats it in `kernel/chainparams.cpp`; Core asks each
seed for `x9` only (`net.cpp`, `ThreadDNSAddressSeed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bitcoin_handshake.errors import InputError
from bitcoin_handshake.resolver.servers import Server

__all__ = ["CORE_FILTER", "FILTERS", "Question", "parse_filters", "questions_for"]

CORE_FILTER = 0x9
"""NODE_NETWORK and NODE_WITNESS: what Core asks for."""
_BASIC = (0x1, 0x5, 0x9, 0xD)
_ALL = (0x1, 0x5, 0x9, 0x49, 0x809, 0x849, 0xD, 0x400, 0x404, 0x408, 0x448, 0xC08, 0xC48, 0x40C)
FILTERS: Mapping[str, Sequence[int]] = MappingProxyType(
    {
        "seed.bitcoin.sipa.be": _BASIC,
        "dnsseed.bluematt.me": (0x9,),
        "seed.bitcoin.jonasschnelli.ch": _BASIC,
        "seed.btc.petertodd.net": _BASIC,
        "seed.mainnet.achownodes.xyz": _ALL,
        "testnet-seed.bluematt.me": (0x9,),
        "seed.testnet.achownodes.xyz": _ALL,
        "seed.signet.achownodes.xyz": _ALL,
    }
)
"""Documented filters of each seed; the others are asked for CORE_FILTER."""
MAX_FILTERS = 32


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one server.

    Attributes:
        seed: The name of the seed.
        mask: Service bits that are asked for; 0 for the bare name.
        rdtype: `A` or `AAAA`.
        server: The DNS server that is asked.
    """

    seed: str
    mask: int
    rdtype: str
    server: Server

    @property
    def name(self) -> str:
        """The name that is looked up."""
        return f"{self.label}.{self.seed}" if self.mask else self.seed

    @property
    def label(self) -> str:
        """The filter as people write it: `x9`; `-` for the bare name."""
        return f"x{self.mask:x}" if self.mask else "-"


def parse_filters(text: str) -> tuple[int, ...]:
    """Read a list such as `x9,x809`; `-` stands for the bare name.

    Raises:
        InputError: It is no such list.
    """
    masks = []
    for word in text.split(","):
        digits = word.strip().lower().removeprefix("x")
        if word.strip() == "-":
            masks.append(0)
            continue
        try:
            mask = int(digits, 16)
        except ValueError:
            mask = 0
        if not 0 < mask < 1 << 64 or "_" in digits:
            raise InputError(
                f"{word.strip()!r} is not a filter: x and the service bits in hex, as in x9,x809"
            )
        masks.append(mask)
    if len(masks) > MAX_FILTERS:
        raise InputError(f"at most {MAX_FILTERS} filters at once, not {len(masks)}")
    return tuple(dict.fromkeys(masks))


def questions_for(
    seeds: Iterable[str],
    servers: Sequence[Server],
    *,
    masks: Sequence[int] | None = None,
    rdtypes: Sequence[str] = ("A", "AAAA"),
) -> list[Question]:
    """List the questions: each seed, each filter, each type, each server.

    Args:
        masks: Filters for all seeds; None for the bare name and those that each seed documents.
    """
    return [
        Question(seed, mask, rdtype, server)
        for seed in seeds
        for mask in ((0, *FILTERS.get(seed, (CORE_FILTER,))) if masks is None else masks)
        for rdtype in rdtypes
        for server in servers
    ]
