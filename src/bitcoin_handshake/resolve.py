"""Names to addresses: hosts file, the system's resolver, DNS servers asked directly.

Owns the way from a name to its `Resolution`: who is asked (the hosts file, `getaddrinfo`, the
name servers of resolv.conf, a server of the caller's choice), both families at once under one
limit, and chains of aliases. Does not judge whether an address is fit to dial (`policy` does),
and keeps no cache: DNS servers do.

Sources: RFC 1034 section 3.6.2 (aliases); RFC 6761 section 6.3 (`localhost`); RFC 6762 section
3 (`.local`); RFC 7686 (`.onion`); hosts(5), resolv.conf(5), nsswitch.conf(5) with its default
order, files before dns.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bitcoin_handshake.dns_message import Rcode, RecordType, Reply, encode_name, name_text
from bitcoin_handshake.dns_query import QueryFacts, Resolver, ask
from bitcoin_handshake.errors import (
    BadAnswer,
    BadTarget,
    CnameLoop,
    FailureCode,
    InputError,
    NameNotFound,
    NoAddresses,
    ResolveFailed,
    ResolveRefused,
    ResolveTimeout,
    ServerFailure,
)
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.targets import check_name, parse_target

__all__ = [
    "MAX_ADDRESSES_PER_NAME",
    "MAX_ALIASES",
    "QueryFacts",
    "Resolution",
    "ResolvedAddress",
    "Resolver",
    "parse_resolver",
    "resolve",
]

MAX_ADDRESSES_PER_NAME = 4096
"""Addresses kept of one name: more than a whole TCP answer of each family could be useful for."""
MAX_ALIASES = 16
"""CNAME records followed for one name, in one answer or in several."""
MAX_HOSTS_FILE_BYTES = 8 << 20
MAX_RESOLV_CONF_BYTES = 64 << 10
MAX_SYSTEM_NAMESERVERS = 3  # MAXNS of resolv.conf(5)
SYSTEM = "system"

IP_FAMILIES = (Network.IPV4, Network.IPV6)
_RECORD_TYPES = {Network.IPV4: RecordType.A, Network.IPV6: RecordType.AAAA}
_HOSTS_PATH = Path("/etc/hosts")
_RESOLV_CONF_PATH = Path("/etc/resolv.conf")

# Which failure speaks for the name where both families fail: the one that says most.
_MOST_TELLING = (
    NameNotFound,
    CnameLoop,
    BadAnswer,
    ServerFailure,
    ResolveRefused,
    ResolveTimeout,
    ResolveFailed,
    NoAddresses,
)


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """One address of a name.

    Attributes:
        host: Canonical text, without port.
        network: `IPV4` or `IPV6`; an IPv4-mapped IPv6 address is IPv4.
        ttl: Seconds that it may be kept, aliases on the way included; None where the source
            does not say.
    """

    host: str
    network: Network
    ttl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a name stands for.

    Attributes:
        name: The name, lower case, without trailing dot.
        addresses: One or more, IPv4 first, in the order of the answers, none twice.
        elapsed_ms: From the question to the last answer used.
        server: Who gave them, `host:port`, or `system`.
        local: The hosts file or the meaning of `localhost` gave them, or the name is an address:
            this machine's own administrator says so, and they may be dialled wherever they are.
        dropped: Addresses beyond MAX_ADDRESSES_PER_NAME (4096), not kept.
        queries: What happened to each question sent, failed ones included.
    """

    name: str
    addresses: tuple[ResolvedAddress, ...]
    elapsed_ms: float
    server: str = SYSTEM
    local: bool = False
    dropped: int = 0
    queries: tuple[QueryFacts, ...] = ()


def parse_resolver(text: str) -> Resolver | None:
    """Read what `--resolver` takes: `system`, or the address of a server, with a port or not.

    Returns:
        None for `system`.

    Raises:
        InputError: It is neither.
    """
    if text.lower() == SYSTEM:
        return None
    try:
        target = parse_target(text)
    except BadTarget as error:
        raise InputError(f"{text!r} is not a resolver: {error.why}") from None
    if target.netaddr is None or target.netaddr.network not in IP_FAMILIES:
        raise InputError(f"{text!r} is not a resolver: give an IP address, or 'system'")
    return Resolver(target.host, target.port or 53)


async def resolve(
    name: str,
    *,
    resolver: Resolver | str | None = None,
    families: Collection[Network] = IP_FAMILIES,
    timeout_s: float = 10.0,
    hosts_path: Path = _HOSTS_PATH,
    resolv_conf_path: Path = _RESOLV_CONF_PATH,
) -> Resolution:
    """Find the addresses of a name.

    Without a resolver, as this system would: `localhost` and names in the hosts file from
    there, names without a dot and under `.local` by `getaddrinfo`, all others from the name
    servers of resolv.conf (by `getaddrinfo` where that names none). With a resolver, every name
    but `localhost` is asked there. An address as the name stands for itself.

    Args:
        name: DNS name, with or without a trailing dot.
        resolver: The server to ask, also as text (`parse_resolver`); None or `system`: see above.
        families: Which of IPV4 and IPV6 to ask for; both are asked at the same time.
        timeout_s: Limit in seconds for everything together. When one family is settled the
            other has until half of it.
        hosts_path: The hosts file; at most MAX_HOSTS_FILE_BYTES (8 MiB) of it are read.
        resolv_conf_path: Where the system's name servers are named.

    Raises:
        InputError: The name or the resolver is malformed (BadTarget), or no family is asked for.
        ResolveFailed: There is no address; its subclass and `why` say what happened.
    """
    wanted = [network for network in IP_FAMILIES if network in families]
    if not wanted:
        raise InputError("no address family to ask for")
    if isinstance(resolver, str):
        resolver = parse_resolver(resolver)
    start = asyncio.get_running_loop().time()
    literal = _literal(name)
    name = literal.host if literal else check_name(name)
    search = _Search(name, wanted, start, start + timeout_s)
    if literal is not None:
        return search.resolution([ResolvedAddress(literal.host, literal.network)], local=True)
    if name.endswith((".onion", ".i2p")):
        raise NameNotFound(name=name, why="it is no name of the DNS, and is not asked for there")
    is_localhost = name == "localhost" or name.endswith(".localhost")
    if resolver is None or is_localhost:
        local = _hosts_entries(hosts_path, name, wanted) or (_loopback(wanted) if is_localhost else [])
        if local:
            return search.resolution(local, local=True)
    if resolver is not None:
        return await search.ask_servers([resolver])
    if "." in name and not name.endswith(".local"):
        servers = _system_nameservers(resolv_conf_path)
        if servers:
            return await search.ask_servers(servers)
    return await search.ask_system()


@dataclass(slots=True)
class _Found:
    """What the questions for one family gave."""

    addresses: list[ResolvedAddress]
    failure: ResolveFailed | None
    facts: list[QueryFacts]

    @property
    def is_settled(self) -> bool:
        return bool(self.addresses) or isinstance(self.failure, NameNotFound)


class _Search:
    """One look-up in progress: what is wanted, and until when."""

    def __init__(self, name: str, wanted: Sequence[Network], start: float, deadline: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.name = name
        self.wanted = wanted
        self.start = start
        self.deadline = deadline

    def resolution(
        self,
        addresses: Sequence[ResolvedAddress],
        *,
        local: bool = False,
        server: str = SYSTEM,
        queries: Sequence[QueryFacts] = (),
    ) -> Resolution:
        """Put together what was found."""
        unique = {each.host: each for each in reversed(addresses)}  # of equal ones the first stays
        in_order = list(dict.fromkeys(unique[each.host] for each in addresses))
        return Resolution(
            name=self.name,
            addresses=tuple(in_order[:MAX_ADDRESSES_PER_NAME]),
            elapsed_ms=(self.loop.time() - self.start) * 1000,
            server=server,
            local=local,
            dropped=max(0, len(in_order) - MAX_ADDRESSES_PER_NAME),
            queries=tuple(queries),
        )

    async def ask_servers(self, servers: Sequence[Resolver]) -> Resolution:
        """Ask DNS servers for all families at once.

        Raises:
            ResolveFailed: No family has an address.
        """
        tasks = {network: asyncio.create_task(self._ask_family(network, servers)) for network in self.wanted}
        try:
            await self._wait_for_families(list(tasks.values()))
            found = [
                task.result() if task.done() else self._given_up(network, servers)
                for network, task in tasks.items()
            ]
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        queries = [facts for each in found for facts in each.facts]
        addresses = [address for each in found for address in each.addresses]
        if not addresses:
            raise _most_telling([each.failure for each in found if each.failure])
        server = next(each.facts[-1].server for each in found if each.addresses)
        return self.resolution(addresses, server=server, queries=queries)

    async def _wait_for_families(self, tasks: Sequence[asyncio.Task[_Found]]) -> None:
        """Wait for both, but for the second only a while when the first has settled the matter."""
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not pending:
            return
        patience = None
        if any(task.result().is_settled for task in done):
            half_time = (self.start + self.deadline) / 2
            patience = max(0.0, half_time - self.loop.time())
        await asyncio.wait(pending, timeout=patience)

    def _given_up(self, network: Network, servers: Sequence[Resolver]) -> _Found:
        facts = QueryFacts(
            server=servers[0].to_text(),
            name=self.name,
            rdtype=_RECORD_TYPES[network].name,
            elapsed_ms=(self.loop.time() - self.start) * 1000,
            failure=FailureCode.RESOLVE_TIMEOUT,
        )
        return _Found([], None, [facts])

    async def _ask_family(self, network: Network, servers: Sequence[Resolver]) -> _Found:
        """Ask for one family, again for the target of an alias that the answer does not hold."""
        facts: list[QueryFacts] = []
        owner = encode_name(self.name)
        visited = {owner}
        ttl: int | None = None
        while True:
            exchange = await ask(owner, _RECORD_TYPES[network], servers, deadline=self.deadline)
            facts.append(exchange.facts)
            reply = exchange.reply
            if reply is None:
                return _Found([], exchange.failure, facts)
            asked = owner
            try:
                owner, ttl = self._follow(reply, owner, ttl, visited, exchange.facts.server)
            except CnameLoop as error:
                return _Found([], error, facts)
            if owner in reply.addresses:
                return _Found(_addresses(reply, owner, ttl), None, facts)
            if owner == asked or reply.rcode == Rcode.NXDOMAIN:
                return _Found([], self._why_empty(reply, exchange.facts.server), facts)

    def _follow(
        self, reply: Reply, owner: bytes, ttl: int | None, visited: set[bytes], server: str
    ) -> tuple[bytes, int | None]:
        """Follow the aliases in an answer to the last name, with the shortest TTL on the way."""
        while owner not in reply.addresses and owner in reply.aliases:
            owner, alias_ttl = reply.aliases[owner]
            ttl = alias_ttl if ttl is None else min(ttl, alias_ttl)
            if owner in visited:
                raise CnameLoop(name=self.name, server=server, why=f"it comes back to {name_text(owner)}")
            if len(visited) > MAX_ALIASES:
                raise CnameLoop(name=self.name, server=server, why=f"more than {MAX_ALIASES} aliases")
            visited.add(owner)
        return owner, ttl

    def _why_empty(self, reply: Reply, server: str) -> ResolveFailed:
        """Say why an answer has no address for the name."""
        if reply.rcode == Rcode.NXDOMAIN:
            return NameNotFound(name=self.name, server=server, why=f"check the name {self.name!r}")
        if reply.addresses or reply.aliases:
            return BadAnswer(name=self.name, server=server, why="it holds records of other names only")
        if reply.referral:
            why = "it only refers to other servers: ask one that does recursion (--resolver)"
            return NoAddresses(name=self.name, server=server, why=why)
        return NoAddresses(name=self.name, server=server)

    async def ask_system(self) -> Resolution:
        """Ask `getaddrinfo`.

        Raises:
            ResolveFailed: It has no address, or does not come back in time.
        """
        waiting: asyncio.Future[list[ResolvedAddress]] = self.loop.create_future()
        # A thread of its own, and a daemon: a dead resolver must not hold up the program's exit,
        # as it does in the loop's executor, which is joined.
        threading.Thread(
            target=_getaddrinfo, args=(self.name, self.wanted, self.loop, waiting), daemon=True
        ).start()
        try:
            async with asyncio.timeout_at(self.deadline):
                addresses = await waiting
        except TimeoutError:
            waited = f"waited {self.deadline - self.start:g} s for the system's resolver"
            raise ResolveTimeout(name=self.name, why=waited) from None
        return self.resolution(addresses)


def _addresses(reply: Reply, owner: bytes, ttl: int | None) -> list[ResolvedAddress]:
    """The addresses of one owner, as far as they can be kept (and one more, to be counted)."""
    found = []
    for packed, record_ttl in reply.addresses[owner]:
        if len(packed) == 4:
            host, network = socket.inet_ntop(socket.AF_INET, packed), Network.IPV4
        else:
            netaddr = NetAddr.from_addrv1(packed, 0)
            host, network = netaddr.host, netaddr.network
        found.append(ResolvedAddress(host, network, record_ttl if ttl is None else min(ttl, record_ttl)))
    return found


def _most_telling(failures: Sequence[ResolveFailed]) -> ResolveFailed:
    return min(failures, key=lambda failure: _MOST_TELLING.index(type(failure)))


def _literal(name: str) -> NetAddr | None:
    """The address that the name is, if it is one."""
    try:
        netaddr = NetAddr.from_text(name, 0)
    except InputError:
        return None
    return netaddr if netaddr.network in IP_FAMILIES else None


def _loopback(wanted: Sequence[Network]) -> list[ResolvedAddress]:
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


def _hosts_entries(path: Path, name: str, wanted: Sequence[Network]) -> list[ResolvedAddress]:
    """What the hosts file says of a name, of the families wanted, IPv4 first."""
    text = _read_bounded(path, MAX_HOSTS_FILE_BYTES).lower()
    if name not in text:  # files of blocked names have 100,000 lines
        return []
    found = []
    for address, *names in _lines_of_words(text):
        if name in names or f"{name}." in names:
            netaddr = _literal(address)
            if netaddr is not None and netaddr.network in wanted:
                found.append(ResolvedAddress(netaddr.host, netaddr.network))
    return sorted(found, key=lambda each: each.network)


def _system_nameservers(path: Path) -> list[Resolver]:
    """The name servers of resolv.conf, at most MAX_SYSTEM_NAMESERVERS (3)."""
    servers = [
        Resolver(words[1])
        for words in _lines_of_words(_read_bounded(path, MAX_RESOLV_CONF_BYTES))
        if words[0] == "nameserver" and len(words) > 1 and _literal(words[1]) is not None
    ]
    return servers[:MAX_SYSTEM_NAMESERVERS]


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
    found = [literal for host in hosts if (literal := _literal(host)) is not None]
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
