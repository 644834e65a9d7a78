"""The limits of this machine, lowered in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bitcoin_handshake.engine import limits as limits_module
from bitcoin_handshake.engine.limits import (
    DEFAULT_CONCURRENCY,
    DESCRIPTORS_PER_LOOKUP,
    MAX_LOOKUPS,
    MAX_TOTAL_BUFFERED,
    RESERVED_DESCRIPTORS,
    SMALL_BUFFER,
    fit_concurrency,
    fit_lookups,
    raise_descriptor_limit,
)
from bitcoin_handshake.transport.base import MAX_KEPT_PAYLOAD
from tests.helpers import CHECKOUT

_SCRIPT = """
import resource
from bitcoin_handshake.engine.limits import fit_concurrency, raise_descriptor_limit
from bitcoin_handshake.errors import EnvironmentFailure
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
try:
    print(fit_concurrency({wanted}))
except EnvironmentFailure as error:
    print(error.code, error)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], raise_descriptor_limit())
"""


def _in_a_process(*, soft: int, hard: int, wanted: int | None) -> list[str]:
    script = _SCRIPT.format(soft=soft, hard=hard, wanted=wanted)
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": str(CHECKOUT / "src")},
    )
    return run.stdout.splitlines()


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "fits"),
    [
        (64, 400, None, str(400 - RESERVED_DESCRIPTORS - 6 * 8)),
        (64, 400, 100, "100"),
        (400, 400, 5000, str(400 - RESERVED_DESCRIPTORS - 6 * 8)),
        (64, 64, 5, "5"),
        (64, 64, 5000, "40"),
        (
            16,
            16,
            5,
            "local.environment the limit of open files is 16: too low for any connection; "
            "raise it (ulimit -n)",
        ),
    ],
)
def test_concurrency_fits_under_the_hard_limit(soft: int, hard: int, wanted: int | None, fits: str) -> None:
    assert _in_a_process(soft=soft, hard=hard, wanted=wanted) == [fits, f"{hard} {hard}"]


def test_here_the_default_fits() -> None:
    limit = raise_descriptor_limit()
    room = limit - RESERVED_DESCRIPTORS - fit_lookups() * DESCRIPTORS_PER_LOOKUP
    assert fit_concurrency(None) == min(DEFAULT_CONCURRENCY, room)
    assert fit_concurrency(7) == 7


@pytest.mark.parametrize(
    ("limit", "lookups"),
    [(60, 1), (127, 1), (200, 3), (1024, 16), (4096, 64), (20000, 738), (1 << 20, MAX_LOOKUPS)],
)
def test_look_ups_leave_most_descriptors_to_connections(
    limit: int, lookups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits_module, "raise_descriptor_limit", lambda: limit)
    assert fit_lookups() == lookups
    assert fit_concurrency(1 << 30) + lookups * DESCRIPTORS_PER_LOOKUP <= limit - 16


def test_the_limits_go_together() -> None:
    assert SMALL_BUFFER * 10_000 <= MAX_TOTAL_BUFFERED
    assert MAX_KEPT_PAYLOAD * DEFAULT_CONCURRENCY <= MAX_TOTAL_BUFFERED


@pytest.mark.parametrize(("wanted", "lookups"), [(1, 1), (50, 50), (5000, MAX_LOOKUPS)])
def test_look_ups_follow_the_concurrency(wanted: int, lookups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits_module, "raise_descriptor_limit", lambda: 1 << 20)
    assert fit_lookups(wanted) == lookups
