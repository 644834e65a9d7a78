"""What every test of the command line needs: an environment without variables, logging put back."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from bitcoin_handshake.cli.logs import ROOT
from bitcoin_handshake.simulate.network import SimulatedNetwork
from tests.cli.samples import simulated

_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "RUST_LOG", "COLUMNS", "_BITCOIN_HANDSHAKE_COMPLETE")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name in _VARIABLES or name.startswith("BITCOIN_HANDSHAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(autouse=True)
def _logging_put_back() -> Iterator[None]:
    logger = logging.getLogger(ROOT)
    before = (logger.level, logger.propagate, list(logger.handlers))
    yield
    logger.level, logger.propagate, logger.handlers = before
    logger.manager._clear_cache()  # type: ignore[attr-defined]  # what setLevel does


@pytest.fixture(scope="session")
def core_node() -> Iterator[SimulatedNetwork]:
    """One node that answers as Bitcoin Core does, and its DNS seed."""
    with simulated("core") as network:
        yield network
