"""Which bytes of a payload are which field, for every message that has fields.

Owns the map from bytes to names and nothing of what they mean: `messages` decides whether a
payload is right. A field that is cut off, and all bytes that no layout explains, come as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from bitcoin_handshake.errors import WireError
from bitcoin_handshake.messages.base import hash_text
from bitcoin_handshake.messages.historical import REJECTS_WITH_HASH
from bitcoin_handshake.protocol import HEADER_LEN, MsgType, services_names
from bitcoin_handshake.records import user_agent_text
from bitcoin_handshake.wire import Reader

__all__ = ["Span", "header_spans", "payload_spans"]


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes that belong together.

    Attributes:
        offset: Of the first one.
        data: The bytes, none where a field is empty.
        name: Of the field; empty where no layout explains them.
        meaning: The value as people write it, or empty.
    """

    offset: int
    data: bytes
    name: str
    meaning: str


_Meaning = Callable[[bytes], str]


def _plain(data: bytes) -> str:
    return ""


def _unsigned(data: bytes) -> str:
    return str(int.from_bytes(data, "little"))


def _signed(data: bytes) -> str:
    return str(int.from_bytes(data, "little", signed=True))


def _port(data: bytes) -> str:
    return str(int.from_bytes(data))


def _hex(data: bytes) -> str:
    return f"{int.from_bytes(data, 'little'):0{2 * len(data)}x}"


def _services(data: bytes) -> str:
    return " ".join(services_names(int.from_bytes(data, "little"))) or "none"


class _Walker:
    """Goes through a payload and gives its spans."""

    def __init__(self, payload: bytes, base: int) -> None:
        self._reader = Reader(payload)
        self._base = base

    @property
    def is_done(self) -> bool:
        return not self._reader.remaining

    def peek(self, length: int) -> bytes:
        pos = self._reader.pos
        return self._reader.data[pos : pos + length]

    def take(self, name: str, length: int, meaning: _Meaning = _plain) -> Span:
        pos = self._reader.pos
        data = self._reader.read(length, name)
        return Span(self._base + pos, data, name, meaning(data))

    def count(self, name: str, *, limit: int | None = None) -> tuple[int, Span]:
        pos = self._reader.pos
        try:
            value = self._reader.compact_size(name, limit=limit)
        except WireError:
            self._reader.pos = pos  # all of it is what is not explained
            raise
        return value, Span(self._base + pos, self._reader.data[pos : self._reader.pos], name, str(value))

    def rest(self, name: str = "") -> Iterator[Span]:
        pos = self._reader.pos
        data = self._reader.rest()
        if data:
            yield Span(self._base + pos, data, name, "")


_Layout = Callable[[_Walker], Iterator[Span]]
_Field = tuple[str, int, _Meaning]


def _fields(*fields: _Field) -> _Layout:
    def layout(walker: _Walker) -> Iterator[Span]:
        for name, length, meaning in fields:
            yield walker.take(name, length, meaning)

    return layout


def _optional(*fields: _Field) -> _Layout:
    def layout(walker: _Walker) -> Iterator[Span]:
        for name, length, meaning in fields:
            if walker.is_done:
                return
            yield walker.take(name, length, meaning)

    return layout


def _list(name: str, entry: _Layout) -> _Layout:
    def layout(walker: _Walker) -> Iterator[Span]:
        count, span = walker.count(f"{name} count")
        yield span
        for index in range(count):
            for each in entry(walker):
                yield Span(each.offset, each.data, f"{name}[{index}] {each.name}", each.meaning)

    return layout


def _joined(*layouts: _Layout) -> _Layout:
    def layout(walker: _Walker) -> Iterator[Span]:
        for each in layouts:
            yield from each(walker)

    return layout


def _var(name: str, meaning: _Meaning = _plain) -> _Layout:
    def layout(walker: _Walker) -> Iterator[Span]:
        length, span = walker.count(f"{name} length")
        yield span
        if length:
            yield walker.take(name, length, meaning)

    return layout


def _compact(name: str) -> _Layout:
    def layout(walker: _Walker) -> Iterator[Span]:
        yield walker.count(name)[1]

    return layout


def _services_number(walker: _Walker) -> Iterator[Span]:
    value, span = walker.count("services")
    yield Span(span.offset, span.data, span.name, " ".join(services_names(value)) or "none")


def _address(prefix: str) -> tuple[_Field, ...]:
    return (
        (f"{prefix} services", 8, _services),
        (f"{prefix} ip", 16, _plain),
        (f"{prefix} port", 2, _port),
    )


def _version(walker: _Walker) -> Iterator[Span]:
    fixed = (("protocol_version", 4, _signed), ("services", 8, _services), ("timestamp", 8, _signed))
    yield from _fields(*fixed, *_address("addr_recv"))(walker)
    if walker.is_done:
        return
    yield from _fields(*_address("addr_from"), ("nonce", 8, _hex))(walker)
    if walker.is_done:
        return
    yield from _var("user_agent", user_agent_text)(walker)
    yield from _optional(("start_height", 4, _signed), ("relay", 1, _unsigned))(walker)


_HASH: _Field = ("hash", 32, hash_text)
_BLOCK_HASH: _Field = ("block_hash", 32, hash_text)
_STOP_HASH: _Field = ("stop_hash", 32, hash_text)
_FILTER_TYPE: _Field = ("filter_type", 1, _unsigned)
_INV = _list("inventory", _fields(("type", 4, _unsigned), _HASH))
_LOCATOR = _joined(
    _fields(("version", 4, _unsigned)),
    _list("locator", _fields(_HASH)),
    _fields(_STOP_HASH),
)
_BLOCK_HEADER: tuple[_Field, ...] = (
    ("version", 4, _signed),
    ("prev_block", 32, hash_text),
    ("merkle_root", 32, hash_text),
    ("timestamp", 4, _unsigned),
    ("bits", 4, _hex),
    ("nonce", 4, _unsigned),
)
_HEADER = _fields(*((f"header {name}", length, meaning) for name, length, meaning in _BLOCK_HEADER))


def _transaction(walker: _Walker) -> Iterator[Span]:
    yield walker.take("version", 4, _signed)
    has_witness = walker.peek(2) == b"\0\1"
    if has_witness:
        yield walker.take("marker and flag", 2)
    inputs = 0
    for span in _list(
        "inputs",
        _joined(
            _fields(("hash", 32, hash_text), ("index", 4, _unsigned)),
            _var("script"),
            _fields(("sequence", 4, _hex)),
        ),
    )(walker):
        inputs = int(span.meaning) if span.name == "inputs count" else inputs
        yield span
    yield from _list("outputs", _joined(_fields(("value", 8, _signed)), _var("script")))(walker)
    if has_witness:
        for index in range(inputs):
            for span in _list("witness", _var("item"))(walker):
                yield Span(span.offset, span.data, f"inputs[{index}] {span.name}", span.meaning)
    yield walker.take("lock_time", 4, _unsigned)


_TRANSACTIONS = _list("transactions", _transaction)
_FILTER_RANGE = _fields(_FILTER_TYPE, ("start_height", 4, _unsigned), _STOP_HASH)
_WTXIDS = _list("wtxids", _fields(_HASH))
_ALERT_BODY = _joined(
    _fields(
        ("version", 4, _signed),
        ("relay_until", 8, _signed),
        ("expiration", 8, _signed),
        ("id", 4, _signed),
        ("cancel", 4, _signed),
    ),
    _list("set_cancel", _fields(("id", 4, _signed))),
    _fields(("min_ver", 4, _signed), ("max_ver", 4, _signed)),
    _list("set_sub_ver", _var("text", user_agent_text)),
    _fields(("priority", 4, _signed)),
    *(_var(name, user_agent_text) for name in ("comment", "status_bar", "reserved")),
)


def _alert(walker: _Walker) -> Iterator[Span]:
    length, span = walker.count("body length")
    yield span
    body = walker.take("body", length)
    yield from _explained(_ALERT_BODY, _Walker(body.data, body.offset))
    yield from _var("signature")(walker)


def _reject(walker: _Walker) -> Iterator[Span]:
    message = b""
    for span in _var("message", user_agent_text)(walker):
        message = span.data
        yield span
    yield walker.take("code", 1, _hex)
    yield from _var("reason", user_agent_text)(walker)
    if message in REJECTS_WITH_HASH:
        yield from _optional(_HASH)(walker)


def _order(walker: _Walker) -> Iterator[Span]:
    yield walker.take("reply_key", 32, hash_text)
    yield from walker.rest("wallet_transaction")


def _reply(walker: _Walker) -> Iterator[Span]:
    yield from _fields(("reply_key", 32, hash_text), ("code", 4, _signed))(walker)
    if not walker.is_done:
        yield from _var("script")(walker)


_LAYOUTS = MappingProxyType(
    {
        MsgType.VERSION.value: _version,
        MsgType.SENDTXRCNCL.value: _fields(("version", 4, _unsigned), ("salt", 8, _hex)),
        MsgType.FEATURE.value: _joined(_var("feature_id", user_agent_text), _var("data")),
        MsgType.PING.value: _optional(("nonce", 8, _hex)),
        MsgType.PONG.value: _optional(("nonce", 8, _hex)),
        MsgType.FEEFILTER.value: _fields(("fee_rate", 8, _signed)),
        MsgType.SENDCMPCT.value: _fields(("high_bandwidth", 1, _unsigned), ("version", 8, _unsigned)),
        MsgType.INV.value: _INV,
        MsgType.GETDATA.value: _INV,
        MsgType.NOTFOUND.value: _INV,
        MsgType.GETBLOCKS.value: _LOCATOR,
        MsgType.GETHEADERS.value: _LOCATOR,
        MsgType.HEADERS.value: _list(
            "headers", _joined(_fields(*_BLOCK_HEADER), _compact("transaction count"))
        ),
        MsgType.ADDR.value: _list("addr", _fields(("time", 4, _unsigned), *_address("addr"))),
        MsgType.ADDRV2.value: _list(
            "addr",
            _joined(
                _fields(("time", 4, _unsigned)),
                _services_number,
                _fields(("network", 1, _unsigned)),
                _var("address"),
                _fields(("port", 2, _port)),
            ),
        ),
        MsgType.TX.value: _transaction,
        MsgType.BLOCK.value: _joined(_HEADER, _TRANSACTIONS),
        MsgType.FILTERLOAD.value: _joined(
            _var("filter"),
            _fields(("hash_functions", 4, _unsigned), ("tweak", 4, _unsigned), ("flags", 1, _unsigned)),
        ),
        MsgType.FILTERADD.value: _var("data"),
        MsgType.MERKLEBLOCK.value: _joined(
            _HEADER,
            _fields(("total_transactions", 4, _unsigned)),
            _list("hashes", _fields(_HASH)),
            _var("flag_bytes"),
        ),
        MsgType.CMPCTBLOCK.value: _joined(
            _HEADER,
            _fields(("nonce", 8, _hex)),
            _list("short_ids", _fields(("id", 6, hash_text))),
            _list("prefilled", _joined(_compact("distance"), _transaction)),
        ),
        MsgType.GETBLOCKTXN.value: _joined(_fields(_BLOCK_HASH), _list("indexes", _compact("distance"))),
        MsgType.BLOCKTXN.value: _joined(_fields(_BLOCK_HASH), _TRANSACTIONS),
        MsgType.GETCFILTERS.value: _FILTER_RANGE,
        MsgType.GETCFHEADERS.value: _FILTER_RANGE,
        MsgType.GETCFCHECKPT.value: _fields(_FILTER_TYPE, _STOP_HASH),
        MsgType.CFILTER.value: _joined(_fields(_FILTER_TYPE, _BLOCK_HASH), _var("filter")),
        MsgType.CFHEADERS.value: _joined(
            _fields(_FILTER_TYPE, _STOP_HASH, ("prev_filter_header", 32, hash_text)),
            _list("filter_hashes", _fields(_HASH)),
        ),
        MsgType.CFCHECKPT.value: _joined(
            _fields(_FILTER_TYPE, _STOP_HASH), _list("filter_headers", _fields(_HASH))
        ),
        MsgType.REQRECON.value: _fields(("set_size", 2, _unsigned), ("q", 2, _unsigned)),
        MsgType.SKETCH.value: _var("skdata"),
        MsgType.RECONCILDIFF.value: _joined(
            _fields(("success", 1, _unsigned)), _list("ask_shortids", _fields(("id", 4, _unsigned)))
        ),
        MsgType.SENDPACKAGES.value: _fields(("versions", 8, _hex)),
        MsgType.ANCPKGINFO.value: _WTXIDS,
        MsgType.GETPKGTXNS.value: _WTXIDS,
        MsgType.PKGTXNS.value: _TRANSACTIONS,
        MsgType.REJECT.value: _reject,
        MsgType.ALERT.value: _alert,
        MsgType.CHECKORDER.value: _order,
        MsgType.SUBMITORDER.value: _order,
        MsgType.REPLY.value: _reply,
    }
)


def header_spans(header: bytes, offset: int = 0) -> Iterator[Span]:
    """Cut a v1 header into magic, message type, payload length and checksum.

    Args:
        header: HEADER_LEN (24) bytes.
        offset: Of its first byte.
    """
    assert len(header) == HEADER_LEN
    yield Span(offset, header[:4], "magic", "")
    yield Span(offset + 4, header[4:16], "msg_type", user_agent_text(header[4:16].rstrip(b"\0")))
    yield Span(offset + 16, header[16:20], "length", _unsigned(header[16:20]))
    yield Span(offset + 20, header[20:], "checksum", "")


def payload_spans(msg_type: str, payload: bytes, offset: int = 0) -> Iterator[Span]:
    """Cut a payload into its fields; together the spans are the payload.

    Args:
        msg_type: Type of the message; without a layout of its own all is one span.
        payload: Any bytes.
        offset: Of the first byte.
    """
    walker = _Walker(payload, offset)
    layout = _LAYOUTS.get(msg_type)
    yield from walker.rest() if layout is None else _explained(layout, walker)


def _explained(layout: _Layout, walker: _Walker) -> Iterator[Span]:
    try:
        yield from layout(walker)
    except WireError as error:
        yield from walker.rest(f"({error})")
        return
    yield from walker.rest("(trailing)")
