"""Names, numbers and limits, as Core and the BIPs have them."""

from __future__ import annotations

import pytest

from bitcoin_handshake import protocol
from bitcoin_handshake.protocol import MSG_TYPE_LEN, MsgType, ServiceFlags, services_names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADER_LEN", 24),
        ("MAX_SIZE", 33_554_432),
        ("MAX_PROTOCOL_MESSAGE_LENGTH", 4_000_000),
        ("MAX_SUBVERSION_LENGTH", 256),
        ("MAX_ADDR_TO_SEND", 1000),
        ("MAX_ADDRV2_LEN", 512),
        ("MAX_INV_SZ", 50_000),
        ("MAX_LOCATOR_SZ", 101),
        ("MAX_HEADERS_RESULTS", 2000),
        ("PROTOCOL_VERSION", 70016),
        ("MIN_PEER_PROTO_VERSION", 31800),
        ("BIP0031_VERSION", 60000),
        ("SENDHEADERS_VERSION", 70012),
        ("FEEFILTER_VERSION", 70013),
        ("SHORT_IDS_BLOCKS_VERSION", 70014),
        ("INVALID_CB_NO_BAN_VERSION", 70015),
        ("WTXID_RELAY_VERSION", 70016),
    ],
)
def test_numbers_are_those_of_core(name: str, value: int) -> None:
    assert getattr(protocol, name) == value


def test_a_header_is_the_sum_of_its_fields() -> None:
    length_field = 4
    fields = protocol.MAGIC_LEN + protocol.MSG_TYPE_LEN + length_field + protocol.CHECKSUM_LEN
    assert fields == protocol.HEADER_LEN


@pytest.mark.parametrize("msg_type", MsgType)
def test_message_types_fit_their_field(msg_type: MsgType) -> None:
    assert msg_type.isascii()
    assert msg_type.isprintable()
    assert 0 < len(msg_type) <= MSG_TYPE_LEN
    assert msg_type.lower() == msg_type.name.lower()


@pytest.mark.parametrize(
    ("services", "names"),
    [
        (0, ()),
        (1, ("NETWORK",)),
        (0x409, ("NETWORK", "WITNESS", "NETWORK_LIMITED")),
        (0xC4D, ("NETWORK", "BLOOM", "WITNESS", "COMPACT_FILTERS", "NETWORK_LIMITED", "P2P_V2")),
        (1 << 25, ("UNKNOWN[2^25]",)),
        (1 << 63 | 1, ("NETWORK", "UNKNOWN[2^63]")),
    ],
)
def test_services_are_named_as_core_prints_them(services: int, names: tuple[str, ...]) -> None:
    assert services_names(services) == names


def test_every_service_bit_has_one_name() -> None:
    names = services_names((1 << 64) - 1)
    assert len(set(names)) == 64
    assert all(name.removeprefix("NODE_") == name for name in names)


@pytest.mark.parametrize(
    ("flag", "bit"),
    [
        (ServiceFlags.NODE_NETWORK, 0),
        (ServiceFlags.NODE_BLOOM, 2),
        (ServiceFlags.NODE_WITNESS, 3),
        (ServiceFlags.NODE_COMPACT_FILTERS, 6),
        (ServiceFlags.NODE_NETWORK_LIMITED, 10),
        (ServiceFlags.NODE_P2P_V2, 11),
    ],
)
def test_service_bits_are_those_of_core(flag: ServiceFlags, bit: int) -> None:
    assert flag.value == 1 << bit
