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
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

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
from bitcoin_handshake.measured import elapsed_ms
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.resolver.message import Rcode, RecordType, Reply, encode_name, name_text
from bitcoin_handshake.resolver.query import QueryFacts, Resolver, ask
from bitcoin_handshake.resolver.resolution import (
    IP_FAMILIES,
    SYSTEM,
    Resolution,
    ResolvedAddress,
    unique_addresses,
)
from bitcoin_handshake.resolver.system import (
    ask_system,
    hosts_entries,
    literal_address,
    loopback,
    system_nameservers,
)
from bitcoin_handshake.targets import check_name, parse_target

__all__ = ["MAX_ALIASES", "RESOLV_CONF_PATH", "parse_resolver", "resolve"]

MAX_ALIASES = 16
"""CNAME records followed for one name, in one answer or in several."""

_RECORD_TYPES = {Network.IPV4: RecordType.A, Network.IPV6: RecordType.AAAA}
_HOSTS_PATH = Path("/etc/hosts")
RESOLV_CONF_PATH = Path("/etc/resolv.conf")

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
    resolv_conf_path: Path = RESOLV_CONF_PATH,
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
    literal = literal_address(name)
    name = literal.host if literal else check_name(name)
    search = _Search(name, wanted, timeout_s)
    if literal is not None:
        return search.resolution([ResolvedAddress(literal.host, literal.network)], local=True)
    if name.endswith((".onion", ".i2p")):
        raise NameNotFound(name=name, why="it is no name of the DNS, and is not asked for there")
    is_localhost = name == "localhost" or name.endswith(".localhost")
    if resolver is None or is_localhost:
        local = hosts_entries(hosts_path, name, wanted) or (loopback(wanted) if is_localhost else [])
        if local:
            return search.resolution(local, local=True)
    if resolver is not None:
        return await search.ask_servers([resolver])
    if "." in name and not name.endswith(".local"):
        servers = system_nameservers(resolv_conf_path)
        if servers:
            return await search.ask_servers(servers)
    return search.resolution(await ask_system(name, wanted, deadline=search.deadline))


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

    def __init__(self, name: str, wanted: Sequence[Network], timeout_s: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.name = name
        self.wanted = wanted
        self.start = perf_counter()  # the loop's clock may tick in milliseconds
        self.half_time = self.loop.time() + timeout_s / 2
        self.deadline = self.loop.time() + timeout_s

    def resolution(
        self,
        addresses: Sequence[ResolvedAddress],
        *,
        local: bool = False,
        server: str = SYSTEM,
        queries: Sequence[QueryFacts] = (),
    ) -> Resolution:
        """Put together what was found."""
        kept, dropped = unique_addresses(addresses)
        return Resolution(
            name=self.name,
            addresses=kept,
            elapsed_ms=elapsed_ms(self.start, perf_counter()),
            server=server,
            local=local,
            dropped=dropped,
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
            patience = max(0.0, self.half_time - self.loop.time())
        await asyncio.wait(pending, timeout=patience)

    def _given_up(self, network: Network, servers: Sequence[Resolver]) -> _Found:
        facts = QueryFacts(
            server=servers[0].to_text(),
            name=self.name,
            rdtype=_RECORD_TYPES[network].name,
            elapsed_ms=elapsed_ms(self.start, perf_counter()),
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


def _addresses(reply: Reply, owner: bytes, ttl: int | None) -> list[ResolvedAddress]:
    """The addresses of one owner; `ttl` is the shortest of the aliases that led there."""
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
