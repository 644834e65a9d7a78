"""Who is dialled in a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from bitcoin_handshake import Chain
from bitcoin_handshake.admission import Admission, fit_networks, rate_limits
from bitcoin_handshake.api import run_survey
from bitcoin_handshake.engine.pool import DialPool
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import IP_NETWORKS
from bitcoin_handshake.prober import ProbeOptions, Prober
from bitcoin_handshake.records import ProbeResult
from bitcoin_handshake.routes.options import RouteOptions
from bitcoin_handshake.survey import SurveyOptions

REGTEST = Chain.REGTEST.params
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"


async def _survey(targets: Iterable[str], **options: Any) -> list[ProbeResult]:
    settings = SurveyOptions(probe=ProbeOptions(chain=REGTEST, timeout_s=1.0), **options)
    return [result async for result in run_survey(targets, options=settings)]


def _codes(results: list[ProbeResult]) -> dict[str, str | None]:
    return {result.target: result.code for result in results}


@pytest.mark.asyncio
async def test_a_dry_run_dials_nothing_and_names_the_ways() -> None:
    results = await _survey(
        ["1.2.3.4", ONION, I2P, "8.8.8.8"],
        dry_run=True,
        exclude=["8.8.8.0/24"],
        routes=RouteOptions.from_text(onion="127.0.0.1:9", i2psam="127.0.0.1:9"),
    )
    assert {result.target: str(result.error) for result in results} == {
        "1.2.3.4": "dry run: ipv4 directly",
        ONION: "dry run: onion through 127.0.0.1:9",
        I2P: "dry run: i2p through SAM at 127.0.0.1:9",
        "8.8.8.8": "8.8.8.8 is on the list of --exclude",
    }


@pytest.mark.asyncio
async def test_a_dry_run_says_what_is_not_available() -> None:
    results = await _survey(
        [ONION, "1.2.3.4"],
        dry_run=True,
        routes=RouteOptions.from_text(onion="0", onlynet=["onion"]),
    )
    assert _codes(results) == {ONION: "policy.no_proxy", "1.2.3.4": "policy.onlynet"}


@pytest.mark.asyncio
async def test_names_can_be_left_alone() -> None:
    results = await _survey(
        ["seed.example", "x.opted.out"], dry_run=True, no_resolve=True, exclude=["opted.out"]
    )
    assert _codes(results) == {"seed.example": "policy.dry_run", "x.opted.out": "policy.excluded"}


@pytest.mark.asyncio
async def test_an_address_is_dialled_once() -> None:
    results = await _survey([ONION, ONION, ONION], routes=RouteOptions.from_text(onion="127.0.0.1:9"))
    codes = sorted(str(result.code) for result in results)
    assert codes == ["policy.duplicate", "policy.duplicate", "proxy.unreachable"]


@pytest.mark.parametrize(
    "options", [{"rate": 0.0}, {"rate_per_group": -1.0}, {"rate": float("inf")}, {"no_resolve": True}]
)
def test_refuses_what_makes_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        SurveyOptions(probe=ProbeOptions(chain=REGTEST), **options)


def test_without_rates_there_are_no_limits() -> None:
    assert rate_limits(None, None) is None
    assert rate_limits(5.0, None) is not None


def test_slow_networks_have_room_beside_the_others() -> None:
    fast, slow = fit_networks(100)
    assert fast == 100
    assert slow == {Network.ONION: 100, Network.I2P: 64}
    assert set(fit_networks(1)[1].values()) == {1}


@pytest.mark.asyncio
async def test_on_loopback_anybody_may_be_dialled_often() -> None:
    admission = Admission(families=IP_NETWORKS)
    pool = DialPool()
    prober = Prober(pool, ProbeOptions(chain=REGTEST), lambda _: None)
    local = prober.visit("x", NetAddr.from_text("127.0.0.1", 1))
    public = prober.visit("x", NetAddr.from_text("1.2.3.4", 1))
    assert [admission.is_first(visit) for visit in (local, local, public, public)] == [
        True, True, True, False,
    ]  # fmt: skip
    pool.close()
