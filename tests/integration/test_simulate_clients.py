"""Software of other projects dials simulated nodes and takes them for what they play."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bitcoin_handshake.simulate.core import CorePeer
from bitcoin_handshake.simulate.network import NetworkOptions, SimulatedNetwork
from tests.integration.servers import LOOPBACK, find_binary, running

pytestmark = pytest.mark.node

WAIT_S = 60.0
CONNECTED = r"New outbound peer connected: .* peer=(\d+)"


@contextmanager
def _network(behaviours: Sequence[str]) -> Iterator[list[str]]:
    """Run a network with one node of each behaviour in a thread of its own; give its addresses."""
    options = NetworkOptions(
        node_count=len(behaviours),
        mix=dict.fromkeys(behaviours, 1.0),
        port=0,
        with_dns=False,
        with_ipv6=False,
    )
    network = SimulatedNetwork(options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(network.start(), loop).result(10)
        yield [node.netaddr.to_text() for node in network.nodes]
    finally:
        asyncio.run_coroutine_threadsafe(network.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _wait_for(log: Path, pattern: str, count: int) -> str:
    """Wait until a log holds as many different matches, and give all of it."""
    end = time.monotonic() + WAIT_S
    while True:
        text = log.read_text(errors="replace")
        if len(set(re.findall(pattern, text))) >= count:
            return text
        assert time.monotonic() < end, f"no {count} of {pattern!r} in {WAIT_S:g} s:\n{text[-4000:]}"
        time.sleep(0.05)


def _peers(pattern: str, text: str) -> set[str]:
    return set(re.findall(pattern, text))


def test_litecoind_connects_and_stays(tmp_path: Path) -> None:
    """A node of the Bitcoin Core line, whose regtest has Bitcoin's magic."""
    program = find_binary("litecoind", hint="apt-get install litecoind")
    behaviours = ["core", "core-0.20", "segments", "half-messages", "chatty", "speaks-first", "one-segment"]
    with _network(behaviours) as addresses:

        def command(port: int) -> list[str]:
            quiet = ["-server=0", "-disablewallet", "-listenonion=0", "-discover=0", "-upnp=0", "-dnsseed=0"]
            dialled = [f"-connect={address}" for address in addresses]
            listen = ["-listen=1", f"-bind={LOOPBACK}:{port}", "-debug=net"]
            return [program, "-regtest", f"-datadir={tmp_path}", "-printtoconsole", *quiet, *listen, *dialled]

        with running(tmp_path, command) as client:
            _wait_for(client.log, CONNECTED, len(behaviours))
            text = _wait_for(client.log, r"received: pong \(8 bytes\) peer=(\d+)", len(behaviours))
    assert "/Satoshi:28.1.0/" in text
    assert not _peers(r"disconnecting peer=(\d+)", text) & _peers(CONNECTED, text)
    assert "Misbehaving" not in text
    assert re.search(r"received: addrv2 \(", text)
    assert re.search(r"received: headers \(1 bytes\)", text)


def test_btcd_connects_and_stays(tmp_path: Path) -> None:
    program = find_binary("btcd", hint="go install github.com/btcsuite/btcd@v0.26.2")
    behaviours = ["core", "core-0.20", "segments", "half-messages", "btcd"]
    with _network(behaviours) as addresses:

        def command(port: int) -> list[str]:
            files = ["--configfile=/dev/null", f"--datadir={tmp_path}", f"--logdir={tmp_path}/log"]
            dialled = [f"--connect={address}" for address in addresses]
            listen = f"--listen={LOOPBACK}:{port}"
            return [
                program,
                "--regtest",
                *files,
                "--nodnsseed",
                "--norpc",
                "--debuglevel=debug",
                listen,
                *dialled,
            ]

        with running(tmp_path, command) as client:
            text = _wait_for(client.log, r"New valid peer (\S+)", len(behaviours))
    assert "/Satoshi:28.1.0/" in text


@pytest.mark.parametrize("transport", ["v2", "v1"])
def test_btcd_comes_up_in_the_transport_that_it_was_told(
    tmp_path: Path, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`core` answers in what it is asked in; which that was is what its own handshake ran over."""
    program = find_binary("btcd", hint="go install github.com/btcsuite/btcd@v0.26.2")
    completed: list[str] = []
    announce = CorePeer._announce

    def note(self: CorePeer) -> None:
        completed.append(self._transport.name)
        announce(self)

    monkeypatch.setattr(CorePeer, "_announce", note)
    with _network(["core", "v2-decoys", "v2-version-contents"]) as addresses:

        def command(port: int) -> list[str]:
            files = ["--configfile=/dev/null", f"--datadir={tmp_path}", f"--logdir={tmp_path}/log"]
            dialled = [f"--connect={address}" for address in addresses]
            options = ["--v2transport"] if transport == "v2" else []
            listen = f"--listen={LOOPBACK}:{port}"
            quiet = ["--nodnsseed", "--norpc", "--debuglevel=debug"]
            return [program, "--regtest", *files, *quiet, listen, *options, *dialled]

        with running(tmp_path, command) as client:
            _wait_for(client.log, r"New valid peer (\S+)", len(addresses))
    assert completed == [transport] * len(addresses)
