"""The loop of a command."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys

import pytest

from bitcoin_handshake.cli.event_loop import run_interruptible
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.interrupts import Interrupts


async def _wait_for_a_signal(interrupts: Interrupts) -> ExitCode:
    stopped = asyncio.Event()
    interrupts.on_first(stopped.set)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(stopped.wait(), 10)
    return ExitCode.INTERRUPTED


@pytest.mark.parametrize("with_uvloop", [True, False])
def test_a_signal_reaches_the_loop(with_uvloop: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not with_uvloop:
        monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_interruptible(_wait_for_a_signal) is ExitCode.INTERRUPTED


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="no uvloop for this platform")
def test_uvloop_where_there_is_one() -> None:
    async def name(interrupts: Interrupts) -> ExitCode:
        assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
        return ExitCode.OK

    assert run_interruptible(name) is ExitCode.OK


def test_the_standard_loop_on_request() -> None:
    async def name(interrupts: Interrupts) -> ExitCode:
        assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")
        return ExitCode.OK

    assert run_interruptible(name, with_uvloop=False) is ExitCode.OK
