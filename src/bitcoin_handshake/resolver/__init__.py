"""Names to addresses.

`names` is the way in; `system` asks this system, `query` asks DNS servers, `message` reads and
writes what they are sent and send, `resolution` is what comes out.
"""

from bitcoin_handshake.resolver.names import MAX_ALIASES, parse_resolver, resolve
from bitcoin_handshake.resolver.query import QueryFacts, Resolver
from bitcoin_handshake.resolver.resolution import MAX_ADDRESSES_PER_NAME, Resolution, ResolvedAddress

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
