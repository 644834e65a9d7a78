"""Default values of options, and the names that an option accepts: each is written here only.

Library and command line read them from here. Imports nothing but the
version, so that `--help` stays fast. What an
option means is said where its field is: `prober.ProbeOptions`, `survey.SurveyOptions`.
"""

from __future__ import annotations

from bitcoin_handshake import __version__

__all__ = [
    "CHAIN",
    "CHAIN_ALIASES",
    "CHAIN_NAMES",
    "CONCURRENCY",
    "LINGER_S",
    "MAX_PORT",
    "MAX_USER_AGENT_LEN",
    "TIMEOUT_S",
    "TRANSPORT",
    "TRANSPORT_NAMES",
    "USER_AGENT",
]

CHAIN = "mainnet"
CHAIN_NAMES = ("mainnet", "testnet3", "testnet4", "signet", "regtest")
"""The values of `chain.Chain` that can be chosen by name."""
CHAIN_ALIASES = {"main": "mainnet", "test": "testnet3", "testnet": "testnet3"}
"""Other names of chains that are accepted on input."""

TRANSPORT = "auto"
TRANSPORT_NAMES = ("auto", "v1", "v2", "both")
"""The values of `measured.TransportMode`."""

TIMEOUT_S = 10.0
"""Seconds for each node, from the connect to the verdict."""
LINGER_S = 0.0
"""Seconds that a connection stays open after the handshake."""
CONCURRENCY = 1024
"""Connections at once, unless the caller or the limit of open files says otherwise."""
MAX_PORT = 65535
USER_AGENT = f"/bitcoin-handshake:{__version__}/"
MAX_USER_AGENT_LEN = 256
"""Upper limit of a user agent in bytes: `protocol.MAX_SUBVERSION_LENGTH`."""
