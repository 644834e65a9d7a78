"""What each way says to its proxy."""

from __future__ import annotations

from bitcoin_handshake.engine.protocol import ByteProtocol
from bitcoin_handshake.netaddr import NetAddr
from bitcoin_handshake.routes.proxy import parse_proxy
from bitcoin_handshake.routes.ways import HttpWay, SamWay, SocksWay, Way

NODE = NetAddr.from_text("1.2.3.4", 8333)
I2P = NetAddr.from_text("ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p", 0)


def _then(now: float) -> ByteProtocol:
    raise AssertionError


def _first_bytes(way: Way, netaddr: NetAddr = NODE, name: str = "") -> bytes:
    return way.client(netaddr, name, isolation=b"node1", now=0.0, deadline=1.0, then=_then).data_to_send()


def test_socks_without_isolation_offers_no_password() -> None:
    way = SocksWay(parse_proxy("127.0.0.1:1"), is_isolated=False)
    assert _first_bytes(way) == b"\x05\x01\x00"
    assert way.place == "127.0.0.1:1"
    assert not way.has_worked


def test_each_node_has_credentials_of_its_own_at_tor() -> None:
    credentials = SocksWay(parse_proxy("127.0.0.1:1"), is_isolated=True).credentials(b"node1")
    assert credentials is not None
    assert credentials.serialize() == b"\x01\x05node1\x05node1"


def test_credentials_that_were_given_are_those_of_all_nodes() -> None:
    credentials = SocksWay(parse_proxy("u:p@127.0.0.1:1"), is_isolated=True).credentials(b"node1")
    assert credentials is not None
    assert credentials.serialize() == b"\x01\x01u\x01p"


def test_a_name_is_passed_on_in_place_of_the_address() -> None:
    way = HttpWay(parse_proxy("http://127.0.0.1:1"))
    assert _first_bytes(way).startswith(b"CONNECT 1.2.3.4:8333 HTTP/1.1\r\n")
    assert _first_bytes(way, name="seed.example").startswith(b"CONNECT seed.example:8333 HTTP/1.1\r\n")


def test_a_stream_belongs_to_the_session() -> None:
    way = SamWay(parse_proxy("127.0.0.1:1", is_sam=True), "bh1")
    assert _first_bytes(way, I2P) == b"HELLO VERSION MIN=3.1 MAX=3.1\n"
    assert way.session_id == "bh1"
