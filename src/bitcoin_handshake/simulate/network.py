"""A whole network on this machine: nodes with chosen behaviours, and the DNS seed that lists them.

Owns which node has which address and behaviour, and the start and end of everything that
listens. The same options give the same network, with the same nonces in it.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Address, ip_address
from random import Random
from socket import AF_INET6, socket
from time import monotonic, time

from bitcoin_handshake.chain import CHAINS, Chain, ChainParams
from bitcoin_handshake.engine.limits import RESERVED_DESCRIPTORS, raise_descriptor_limit
from bitcoin_handshake.errors import EnvironmentFailure, InputError
from bitcoin_handshake.netaddr import NetAddr, Network, NetworkId
from bitcoin_handshake.simulate.behaviours import Behaviour
from bitcoin_handshake.simulate.dns import DnsServer
from bitcoin_handshake.simulate.mix import DEFAULT_MIX, assign_behaviours, parse_behaviours
from bitcoin_handshake.simulate.node import BACKLOG, Connection, Fleet, SimulatedNode, bind_node
from bitcoin_handshake.simulate.proxies import PROXY_BEHAVIOURS, Front, SocksFront
from bitcoin_handshake.simulate.sam_bridge import SAM_BEHAVIOURS, SamFront
from bitcoin_handshake.simulate.script import NodeFacts

__all__ = ["NetworkOptions", "SimulatedNetwork", "has_ipv6_loopback", "plan_nodes"]

DEFAULT_NODE_COUNT = 25
"""As many as a DNS seed answers with."""
PORT_ATTEMPTS = 16
MAX_HIDDEN_SHOWN = 4
"""Addresses of nodes behind proxies in the command that is printed."""
DNS_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """What a simulated network is like.

    Attributes:
        params: The chain that its nodes are on.
        node_count: How many nodes.
        mix: Share of each behaviour by name, as `parse_behaviours` reads it.
        seed: What everything random derives from.
        port: TCP port of all nodes; None for the chain's own, 0 for any free one.
        dns_port: UDP and TCP port of the DNS seed on 127.0.0.1; 0 for any free one.
        base_address: Address of the first node; the others follow it.
        addresses: Addresses of the nodes, where they are not 127.0.0.0/8's; any of this machine.
        with_ipv6: Whether the last of several nodes listens on ::1, where this machine has it.
        with_dns: Whether there is a DNS seed.
        delay_s: How long `slow` nodes wait before they send.
        drip_s: Seconds between two bytes of `drip` nodes.
        max_connections: Connections served at once; None for what the descriptors allow.
        networks: The networks that the nodes are of, in turns; those other than IPv4 and IPv6 are reached
            through a SOCKS5 front (onion, CJDNS) and a SAM bridge (I2P).
        hidden_count: How many healthy nodes are of each network behind a proxy; None for equal shares.
        circuit_s: How long the front takes for a circuit, and the bridge for a session.
        proxy_behaviour: How the front behaves; one of `PROXY_BEHAVIOURS`.
        sam_behaviour: How the SAM bridge behaves; one of `SAM_BEHAVIOURS`.

    Raises:
        InputError: A value is out of its range, or there are more nodes than addresses.
    """

    params: ChainParams = CHAINS[Chain.REGTEST]
    node_count: int = DEFAULT_NODE_COUNT
    mix: Mapping[str, float] = field(default_factory=lambda: parse_behaviours(DEFAULT_MIX))
    seed: int = 0
    port: int | None = None
    dns_port: int = 0
    base_address: str = "127.1.0.1"
    addresses: Sequence[str] = ()
    with_ipv6: bool = True
    with_dns: bool = True
    delay_s: float = 1.0
    drip_s: float = 5.0
    max_connections: int | None = None
    networks: Sequence[Network] = (Network.IPV4, Network.IPV6)
    hidden_count: int | None = None
    circuit_s: float = 0.2
    proxy_behaviour: str = "tor"
    sam_behaviour: str = "i2p"

    def __post_init__(self) -> None:
        for name, port in (("port", self.port or 0), ("DNS port", self.dns_port)):
            if not 0 <= port <= 65535:
                raise InputError(f"{name} {port} is not between 0 and 65535")
        for name, seconds in (("delay", self.delay_s), ("drip interval", self.drip_s)):
            if not 0 <= seconds < float("inf"):
                raise InputError(f"the {name} must be 0 seconds or more, not {seconds:g}")
        if self.proxy_behaviour not in PROXY_BEHAVIOURS:
            known = ", ".join(PROXY_BEHAVIOURS)
            raise InputError(f"unknown behaviour of a proxy {self.proxy_behaviour!r}: one of {known}")
        if self.sam_behaviour not in SAM_BEHAVIOURS:
            known = ", ".join(SAM_BEHAVIOURS)
            raise InputError(f"unknown behaviour of a SAM bridge {self.sam_behaviour!r}: one of {known}")
        if not self.networks:
            raise InputError("a network has nodes of at least one network")
        if self.node_count < 1:
            raise InputError(f"a network has at least 1 node, not {self.node_count}")
        if len(set(self.addresses)) < len(self.addresses):
            raise InputError("an address of the network is given twice")
        available = len(self.addresses) or _loopback_addresses_from(self.base_address)
        if self.node_count > available:
            raise InputError(f"{self.node_count} nodes, but only {available} addresses for them")

    @property
    def listen_port(self) -> int:
        """TCP port of all nodes; 0 for any free one."""
        return self.params.default_port if self.port is None else self.port

    @property
    def seed_name(self) -> str:
        """Name of the DNS seed, in a domain that nobody can register (RFC 6761)."""
        return f"seed.{self.params.chain.value}.simulated.test."


def plan_nodes(options: NetworkOptions, *, port: int, has_ipv6: bool) -> list[SimulatedNode]:
    """Give every node its address and behaviour; the same arguments give the same nodes."""
    assigned = assign_behaviours(options.mix, options.node_count, seed=options.seed)
    hosts = list(options.addresses[: options.node_count])
    if not hosts:
        base = int(IPv4Address(options.base_address))
        hosts = [str(IPv4Address(base + index)) for index in range(options.node_count)]
        if options.with_ipv6 and has_ipv6 and options.node_count > 1:
            hosts[-1] = "::1"
    hidden = [network for network in Network if network in options.networks and network in _HIDDEN]
    has_ip = any(network not in _HIDDEN for network in options.networks)
    turns: list[Network | None] = [*([None] if has_ip else []), *hidden]
    chosen = [turns[index % len(turns)] for index in range(len(hosts))]
    if options.hidden_count is not None:
        healthy = [index for index, behaviour in enumerate(assigned[:-1]) if behaviour.name == "core"]
        wanted = [network for network in hidden for _ in range(options.hidden_count)]
        chosen = [None] * len(hosts)
        for index, network in zip(healthy, wanted, strict=False):
            chosen[index] = network
    return [
        _node(NetAddr.from_text(host, port), behaviour, network, f"{options.seed} {index}")
        for index, (host, behaviour, network) in enumerate(zip(hosts, assigned, chosen, strict=True))
    ]


_HIDDEN = frozenset((Network.ONION, Network.I2P, Network.CJDNS))


def _node(place: NetAddr, behaviour: Behaviour, hidden: Network | None, name: str) -> SimulatedNode:
    """Make a node at a place, with an address of another network where it is one of those."""
    if hidden is None:
        return SimulatedNode(netaddr=place, behaviour=behaviour)
    key = sha256(f"{hidden} {name}".encode()).digest()
    match hidden:
        case Network.ONION:
            netaddr = NetAddr.from_addrv2(NetworkId.TORV3, key, place.port)
        case Network.I2P:
            netaddr = NetAddr.from_addrv2(NetworkId.I2P, key, 0)
        case _:
            netaddr = NetAddr.from_addrv2(NetworkId.CJDNS, b"\xfc" + key[:15], place.port)
    assert netaddr is not None
    return SimulatedNode(netaddr=netaddr, behaviour=behaviour, behind=place)


def has_ipv6_loopback() -> bool:
    """Tell whether ::1 is an address of this machine."""
    try:
        with socket(AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class SimulatedNetwork:
    """The network while it runs; also an asynchronous context manager.

    Attributes:
        options: What it is like.
        nodes: Its nodes, once started.
        seed_name: Name of its DNS seed, with the dot at the end.
        dns: `host:port` of the DNS seed, once started; '' without one.
        socks: `host:port` of the SOCKS5 front; '' without one.
        sam: `host:port` of the SAM bridge; '' without one.
        fronts: Both, as far as there are any.
        fleet: The connections of all nodes.
    """

    def __init__(
        self,
        options: NetworkOptions,
        *,
        clock: Callable[[], float] = monotonic,
        time_unix: Callable[[], int] = lambda: int(time()),
    ) -> None:
        self.options = options
        self.nodes: Sequence[SimulatedNode] = ()
        self.seed_name = options.seed_name
        self.dns = ""
        self.socks = ""
        self.sam = ""
        self.fronts: list[Front] = []
        self.fleet = Fleet(clock=clock)
        self._time_unix = time_unix
        self._dns_server: DnsServer | None = None
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Listen on everything.

        Raises:
            EnvironmentFailure: A port is taken or privileged, an address is not of this machine,
                or the descriptors do not suffice.
        """
        limit = raise_descriptor_limit()
        room = limit - RESERVED_DESCRIPTORS - self.options.node_count
        if room < 1:
            count = self.options.node_count
            raise EnvironmentFailure(
                f"the limit of open files is {limit}, and {count} node{'s' if count > 1 else ''} "
                f"need {limit - room + 1} at least: raise it (ulimit -n) or ask for fewer nodes"
            )
        wanted = self.options.max_connections
        self.fleet.max_connections = room if wanted is None else min(wanted, room)
        sockets = self._bind()
        try:
            await self._serve(sockets)
            await self._start_dns()
            await self._start_fronts()
        except BaseException:
            await self.close()
            for sock in sockets:  # those that no server had taken over yet
                sock.close()
            raise

    async def close(self) -> None:
        """Stop listening and reset every connection."""
        if self._dns_server is not None:
            await self._dns_server.close()
            self._dns_server = None
        for front in self.fronts:
            await front.close()
        self.fronts.clear()
        for server in self._servers:
            server.close()
        await self.fleet.close()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    async def __aenter__(self) -> SimulatedNetwork:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    def to_json(self) -> dict[str, object]:
        """Return what `simulate --json` prints."""
        return {
            "seed_name": self.seed_name,
            "dns": self.dns,
            "nodes": [node.to_json() for node in self.nodes],
            **({"socks": self.socks} if self.socks else {}),
            **({"sam": self.sam} if self.sam else {}),
        }

    def command(self) -> str:
        """Write the shell command that shakes hands with every node."""
        params = self.options.params
        words = ["bitcoin-handshake"]
        words += (
            ["--magic", params.magic.hex()] if params.chain is Chain.CUSTOM else ["-n", params.chain.value]
        )
        port = self.nodes[0].listens_at.port
        words += ["--allow-private", "--resolver", self.dns]
        if port != params.default_port:
            words += ["-p", str(port)]
        hidden = [node.netaddr.to_text() for node in self.nodes if node.behind is not None]
        if self.socks:
            words += ["--onion", self.socks]
        if self.sam:
            words += ["--i2psam", self.sam]
        return shlex.join([*words, self.seed_name, *hidden[:MAX_HIDDEN_SHOWN]])

    def _bind(self) -> list[socket]:
        """Bind all nodes to one port, and plan them there."""
        port = self.options.listen_port
        has_ipv6 = has_ipv6_loopback()
        for attempts_left in reversed(range(1 if port else PORT_ATTEMPTS)):
            sockets: list[socket] = []
            try:
                self._bind_at(port, sockets, has_ipv6=has_ipv6)
            except EnvironmentFailure:
                for sock in sockets:
                    sock.close()
                if not attempts_left:
                    raise
            else:
                return sockets
        raise AssertionError("the last attempt returns or raises")

    def _bind_at(self, port: int, sockets: list[socket], *, has_ipv6: bool) -> None:
        nodes = plan_nodes(self.options, port=port, has_ipv6=has_ipv6)
        sockets.append(bind_node(nodes[0].listens_at))
        if not port:
            port = sockets[0].getsockname()[1]
            nodes = plan_nodes(self.options, port=port, has_ipv6=has_ipv6)
        sockets.extend(bind_node(node.listens_at) for node in nodes[1:])
        self.nodes = nodes

    async def _serve(self, sockets: Sequence[socket]) -> None:
        loop = asyncio.get_running_loop()
        neighbours = tuple(node.netaddr for node in self.nodes)
        for index, (node, sock) in enumerate(zip(self.nodes, sockets, strict=True)):
            if not node.behaviour.listens:
                sock.close()
                continue
            facts = NodeFacts(
                params=self.options.params,
                netaddr=node.netaddr,
                random=Random(f"{self.options.seed} {index}"),
                time_unix=self._time_unix,
                neighbours=neighbours,
                delay_s=self.options.delay_s,
                drip_s=self.options.drip_s,
            )
            server = await loop.create_server(_acceptor(node, facts, self.fleet), sock=sock, backlog=BACKLOG)
            self._servers.append(server)
        self.fleet.start()

    async def _start_fronts(self) -> None:
        """Start the proxies that the nodes of other networks are behind."""
        networks = {node.netaddr.network for node in self.nodes if node.behind is not None}
        behaviour = PROXY_BEHAVIOURS[self.options.proxy_behaviour]
        if networks - {Network.I2P} or behaviour.steps:
            nodes = {
                node.netaddr.host: node.listens_at if node.behaviour.listens else None
                for node in self.nodes
                if node.netaddr.network is not Network.I2P
            }
            front = SocksFront(nodes, circuit_s=self.options.circuit_s, behaviour=behaviour)
            self.fronts.append(front)
            self.socks = await front.start(DNS_HOST, 0)
        sam_behaviour = SAM_BEHAVIOURS[self.options.sam_behaviour]
        if Network.I2P in networks:
            streams = {
                node.netaddr.host: node.listens_at if node.behaviour.listens else None
                for node in self.nodes
                if node.netaddr.network is Network.I2P
            }
            bridge = SamFront(streams, circuit_s=self.options.circuit_s, behaviour=sam_behaviour)
            self.fronts.append(bridge)
            self.sam = await bridge.start(DNS_HOST, 0)

    async def _start_dns(self) -> None:
        if not self.options.with_dns:
            return
        visible = [node.netaddr.host for node in self.nodes if node.behind is None]
        server = DnsServer(self.seed_name, visible)
        try:
            host, port = await server.start(DNS_HOST, self.options.dns_port)
        except OSError as error:
            where = f"{DNS_HOST}:{self.options.dns_port}"
            raise EnvironmentFailure(
                f"the DNS seed cannot listen on {where}: {error.strerror or error}; "
                "choose another port with --dns-port"
            ) from None
        self._dns_server = server
        self.dns = f"{host}:{port}"


def _acceptor(node: SimulatedNode, facts: NodeFacts, fleet: Fleet) -> Callable[[], Connection]:
    return lambda: Connection(node, facts, fleet)


def _loopback_addresses_from(base_address: str) -> int:
    """Count the loopback addresses from this one on.

    Raises:
        InputError: It is not one of 127.0.0.0/8.
    """
    try:
        base = ip_address(base_address)
    except ValueError:
        base = None
    if not isinstance(base, IPv4Address) or not base.is_loopback:
        raise InputError(f"the first address must be one of 127.0.0.0/8, not {base_address!r}")
    return int(IPv4Address("127.255.255.255")) - int(base)
