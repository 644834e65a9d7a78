"""The same bytes through ours and through two other libraries: python-bitcoinlib and btclib.

Both read what we write, find the same values in it, and write the same bytes back. Where one of
them cannot hold what the protocol allows, the strategy is narrowed, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from ipaddress import ip_address
from typing import Any

import bitcoin.messages as bitcoin_messages
import btclib.exceptions as btclib_exceptions
import btclib.p2p as btclib_p2p
import pytest
from hypothesis import HealthCheck, assume, given, settings

from bitcoin_handshake import messages as m
from bitcoin_handshake.messages import Message, decode
from bitcoin_handshake.netaddr import NetAddr
from tests.message_literals import ALL
from tests.strategies import MESSAGES

pytestmark = pytest.mark.slow

Pairs = list[tuple[object, object]]
Compare = Callable[[Any, Any], Pairs]

SOME = settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])


def without_trailing(message: Message) -> bytes:
    """Write a message without the bytes that follow its last field: others refuse or drop them."""
    data = message.serialize()
    trailing: bytes = getattr(message, "trailing", b"")
    return data[: len(data) - len(trailing)]


# btclib shows hashes as people do, byte-reversed.


def shown(hash_: bytes) -> bytes:
    return hash_[::-1]


def btclib_header(ours: m.BlockHeader, theirs: Any) -> Pairs:
    return [
        (ours.version, theirs.version),
        (shown(ours.prev_block), theirs.previous_block_hash),
        (shown(ours.merkle_root), theirs.merkle_root),
        (ours.timestamp, int(theirs.time.timestamp())),
        (f"{ours.bits:08x}", theirs.bits.hex()),
        (ours.nonce, theirs.nonce),
        (shown(ours.hash), theirs.hash),
    ]


def btclib_tx(ours: m.Transaction, theirs: Any) -> Pairs:
    pairs: Pairs = [
        (ours.version & 0xFFFFFFFF, theirs.version),  # btclib has Core's unsigned version
        (ours.lock_time, theirs.lock_time),
        (len(ours.inputs), len(theirs.vin)),
        (len(ours.outputs), len(theirs.vout)),
        (shown(ours.txid), theirs.id),
        (shown(ours.wtxid), theirs.hash),
    ]
    for input_, their_input in zip(ours.inputs, theirs.vin, strict=True):
        pairs += [
            (shown(input_.prev_txid), their_input.prev_out.tx_id),
            (input_.prev_index, their_input.prev_out.vout),
            (input_.script_sig, their_input.script_sig),
            (input_.sequence, their_input.sequence),
            (list(input_.witness), list(their_input.script_witness.stack)),
        ]
    for output, their_output in zip(ours.outputs, theirs.vout, strict=True):
        pairs += [
            (output.value, their_output.value),
            (output.script_pubkey, their_output.script_pub_key.script),
        ]
    return pairs


def btclib_txs(ours: tuple[m.Transaction, ...], theirs: Any) -> Pairs:
    both = zip(ours, theirs, strict=True)
    return [pair for our_tx, their_tx in both for pair in btclib_tx(our_tx, their_tx)]


def btclib_version(ours: m.Version, theirs: Any) -> Pairs:
    return [
        (ours.protocol_version, theirs.version),
        (ours.services, int(theirs.services)),
        (ours.timestamp, theirs.timestamp),
        (ours.addr_recv.ip, theirs.addr_recv.ip.packed),
        (ours.addr_recv.port, theirs.addr_recv.port),
        (ours.nonce, theirs.nonce),
        (ours.user_agent, theirs.user_agent),
        (ours.start_height, theirs.start_height),
        (ours.relay, theirs.relay),
    ]


def btclib_addr(ours: m.Addr, theirs: Any) -> Pairs:
    return [
        (
            [(entry.time, entry.services, entry.ip, entry.port) for entry in ours.entries()],
            [
                (
                    entry.timestamp,
                    int(entry.address.services),
                    entry.address.ip.packed,
                    entry.address.port,
                )
                for entry in theirs.addresses
            ],
        )
    ]


def btclib_addrv2(ours: m.AddrV2, theirs: Any) -> Pairs:
    return [
        (
            [(e.time, e.services, e.network_id, e.address, e.port) for e in ours.entries()],
            [(e.timestamp, int(e.services), int(e.network_id), e.address, e.port) for e in theirs.addresses],
        )
    ]


def btclib_inventory(ours: m.Inv, theirs: Any) -> Pairs:
    return [
        (
            [(item.type, shown(item.hash)) for item in ours.items],
            [(int(item.type_code), item.hash) for item in theirs.items],
        )
    ]


def btclib_locator(ours: m.GetHeaders, theirs: Any) -> Pairs:
    return [
        (ours.version, theirs.version & 0xFFFFFFFF),
        ([shown(hash_) for hash_ in ours.locator], list(theirs.locator)),
        (shown(ours.stop_hash), theirs.hash_stop),
    ]


def btclib_headers(ours: m.Headers, theirs: Any) -> Pairs:
    both = zip(ours.headers, theirs.headers, strict=True)
    return [pair for our_header, their_header in both for pair in btclib_header(our_header, their_header)]


def btclib_cmpctblock(ours: m.CmpctBlock, theirs: Any) -> Pairs:
    pairs: Pairs = [
        *btclib_header(ours.header, theirs.header),
        (ours.nonce, theirs.nonce),
        ([int.from_bytes(short_id, "little") for short_id in ours.short_ids], list(theirs.short_ids)),
        ([entry.index for entry in ours.prefilled], [entry.index for entry in theirs.prefilled_txns]),
    ]
    for entry, their_entry in zip(ours.prefilled, theirs.prefilled_txns, strict=True):
        pairs += btclib_tx(entry.transaction, their_entry.tx)
    return pairs


def btclib_filter_range(ours: m.GetCFilters, theirs: Any) -> Pairs:
    return [
        (ours.filter_type, int(theirs.filter_type)),
        (ours.start_height, theirs.start_height),
        (shown(ours.stop_hash), theirs.stop_hash),
    ]


BTCLIB: dict[str, tuple[str, Compare]] = {
    "version": ("Version", btclib_version),
    "verack": ("Verack", lambda o, t: []),
    "wtxidrelay": ("WtxidRelay", lambda o, t: []),
    "sendaddrv2": ("SendAddrV2", lambda o, t: []),
    "sendtxrcncl": ("SendTxRcncl", lambda o, t: [(o.version, t.version), (o.salt, t.salt)]),
    "feature": ("Feature", lambda o, t: [(o.feature_id, t.feature_id), (o.data, t.feature_data)]),
    "addr": ("Addr", btclib_addr),
    "addrv2": ("AddrV2", btclib_addrv2),
    "getaddr": ("GetAddr", lambda o, t: []),
    "ping": ("Ping", lambda o, t: [(o.nonce, t.nonce)]),
    "pong": ("Pong", lambda o, t: [(o.nonce, t.nonce)]),
    "inv": ("Inv", btclib_inventory),
    "getdata": ("GetData", btclib_inventory),
    "notfound": ("NotFound", btclib_inventory),
    "mempool": ("Mempool", lambda o, t: []),
    "getblocks": ("GetBlocks", btclib_locator),
    "getheaders": ("GetHeaders", btclib_locator),
    "headers": ("Headers", btclib_headers),
    "sendheaders": ("SendHeaders", lambda o, t: []),
    "block": (
        "BlockPayload",
        lambda o, t: [
            *btclib_header(o.header, t.block.header),
            *btclib_txs(o.transactions, t.block.transactions),
        ],
    ),
    "tx": ("TxPayload", lambda o, t: btclib_tx(o.transaction, t.tx)),
    "feefilter": ("FeeFilter", lambda o, t: [(o.fee_rate, t.feerate)]),
    "sendcmpct": (
        "SendCmpct",
        lambda o, t: [(o.high_bandwidth, t.announce), (o.version, t.version)],
    ),
    "cmpctblock": ("CmpctBlock", btclib_cmpctblock),
    "getblocktxn": (
        "GetBlockTxn",
        lambda o, t: [(shown(o.block_hash), t.block_hash), (o.indexes, t.indexes)],
    ),
    "blocktxn": (
        "BlockTxn",
        lambda o, t: [
            (shown(o.block_hash), t.block_hash),
            *btclib_txs(o.transactions, t.transactions),
        ],
    ),
    "merkleblock": (
        "MerkleBlock",
        lambda o, t: [
            *btclib_header(o.header, t.header),
            (o.total_transactions, t.tree.n_transactions),
            ([shown(hash_) for hash_ in o.hashes], list(t.tree.hashes)),
            (o.flag_bytes, t.tree.flags),
        ],
    ),
    "getcfilters": ("GetCFilters", btclib_filter_range),
    "getcfheaders": ("GetCFHeaders", btclib_filter_range),
    "cfilter": (
        "CFilter",
        lambda o, t: [
            (o.filter_type, int(t.filter_type)),
            (shown(o.block_hash), t.block_hash),
            (o.filter, t.filter_bytes),
        ],
    ),
    "cfheaders": (
        "CFHeaders",
        lambda o, t: [
            (o.filter_type, int(t.filter_type)),
            (shown(o.stop_hash), t.stop_hash),
            (shown(o.prev_filter_header), t.previous_filter_header),
            ([shown(hash_) for hash_ in o.filter_hashes], list(t.filter_hashes)),
        ],
    ),
    "getcfcheckpt": (
        "GetCFCheckpt",
        lambda o, t: [(o.filter_type, int(t.filter_type)), (shown(o.stop_hash), t.stop_hash)],
    ),
    "cfcheckpt": (
        "CFCheckpt",
        lambda o, t: [
            (shown(o.stop_hash), t.stop_hash),
            ([shown(hash_) for hash_ in o.filter_headers], list(t.filter_headers)),
        ],
    ),
    "reject": (
        "Reject",
        lambda o, t: [
            (o.message, t.message.encode()),
            (o.ccode, int(t.code)),
            (o.reason, t.reason.encode()),
            (shown(o.data or b""), t.data),
        ],
    ),
}


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# What btclib cannot hold, and Core accepts.
BTCLIB_CANNOT: dict[str, Callable[[Any], bool]] = {
    "version": lambda o: o.start_height is None or (o.relay or 0) > 1,  # an early end, a raw boolean
    "ping": lambda o: o.nonce is None,  # the form of versions up to 60000
    "headers": lambda o: bool(o.tx_counts),  # a count that is not zero
    "sendcmpct": lambda o: o.high_bandwidth > 1,  # a raw boolean
    "reject": lambda o: not (is_text(o.message) and is_text(o.reason)),
}


def agree(pairs: Pairs) -> None:
    for ours, theirs in pairs:
        assert ours == theirs


@pytest.mark.parametrize("msg_type", BTCLIB)
def test_btclib_reads_the_same(msg_type: str) -> None:
    name, compare = BTCLIB[msg_type]
    theirs_class = getattr(btclib_p2p, name)

    @SOME
    @given(MESSAGES[msg_type])
    def same(message: Message) -> None:
        assume(not BTCLIB_CANNOT.get(msg_type, lambda _: False)(message))
        payload = without_trailing(message)
        theirs = theirs_class.parse(payload, check_validity=False)
        agree(compare(decode(msg_type, payload), theirs))
        assert theirs.serialize(check_validity=False) == payload

    same()


@pytest.mark.parametrize("msg_type", sorted(set(BTCLIB) - {"merkleblock"}))
def test_what_btclib_refuses_in_a_cut_message_we_refuse(msg_type: str) -> None:
    theirs_class = getattr(btclib_p2p, BTCLIB[msg_type][0])
    for message, data in ALL:
        if message.msg_type != msg_type:
            continue
        for length in range(len(data)):
            payload = data[:length]
            try:
                theirs_class.parse(payload, check_validity=False)
            except (btclib_exceptions.BTClibValueError, btclib_exceptions.BTClibTypeError):
                continue
            decode(msg_type, payload)  # accepted there, so here too


def bitcoinlib_header(ours: m.BlockHeader, theirs: Any) -> Pairs:
    return [
        (ours.version, theirs.nVersion),
        (ours.prev_block, theirs.hashPrevBlock),
        (ours.merkle_root, theirs.hashMerkleRoot),
        (ours.timestamp, theirs.nTime),
        (ours.bits, theirs.nBits),
        (ours.nonce, theirs.nNonce),
    ]


def bitcoinlib_tx(ours: m.Transaction, theirs: Any) -> Pairs:
    pairs: Pairs = [
        (ours.version, theirs.nVersion),
        (ours.lock_time, theirs.nLockTime),
        (len(ours.inputs), len(theirs.vin)),
        (len(ours.outputs), len(theirs.vout)),
        (ours.txid, theirs.GetTxid()),
        (ours.wtxid, theirs.GetHash()),
    ]
    for index, (input_, their_input) in enumerate(zip(ours.inputs, theirs.vin, strict=True)):
        pairs += [
            (input_.prev_txid, their_input.prevout.hash),
            (input_.prev_index, their_input.prevout.n),
            (input_.script_sig, bytes(their_input.scriptSig)),
            (input_.sequence, their_input.nSequence),
        ]
        if ours.has_witness:
            stack = theirs.wit.vtxinwit[index].scriptWitness.stack
            pairs.append((list(input_.witness), [bytes(item) for item in stack]))
    for output, their_output in zip(ours.outputs, theirs.vout, strict=True):
        pairs += [
            (output.value, their_output.nValue),
            (output.script_pubkey, bytes(their_output.scriptPubKey)),
        ]
    return pairs


def bitcoinlib_host(host: str) -> str:
    """They write IPv6 as the C library does; ours is RFC 5952's form."""
    return str(ip_address(host))


def bitcoinlib_addr(ours: m.Addr, theirs: Any) -> Pairs:
    pairs: Pairs = [(ours.count, len(theirs.addrs))]
    for entry, their_entry in zip(ours.entries(), theirs.addrs, strict=True):
        netaddr = NetAddr.from_addrv1(entry.ip, entry.port)
        pairs += [
            (entry.time, their_entry.nTime),
            (entry.services, their_entry.nServices),
            (netaddr.host, bitcoinlib_host(their_entry.ip)),
            (netaddr.port, their_entry.port),
        ]
    return pairs


def bitcoinlib_inventory(ours: m.Inv, theirs: Any) -> Pairs:
    return [
        (
            [(item.type, item.hash) for item in ours.items],
            [(item.type & 0xFFFFFFFF, item.hash) for item in theirs.inv],
        )
    ]


def bitcoinlib_version(ours: m.Version, theirs: Any) -> Pairs:
    assert ours.addr_from is not None
    return [
        (ours.protocol_version, theirs.nVersion),
        (ours.services, theirs.nServices),
        (ours.timestamp, theirs.nTime),
        (ours.addr_recv.netaddr.host, bitcoinlib_host(theirs.addrTo.ip)),
        (ours.addr_recv.port, theirs.addrTo.port),
        (ours.addr_from.netaddr.host, bitcoinlib_host(theirs.addrFrom.ip)),
        (ours.addr_from.port, theirs.addrFrom.port),
        (ours.nonce, theirs.nNonce),
        (ours.user_agent, theirs.strSubVer),
        (ours.start_height, theirs.nStartingHeight),
        (ours.relay, theirs.fRelay),
    ]


def bitcoinlib_locator(ours: m.GetHeaders, theirs: Any) -> Pairs:
    return [
        (ours.version, theirs.locator.nVersion & 0xFFFFFFFF),
        (list(ours.locator), list(theirs.locator.vHave)),
        (ours.stop_hash, theirs.hashstop),
    ]


BITCOINLIB: dict[str, Compare] = {
    "version": bitcoinlib_version,
    "verack": lambda o, t: [],
    "addr": bitcoinlib_addr,
    "getaddr": lambda o, t: [],
    "inv": bitcoinlib_inventory,
    "getdata": bitcoinlib_inventory,
    "notfound": bitcoinlib_inventory,
    "mempool": lambda o, t: [],
    "getblocks": bitcoinlib_locator,
    "getheaders": bitcoinlib_locator,
    "headers": lambda o, t: [
        pair
        for ours, theirs in zip(o.headers, t.headers, strict=True)
        for pair in bitcoinlib_header(ours, theirs)
    ],
    "block": lambda o, t: [
        *bitcoinlib_header(o.header, t.block),
        *(
            pair
            for ours, theirs in zip(o.transactions, t.block.vtx, strict=True)
            for pair in bitcoinlib_tx(ours, theirs)
        ),
    ],
    "tx": lambda o, t: bitcoinlib_tx(o.transaction, t.tx),
    "ping": lambda o, t: [(o.nonce, t.nonce)],
    "pong": lambda o, t: [(o.nonce, t.nonce)],
    "reject": lambda o, t: [
        (o.message, t.message),
        (bytes((o.ccode,)), t.ccode),
        (o.reason, t.reason),
    ],
    "alert": lambda o, t: [(o.body.serialize(), t.alert.vchMsg), (o.signature, t.alert.vchSig)],
}

# What python-bitcoinlib cannot hold, and Core accepts.
BITCOINLIB_CANNOT: dict[str, Callable[[Any], bool]] = {
    # It reads by the version number, and writes 300 for 10300.
    "version": lambda o: o.relay is None or o.protocol_version < 70001,
    # It reads headers without the counts between them.
    "headers": lambda o: o.count > 1 or bool(o.tx_counts),
    "ping": lambda o: o.nonce is None,
    # It takes a transaction without inputs for the beginning of the witness form.
    "tx": lambda o: not o.transaction.inputs,
    "block": lambda o: not all(transaction.inputs for transaction in o.transactions),
}


@pytest.mark.parametrize("msg_type", BITCOINLIB)
def test_bitcoinlib_reads_the_same(msg_type: str) -> None:
    (theirs_class,) = (cls for cls in bitcoin_messages.msg_classes if cls.command == msg_type.encode())

    @SOME
    @given(MESSAGES[msg_type])
    def same(message: Message) -> None:
        assume(not BITCOINLIB_CANNOT.get(msg_type, lambda _: False)(message))
        payload = without_trailing(message)
        agree(BITCOINLIB[msg_type](decode(msg_type, payload), theirs_class.msg_deser(BytesIO(payload))))

    same()
