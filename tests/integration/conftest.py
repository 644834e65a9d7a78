"""Real servers of other projects, on loopback: litecoind, btcd, bcoin, unbound."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.helpers import CHECKOUT, unavailable
from tests.integration.servers import LOOPBACK, Server, find_binary, running

_BTCD_HINT = "GOBIN=$PWD/.servers/bin go install github.com/btcsuite/btcd@v0.26.2"

ServeNames = Callable[[Mapping[str, Sequence[str]]], Server]
"""Starts a DNS server that knows these names, without a trailing dot, with these addresses."""


@pytest.fixture(scope="session")
def litecoind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """litecoind 0.21 on regtest, whose magic is Bitcoin's (fabfb5da): Core's code, v1 transport only."""
    program = find_binary("litecoind", hint="apt-get install litecoind")
    folder = tmp_path_factory.mktemp("litecoind")

    def command(port: int) -> list[str]:
        quiet = ["-server=0", "-disablewallet", "-listenonion=0", "-discover=0", "-upnp=0", "-debug=net"]
        listen = ["-listen=1", f"-bind={LOOPBACK}:{port}", "-dnsseed=0"]
        return [program, "-regtest", f"-datadir={folder}", "-printtoconsole", *listen, *quiet]

    with running(folder, command) as server:
        yield server


@pytest.fixture(scope="session")
def btcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give btcd on regtest, v1 transport."""
    with _btcd(tmp_path_factory.mktemp("btcd")) as server:
        yield server


@pytest.fixture(scope="session")
def btcd_v2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give btcd on regtest with the v2 transport switched on; it still accepts v1."""
    with _btcd(tmp_path_factory.mktemp("btcd_v2"), "--v2transport") as server:
        yield server


def _btcd(folder: Path, *options: str) -> contextlib.AbstractContextManager[Server]:
    program = find_binary("btcd", hint=_BTCD_HINT)

    def command(port: int) -> list[str]:
        files = ["--configfile=/dev/null", f"--datadir={folder}", f"--logdir={folder}/log"]
        return [
            program,
            "--regtest",
            *files,
            "--nodnsseed",
            "--norpc",
            f"--listen={LOOPBACK}:{port}",
            *options,
        ]

    return running(folder, command)


@pytest.fixture
def bcoin(tmp_path: Path) -> Iterator[Server]:
    """bcoin 1.0.2 on regtest, which speaks first, knows no v2, and bans for garbage; one for each test."""
    node = find_binary("node", hint="apt-get install nodejs npm")
    program = CHECKOUT / ".servers" / "bcoin" / "node_modules" / "bcoin" / "bin" / "node"
    if not program.exists():
        unavailable("bcoin is not installed (.ci/run installs it into .servers/bcoin)")

    def command(port: int) -> list[str]:
        listen = ["--listen", "true", "--host", LOOPBACK, "--port", str(port), "--no-dns", "true"]
        # The port of its HTTP server lies below those that `free_port` gives.
        store = ["--memory", "true", "--no-wallet", "true", "--http-port", str(port - 10_000)]
        prefix = [f"--prefix={tmp_path}"]
        return [
            "env",
            "NODE_BACKEND=js",
            node,
            str(program),
            "--network",
            "regtest",
            *listen,
            *store,
            *prefix,
        ]

    with running(tmp_path, command) as server:
        yield server


_RECORDS = {4: "A", 6: "AAAA"}
_UNBOUND = """
server:
  interface: 127.0.0.1
  port: {port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  num-threads: 1
  module-config: "iterator"
  access-control: 127.0.0.0/8 allow
  local-zone: "." static
{records}
remote-control:
  control-enable: no
"""


@pytest.fixture
def unbound(tmp_path: Path) -> Iterator[ServeNames]:
    """Give a function that starts unbound on loopback; every name that it was not given is NXDOMAIN.

    It asks nobody else: its root zone is local.
    """
    program = find_binary("unbound", hint="apt-get install unbound")
    with contextlib.ExitStack() as servers:

        def serve(names: Mapping[str, Sequence[str]]) -> Server:
            folder = tmp_path / f"unbound-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            records = "\n".join(
                f'  local-data: "{name}. 60 IN {_RECORDS[ip_address(address).version]} {address}"'
                for name, addresses in names.items()
                for address in addresses
            )

            def command(port: int) -> list[str]:
                config = folder / "unbound.conf"
                config.write_text(_UNBOUND.format(port=port, folder=folder, records=records))
                return [program, "-d", "-c", str(config)]

            return servers.enter_context(running(folder, command))

        yield serve
