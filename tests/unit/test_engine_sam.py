"""SAM 3.1 in literal lines, and every way in which a router can refuse or break it."""

from __future__ import annotations

import pytest

from bitcoin_handshake.engine.sam import MAX_LINE_LEN, SAM_TIMEOUT_S, SamSession, SamStream, sam_error
from tests.proxy_peers import DEADLINE, START, feed, outcome

NAME = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"
HELLO = b"HELLO VERSION MIN=3.1 MAX=3.1\n"
HELLO_OK = b"HELLO REPLY RESULT=OK VERSION=3.1\n"
DESTINATION = "A1-~" * 129 + "AAAA=="
NAMING_OK = f"NAMING REPLY RESULT=OK NAME={NAME} VALUE={DESTINATION}\n".encode()
STREAM_OK = b"STREAM STATUS RESULT=OK\n"
SESSION_OK = b"SESSION STATUS RESULT=OK DESTINATION=abc~\n"


def _stream() -> SamStream:
    return SamStream(NAME, session_id="bh1", now=START, deadline=DEADLINE)


def _session() -> SamSession:
    return SamSession("bh1", now=START, deadline=START + SAM_TIMEOUT_S)


def test_a_stream_is_literal() -> None:
    client = _stream()
    sent = feed(client, [HELLO_OK, NAMING_OK, STREAM_OK + b"\xf9\xbe"])
    assert sent == (
        HELLO
        + f"NAMING LOOKUP NAME={NAME}\n".encode()
        + f"STREAM CONNECT ID=bh1 DESTINATION={DESTINATION} SILENT=false\n".encode()
    )
    assert client.error is None
    assert client.finished
    assert client.unread == b"\xf9\xbe"


def test_a_session_is_literal_and_stays_open() -> None:
    client = _session()
    sent = feed(client, [HELLO_OK])
    assert not client.is_ready
    assert sent == HELLO + (
        b"SESSION CREATE STYLE=STREAM ID=bh1 DESTINATION=TRANSIENT SIGNATURE_TYPE=7 "
        b"i2cp.leaseSetEncType=4,0 inbound.quantity=1 outbound.quantity=1\n"
    )
    feed(client, [SESSION_OK + b"PING 1\n", b"more" * 1000])
    assert client.is_ready
    assert not client.finished
    assert client.buffered == 0
    assert client.deadline is not None
    assert client.deadline > START + SAM_TIMEOUT_S
    client.handle_timeout(now=client.deadline)
    assert not client.finished
    client.receive_eof(now=START, reset=False)
    assert outcome(client)["code"] == "proxy.closed"
    assert outcome(client)["facts"]["awaited"] == "end of the session"


def test_a_session_that_is_not_created_in_time_fails() -> None:
    client = _session()
    feed(client, [HELLO_OK])
    client.handle_timeout(now=START + SAM_TIMEOUT_S)
    assert outcome(client)["code"] == "proxy.silent"


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ("CANT_REACH_PEER", "sam.cant_reach_peer"),
        ("PEER_NOT_FOUND", "sam.peer_not_found"),
        ("LEASESET_NOT_FOUND", "sam.leaseset_not_found"),
        ("TIMEOUT", "sam.timeout"),
        ("KEY_NOT_FOUND", "sam.key_not_found"),
        ("INVALID_KEY", "sam.invalid_key"),
        ("INVALID_ID", "sam.invalid_id"),
        ("DUPLICATED_ID", "sam.duplicated_id"),
        ("DUPLICATED_DEST", "sam.duplicated_dest"),
        ("I2P_ERROR", "sam.i2p_error"),
        ("NOVERSION", "sam.no_version"),
        ("SOMETHING_ELSE", "sam.unknown_result"),
    ],
)
def test_every_result_has_its_code(result: str, code: str) -> None:
    client = _stream()
    line = f'STREAM STATUS RESULT={result} MESSAGE="the \\"words\\" of it"\r\n'
    feed(client, [HELLO_OK, NAMING_OK, line.encode()])
    assert outcome(client)["code"] == code
    assert "words" in str(client.error)
    assert str(sam_error(result, "")) in str(client.error)


@pytest.mark.parametrize("stage", [0, 1])
def test_a_refusal_ends_it_at_any_stage(stage: int) -> None:
    client = _stream()
    lines = [b"HELLO REPLY RESULT=NOVERSION\n", b"NAMING REPLY RESULT=KEY_NOT_FOUND NAME=x\n"]
    feed(client, [*[HELLO_OK][:stage], lines[stage]])
    assert outcome(client)["code"] == ["sam.no_version", "sam.key_not_found"][stage]


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "proxy.speaks_http"),
        ([b"\x05\x00"], "proxy.not_sam"),
        ([b"HELLO WORLD\n"], "proxy.not_sam"),
        ([b"\n"], "proxy.not_sam"),
        ([b"HELLO REPLY\n"], "proxy.not_sam"),
        ([b"HELLO REPLY VERSION=3.1\n"], "proxy.bad_reply"),
        ([HELLO_OK, STREAM_OK], "proxy.bad_reply"),
        ([HELLO_OK, b"\n"], "proxy.bad_reply"),
        ([HELLO_OK, b"NAMING REPLY RESULT=OK NAME=x\n"], "proxy.bad_reply"),
        ([HELLO_OK, b"NAMING REPLY RESULT=OK VALUE=\n"], "proxy.bad_reply"),
        ([HELLO_OK, b'NAMING REPLY RESULT=OK VALUE="a b"\n'], "proxy.bad_reply"),
        ([HELLO_OK, b"NAMING REPLY " + b"x" * MAX_LINE_LEN], "proxy.bad_reply"),
        ([HELLO_OK, b"NAMING REPLY " + b"x" * MAX_LINE_LEN + b"\n"], "proxy.bad_reply"),
        ([HELLO_OK, NAMING_OK, b"STREAM STATUS\n"], "proxy.bad_reply"),
        ([HELLO_OK, NAMING_OK, b"STREAM STATUS \xff\xfe RESULT=\xff\n"], "sam.unknown_result"),
    ],
)
def test_a_router_that_breaks_the_protocol_is_named(pieces: list[bytes], code: str) -> None:
    client = _stream()
    feed(client, pieces)
    assert outcome(client)["code"] == code
    assert str(client.error).isprintable()
    assert len(str(client.error)) < 500


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ([], "proxy.silent"),
        ([HELLO_OK], "proxy.timeout"),
        ([HELLO_OK, NAMING_OK], "proxy.timeout"),
        ([HELLO_OK, NAMING_OK, b"STREAM"], "proxy.silent"),
        ([b"HT"], "proxy.not_sam"),
    ],
)
def test_silence_is_the_nodes_once_the_router_looks_for_it(pieces: list[bytes], code: str) -> None:
    client = _stream()
    feed(client, pieces)
    client.handle_timeout(now=DEADLINE)
    assert outcome(client)["code"] == code
