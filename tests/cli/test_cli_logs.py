"""Talk on standard error: levels, variables, format."""

from __future__ import annotations

import logging

import pytest

from bitcoin_handshake.cli.logs import OFF, ROOT, TRACE, TalkHandler, configure_logging, parse_directives
from bitcoin_handshake.cli.options import LogOptions

DEFAULT = logging.INFO


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("error", {ROOT: logging.ERROR}),
        ("warn", {ROOT: logging.WARNING}),
        ("INFO", {ROOT: logging.INFO}),
        ("debug", {ROOT: logging.DEBUG}),
        ("trace", {ROOT: TRACE}),
        ("off", {ROOT: OFF}),
        ("bitcoin_handshake=debug", {ROOT: logging.DEBUG}),
        ("bitcoin-handshake=debug", {ROOT: logging.DEBUG}),
        ("bitcoin_handshake", {ROOT: TRACE}),
        ("info,bitcoin_handshake.resolve=trace", {ROOT: logging.INFO, f"{ROOT}.resolve": TRACE}),
        ("bitcoin_handshake::survey=warn", {f"{ROOT}.survey": logging.WARNING}),
        ("warn, hyper=off , tokio::net=trace", {ROOT: logging.WARNING}),
        ("other=debug", {}),
        ("bitcoin_handshakes=debug", {}),
        ("", {}),
        (",,", {}),
    ],
)
def test_directives(text: str, levels: dict[str, int]) -> None:
    assert parse_directives(text) == levels


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("loud", "loud"),
        ("info,x=loud", "x=loud"),
        ("=info", "=info"),
        ("a b=info", "a b=info"),
        ("info/x", "info/x"),
        ("bitcoin_handshake=", "bitcoin_handshake="),
    ],
)
def test_rejects_what_is_no_directive(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=f"^{part}$"):
        parse_directives(text)


@pytest.mark.parametrize(
    ("options", "environment", "level"),
    [
        (LogOptions(), {}, logging.INFO),
        (LogOptions(), {"RUST_LOG": "warn"}, logging.WARNING),
        (LogOptions(), {"RUST_LOG": "warn", "BITCOIN_HANDSHAKE_LOG": "debug"}, logging.DEBUG),
        (LogOptions(), {"RUST_LOG": "warn", "BITCOIN_HANDSHAKE_LOG": " "}, logging.WARNING),
        (LogOptions(), {"RUST_LOG": "hyper=debug"}, logging.INFO),
        (LogOptions(verbose=1), {"RUST_LOG": "error"}, logging.DEBUG),
        (LogOptions(verbose=2), {}, TRACE),
        (LogOptions(verbose=9), {}, TRACE),
        (LogOptions(quiet=True), {"RUST_LOG": "trace"}, logging.ERROR),
        (LogOptions(level="warn"), {"RUST_LOG": "trace"}, logging.WARNING),
        (LogOptions(level="debug", quiet=True), {}, logging.DEBUG),
        (LogOptions(level="off"), {}, OFF),
    ],
)
def test_level(options: LogOptions, environment: dict[str, str], level: int) -> None:
    configure_logging(options, environment=environment)
    assert logging.getLogger(ROOT).level == level
    assert len(logging.getLogger(ROOT).handlers) == 1


def test_an_unreadable_variable_warns_and_is_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogOptions(), environment={"BITCOIN_HANDSHAKE_LOG": "lo\x1bud", "RUST_LOG": "trace"})
    assert logging.getLogger(ROOT).level == logging.INFO
    (line,) = capsys.readouterr().err.splitlines()
    assert " WARN BITCOIN_HANDSHAKE_LOG=lo\\x1bud is ignored: " in line


def test_a_target_has_its_own_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogOptions(), environment={"RUST_LOG": "error,bitcoin_handshake::survey=debug"})
    logging.getLogger(f"{ROOT}.survey").debug("seen")
    logging.getLogger(f"{ROOT}.engine").warning("not seen")
    assert capsys.readouterr().err.endswith(" DEBUG seen\n")
    configure_logging(LogOptions(), environment={})
    assert logging.getLogger(f"{ROOT}.survey").level == logging.NOTSET


def test_a_line_has_time_level_and_printable_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogOptions(), environment={})
    logging.getLogger(f"{ROOT}.survey").info("from %s", "a peer\n\x1b[2J")
    out, err = capsys.readouterr()
    assert out == ""
    time, level, text = err.split(" ", 2)
    assert len(time) == len("2026-11-21T02:00:00Z")
    assert time[4] + time[10] + time[-1] == "-TZ"
    assert (level, text) == ("INFO", "from a peer\\n\\x1b[2J\n")


def test_a_handler_can_be_redirected_and_back(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogOptions(), environment={})
    (handler,) = logging.getLogger(ROOT).handlers
    assert isinstance(handler, TalkHandler)
    lines: list[str] = []
    handler.redirect(lines.append)
    logging.getLogger(ROOT).error("one")
    handler.redirect(None)
    logging.getLogger(ROOT).error("two")
    assert [line.split()[-1] for line in lines] == ["one"]
    assert capsys.readouterr().err.split()[-1] == "two"
