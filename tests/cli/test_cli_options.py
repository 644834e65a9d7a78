"""Types of options and the options that commands share."""

from __future__ import annotations

from typing import Any

import click
import pytest

from bitcoin_handshake.cli import options
from bitcoin_handshake.cli.options import (
    ChainType,
    HexType,
    ResolverType,
    SecondsType,
    TransportType,
    UserAgentType,
    WholeNumberType,
)
from bitcoin_handshake.measured import TransportMode


def _reason(kind: click.ParamType[Any], text: str) -> str:
    with pytest.raises(click.BadParameter) as caught:
        kind.convert(text, None, None)
    return caught.value.message


@pytest.mark.parametrize(
    ("text", "name"),
    [("main", "mainnet"), ("test", "testnet3"), ("testnet", "testnet3"), ("SigNet", "signet")],
)
def test_chain(text: str, name: str) -> None:
    assert ChainType().convert(text, None, None) == name


def test_transport() -> None:
    assert TransportType().convert("V2", None, None) is TransportMode.V2
    assert "'v3' is not one of" in _reason(TransportType(), "v3")


@pytest.mark.parametrize("text", ["custom", "", "mainnett"])
def test_rejects_other_chains(text: str) -> None:
    assert "unknown chain" in _reason(ChainType(), text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10.0), ("0.5", 0.5), ("1e-3", 0.001), ("1e300", options.MAX_SECONDS)]
)
def test_seconds(text: str, seconds: float) -> None:
    assert SecondsType().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "-inf", "", "ten", "1s"])
def test_rejects_seconds_that_are_no_time(text: str) -> None:
    assert repr(text) in _reason(SecondsType(), text)


@pytest.mark.parametrize("text", ["1_0", "\u0661", "1 0", "1e1_0"])
def test_rejects_seconds_that_only_python_reads(text: str) -> None:
    assert "is not a number of seconds" in _reason(SecondsType(), text)


def test_zero_seconds_where_they_are_allowed() -> None:
    assert SecondsType(zero_allowed=True).convert("0", None, None) == 0
    assert "0 or more" in _reason(SecondsType(zero_allowed=True), "-0.1")


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        (WholeNumberType(), "-5", -5),
        (WholeNumberType(), "0", 0),
        (WholeNumberType(1), "1" + "0" * 30, 10**30),
        (WholeNumberType(0, 65535), "65535", 65535),
    ],
)
def test_whole_number(kind: WholeNumberType, text: str, number: int) -> None:
    assert kind.convert(text, None, None) == number


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e3", "1_0", "+1", " 1", "\u0661", "9" * 5000])
def test_rejects_what_is_no_whole_number(text: str) -> None:
    assert _reason(WholeNumberType(), text).endswith("is not a whole number")


@pytest.mark.parametrize("text", ["0", "-1", "65536"])
def test_rejects_whole_numbers_out_of_bounds(text: str) -> None:
    assert _reason(WholeNumberType(1, 65535), text) == f"'{text}' is not a whole number from 1 to 65535"
    if text != "65536":
        assert _reason(WholeNumberType(1), text) == f"'{text}' is not a whole number, 1 or more"


def test_hex() -> None:
    assert HexType().convert("51", None, None) == b"\x51"
    assert HexType(length=4).convert("F9beb4d9", None, None) == bytes.fromhex("f9beb4d9")


@pytest.mark.parametrize("text", ["", "5", "zz", "0x51", "51 51", "\u0665\u0661", "f9 be b4 d9"])
def test_rejects_what_is_not_hex(text: str) -> None:
    assert "hex digits" in _reason(HexType(), text)


@pytest.mark.parametrize("text", ["f9beb4", "f9beb4d900", "f9beb4d"])
def test_rejects_hex_of_another_length(text: str) -> None:
    assert _reason(HexType(length=4), text) == f"{text!r} is not 8 hex digits"


def test_user_agent_limit_is_that_of_the_protocol() -> None:
    assert UserAgentType().convert("é" * 128, None, None) == "é".encode() * 128
    assert "at most 256 bytes, this one 258" in _reason(UserAgentType(), "é" * 129)
    assert "UTF-8" in _reason(UserAgentType(), "\udcff")


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("system", None),
        ("9.9.9.9", "9.9.9.9:53"),
        ("127.0.0.1:5353", "127.0.0.1:5353"),
        ("::1", "[::1]:53"),
        ("[::1]:5353", "[::1]:5353"),
        ("[2001:DB8::1]", "[2001:db8::1]:53"),
    ],
)
def test_resolver(text: str, resolver: str | None) -> None:
    assert ResolverType().convert(text, None, None) == resolver


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dns.example",
        "1.2.3",
        "1.2.3.4:",
        "[::1",
        "::1]:53",
        "[1.2.3.4]:53",
        "[]",
    ],
)
def test_rejects_what_is_no_server(text: str) -> None:
    assert "is not a DNS server" in _reason(ResolverType(), text)


@pytest.mark.parametrize("text", ["1.2.3.4:0", "1.2.3.4:65536", "[::1]:0"])
def test_the_reason_of_a_bad_port_of_a_server_is_the_port(text: str) -> None:
    assert _reason(ResolverType(), text) == f"{text!r}: a port is a number from 1 to 65535"
