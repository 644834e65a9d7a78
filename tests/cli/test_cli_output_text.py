"""Text for people: a line per node, the breakdown."""

from __future__ import annotations

import pytest
from hypothesis import given

from bitcoin_handshake.cli.output.text import TextRenderer, breakdown_text
from bitcoin_handshake.cli.palette import Palette
from bitcoin_handshake.errors import AnomalyCode
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
    hebrew_and_a_mark = "/\u05e9\u05dc\u05d5\u05dd/e\u0301/"
    line = render(ok(hebrew_and_a_mark.encode()))
    assert line.isascii()
    assert "/\\u05e9\\u05dc\\u05d5\\u05dd/e\\u0301/" in line
    assert breakdown_text(Summary(user_agents={hebrew_and_a_mark: 1})).isascii()


def test_letters_that_print_are_readable() -> None:
    assert "  /N\u00f6de \u6f22\u5b57:1/  " in render(ok("/N\u00f6de \u6f22\u5b57:1/".encode()))


def test_a_user_agent_cannot_forge_columns() -> None:
    line = render(ok(b"/x/  70016  height 1  NETWORK  connect 1.0 ms"))
    genuine = render(ok(b"/x/"))
    assert len(line.split("  ")) == len(genuine.split("  "))
    assert "/x/ \\x2070016 \\x20height 1" in line
    assert render(ok(b" a ")).split("  ")[2:4] != ["a"]


def test_anomalies_follow_the_line_where_they_are_asked_for() -> None:
    result = ok()
    result.anomalies = [AnomalyCode.TRAILING_BYTES, AnomalyCode.WRONG_PONG]
    line = render(result)
    assert line.count("\n") == 1
    shown = TextRenderer(shows_anomalies=True)(result)
    assert shown == line + "        anomalies: message.trailing_bytes, message.wrong_pong\n"


def test_the_breakdown_counts_nodes_with_anomalies() -> None:
    assert breakdown_text(Summary(with_anomalies=3)) == (
        "\n3 nodes with anomalies; --json or -v shows them\n"
    )


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
