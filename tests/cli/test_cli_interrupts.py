"""Signals: the first asks, handlers are put back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from bitcoin_handshake.cli.interrupts import SIGNALS, Interrupts


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_calls_stop_in_the_loop(number: signal.Signals) -> None:
    async def run(interrupts: Interrupts) -> None:
        stopped = asyncio.Event()
        interrupts.on_first(stopped.set)
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stopped.wait(), 10)

    before = [signal.getsignal(each) for each in SIGNALS]
    with Interrupts() as interrupts:
        asyncio.run(run(interrupts))
        assert interrupts.happened
        assert interrupts.exit_code == 128 + number
    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_signal_that_came_before_counts() -> None:
    async def run(interrupts: Interrupts) -> None:
        stopped = asyncio.Event()
        interrupts.on_first(stopped.set)
        await asyncio.wait_for(stopped.wait(), 10)

    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        asyncio.run(run(interrupts))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_is_ignored_stays_so(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            os.kill(os.getpid(), number)
            assert not interrupts.happened
    finally:
        signal.signal(number, before)


def test_the_second_signal_ends_the_process_in_a_hurry() -> None:
    code = (
        "import os, signal\n"
        "from bitcoin_handshake.cli.interrupts import Interrupts\n"
        "with Interrupts(hurry=lambda: os.write(1, b'bye')):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('never')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (130, b"bye")
