"""Records of the main job into a store, beside where they are printed."""

from __future__ import annotations

from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.messages.address_keys import key_of
from bitcoin_handshake.records import Outcome, ProbeResult, ResultSink
from bitcoin_handshake.store.crawl_store import CrawlFile

__all__ = ["StoreSink"]


class StoreSink:
    """A `ResultSink` that keeps each record and hands it on.

    Nodes that were not dialled are not kept.

    Args:
        inner: Gets every record.
        store: Keeps those of nodes; its writing goes on in a thread.
    """

    def __init__(self, inner: ResultSink, store: CrawlFile) -> None:
        self._inner = inner
        self._store = store
        self._numbers = store.keys()

    def write(self, result: ProbeResult) -> None:
        """Take one record."""
        self._inner.write(result)
        if result.netaddr is None or result.outcome is Outcome.SKIPPED:
            return
        key = key_of(result.netaddr)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._store.node_count
            self._store.add_nodes([(0, 0, key)], None)
        self._store.add_visit(number, result.to_json(), None)

    async def drain(self) -> None:
        """Wait until more records may come.

        Raises:
            EnvironmentFailure: The store cannot be written.
        """
        await self._inner.drain()
        if self._store.has_failed:
            raise EnvironmentFailure(f"cannot write the store {self._store.path}")
