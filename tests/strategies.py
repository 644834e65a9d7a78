"""Hypothesis strategies for every message, in the form in which it reads back equal."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bitcoin_handshake import messages as m
from bitcoin_handshake.messages import Message
from bitcoin_handshake.netaddr import ADDRV2_LENGTHS

T = TypeVar("T")

u8 = st.integers(0, 0xFF)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
u64 = st.integers(0, 0xFFFFFFFFFFFFFFFF)
i32 = st.integers(-(2**31), 2**31 - 1)
i64 = st.integers(-(2**63), 2**63 - 1)
hashes = st.binary(min_size=32, max_size=32)
trailing = st.just(b"") | st.binary(max_size=4)
var_bytes = st.binary(max_size=40) | st.integers(0, 300).map(bytes)


def tuples(values: SearchStrategy[T], max_size: int = 4) -> SearchStrategy[tuple[T, ...]]:
    """Short tuples of such values."""
    return st.lists(values, max_size=max_size).map(tuple)


v1_addresses = st.builds(m.V1Address, u64, st.binary(min_size=16, max_size=16), u16)


@st.composite
def versions(draw: st.DrawFn) -> m.Version:
    """`version` messages that end behind any field behind which they may end."""
    fields = draw(st.integers(0, 4))
    return m.Version(
        draw(i32),
        draw(u64),
        draw(i64),
        draw(v1_addresses),
        draw(v1_addresses) if fields > 0 else None,
        draw(u64) if fields > 0 else None,
        draw(st.binary(max_size=256)) if fields > 1 else None,
        draw(i32) if fields > 2 else None,
        draw(u8) if fields > 3 else None,
        draw(trailing) if fields > 3 else b"",
    )


addr_entries = st.builds(
    m.AddrEntry,
    u32,
    u64,
    st.binary(min_size=16, max_size=16)
    | st.binary(min_size=4, max_size=4).map((bytes(10) + b"\xff\xff").__add__),
    u16,
)


@st.composite
def addrv2_entries(draw: st.DrawFn) -> m.AddrV2Entry:
    """Entries of `addrv2`: known networks with their lengths, and unknown ones with any."""
    network_id = draw(st.sampled_from(sorted(ADDRV2_LENGTHS)) | u8)
    length = {int(id_): length for id_, length in ADDRV2_LENGTHS.items()}.get(network_id)
    if length is None:
        address = draw(st.binary(max_size=40) | st.integers(0, 512).map(bytes))
    else:
        address = draw(st.binary(min_size=length, max_size=length))
    return m.AddrV2Entry(draw(u32), draw(u64), int(network_id), address, draw(u16))


block_headers = st.builds(m.BlockHeader, i32, hashes, hashes, u32, u32, u32)
inv_items = st.builds(m.InvItem, st.integers(0, 8) | u32, hashes)
tx_outputs = st.builds(m.TxOutput, i64, var_bytes)
tx_inputs = st.builds(m.TxInput, hashes, u32, var_bytes, u32, tuples(st.binary(max_size=4), max_size=2))


@st.composite
def transactions(draw: st.DrawFn) -> m.Transaction:
    """Transactions with a wire form: with witnesses, without, and of nothing at all."""
    inputs = draw(tuples(tx_inputs, max_size=3))
    outputs = draw(tuples(tx_outputs, max_size=3)) if inputs else ()
    return m.Transaction(draw(i32), inputs, outputs, draw(u32))


@st.composite
def headers_messages(draw: st.DrawFn) -> m.Headers:
    """`headers` messages, with and without counts behind the headers."""
    headers = draw(tuples(block_headers))
    counts = draw(st.lists(st.integers(0, 70_000), min_size=len(headers), max_size=len(headers)))
    return m.Headers.from_headers(
        headers, tx_counts=draw(st.just([]) | st.just(counts)), trailing=draw(trailing)
    )


rising = st.lists(u16, unique=True, max_size=5).map(lambda values: tuple(sorted(values)))


@st.composite
def cmpctblocks(draw: st.DrawFn) -> m.CmpctBlock:
    """`cmpctblock` messages with indexes that rise."""
    prefilled = [
        m.PrefilledTransaction(index, draw(transactions())) for index in draw(rising.map(lambda v: v[:2]))
    ]
    short_ids = draw(tuples(st.binary(min_size=6, max_size=6)))
    return m.CmpctBlock(draw(block_headers), draw(u64), short_ids, tuple(prefilled), draw(trailing))


@st.composite
def rejects(draw: st.DrawFn) -> m.Reject:
    """`reject` messages; a hash stands only behind those of a transaction or block."""
    message = draw(st.sampled_from([b"tx", b"block", b"version"]) | st.binary(max_size=12))
    data = draw(hashes) if message in (b"tx", b"block") else None
    return m.Reject(message, draw(u8), draw(st.binary(max_size=111)), data, draw(trailing))


alert_bodies = st.builds(
    m.AlertBody,
    version=i32,
    relay_until=i64,
    expiration=i64,
    id=i32,
    cancel=i32,
    set_cancel=tuples(i32),
    min_ver=i32,
    max_ver=i32,
    set_sub_ver=tuples(st.binary(max_size=9)),
    priority=i32,
    comment=var_bytes,
    status_bar=st.binary(max_size=256),
    reserved=st.binary(max_size=9),
    trailing=trailing,
)

MESSAGES: dict[str, SearchStrategy[Message]] = {
    "version": versions(),
    "verack": st.builds(m.Verack, trailing),
    "wtxidrelay": st.builds(m.WtxidRelay, trailing),
    "sendaddrv2": st.builds(m.SendAddrV2, trailing),
    "sendtxrcncl": st.builds(m.SendTxRcncl, u32, u64, trailing),
    "feature": st.builds(m.Feature, st.binary(min_size=4, max_size=80), st.binary(max_size=512)),
    "addr": st.builds(m.Addr.from_entries, st.lists(addr_entries, max_size=5), trailing=trailing),
    "addrv2": st.builds(m.AddrV2.from_entries, st.lists(addrv2_entries(), max_size=5), trailing=trailing),
    "getaddr": st.builds(m.GetAddr, trailing),
    "ping": st.just(m.Ping(None)) | st.builds(m.Ping, u64, trailing),
    "pong": st.builds(m.Pong, u64, trailing),
    "inv": st.builds(m.Inv, tuples(inv_items), trailing),
    "getdata": st.builds(m.GetData, tuples(inv_items), trailing),
    "notfound": st.builds(m.NotFound, tuples(inv_items), trailing),
    "mempool": st.builds(m.Mempool, trailing),
    "getblocks": st.builds(m.GetBlocks, u32, tuples(hashes), hashes, trailing),
    "getheaders": st.builds(m.GetHeaders, u32, tuples(hashes), hashes, trailing),
    "headers": headers_messages(),
    "sendheaders": st.builds(m.SendHeaders, trailing),
    "block": st.builds(m.Block, block_headers, tuples(transactions(), 3), trailing),
    "tx": st.builds(m.Tx, transactions(), trailing),
    "feefilter": st.builds(m.FeeFilter, i64, trailing),
    "sendcmpct": st.builds(m.SendCmpct, u8, u64, trailing),
    "cmpctblock": cmpctblocks(),
    "getblocktxn": st.builds(m.GetBlockTxn, hashes, rising, trailing),
    "blocktxn": st.builds(m.BlockTxn, hashes, tuples(transactions(), 3), trailing),
    "merkleblock": st.builds(m.MerkleBlock, block_headers, u32, tuples(hashes), var_bytes, trailing),
    "filterload": st.builds(m.FilterLoad, var_bytes, st.integers(0, 50), u32, u8, trailing),
    "filteradd": st.builds(m.FilterAdd, st.binary(max_size=520), trailing),
    "filterclear": st.builds(m.FilterClear, trailing),
    "getcfilters": st.builds(m.GetCFilters, u8, u32, hashes, trailing),
    "cfilter": st.builds(m.CFilter, u8, hashes, var_bytes, trailing),
    "getcfheaders": st.builds(m.GetCFHeaders, u8, u32, hashes, trailing),
    "cfheaders": st.builds(m.CFHeaders, u8, hashes, hashes, tuples(hashes), trailing),
    "getcfcheckpt": st.builds(m.GetCFCheckpt, u8, hashes, trailing),
    "cfcheckpt": st.builds(m.CFCheckpt, u8, hashes, tuples(hashes), trailing),
    "reject": rejects(),
    "alert": st.builds(m.Alert, alert_bodies, var_bytes, trailing),
    "checkorder": st.builds(m.CheckOrder, hashes, var_bytes),
    "submitorder": st.builds(m.SubmitOrder, hashes, var_bytes),
    "reply": st.builds(m.Reply, hashes, i32) | st.builds(m.Reply, hashes, i32, var_bytes, trailing),
    "reqrecon": st.builds(m.ReqRecon, u16, u16, trailing),
    "sketch": st.builds(m.Sketch, var_bytes, trailing),
    "reqsketchext": st.builds(m.ReqSketchExt, trailing),
    "reconcildiff": st.builds(m.ReconcilDiff, u8, tuples(u32), trailing),
    "sendpackages": st.builds(m.SendPackages, u64, trailing),
    "ancpkginfo": st.builds(m.AncPkgInfo, tuples(hashes), trailing),
    "getpkgtxns": st.builds(m.GetPkgTxns, tuples(hashes), trailing),
    "pkgtxns": st.builds(m.PkgTxns, tuples(transactions(), 3), trailing),
}
"""A strategy for each registered message type."""

messages: SearchStrategy[Message] = st.one_of(*MESSAGES.values())
"""Any typed message."""
