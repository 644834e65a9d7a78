"""Every message once or more, as an object and as bytes written by hand from the wire map.

The sum of the lengths stands behind each; `literal` checks it. Unit tests go both ways between
the two forms; others (tshark, other libraries, fuzzing) begin with them.
"""

from __future__ import annotations

from bitcoin_handshake import messages as m
from bitcoin_handshake.messages import Message

Literal = tuple[Message, bytes]


def literal(message: Message, length: int, *parts: str) -> Literal:
    """Join hex parts (one field each, spaces allowed) that must be `length` bytes together."""
    data = bytes.fromhex("".join(parts))
    assert len(data) == length, f"{message.msg_type}: {len(data)} bytes written, {length} counted"
    return message, data


# 32 bytes that are not the same backwards.
HASH_A = bytes(range(0x20))
HASH_B = bytes(range(0x40, 0x60))
A = "000102030405060708090a0b0c0d0e0f 101112131415161718191a1b1c1d1e1f"
B = "404142434445464748494a4b4c4d4e4f 505152535455565758595a5b5c5d5e5f"
ZERO = "00" * 32

# The header of mainnet's first block.
GENESIS_ROOT = "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
GENESIS_HASH = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
# version, previous, root, time, bits, nonce: 4 + 32 + 32 + 4 + 4 + 4 = 80
GENESIS = "01000000" + ZERO + GENESIS_ROOT + "29ab5f49" + "ffff001d" + "1dac2b7c"
GENESIS_HEADER = m.BlockHeader(
    version=1,
    prev_block=bytes(32),
    merkle_root=bytes.fromhex(GENESIS_ROOT),
    timestamp=1231006505,
    bits=0x1D00FFFF,
    nonce=2083236893,
)
ODD_HEADER = m.BlockHeader(
    version=-2,
    prev_block=HASH_A,
    merkle_root=HASH_B,
    timestamp=0xFFFFFFFF,
    bits=0x207FFFFF,
    nonce=0x01020304,
)
ODD = "feffffff" + A + B + "ffffffff" + "ffff7f20" + "04030201"

# version 4, count 1, [outpoint 36, script 1 + 2, sequence 4], count 1, [value 8, script 1 + 1],
# lock time 4: 4 + 1 + 43 + 1 + 10 + 4 = 63
PLAIN = "02000000 01" + A + "05000000 02abcd feffffff 01 00e1f50500000000 0151 07000000"
PLAIN_TX = m.Transaction(
    version=2,
    inputs=(m.TxInput(HASH_A, 5, b"\xab\xcd", 0xFFFFFFFE),),
    outputs=(m.TxOutput(100_000_000, b"\x51"),),
    lock_time=7,
)
# version 4, marker and flag 2, count 1, [outpoint 36, script 1, sequence 4] twice (2 inputs: 82),
# count 1, [value 8, script 1], witnesses: [1 + 1 + 3] + [1], lock time 4:
# 4 + 2 + 1 + 82 + 1 + 9 + 5 + 1 + 4 = 109
SEGWIT = (
    "01000000 0001 02"
    + A
    + "00000000 00 ffffffff"
    + B
    + "ffffffff 00 ffffffff"
    + "01 ffffffffffffffff 00"
    + "01 03 c0ffee 00"
    + "00000000"
)
SEGWIT_TX = m.Transaction(
    version=1,
    inputs=(
        m.TxInput(HASH_A, 0, witness=(b"\xc0\xff\xee",)),
        m.TxInput(HASH_B, 0xFFFFFFFF),
    ),
    outputs=(m.TxOutput(-1),),
)
# version 4, no inputs, no outputs, lock time 4: 10
EMPTY = "ffffffff 00 00 01000000"
EMPTY_TX = m.Transaction(version=-1, inputs=(), outputs=(), lock_time=1)

HANDSHAKE = (
    literal(
        m.Version(
            protocol_version=70016,
            services=0x0102030405060708,
            timestamp=1_700_000_000,
            addr_recv=m.V1Address(9, bytes(10) + b"\xff\xff\x01\x02\x03\x04", 8333),
            addr_from=m.V1Address(1, bytes(15) + b"\x01", 0x0102),
            nonce=0x1112131415161718,
            user_agent=b"/x:1/",
            start_height=-1,
            relay=1,
        ),
        # 4 + 8 + 8 + 26 + 26 + 8 + 1 + 5 + 4 + 1
        91,
        "80110100",
        "0807060504030201",
        "00f1536500000000",
        "0900000000000000 00000000000000000000ffff01020304 208d",
        "0100000000000000 00000000000000000000000000000001 0102",
        "1817161514131211",
        "05 2f783a312f",
        "ffffffff",
        "01",
    ),
    literal(m.Verack(), 0),
    literal(m.WtxidRelay(), 0),
    literal(m.SendAddrV2(), 0),
    # 4 + 8
    literal(m.SendTxRcncl(1, 0x0102030405060708), 12, "01000000", "0807060504030201"),
    # 1 + 4 + 1 + 2
    literal(m.Feature(b"abcd", b"\x01\x02"), 8, "04 61626364", "02 0102"),
)

KEEPALIVE = (
    literal(m.Ping(0x0102030405060708), 8, "0807060504030201"),
    literal(m.Ping(None), 0),
    literal(m.Pong(0x0102030405060708), 8, "0807060504030201"),
)

PREFERENCES = (
    literal(m.SendHeaders(), 0),
    # 1 + 8
    literal(m.SendCmpct(1, 2), 9, "01", "0200000000000000"),
    literal(m.SendCmpct(2, 1, b"\xee"), 10, "02", "0100000000000000", "ee"),
    literal(m.FeeFilter(-1000), 8, "18fcffffffffffff"),
)

ADDRESSES = (
    literal(
        m.Addr.from_entries(
            [
                m.AddrEntry(1, 9, bytes(10) + b"\xff\xff\x01\x02\x03\x04", 8333),
                m.AddrEntry(0xFFFFFFFF, 1 << 63, bytes.fromhex("20010db8") + bytes(11) + b"\x01", 1),
            ]
        ),
        # 1 + 2 * (4 + 8 + 16 + 2)
        61,
        "02",
        "01000000 0900000000000000 00000000000000000000ffff01020304 208d",
        "ffffffff 0000000000000080 20010db8000000000000000000000001 0001",
    ),
    literal(
        m.AddrV2.from_entries(
            [
                m.AddrV2Entry(1, 9, 1, b"\x01\x02\x03\x04", 8333),
                m.AddrV2Entry(2, 0x409, 2, bytes.fromhex("20010db8") + bytes(11) + b"\x01", 1),
                m.AddrV2Entry(3, 1 << 63, 4, HASH_A, 8333),
                m.AddrV2Entry(4, 0, 5, HASH_B, 0),
                m.AddrV2Entry(5, 0x01000000, 6, b"\xfc" + bytes(15), 2),
                m.AddrV2Entry(6, 1, 3, bytes(10), 3),
                m.AddrV2Entry(7, 1, 7, b"\x02" + bytes(15), 4),
                m.AddrV2Entry(8, 1, 153, b"\xab\xab", 5),
                m.AddrV2Entry(9, 1, 0, b"", 6),
            ]
        ),
        # 1 + [4 + services + 1 + 1 + address + 2]:
        # 13 + 27 + 49 + 41 + 29 + 19 + 25 + 11 + 9 = 223, and the count
        224,
        "09",
        "01000000 09 01 04 01020304 208d",
        "02000000 fd0904 02 10 20010db8000000000000000000000001 0001",
        "03000000 ff0000000000000080 04 20" + A + "208d",
        "04000000 00 05 20" + B + "0000",
        "05000000 fe00000001 06 10 fc000000000000000000000000000000 0002",
        "06000000 01 03 0a 00000000000000000000 0003",
        "07000000 01 07 10 02000000000000000000000000000000 0004",
        "08000000 01 99 02 abab 0005",
        "09000000 01 00 00 0006",
    ),
    literal(m.AddrV2.from_entries([], trailing=b"\x99"), 2, "00", "99"),
    literal(m.GetAddr(), 0),
)

INVENTORY = (
    # 1 + 2 * (4 + 32)
    literal(
        m.Inv((m.InvItem(5, HASH_A), m.InvItem(0xDEADBEEF, HASH_B))),
        73,
        *("02", "05000000", A, "efbeadde", B),
    ),
    # 1 + 4 + 32
    literal(m.GetData((m.InvItem(0x40000001, HASH_A),)), 37, "01", "01000040", A),
    # 1 + 4 + 32 + 3
    literal(m.NotFound((m.InvItem(6, HASH_B),), b"\x01\x02\x03"), 40, "01", "06000000", B, "010203"),
    literal(m.Mempool(), 0),
)

HEADERS = (
    # 4 + 1 + 2 * 32 + 32
    literal(m.GetHeaders(70016, (HASH_A, HASH_B), bytes(32)), 101, "80110100", "02", A, B, ZERO),
    # 4 + 1 + 32
    literal(m.GetBlocks(0xFFFFFFFF, (), HASH_B), 37, "ffffffff", "00", B),
    # 1 + 2 * (80 + 1)
    literal(m.Headers.from_headers([GENESIS_HEADER, ODD_HEADER]), 163, "02", GENESIS, "00", ODD, "00"),
    # 1 + 80 + 3 + 80 + 1
    literal(
        m.Headers.from_headers([GENESIS_HEADER, ODD_HEADER], tx_counts=(300, 0)),
        165,
        "02",
        GENESIS,
        "fd2c01",
        ODD,
        "00",
    ),
    literal(m.Headers.from_headers([]), 1, "00"),
)

TRANSACTIONS = (
    literal(m.Tx(PLAIN_TX), 63, PLAIN),
    literal(m.Tx(SEGWIT_TX), 109, SEGWIT),
    literal(m.Tx(EMPTY_TX, b"\x00"), 11, EMPTY, "00"),
)

BLOCKS = (
    # 80 + 1 + 63 + 109
    literal(m.Block(GENESIS_HEADER, (PLAIN_TX, SEGWIT_TX)), 253, GENESIS, "02", PLAIN, SEGWIT),
    # 80 + 1
    literal(m.Block(ODD_HEADER, ()), 81, ODD, "00"),
)

BLOOM = (
    # 1 + 3 + 4 + 4 + 1
    literal(
        m.FilterLoad(b"\x61\x4e\x9b", 5, 0x80000001, 1),
        13,
        *("03 614e9b", "05000000", "01000080", "01"),
    ),
    # 1 + 4
    literal(m.FilterAdd(b"\x01\x02\x03\x04"), 5, "04 01020304"),
    literal(m.FilterClear(), 0),
    # 80 + 4 + 1 + 2 * 32 + 1 + 2
    literal(
        m.MerkleBlock(GENESIS_HEADER, 7, (HASH_A, HASH_B), b"\x1d\x00"),
        152,
        *(GENESIS, "07000000", "02", A, B, "02 1d00"),
    ),
)

COMPACT_BLOCKS = (
    # 80 + 8 + 1 + 2 * 6 + 1 + (1 + 63) + (3 + 109)
    literal(
        m.CmpctBlock(
            GENESIS_HEADER,
            0x0102030405060708,
            (b"\x01\x02\x03\x04\x05\x06", b"\xa1\xa2\xa3\xa4\xa5\xa6"),
            (m.PrefilledTransaction(0, PLAIN_TX), m.PrefilledTransaction(301, SEGWIT_TX)),
        ),
        278,
        *(GENESIS, "0807060504030201", "02", "010203040506", "a1a2a3a4a5a6"),
        *("02", "00", PLAIN, "fd2c01", SEGWIT),
    ),
    # 32 + 1 + 1 + 1 + 1 + 3: the indexes 0, 1, 4 and 65535 as distances 0, 0, 2 and 65530
    literal(m.GetBlockTxn(HASH_A, (0, 1, 4, 65535)), 39, A, "04", "00", "00", "02", "fdfaff"),
    # 32 + 1 + 63
    literal(m.BlockTxn(HASH_B, (PLAIN_TX,)), 96, B, "01", PLAIN),
)

COMPACT_FILTERS = (
    # 1 + 4 + 32
    literal(m.GetCFilters(0, 0x01020304, HASH_A), 37, "00", "04030201", A),
    # 1 + 32 + 1 + 3
    literal(m.CFilter(0, HASH_A, b"\x01\x02\x03"), 37, "00", A, "03 010203"),
    # 1 + 4 + 32
    literal(m.GetCFHeaders(255, 5, HASH_B), 37, "ff", "05000000", B),
    # 1 + 32 + 32 + 1 + 2 * 32
    literal(m.CFHeaders(0, HASH_A, HASH_B, (HASH_B, HASH_A)), 130, "00", A, B, "02", B, A),
    # 1 + 32
    literal(m.GetCFCheckpt(0, HASH_A), 33, "00", A),
    # 1 + 32 + 1 + 32
    literal(m.CFCheckpt(0, HASH_A, (HASH_B,)), 66, "00", A, "01", B),
)

RECONCILIATION = (
    # 2 + 2
    literal(m.ReqRecon(0x0102, 0x7FFF), 4, "0201", "ff7f"),
    # 1 + 8
    literal(m.Sketch(b"\x01\x02\x03\x04\x05\x06\x07\x08"), 9, "08 0102030405060708"),
    literal(m.ReqSketchExt(), 0),
    # 1 + 1 + 2 * 4
    literal(m.ReconcilDiff(1, (1, 0xDEADBEEF)), 10, "01", "02", "01000000", "efbeadde"),
    # 1 + 1
    literal(m.ReconcilDiff(0, ()), 2, "00", "00"),
)

PACKAGES = (
    literal(m.SendPackages(3), 8, "0300000000000000"),
    # 1 + 2 * 32
    literal(m.AncPkgInfo((HASH_A, HASH_B)), 65, "02", A, B),
    # 1 + 32
    literal(m.GetPkgTxns((HASH_B,)), 33, "01", B),
    # 1 + 63 + 109
    literal(m.PkgTxns((PLAIN_TX, SEGWIT_TX)), 173, "02", PLAIN, SEGWIT),
)

HISTORICAL = (
    # 1 + 2 + 1 + 1 + 3 + 32
    literal(m.Reject(b"tx", 0x42, b"fee", HASH_A), 40, "02 7478", "42", "03 666565", A),
    # 1 + 2 + 1 + 1
    literal(m.Reject(b"tx", 0x10, b""), 5, "02 7478", "10", "00"),
    # 1 + 7 + 1 + 1 + 1
    literal(m.Reject(b"version", 0x11, b"x"), 11, "07 76657273696f6e", "11", "01 78"),
    literal(
        m.Alert(
            m.AlertBody(
                version=1,
                relay_until=2,
                expiration=3,
                id=-4,
                cancel=5,
                set_cancel=(6, -7),
                min_ver=8,
                max_ver=9,
                set_sub_ver=(b"/a/",),
                priority=10,
                comment=b"c",
                status_bar=b"s!",
                reserved=b"",
                trailing=b"\xee",
            ),
            b"\x30\x01",
        ),
        # body: 4 + 8 + 8 + 4 + 4 + 1 + 8 + 4 + 4 + 1 + 4 + 4 + 2 + 3 + 1 + 1 = 61; 1 + 61 + 1 + 2
        65,
        "3d",
        *("01000000", "0200000000000000", "0300000000000000", "fcffffff", "05000000"),
        *("02", "06000000 f9ffffff", "08000000", "09000000", "01", "03 2f612f", "0a000000"),
        *("01 63", "02 7321", "00", "ee"),
        "02 3001",
    ),
    # 32 + 3
    literal(m.CheckOrder(HASH_A, b"\x01\x02\x03"), 35, A, "010203"),
    # 32 + 0
    literal(m.SubmitOrder(HASH_B, b""), 32, B),
    # 32 + 4 + 1 + 2
    literal(m.Reply(HASH_A, 0, b"\x76\xa9"), 39, A, "00000000", "02 76a9"),
    # 32 + 4
    literal(m.Reply(HASH_A, -1), 36, A, "ffffffff"),
)

ALL = (
    *HANDSHAKE,
    *KEEPALIVE,
    *PREFERENCES,
    *ADDRESSES,
    *INVENTORY,
    *HEADERS,
    *TRANSACTIONS,
    *BLOCKS,
    *BLOOM,
    *COMPACT_BLOCKS,
    *COMPACT_FILTERS,
    *RECONCILIATION,
    *PACKAGES,
    *HISTORICAL,
)


def assert_both_ways(message: Message, data: bytes) -> None:
    """Check that the object and the bytes are one message."""
    assert message.serialize() == data
    assert type(message).deserialize(data) == message


def name_of(value: object) -> str:
    """Name a parametrised case after its message."""
    return value.msg_type if isinstance(value, Message) else ""
