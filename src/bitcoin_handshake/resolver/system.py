"""This system's own way to look up names: hosts file, resolv.conf, `getaddrinfo`.

Owns the reading of the two files (bounded, and missing or unreadable ones are empty), and the
call of `getaddrinfo` in a thread that cannot hold up the program's exit.

Sources: hosts(5), resolv.conf(5), getaddrinfo(3); RFC 6761 section 6.3 (`localhost`).
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from bitcoin_handshake.errors import (
    InputError,
    NameNotFound,
    NoAddresses,
    ResolveFailed,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.resolver.query import Resolver
from bitcoin_handshake.resolver.resolution import IP_FAMILIES, ResolvedAddress

__all__ = [
    "MAX_HOSTS_FILE_BYTES",
    "ask_system",
    "hosts_entries",
    "literal_address",
    "loopback",
    "system_nameservers",
]

MAX_HOSTS_FILE_BYTES = 8 << 20
MAX_RESOLV_CONF_BYTES = 64 << 10
MAX_SYSTEM_NAMESERVERS = 3  # MAXNS of resolv.conf(5)


def literal_address(name: str) -> NetAddr | None:
    """The IPv4 or IPv6 address (port 0) that the name is, or None."""
    try:
        netaddr = NetAddr.from_text(name, 0)
    except InputError:
        return None
    return netaddr if netaddr.network in IP_FAMILIES else None


def loopback(wanted: Sequence[Network]) -> list[ResolvedAddress]:
    """What `localhost` means where the hosts file is silent."""
    hosts = {Network.IPV4: "127.0.0.1", Network.IPV6: "::1"}
    return [ResolvedAddress(hosts[network], network) for network in wanted]


def _read_bounded(path: Path, limit: int) -> str:
    """The beginning of a system file; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""


def _lines_of_words(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words:
            yield words


def hosts_entries(path: Path, name: str, wanted: Sequence[Network]) -> list[ResolvedAddress]:
    """What the hosts file says of a name, of the families wanted, IPv4 first."""
    text = _read_bounded(path, MAX_HOSTS_FILE_BYTES).lower()
    if name not in text:  # files of blocked names have 100,000 lines
        return []
    found = []
    for address, *names in _lines_of_words(text):
        if name in names or f"{name}." in names:
            netaddr = literal_address(address)
            if netaddr is not None and netaddr.network in wanted:
                found.append(ResolvedAddress(netaddr.host, netaddr.network))
    return sorted(found, key=lambda each: each.network)


def system_nameservers(path: Path) -> list[Resolver]:
    """The name servers of resolv.conf, at most MAX_SYSTEM_NAMESERVERS (3)."""
    servers = [
        Resolver(words[1])
        for words in _lines_of_words(_read_bounded(path, MAX_RESOLV_CONF_BYTES))
        if words[0] == "nameserver" and len(words) > 1 and literal_address(words[1]) is not None
    ]
    return servers[:MAX_SYSTEM_NAMESERVERS]


async def ask_system(name: str, wanted: Sequence[Network], *, deadline: float) -> list[ResolvedAddress]:
    """Ask `getaddrinfo`.

    Args:
        name: Any name.
        wanted: One or both of IP_FAMILIES.
        deadline: Of the running loop's clock, in seconds.

    Returns:
        One address or more, without TTLs.

    Raises:
        ResolveFailed: There is none, or the system did not say in time.
    """
    loop = asyncio.get_running_loop()
    limit_s = deadline - loop.time()
    waiting: asyncio.Future[list[ResolvedAddress]] = loop.create_future()
    # A thread of its own, and a daemon: a dead resolver must not hold up the program's exit, as
    # it would in the loop's executor, whose threads are joined.
    threading.Thread(target=_getaddrinfo, args=(name, wanted, loop, waiting), daemon=True).start()
    try:
        async with asyncio.timeout_at(deadline):
            return await waiting
    except TimeoutError:
        why = f"the system's resolver did not answer in {limit_s:.1f} s"
        raise ResolveTimeout(name=name, why=why) from None


def _getaddrinfo(
    name: str,
    wanted: Sequence[Network],
    loop: asyncio.AbstractEventLoop,
    waiting: asyncio.Future[list[ResolvedAddress]],
) -> None:
    """Ask the system, in a thread, and hand what it says to the loop."""
    result: list[ResolvedAddress] | ResolveFailed
    try:
        result = _ask_getaddrinfo(name, wanted)
    except OSError as error:
        result = _system_failure(name, error)

    def hand_over() -> None:
        if waiting.done():
            return
        if isinstance(result, ResolveFailed):
            waiting.set_exception(result)
        else:
            waiting.set_result(result)

    try:
        loop.call_soon_threadsafe(hand_over)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return


def _ask_getaddrinfo(name: str, wanted: Sequence[Network]) -> list[ResolvedAddress]:
    families = {Network.IPV4: socket.AF_INET, Network.IPV6: socket.AF_INET6}
    family = socket.AF_UNSPEC if len(wanted) > 1 else families[wanted[0]]
    # Without a type every address would come back three times.
    answers = socket.getaddrinfo(name, None, family=family, type=socket.SOCK_STREAM)
    hosts = [str(address[0]) for *_, address in answers]
    found = [literal for host in hosts if (literal := literal_address(host)) is not None]
    if not found:
        raise socket.gaierror(socket.EAI_NODATA, "no address")
    return [ResolvedAddress(netaddr.host, netaddr.network) for netaddr in found]


def _system_failure(name: str, error: OSError) -> ResolveFailed:
    why = f"the system's resolver says: {error.strerror or error}"
    match error.errno:
        case socket.EAI_NONAME:
            return NameNotFound(name=name, why=why)
        case socket.EAI_NODATA | socket.EAI_ADDRFAMILY:
            return NoAddresses(name=name, why=why)
        case socket.EAI_AGAIN | socket.EAI_FAIL:
            return ServerFailure(name=name, why=why)
        case _:
            return ResolveFailed(name=name, why=why)
