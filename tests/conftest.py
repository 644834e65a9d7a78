"""Settings and fixtures of the whole suite."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings

from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from tests.healthy import NODES
from tests.helpers import FakeClock
from tests.netns import NetNamespace

# No deadlines: a test must not fail because the machine is busy. In CI the examples are the same in
# every run, so that a change is not blamed for what another run's examples would have found.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# A shell that starts the suite by `nohup` or `( ... & )` hands on an ignored SIGHUP or SIGINT. The command
# leaves ignored what it finds ignored, so the children of tests must not inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `( pytest & )` in a shell without job control
    signal.signal(signal.SIGINT, signal.default_int_handler)

_GROUP_BY_FIXTURE = {
    "litecoind": "node",
    "btcd": "node",
    "btcd_v2": "node",
    "bcoin": "node",
    "unbound": "node",
    "namespace": "netns",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put a test into the group of the fixtures that it uses, before groups are deselected."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if group := _GROUP_BY_FIXTURE.get(fixture):
                item.add_marker(group)


def pytest_collection_finish() -> None:
    """Leave what collecting has made out of the searches for lost tasks: they are many."""
    gc.collect()
    gc.freeze()


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


@pytest.fixture(autouse=True)
def _no_lost_task_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test whose event loop reported an exception that nobody looked at."""
    errors = _Errors()
    logger = logging.getLogger("asyncio")
    logger.addHandler(errors)
    yield
    if request.node.get_closest_marker("asyncio") is not None:
        gc.collect()  # a task reports its exception when it is collected
    logger.removeHandler(errors)
    assert not errors.messages, "\n".join(errors.messages)


@pytest.fixture
def clock() -> FakeClock:
    """A clock that the test advances."""
    return FakeClock()


@pytest.fixture
def namespace() -> Iterator[NetNamespace]:
    """A network of our own in which half of IPv4 is this machine; see `tests.netns`."""
    with NetNamespace() as namespace:
        yield namespace


@pytest_asyncio.fixture
async def network() -> AsyncIterator[SimulatedNetwork]:
    """Healthy nodes on 127.1.0.1 and the addresses that follow."""
    options = NetworkOptions(node_count=NODES, mix={"core": 1.0}, port=0, with_dns=False, with_ipv6=False)
    async with SimulatedNetwork(options) as network:
        yield network


@pytest.fixture(autouse=True)
def close_databases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what the tests of stores leave open: Python 3.13 warns of each database that is forgotten."""
    if "store" not in request.node.path.stem:
        yield
        return
    opened: list[sqlite3.Connection] = []

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(real(*arguments, **options))
        return opened[-1]

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", connect)
    yield
    for database in opened:
        with suppress(sqlite3.ProgrammingError):  # of another thread, which closed it
            database.close()
