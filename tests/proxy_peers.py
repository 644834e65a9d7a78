"""Drives the client of a proxy without a socket: what it is fed, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bitcoin_handshake.engine.proxy_client import ProxyClient

START = 1000.0
DEADLINE = START + 30.0


def feed(client: ProxyClient, pieces: Iterable[bytes]) -> bytes:
    """Feed pieces as the dialer does, until it is finished; return what it wants sent in between."""
    sent = client.data_to_send()
    for piece in pieces:
        if client.finished:
            # The dialer hands these to the next protocol.
            if client.error is None:
                client.unread += piece
            continue
        client.receive_data(piece, now=START + 1)
        sent += client.data_to_send()
    return sent


def outcome(client: ProxyClient) -> dict[str, Any]:
    """Everything that can be seen of a client from outside, without its counters."""
    error = client.error
    facts = {} if error is None else error.facts()
    return {
        "finished": client.finished,
        "code": None if error is None else error.code.value,
        "facts": facts,
        "unread": client.unread,
        "deadline": client.deadline,
        "buffered": client.buffered,
    }
