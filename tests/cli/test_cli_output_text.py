"""Text for people: a line per node, the breakdown."""

from __future__ import annotations

import pytest
from hypothesis import given

from bitcoin_handshake.cli.output.text import TextRenderer, breakdown_text
from bitcoin_handshake.cli.palette import Palette
from bitcoin_handshake.records import Outcome, ProbeResult
from bitcoin_handshake.summary import Summary
from tests.cli.samples import SAMPLES, ok, results

render = TextRenderer()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "ok",
            "OK      127.1.2.3:18444        v1  /Satoshi:28.1.0/  70016  height 850000  "
            "NETWORK WITNESS NETWORK_LIMITED P2P_V2  connect 0.25 ms",
        ),
        ("refused", "FAILED  127.0.0.1:1            connect: connection refused: nothing listens there"),
        (
            "skipped",
            "SKIPPED 10.0.0.1:8333          not globally routable (private): "
            "not dialled without --allow-private",
        ),
    ],
)
def test_lines(name: str, line: str) -> None:
    assert render(SAMPLES[name]) == line + "\n"


def test_what_is_not_known_is_said() -> None:
    line = render(SAMPLES["partial"])
    assert line.startswith(
        "PARTIAL [2001:db8::1]:8333     v1  (no user agent)  31800  height ?  no services  verack: "
    )


def test_a_name_without_address_is_shown_as_asked() -> None:
    result = ProbeResult("bad\x1b name", "mainnet", Outcome.FAILED, 0.0)
    assert render(result) == "FAILED  bad\\x1b name\n"


@given(results)
def test_every_record_is_one_printable_line(result: ProbeResult) -> None:
    line = render(result)
    assert line.endswith("\n")
    assert line[:-1].isprintable()


def test_a_hostile_user_agent_is_escaped() -> None:
    hostile = "\x1b[2J\nFinished! Handshake results: 9 OK\u202e".encode()
    line = render(ok(hostile))
    assert "\\x1b[2J\\nFinished! Handshake results: 9 OK\\u202e" in line
    assert line.count("\n") == 1


def test_letters_that_would_move_the_rest_of_the_line_are_escaped() -> None:
    hebrew_and_a_mark = "/שלום/e\u0301/"
    line = render(ok(hebrew_and_a_mark.encode()))
    assert line.isascii()
    assert "/\\u05e9\\u05dc\\u05d5\\u05dd/e\\u0301/" in line
    assert breakdown_text(Summary(user_agents={hebrew_and_a_mark: 1})).isascii()


def test_only_our_words_are_coloured() -> None:
    render = TextRenderer(Palette({"ok": ("<", ">")}))
    assert render(ok()).startswith("<OK     > 127.1.2.3:18444 ")


def test_breakdown() -> None:
    summary = Summary(
        reasons={"others": 50, "refused": 7, "time": 12}, user_agents={"/b/": 1, "/a/": 1, "": 2, "\x1b": 1}
    )
    assert breakdown_text(summary) == (
        "\nReasons\n  12  time\n   7  refused\n  50  others\n"
        "\nUser agents\n  2  (empty)\n  1  \\x1b\n  1  /a/\n  1  /b/\n"
    )
    assert breakdown_text(Summary()) == ""
