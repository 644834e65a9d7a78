"""The library's two calls: `probe` for one node, `probe_many` for the main job.

Owns the way from arguments to options, and the async iterator that hands records out as they come.
The work is `survey`'s and `prober`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from bitcoin_handshake import arguments
from bitcoin_handshake.chain import Chain, ChainParams
from bitcoin_handshake.errors import BadTarget, InputError, Phase
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import NetAddr, Network
from bitcoin_handshake.policy import IP_NETWORKS, exclusion
from bitcoin_handshake.prober import (
    DEFAULT_TIMEOUT_S,
    DEFAULT_USER_AGENT,
    ProbeOptions,
    probe_address,
    skipped_result,
)
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.routes.options import RouteOptions
from bitcoin_handshake.survey import Survey, SurveyOptions
from bitcoin_handshake.targets import Target, parse_target

if TYPE_CHECKING:
    from bitcoin_handshake.conversation.base import ConversationFactory
    from bitcoin_handshake.transcript.sink import TranscriptSink

__all__ = ["BATCH", "MAX_ADDRESSES_TRIED", "MAX_UNREAD_RESULTS", "probe", "probe_many", "run_survey"]

MAX_UNREAD_RESULTS = 10_000
"""Records that wait for a slow reader of `probe_many` before no more targets are taken."""
MAX_ADDRESSES_TRIED = 8
"""Addresses of one name that `probe` dials."""
BATCH = 256
"""Targets that are taken at once."""


class _QueueSink:
    """Hands results to an async iterator."""

    def __init__(self) -> None:
        self.results: deque[ProbeResult] = deque()
        self.arrived = asyncio.Event()
        self.has_room = asyncio.Event()
        self.has_room.set()

    def write(self, result: ProbeResult) -> None:
        self.results.append(result)
        self.arrived.set()
        if len(self.results) > MAX_UNREAD_RESULTS:
            self.has_room.clear()

    async def drain(self) -> None:
        await self.has_room.wait()


async def run_survey(
    targets: Iterable[str | NetAddr | Target | BadTarget], *, options: SurveyOptions
) -> AsyncGenerator[ProbeResult, None]:
    """Run the main job and yield the records as they come; see `probe_many`."""
    sink = _QueueSink()
    survey = Survey(options, sink)
    running = asyncio.create_task(survey.run(_in_batches(targets)))
    running.add_done_callback(lambda _task: sink.arrived.set())
    try:
        while True:
            while sink.results:
                yield sink.results.popleft()
                if len(sink.results) <= MAX_UNREAD_RESULTS // 2:
                    sink.has_room.set()
            if running.done():
                break
            sink.arrived.clear()
            await sink.arrived.wait()
        await running
    finally:
        if not running.done():  # nobody reads on
            running.cancel()
            await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # looked at, where nobody reads on


def probe_many(
    targets: Iterable[str | NetAddr | Target | BadTarget],
    *,
    chain: Chain | ChainParams | str = Chain.MAINNET,
    transport: TransportMode | str = TransportMode.AUTO,
    port: int | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    linger_s: float = 0.0,
    user_agent: bytes = DEFAULT_USER_AGENT,
    record_messages: bool = False,
    transcripts: TranscriptSink | None = None,
    transcript_secrets: bool = False,
    conversation: ConversationFactory | None = None,
    families: Collection[Network | str] = IP_NETWORKS,
    resolver: str | None = None,
    concurrency: int | None = None,
    allow_private: bool = False,
    onion_timeout_s: float | None = None,
    i2p_timeout_s: float | None = None,
    proxy: str | None = None,
    onion: str | None = None,
    i2psam: str | None = None,
    cjdnsreachable: bool = False,
    onlynet: Collection[str] = (),
    retries: int = 0,
    contact: str = "",
    rate: float | None = None,
    rate_per_group: float | None = None,
    exclude: Sequence[str] = (),
) -> AsyncGenerator[ProbeResult, None]:
    """Run the main job and yield the records as they come.

    Args:
        targets: DNS seeds and addresses as a person types them, read as fast as they are used.
        chain: The chain to speak, or its name.
        transport: `auto` (v2, then v1 where it must be), `v1`, `v2` or `both`.
        port: Port of targets that name none; None for the chain's own.
        timeout_s: Seconds from the connect to the verdict, for each node.
        linger_s: Seconds to go on listening after the verdict `ok`.
        user_agent: What we call ourselves, at most 256 bytes.
        record_messages: Whether to keep order and time of every message.
        transcripts: Where everything said is written, `TranscriptFiles` for one; the caller closes it.
        transcript_secrets: Whether transcripts of v2 hold keys and raw bytes too.
        conversation: Makes what is said after the handshake, for each connection (`GetAddr` for one); its
            result is `ProbeResult.conversation`. None for what `linger_s` says.
        families: Networks to ask names for and to dial.
        resolver: `ADDR[:PORT]` of the DNS server to ask; None for the system's.
        concurrency: Connections at once at most.
        allow_private: Dial addresses from DNS that are not globally routable too.
        onion_timeout_s, i2p_timeout_s: As `timeout_s`, for nodes of these networks; None for 60 and 90.
        proxy: SOCKS5 `HOST:PORT`, `http://HOST:PORT` or `unix:PATH`, for everything.
        onion: Tor's SOCKS5 port; None for `proxy`, or one that is found on this machine; '0' for none.
        i2psam: SAM bridge of an I2P router; None for one that is found on this machine; '0' for none.
        cjdnsreachable: Whether fc00::/8 is CJDNS and not private IPv6.
        onlynet: The networks that are used; empty for all.
        retries: How often a node is tried again after a failure that may pass.
        contact: Where whoever sees our user agent finds us, a URL for one.
        rate: New connections a second at most; None for no limit. Loopback has none.
        rate_per_group: Likewise for each /24 of IPv4 and each /48 of IPv6.
        exclude: Addresses, ranges, names and files of them that are not dialled.

    Yields:
        One record for each address, in the order in which they finish.

    Raises:
        InputError: An option is out of its range.
        EnvironmentFailure: This machine cannot go on.
    """
    options = SurveyOptions(
        probe=ProbeOptions(
            chain=arguments.chain("chain", chain),
            transport=arguments.transport("transport", transport),
            timeout_s=timeout_s,
            linger_s=linger_s,
            user_agent=user_agent,
            record_messages=record_messages,
            transcripts=transcripts,
            transcript_secrets=transcript_secrets,
            conversation=conversation,
            onion_timeout_s=onion_timeout_s,
            i2p_timeout_s=i2p_timeout_s,
            retries=retries,
            contact=contact,
        ),
        rate=rate,
        rate_per_group=rate_per_group,
        exclude=exclude,
        routes=RouteOptions.from_text(
            proxy=proxy, onion=onion, i2psam=i2psam, cjdnsreachable=cjdnsreachable, onlynet=onlynet
        ),
        port=port,
        families=arguments.networks("families", families),
        resolver=resolver,
        concurrency=concurrency,
        allow_private=allow_private,
    )
    arguments.several("targets", targets)
    return run_survey(targets, options=options)


async def probe(
    target: str | NetAddr,
    *,
    chain: Chain | ChainParams | str = Chain.MAINNET,
    transport: TransportMode | str = TransportMode.AUTO,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    linger_s: float = 0.0,
    user_agent: bytes = DEFAULT_USER_AGENT,
    record_messages: bool = False,
    transcripts: TranscriptSink | None = None,
    transcript_secrets: bool = False,
    conversation: ConversationFactory | None = None,
    onion_timeout_s: float | None = None,
    i2p_timeout_s: float | None = None,
    proxy: str | None = None,
    onion: str | None = None,
    i2psam: str | None = None,
    cjdnsreachable: bool = False,
    onlynet: Collection[str] = (),
    retries: int = 0,
    contact: str = "",
    port: int | None = None,
    families: Collection[Network | str] = IP_NETWORKS,
    resolver: str | None = None,
    allow_private: bool = False,
) -> ProbeResult:
    """Shake hands with one node.

    Args:
        target: Its address or name, with or without a port. A name is resolved as on the command
            line; its addresses are dialled one after the other, at most MAX_ADDRESSES_TRIED (8), up to
            the first that accepts the connection. `probe_many` dials all of them.
        chain: The chain to speak. This and all further arguments have the meaning that they have for
            `probe_many`.

    Returns:
        What it did; a failure of the node is a result, not an exception.

    Raises:
        InputError: The target is malformed, or an option is out of its range.
        EnvironmentFailure: This machine cannot open a connection.
    """
    options = SurveyOptions(
        probe=ProbeOptions(
            chain=arguments.chain("chain", chain),
            transport=arguments.transport("transport", transport),
            timeout_s=timeout_s,
            linger_s=linger_s,
            user_agent=user_agent,
            record_messages=record_messages,
            transcripts=transcripts,
            transcript_secrets=transcript_secrets,
            conversation=conversation,
            onion_timeout_s=onion_timeout_s,
            i2p_timeout_s=i2p_timeout_s,
            retries=retries,
            contact=contact,
        ),
        routes=RouteOptions.from_text(
            proxy=proxy, onion=onion, i2psam=i2psam, cjdnsreachable=cjdnsreachable, onlynet=onlynet
        ),
        port=port,
        families=arguments.networks("families", families),
        resolver=resolver,
        concurrency=1,
        allow_private=allow_private,
    )
    if isinstance(target, NetAddr):
        netaddr = target
    elif isinstance(target, str):
        parsed = parse_target(target)
        if parsed.netaddr is None:
            return await _probe_name(parsed, options)
        default_port = options.port or options.probe.chain.default_port
        is_i2p = parsed.netaddr.network is Network.I2P
        netaddr = NetAddr(
            parsed.netaddr.network, parsed.netaddr.host, 0 if is_i2p else parsed.port or default_port
        )
    else:
        raise InputError(f"target must be text or a NetAddr, not {type(target).__name__}")
    if cjdnsreachable:
        netaddr = netaddr.as_cjdns()
    excluded = exclusion(netaddr, options.families)
    if excluded is not None:
        return skipped_result(netaddr.to_text(), options.probe.chain, excluded, netaddr)
    return await probe_address(netaddr, options=options.probe, routes=options.routes)


async def _probe_name(target: Target, options: SurveyOptions) -> ProbeResult:
    """Survey a name one address at a time, up to the first that accepts the connection."""
    last: ProbeResult | None = None
    tried = 0
    async with aclosing(run_survey([target], options=options)) as results:
        async for result in results:
            last = result
            tried += 1
            is_unreached = result.phase is Phase.CONNECT or result.outcome is Outcome.SKIPPED
            if not is_unreached or tried >= MAX_ADDRESSES_TRIED:
                break
    assert last is not None, "each target gives a record"
    return last


async def _in_batches(
    targets: Iterable[str | NetAddr | Target | BadTarget],
) -> AsyncIterator[Sequence[Target | BadTarget]]:
    batch: list[Target | BadTarget] = []
    for target in targets:
        batch.append(_parsed(target))
        if len(batch) >= BATCH:
            yield batch
            batch = []
    yield batch


def _parsed(target: str | NetAddr | Target | BadTarget) -> Target | BadTarget:
    if isinstance(target, Target | BadTarget):
        return target
    if not isinstance(target, str | NetAddr):
        raise InputError(f"targets must hold texts and addresses, not {type(target).__name__}")
    try:
        return parse_target(target if isinstance(target, str) else target.to_text())
    except BadTarget as error:
        return error
