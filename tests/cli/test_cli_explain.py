"""What `decode` shows of hex, raw streams and transcripts, and where it stops.

Write the golden files anew with BH_WRITE_GOLDEN=1 and read the difference.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bitcoin_handshake.cli import explain as explain_module
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.main import main
from bitcoin_handshake.messages import Block, BlockHeader, Headers, Inv, InvItem, Message
from bitcoin_handshake.transport.v1 import V1Transport, serialize_message
from tests.message_literals import ALL, GENESIS_HEADER, PLAIN_TX
from tests.simulated import REGTEST, converse, script_of
from tests.transcripts import V1_SESSIONS, ListSink, behaviour_transcript, captured_v1, captured_v2, recorded

GOLDEN = Path(__file__).parent / "golden"
STREAM = b"".join(bytes.fromhex(message["message_hex"]) for message in V1_SESSIONS[0]["messages"])
MAGIC = REGTEST.magic
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `decode` over some input; returns exit code and output."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(data: bytes | str, *arguments: str) -> tuple[int, str]:
        raw = data if isinstance(data, bytes) else data.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
        code = main(["decode", *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def _is_golden(name: str, text: str) -> None:
    golden = GOLDEN / name
    if os.environ.get("BH_WRITE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()


GOLDENS: dict[str, tuple[bytes | str, tuple[str, ...]]] = {
    "stream.txt": (STREAM, ()),
    "stream.json": (STREAM, ("--json",)),
    "stream-hexdump.txt": (STREAM, ("--hexdump",)),
    "stream-cut.txt": (STREAM[:600], ()),
    "stream-cut.json": (STREAM[:600], ("--json",)),
    "transcript.txt": (captured_v1(1).text, ()),
    "transcript.json": (captured_v1(1).text, ("--json",)),
    "transcript-v2-hexdump.txt": (captured_v2(secrets=False).text, ("--hexdump",)),
    "sequence-v1.txt": (captured_v1(0).text, ("--sequence",)),
    "sequence-v2.txt": (captured_v2(secrets=True).text, ("--sequence",)),
    "sequence-hostile.txt": (behaviour_transcript("hostile-user-agent").text, ("--sequence",)),
    "sequence-http.txt": (behaviour_transcript("http").text, ("--sequence",)),
    "sequence-flood.txt": (behaviour_transcript("chatty", limit=4000).text, ("--sequence",)),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_output_is_as_reviewed(name: str, run: Run) -> None:
    data, arguments = GOLDENS[name]
    code, text = run(data, *arguments)
    assert code == ("cut" in name)
    if name.startswith("sequence"):
        assert {len(line) for line in text.splitlines()} == {100}
    _is_golden(name, text)


@pytest.mark.parametrize("form", ["hex", "lines", "spaces", "upper"])
def test_hex_in_any_form_is_the_stream(form: str, run: Run) -> None:
    text = {
        "hex": STREAM.hex(),
        "lines": "\n".join(message["message_hex"] for message in V1_SESSIONS[0]["messages"]) + "\n",
        "spaces": STREAM.hex(" ", 1).replace(" 0", "\t0"),
        "upper": STREAM.hex().upper(),
    }[form]
    assert run(text) == run(STREAM)
    assert run(text, "--json") == run(STREAM, "--json")


def test_every_message_can_be_shown(run: Run) -> None:
    for message, payload in ALL:
        if len(message.msg_type) <= 12:
            for view in ((), ("--json",), ("--hexdump",)):
                code, text = run(payload.hex(), "--type", message.msg_type, *view)
                assert code == 0
                assert all(line.isprintable() for line in text.splitlines())
    stream = b"".join(serialize_message(MAGIC, message.msg_type, payload) for message, payload in ALL)
    code, text = run(stream, "--json")
    assert code == 0
    assert [json.loads(line)["fields"] for line in text.splitlines()] == [m.to_json() for m, _ in ALL]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (Headers.from_headers([BlockHeader(1, bytes(32), bytes(32), 0, 0, 0)] * 2000), "headers=[2000]"),
        (Inv((InvItem(1, bytes(32)),) * 50_000), "items=[50000]"),
        (Block(GENESIS_HEADER, (PLAIN_TX,) * 5000), "transactions=[5000]"),
    ],
)
def test_the_largest_messages_have_their_fields(message: Message, shown: str, run: Run) -> None:
    stream = serialize_message(MAGIC, message.msg_type, message.serialize())
    assert shown in run(stream)[1]
    assert shown in run(message.serialize(), "--type", message.msg_type)[1]
    assert json.loads(run(stream, "--json")[1])["fields"] == message.to_json()


def test_a_file_by_name(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(STREAM)
    assert run("", str(path)) == run(STREAM)


def test_the_chain_is_that_of_the_magic(run: Run) -> None:
    def chain(magic: bytes, *arguments: str) -> Any:
        code, text = run(serialize_message(magic, "ping", bytes(8)), "--json", *arguments)
        record = json.loads(text)
        return record.get("chain") or (code, record["reason"])

    assert chain(bytes.fromhex("f9beb4d9")) == "mainnet"
    assert chain(MAGIC) == "regtest"
    assert chain(bytes.fromhex("fbc0b6db")) == "Litecoin"
    assert chain(b"abcd") == "custom (61626364)"
    assert chain(b"{abc") == "custom (7b616263)"
    assert chain(b"\n{ab") == "custom (0a7b6162)"
    assert chain(MAGIC, "--chain", "regtest") == "regtest"
    assert chain(MAGIC, "-n", "main") == (1, "speaks Bitcoin regtest (magic fabfb5da), not our chain")


PING = serialize_message(MAGIC, "ping", bytes(8))
DAMAGED: dict[str, tuple[bytes | str, tuple[str, ...], str]] = {
    "empty": ("", (), "damaged at offset 0: the input is empty"),
    "blank": (" \n", (), "no message begins with nothing"),
    "text": ("hello", (), "damaged at offset 0: 'h' at line 1, column 1 is no hex digit"),
    "no header": ("0807060504030201", (), "a payload without header needs --type"),
    "zeros": (bytes(100), (), "damaged at offset 0: no message begins with 0000000000000000"),
    "half a header": (PING[:20], (), "damaged at offset 0: ends inside a header: 20 of 24 bytes"),
    "half a payload": (
        PING + PING[:30],
        (),
        "damaged at offset 32: ends inside the payload of 'ping': 6 of 8",
    ),
    "other bytes behind": (PING + b"HTTP/1.1 200 OK\r\n", (), "damaged at offset 32: answers in HTTP"),
    "bad checksum": (PING[:-1] + b"\1", ("-n", "regtest"), "skipped: v1.bad_checksum"),
    "malformed": (serialize_message(MAGIC, "ping", b"1"), (), "malformed: nonce: 8 bytes needed, 1 left"),
    "odd hex": (PING.hex() + "f", (), "damaged at offset 32: an odd number of hex digits"),
    "bad hex": (PING.hex() + "\nfg", (), "damaged at offset 32: 'g' at line 2, column 2 is no hex digit"),
    "bad payload": ("0102", ("--type", "ping"), "malformed: nonce: 8 bytes needed, 2 left"),
    "bad hex payload": ("01x2", ("--type", "verack"), "damaged at offset 1: 'x' at line 1, column 3"),
    "not a transcript": ('{"a": 1}', (), "damaged at line 1: no 'event'"),
    "cut transcript": (captured_v1(1).text[:-20], (), "damaged at line 14: not JSON"),
    "future transcript": (
        captured_v1(1).text.replace('"transcript":1', '"transcript":2'),
        (),
        "damaged at line 1: transcript version 2; this release reads 1",
    ),
    "no verdict": (
        captured_v1(1).text.rsplit("\n", 2)[0],
        (),
        "damaged at line 13: a connection ends without a verdict",
    ),
    "no verdict, again": (
        captured_v1(1).text.rsplit("\n", 2)[0] + "\n" + captured_v1(1).text.split("\n")[0],
        ("--hexdump",),
        "damaged at line 14: 2 connections end without a verdict",
    ),
    "no end": (captured_v1(1).text.rsplit("\n", 2)[0], ("--sequence",), "ends here, without a verdict"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_ends_in_one_line_and_exit_code_1(name: str, run: Run) -> None:
    data, arguments, expected = DAMAGED[name]
    code, text = run(data, *arguments)
    assert code == ExitCode.NONE_COMPLETED
    assert expected in text.splitlines()[-1]
    assert "Traceback" not in text


def test_damage_in_json_is_an_object(run: Run) -> None:
    _, text = run(PING + b"x", "--json")
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["message", "damage"]
    _, text = run("{}", "--json")
    assert json.loads(text) == {"event": "damage", "line": 1, "reason": "no 'event'"}


def test_sequence_is_for_transcripts(run: Run) -> None:
    code, text = run(STREAM, "--sequence")
    assert code == ExitCode.USAGE
    assert text == "bitcoin-handshake: standard input is not a transcript: --sequence draws nothing else\n"


def test_sequence_draws_each_connection_of_a_file(run: Run) -> None:
    _, text = run(captured_v1(0).text + captured_v1(1).text, "--sequence")
    first, second = text.split("\n\n")
    assert run(captured_v1(0).text, "--sequence")[1] == first + "\n"
    assert run(captured_v1(1).text, "--sequence")[1] == second


def test_a_file_that_is_too_long(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain_module, "MAX_INPUT_BYTES", 100)
    code, text = run(STREAM)
    assert (code, text) == (2, "bitcoin-handshake: standard input has more than 100 bytes\n")


def test_lines_of_a_transcript_across_the_first_block(run: Run) -> None:
    """The beginning of the input is read by itself, to recognise it."""
    sink = ListSink()
    session = recorded(V1Transport(MAGIC), sink)
    converse(session, script_of("chatty"))
    session.finish()
    assert len(sink.text) > 10 * explain_module.HEAD_LEN
    code, text = run(sink.text)
    assert code == 0
    assert len(text.splitlines()) == len(sink.records)


def test_nothing_of_the_peer_reaches_the_terminal_unescaped(run: Run) -> None:
    hostile = behaviour_transcript("hostile-user-agent").text
    stream = bytes.fromhex("".join(
        record["header"] + record["payload"]
        for record in behaviour_transcript("hostile-user-agent").records
        if record.get("direction") == "received"
    ))  # fmt: skip
    for data in (hostile, stream):
        for view in ((), ("--json",), ("--hexdump",), ("--sequence",)):
            if not (view == ("--sequence",) and data is stream):
                _, text = run(data, *view)
                assert all(line.isprintable() for line in text.splitlines())
                assert "\x1b" not in text
                assert "\u202e" not in text
