"""The chains: which magic, which port, which DNS seeds.

Owns `Chain` and `ChainParams`. Sources: Core 28.1 `kernel/chainparams.cpp`,
`chainparamsbase.cpp`; BIP325 for signets of one's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType

from bitcoin_handshake import defaults
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.protocol import MAGIC_LEN
from bitcoin_handshake.wire import serialize_var_bytes

__all__ = [
    "CHAINS",
    "KNOWN_MAGICS",
    "Chain",
    "ChainParams",
    "chain_from_text",
    "custom_chain",
    "signet_chain",
]


class Chain(StrEnum):
    """Which blockchain."""

    MAINNET = "mainnet"
    TESTNET3 = "testnet3"
    TESTNET4 = "testnet4"
    SIGNET = "signet"
    REGTEST = "regtest"
    CUSTOM = "custom"  # known by its magic only

    @property
    def params(self) -> ChainParams:
        """Parameters of this chain.

        Raises:
            InputError: The chain is CUSTOM, which has no parameters of its own.
        """
        if self is Chain.CUSTOM:
            raise InputError("the custom chain has no parameters of its own: give its magic")
        return CHAINS[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainParams:
    """What tells one chain from another on the wire.

    Attributes:
        chain: Which blockchain.
        magic: MAGIC_LEN (4) bytes in wire order.
        default_port: TCP port of its nodes.
        dns_seeds: Names that answer with addresses of nodes.
    """

    chain: Chain
    magic: bytes
    default_port: int
    dns_seeds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.magic) != MAGIC_LEN:
            raise InputError(f"a magic is {MAGIC_LEN} bytes, not {len(self.magic)}")


CHAINS = MappingProxyType(
    {
        Chain.MAINNET: ChainParams(
            chain=Chain.MAINNET,
            magic=bytes.fromhex("f9beb4d9"),
            default_port=8333,
            dns_seeds=(
                "seed.bitcoin.sipa.be",
                "dnsseed.bluematt.me",
                "dnsseed.bitcoin.dashjr-list-of-p2p-nodes.us",
                "seed.bitcoin.jonasschnelli.ch",
                "seed.btc.petertodd.net",
                "seed.bitcoin.sprovoost.nl",
                "dnsseed.emzy.de",
                "seed.bitcoin.wiz.biz",
                "seed.mainnet.achownodes.xyz",
            ),
        ),
        Chain.TESTNET3: ChainParams(
            chain=Chain.TESTNET3,
            magic=bytes.fromhex("0b110907"),
            default_port=18333,
            dns_seeds=(
                "testnet-seed.bitcoin.jonasschnelli.ch",
                "seed.tbtc.petertodd.net",
                "seed.testnet.bitcoin.sprovoost.nl",
                "testnet-seed.bluematt.me",
                "seed.testnet.achownodes.xyz",
            ),
        ),
        Chain.TESTNET4: ChainParams(
            chain=Chain.TESTNET4,
            magic=bytes.fromhex("1c163f28"),
            default_port=48333,
            dns_seeds=("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
        ),
        Chain.SIGNET: ChainParams(
            chain=Chain.SIGNET,
            magic=bytes.fromhex("0a03cf40"),
            default_port=38333,
            dns_seeds=("seed.signet.bitcoin.sprovoost.nl", "seed.signet.achownodes.xyz"),
        ),
        Chain.REGTEST: ChainParams(chain=Chain.REGTEST, magic=bytes.fromhex("fabfb5da"), default_port=18444),
    }
)
"""Parameters by chain, as of Core 28.1."""

KNOWN_MAGICS = MappingProxyType(
    {
        **{params.magic: f"Bitcoin {chain}" for chain, params in CHAINS.items()},
        bytes.fromhex("e3e1f3e8"): "Bitcoin Cash or a fork of it",
        bytes.fromhex("f4e5f3f4"): "Bitcoin Cash testnet",
        bytes.fromhex("fbc0b6db"): "Litecoin",
        bytes.fromhex("fdd2c8f1"): "Litecoin testnet",
        bytes.fromhex("c0c0c0c0"): "Dogecoin",
        bytes.fromhex("fcc1b7dc"): "Dogecoin testnet",
        bytes.fromhex("f9beb4fe"): "Namecoin",
    }
)
"""Whose magic it is, for the chains that turn up on Bitcoin's ports."""

_ALIASES = MappingProxyType({alias: Chain(name) for alias, name in defaults.CHAIN_ALIASES.items()})


def chain_from_text(text: str) -> ChainParams:
    """Read the name of a chain: a `Chain` value, or `main`, `test`, `testnet`.

    Raises:
        InputError: No such chain.
    """
    name = text.lower()
    chain = _ALIASES.get(name)
    if chain is None:
        try:
            chain = Chain(name)
        except ValueError:
            chain = Chain.CUSTOM
    if chain is Chain.CUSTOM:
        known = ", ".join(CHAINS)
        raise InputError(f"unknown chain {text!r}: one of {known} (also main, test, testnet)")
    return CHAINS[chain]


def signet_chain(challenge: bytes) -> ChainParams:
    """Parameters of the signet with this block-signing script.

    Args:
        challenge: The script, any length.

    Returns:
        Parameters with port 38333 and no DNS seeds, except for the default signet, which
        comes out as itself.

    Spec:
        BIP325, "Message Start": first four bytes of sha256d of the challenge with its length.
    """
    magic = sha256(sha256(serialize_var_bytes(challenge)).digest()).digest()[:MAGIC_LEN]
    default = CHAINS[Chain.SIGNET]
    if magic == default.magic:
        return default
    return ChainParams(chain=Chain.SIGNET, magic=magic, default_port=default.default_port)


def custom_chain(magic: bytes, *, default_port: int = 8333) -> ChainParams:
    """Parameters of a chain known by its magic only.

    Args:
        magic: MAGIC_LEN (4) bytes in wire order.
        default_port: TCP port for targets without one.

    Raises:
        InputError: The magic has another length.
    """
    return ChainParams(chain=Chain.CUSTOM, magic=magic, default_port=default_port)
