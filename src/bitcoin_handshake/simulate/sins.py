"""The peers that err, lie, stall or attack: one generator of steps per sin.

Each function takes the `Peer` that it works with and yields steps (`script.Step`). What is sent
before the client's `version` would come from a peer that speaks first; most sins answer, as
nodes do.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import lru_cache

from bitcoin_handshake.chain import CHAINS, Chain
from bitcoin_handshake.conversation.steps import CLOSE, RESET, WAIT, Delay, Send, Step, Steps
from bitcoin_handshake.errors import WireError
from bitcoin_handshake.messages.handshake import Version
from bitcoin_handshake.messages.keepalive import Ping
from bitcoin_handshake.protocol import (
    HEADER_LEN,
    MAX_PROTOCOL_MESSAGE_LENGTH,
    MAX_SUBVERSION_LENGTH,
    MIN_PEER_PROTO_VERSION,
    MsgType,
)
from bitcoin_handshake.simulate.core import CORE_V1, Profile, version_payload
from bitcoin_handshake.simulate.script import Peer
from bitcoin_handshake.transport.v1 import serialize_message

__all__ = [
    "bad_checksum",
    "bad_checksum_verack",
    "bad_checksum_version",
    "bad_msg_type",
    "bad_then_good_version",
    "bad_version",
    "bad_version_then_close",
    "closes_after_verack",
    "closes_after_version",
    "closes_at_once",
    "drip",
    "duplicate_version",
    "echo",
    "flood",
    "flood_after_version",
    "flood_of_largest",
    "garbage",
    "garbage_after_version",
    "http",
    "late_features",
    "lies_about_length",
    "lies_after_version",
    "litecoin",
    "negative_version",
    "no_verack",
    "no_verack_then_close",
    "no_verack_then_reset",
    "reject",
    "reset_after_version",
    "resets",
    "resets_after_verack",
    "silent",
    "ssh",
    "tls",
    "too_large",
    "too_large_after_version",
    "too_old",
    "user_agent_too_long",
    "verack_first",
    "verack_only",
    "verack_twice",
    "version_only",
    "version_then_close",
    "wrong_magic",
    "wrong_pong",
]

_VERACK = MsgType.VERACK.value
_VERSION = MsgType.VERSION.value
_FEATURES = ((MsgType.WTXIDRELAY.value, b""), (MsgType.SENDADDRV2.value, b""))
_OTHER_PROFILE = replace(CORE_V1, protocol_version=70015)

LITECOIN_MAGIC = bytes.fromhex("fbc0b6db")
GARBAGE_LEN = 2000
LIE_LEN = 3_000_000
FLOOD_INTERVAL_S = 0.01
FLOOD_COUNT = 64  # 6,400 pings a second: more than any handshake needs, no busy loop

_HTTP_ANSWER = (
    b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/html\r\n"
    b"Content-Length: 15\r\nConnection: close\r\n\r\n<h1>Hello</h1>\n"
)
_TLS_ALERT = bytes.fromhex("15030100020246")  # fatal, protocol_version
_SSH_BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"


def _client_version(peer: Peer) -> Generator[Step, None, Version]:
    """Wait for the client's `version`."""
    while True:
        message = yield from peer.message()
        if message.msg_type == _VERSION and message.payload is not None:
            try:
                return Version.deserialize(message.payload)
            except WireError:
                continue


def _payload(peer: Peer, profile: Profile = CORE_V1) -> bytes:
    return version_payload(peer.node, profile, nonce=peer.node.random.getrandbits(64))


def _version(peer: Peer, profile: Profile = CORE_V1) -> Send:
    return Send(peer.frame(_VERSION, _payload(peer, profile)))


def _spoiled(frame: bytes) -> bytes:
    """Flip the checksum of a message."""
    return frame[:20] + bytes(byte ^ 0xFF for byte in frame[20:HEADER_LEN]) + frame[HEADER_LEN:]


def _header(peer: Peer, msg_type: str, length: int) -> bytes:
    """Write a header that announces a payload which nobody has."""
    frame = peer.frame(msg_type)
    return frame[:16] + length.to_bytes(4, "little") + frame[20:]


def _ping(peer: Peer) -> tuple[str, bytes]:
    return MsgType.PING.value, Ping(peer.node.random.getrandbits(64)).serialize()


def _complete(peer: Peer) -> Steps:
    """Complete the handshake."""
    yield from _client_version(peer)
    yield _version(peer)
    yield Send(peer.frames(_FEATURES) + peer.frame(_VERACK))


def silent(_peer: Peer) -> Steps:
    """Say nothing, and stay."""
    yield WAIT


def drip(peer: Peer) -> Steps:
    """Send a `version`, then an endless message, one byte at a time."""
    version = peer.frame(_VERSION, _payload(peer))
    for byte in version + _header(peer, "endless", MAX_PROTOCOL_MESSAGE_LENGTH):
        yield Send(bytes((byte,)))
        yield Delay(peer.node.drip_s)
    while True:
        yield Send(b"\0")
        yield Delay(peer.node.drip_s)


def closes_at_once(_peer: Peer) -> Steps:
    """Close on accept, as a full or banning node does."""
    yield CLOSE


def closes_after_version(peer: Peer) -> Steps:
    """Close without a byte once the client's `version` has come."""
    yield from _client_version(peer)
    yield CLOSE


def resets(peer: Peer) -> Steps:
    """Reset at the client's first bytes."""
    yield from peer.data()
    yield RESET


def reset_after_version(peer: Peer) -> Steps:
    """Send `version` and reset."""
    yield from _client_version(peer)
    yield _version(peer)
    yield Delay(0)
    yield RESET


def version_only(peer: Peer) -> Steps:
    """Send `version` and nothing else."""
    yield from _client_version(peer)
    yield _version(peer)


def version_then_close(peer: Peer) -> Steps:
    """Send `version` and close."""
    yield from version_only(peer)
    yield CLOSE


def no_verack(peer: Peer) -> Steps:
    """Send everything but `verack`."""
    yield from version_only(peer)
    yield Send(peer.frames(_FEATURES))


def no_verack_then_close(peer: Peer) -> Steps:
    """Send everything but `verack`, and close."""
    yield from no_verack(peer)
    yield CLOSE


def no_verack_then_reset(peer: Peer) -> Steps:
    """Send everything but `verack`, and reset."""
    yield from no_verack(peer)
    yield Delay(0)
    yield RESET


def verack_first(peer: Peer) -> Steps:
    """Send `verack`, then `version`: in that order it does not count."""
    yield from _client_version(peer)
    yield Send(peer.frame(_VERACK))
    yield _version(peer)


def verack_only(peer: Peer) -> Steps:
    """Send `verack` and never a `version`."""
    yield from _client_version(peer)
    yield Send(peer.frame(_VERACK))


def verack_twice(peer: Peer) -> Steps:
    """Send `verack` before `version` and two behind it."""
    yield from verack_first(peer)
    yield Send(peer.frame(_VERACK) * 2)


def duplicate_version(peer: Peer) -> Steps:
    """Send `version` twice, then `verack`."""
    yield from version_only(peer)
    yield _version(peer)
    yield Send(peer.frame(_VERACK))


def late_features(peer: Peer) -> Steps:
    """Send the negotiation behind `verack`, where Core would hang up."""
    yield from version_only(peer)
    yield Send(peer.frame(_VERACK) + peer.frames(_FEATURES))


def closes_after_verack(peer: Peer) -> Steps:
    """Complete the handshake and close at once."""
    yield from _complete(peer)
    yield CLOSE


def resets_after_verack(peer: Peer) -> Steps:
    """Complete the handshake and reset at once: what came before counts."""
    yield from _complete(peer)
    yield Delay(0)
    yield RESET


def wrong_pong(peer: Peer) -> Steps:
    """Complete the handshake, then answer each ping with another nonce."""
    yield from _complete(peer)
    while True:
        message = yield from peer.message()
        if message.msg_type == MsgType.PING.value and message.payload:
            yield Send(peer.frame(MsgType.PONG.value, bytes(byte ^ 0xFF for byte in message.payload)))


def too_old(peer: Peer) -> Steps:
    """Announce a protocol version just below the lowest accepted."""
    yield from _client_version(peer)
    yield _version(peer, replace(CORE_V1, protocol_version=MIN_PEER_PROTO_VERSION - 1))
    yield Send(peer.frame(_VERACK))


def negative_version(peer: Peer) -> Steps:
    """Announce protocol version -1."""
    yield from _client_version(peer)
    yield _version(peer, replace(CORE_V1, protocol_version=-1))
    yield Send(peer.frame(_VERACK))


def bad_version(peer: Peer) -> Steps:
    """Send a `version` that ends inside a field, then `verack`."""
    yield from _client_version(peer)
    yield Send(peer.frame(_VERSION, _payload(peer)[:60]) + peer.frame(_VERACK))


def bad_version_then_close(peer: Peer) -> Steps:
    """Send a `version` that does not parse, and close."""
    yield from bad_version(peer)
    yield CLOSE


def bad_then_good_version(peer: Peer) -> Steps:
    """Send a `version` that does not parse, then one that does, and `verack`."""
    yield from bad_version(peer)
    yield _version(peer)
    yield Send(peer.frame(_VERACK))


def user_agent_too_long(peer: Peer) -> Steps:
    """Send a user agent of 257 bytes, then `verack`."""
    yield from _client_version(peer)
    yield _version(peer, replace(CORE_V1, user_agent=b"/" * (MAX_SUBVERSION_LENGTH + 1)))
    yield Send(peer.frame(_VERACK))


def bad_checksum(peer: Peer) -> Steps:
    """Send a ping with a wrong checksum between `version` and `verack`."""
    yield from version_only(peer)
    yield Send(_spoiled(peer.frame(*_ping(peer))) + peer.frame(_VERACK))


def bad_checksum_version(peer: Peer) -> Steps:
    """Send a `version` with a wrong checksum, then `verack`."""
    yield from _client_version(peer)
    yield Send(_spoiled(peer.frame(_VERSION, _payload(peer))) + peer.frame(_VERACK))


def bad_checksum_verack(peer: Peer) -> Steps:
    """Send a `verack` with a wrong checksum and no other."""
    yield from version_only(peer)
    yield Send(_spoiled(peer.frame(_VERACK)))


def bad_msg_type(peer: Peer) -> Steps:
    """Send illegal message types between `version` and `verack`."""
    yield from version_only(peer)
    frame = peer.frame("x")
    yield Send(frame[:4] + b"ping\0\xff\x1b[31m\0" + frame[16:])
    yield Send(frame[:4] + b"verack\0verac" + frame[16:])
    yield Send(peer.frame(_VERACK))


def wrong_magic(peer: Peer) -> Steps:
    """A node of another chain that speaks first; Core's would close without a word."""
    other = Chain.TESTNET3 if peer.node.params.chain is Chain.MAINNET else Chain.MAINNET
    yield Send(serialize_message(CHAINS[other].magic, _VERSION, _payload(peer)))


def litecoin(peer: Peer) -> Steps:
    """Speak first, as a Litecoin node."""
    yield Send(serialize_message(LITECOIN_MAGIC, _VERSION, _payload(peer, _OTHER_PROFILE)))


def http(peer: Peer) -> Steps:
    """Answer as a web server."""
    yield from peer.data()
    yield Send(_HTTP_ANSWER)
    yield CLOSE


def tls(peer: Peer) -> Steps:
    """Answer as a TLS server."""
    yield from peer.data()
    yield Send(_TLS_ALERT)
    yield CLOSE


def ssh(_peer: Peer) -> Steps:
    """Greet as an SSH server."""
    yield Send(_SSH_BANNER)


def echo(peer: Peer) -> Steps:
    """Send everything back."""
    while True:
        data = yield from peer.data()
        yield Send(data)


def garbage(peer: Peer) -> Steps:
    """Answer with random bytes."""
    yield from peer.data()
    yield Send(b"\xa5" + peer.node.random.randbytes(GARBAGE_LEN))


def garbage_after_version(peer: Peer) -> Steps:
    """Send `version`, then random bytes."""
    yield from version_only(peer)
    yield Send(b"\xa5" + peer.node.random.randbytes(GARBAGE_LEN))


def too_large(peer: Peer) -> Steps:
    """Announce a message of 4,000,001 bytes."""
    yield from _client_version(peer)
    yield Send(_header(peer, _VERSION, MAX_PROTOCOL_MESSAGE_LENGTH + 1))


def too_large_after_version(peer: Peer) -> Steps:
    """Send `version`, then announce a message of 4 GiB."""
    yield from version_only(peer)
    yield Send(_header(peer, MsgType.INV.value, 2**32 - 1))


def lies_about_length(peer: Peer) -> Steps:
    """Announce 3 MB, send 10 bytes."""
    yield from _client_version(peer)
    yield Send(_header(peer, _VERSION, LIE_LEN) + bytes(10))


def lies_after_version(peer: Peer) -> Steps:
    """Send `version`, then announce 3 MB and send 10 bytes."""
    yield from version_only(peer)
    yield Send(_header(peer, MsgType.ADDR.value, LIE_LEN) + bytes(10))


def reject(peer: Peer) -> Steps:
    """Refuse by `reject` (BIP61) and close, as old nodes do."""
    yield from _client_version(peer)
    yield Send(peer.frame(MsgType.REJECT.value, b"\x07version\x11\x0cnot welcome!"))
    yield CLOSE


@lru_cache(maxsize=8)
def _pings(magic: bytes) -> bytes:
    """Write one interval's worth of pings, shared by all connections."""
    return b"".join(
        serialize_message(magic, MsgType.PING.value, nonce.to_bytes(8, "little"))
        for nonce in range(FLOOD_COUNT)
    )


def flood(peer: Peer) -> Steps:
    """Send pings without end, and never a `version`."""
    pings = _pings(peer.node.params.magic)
    while True:
        yield Send(pings)
        yield Delay(FLOOD_INTERVAL_S)


def flood_after_version(peer: Peer) -> Steps:
    """Send `version`, then pings without end."""
    yield from version_only(peer)
    yield from flood(peer)


@lru_cache(maxsize=8)
def _largest_message(magic: bytes) -> bytes:
    """Write a message of the largest size, shared by all connections."""
    return serialize_message(magic, "largest", bytes(MAX_PROTOCOL_MESSAGE_LENGTH))


def flood_of_largest(peer: Peer) -> Steps:
    """Send `version`, then messages of 4 MB as fast as the client reads."""
    yield from version_only(peer)
    message = _largest_message(peer.node.params.magic)
    while True:
        yield Send(message)
        yield Delay(0)
