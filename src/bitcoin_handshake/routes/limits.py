"""The limits of each network: how long a node may take, and how many are dialled at once.

Owns the one table. Measured: a circuit to an onion service takes 4 to 30 s, an I2P tunnel 1 to 10 s and
its look-up up to 20 s more; clearnet takes 10 to 300 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bitcoin_handshake import defaults
from bitcoin_handshake.netaddr import Network

__all__ = ["DEFAULT_TIMEOUT_S", "LIMITS", "MAX_WAITING", "NetworkLimits", "timeouts"]

DEFAULT_TIMEOUT_S = defaults.TIMEOUT_S
MAX_WAITING = 65_536
"""Targets of slow networks that wait for their turn at most, so that they do not hold up the others that
follow them in the input: 40 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLimits:
    """The limits of one network.

    Attributes:
        timeout_s: Seconds from the dial to the verdict.
        concurrency: Connections at once at most, beside those of the other networks; None to share
            what all fast networks have.
    """

    timeout_s: float
    concurrency: int | None = None


LIMITS: Mapping[Network, NetworkLimits] = MappingProxyType(
    {
        Network.IPV4: NetworkLimits(timeout_s=DEFAULT_TIMEOUT_S),
        Network.IPV6: NetworkLimits(timeout_s=DEFAULT_TIMEOUT_S),
        Network.ONION: NetworkLimits(timeout_s=60.0, concurrency=256),
        Network.I2P: NetworkLimits(timeout_s=90.0, concurrency=64),
        Network.CJDNS: NetworkLimits(timeout_s=DEFAULT_TIMEOUT_S),
    }
)
"""Limits by network, unless the options say otherwise."""


def timeouts(timeout_s: float, *, onion_s: float | None, i2p_s: float | None) -> Mapping[Network, float]:
    """Return the limit of time of each network.

    Args:
        timeout_s: That of the fast networks; where it is not the default, that of the slow ones too.
        onion_s, i2p_s: Those of the slow networks; None where none is chosen.
    """
    chosen = {Network.ONION: onion_s, Network.I2P: i2p_s}
    is_default = timeout_s == DEFAULT_TIMEOUT_S
    return {
        network: chosen.get(network) or (limits.timeout_s if is_default else timeout_s)
        for network, limits in LIMITS.items()
    }
