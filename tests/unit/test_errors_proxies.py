"""Sentences of what proxies do, and whether each tells of the node or of the proxy."""

from __future__ import annotations

import pytest

from bitcoin_handshake.codes import Phase
from bitcoin_handshake.errors import ConnectError, proxies
from tests.failures import CLASSES, sample_fields

PROXY_CLASSES = [cls for cls in CLASSES if issubclass(cls, proxies.ProxyError)]

NODE = {
    "socks5.host_unreachable", "socks5.refused", "onion.descriptor_not_found", "onion.descriptor_invalid",
    "onion.introduction_failed", "onion.introduction_timed_out", "onion.missing_authorization",
    "onion.wrong_authorization", "onion.bad_address", "http_proxy.unreachable", "http_proxy.gateway_timeout",
    "sam.cant_reach_peer", "sam.peer_not_found", "sam.leaseset_not_found", "sam.timeout",
    "sam.key_not_found", "sam.invalid_key", "proxy.timeout",
}  # fmt: skip
NETWORK = {
    "socks5.general_failure", "socks5.network_unreachable", "socks5.ttl_expired", "onion.rendezvous_failed",
}  # fmt: skip


def test_each_tells_of_the_node_or_of_what_is_before_it() -> None:
    by_code = {cls.code.value: cls.about for cls in PROXY_CLASSES if "code" in vars(cls)}
    assert {code for code, about in by_code.items() if about == "node"} == NODE
    assert {code for code, about in by_code.items() if about == "network"} == NETWORK
    assert set(by_code.values()) == {"node", "network", "proxy"}


@pytest.mark.parametrize("cls", PROXY_CLASSES, ids=lambda cls: cls.__name__)
def test_all_are_failures_to_connect_in_the_phase_proxy(cls: type[proxies.ProxyError]) -> None:
    error = cls(**sample_fields(cls))
    assert isinstance(error, ConnectError)
    assert error.phase is Phase.PROXY
    assert str(error)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            proxies.ProxyUnreachable(proxy="127.0.0.1:9050", why="connection refused"),
            "the proxy 127.0.0.1:9050 cannot be reached: connection refused",
        ),
        (
            proxies.ProxySilent(awaited="answer to CONNECT", waited_s=2.5, bytes_received=0),
            "the proxy sent no answer to CONNECT in 2.5 s (nothing received)",
        ),
        (proxies.SocksRefused(), "connection refused at the node (SOCKS5 reply 05)"),
        (proxies.SocksUnknownReply(reply=0xAB), "the proxy failed with the unknown SOCKS5 reply AB"),
        (proxies.HttpNotAllowed(status=403), "the proxy does not allow this connection (HTTP status 403)"),
        (
            proxies.SamTimeout(message="no tunnel"),
            "the I2P destination did not answer the router in time (TIMEOUT): no tunnel",
        ),
    ],
)
def test_sentences_for_people(error: proxies.ProxyError, sentence: str) -> None:
    assert str(error) == sentence
