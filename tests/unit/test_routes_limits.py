"""Limits of time by network."""

from __future__ import annotations

from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.routes.limits import DEFAULT_TIMEOUT_S, LIMITS, timeouts


def test_every_network_has_limits() -> None:
    assert set(LIMITS) == set(Network)


def test_slow_networks_have_more_time_unless_told_otherwise() -> None:
    default = timeouts(DEFAULT_TIMEOUT_S, onion_s=None, i2p_s=None)
    assert default == {network: limits.timeout_s for network, limits in LIMITS.items()}
    assert default[Network.ONION] == 60
    assert default[Network.I2P] == 90


def test_another_timeout_is_that_of_all_networks() -> None:
    assert set(timeouts(3.0, onion_s=None, i2p_s=None).values()) == {3.0}


def test_slow_networks_can_have_their_own() -> None:
    chosen = timeouts(3.0, onion_s=20.0, i2p_s=30.0)
    assert (chosen[Network.IPV4], chosen[Network.ONION], chosen[Network.I2P]) == (3.0, 20.0, 30.0)
