"""Variables: every spelling of an option, errors that name them, and those that nothing reads."""

from __future__ import annotations

import click
import pytest

from bitcoin_handshake.cli.main import cli, main
from bitcoin_handshake.cli.variables import bind_variables, blamed_variables, unread_variables

CLOSED = ["--transport", "v1", "127.0.0.1:1"]


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", cli.list_commands(click.Context(cli)))
def test_every_long_spelling_has_a_variable(name: str) -> None:
    prefix = "BITCOIN_HANDSHAKE_" + ("" if name == "handshake" else f"{name.upper().replace('-', '_')}_")
    command = _command(name)
    names = bind_variables(command)
    for option in command.params:
        if not isinstance(option, click.Option) or not option.allow_from_autoenv:
            continue
        for spelling in option.opts:
            if spelling.startswith("--"):
                assert prefix + spelling[2:].upper().replace("-", "_") in names


@pytest.mark.parametrize("variable", ["BITCOIN_HANDSHAKE_CHAIN", "BITCOIN_HANDSHAKE_NETWORK"])
def test_the_second_name_of_an_option_works(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "regtest")
    assert main(["--json", *CLOSED]) == 1
    out, err = capsys.readouterr()
    assert '"chain":"regtest"' in out
    assert "warning" not in err


@pytest.mark.parametrize(
    ("variable", "value", "arguments", "code", "words"),
    [
        ("PORT", "tcp://10.0.0.1:8333", CLOSED, 2, "is not a whole number from 1 to 65535"),
        ("CHAIN", "litecoin", CLOSED, 2, "unknown chain"),
        ("TIMEOUT", "soon", CLOSED, 2, "not a number of seconds"),
        ("TRANSPORT", "v3", ["127.0.0.1:1"], 2, "'v3'"),
        ("JSON", "maybe", CLOSED, 2, "not a valid boolean"),
        ("LOG_LEVEL", "loud", CLOSED, 2, "'loud'"),
        ("RESOLVER", "dns.example", CLOSED, 2, "is not a DNS server"),
        ("OUTPUT", "/nonexistent/out", CLOSED, 4, "cannot write /nonexistent/out"),
        ("TRANSCRIPT", "/nonexistent/out/x", CLOSED, 4, "/nonexistent/out/x"),
        ("TRANSCRIPT_SECRETS", "1", CLOSED, 2, "needs --transcript"),
        ("SIMULATE_NODES", "many", ["simulate"], 2, "is not a whole number"),
        ("SIMULATE_BEHAVIOURS", "nonsense", ["simulate"], 2, "unknown behaviour"),
        ("DECODE_TYPE", "much-too-long-a-type", ["decode", "-"], 2, "is no message type"),
    ],
)
def test_an_error_of_a_variable_names_it(
    variable: str, value: str, arguments: list[str], code: int, words: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv(f"BITCOIN_HANDSHAKE_{variable}", value)
    assert main(arguments) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bitcoin-handshake: BITCOIN_HANDSHAKE_{variable}={value} (environment): ")
    assert words in line


def test_an_error_of_the_command_line_names_no_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BITCOIN_HANDSHAKE_TIMEOUT", "5")
    monkeypatch.setenv("BITCOIN_HANDSHAKE_PORT", "x")
    assert main(["-p", "0", *CLOSED]) == 2
    assert "BITCOIN_HANDSHAKE" not in capsys.readouterr().err


def test_two_variables_that_exclude_each_other_are_both_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BITCOIN_HANDSHAKE_JSON", "1")
    monkeypatch.setenv("BITCOIN_HANDSHAKE_CSV", "1")
    assert main(CLOSED) == 2
    assert "BITCOIN_HANDSHAKE_JSON=1, BITCOIN_HANDSHAKE_CSV=1 (environment): " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("TIMOUT", "TIMEOUT"), ("CHAINS", "CHAIN"), ("USERAGENT", "USER_AGENT"),
        ("SIMULATE_NODE", "SIMULATE_NODES"), ("DEMO_NODS", "DEMO_NODES"), ("XYZZY", None),
    ],
)  # fmt: skip
def test_a_variable_that_nothing_reads_gets_a_warning(
    name: str, like: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"BITCOIN_HANDSHAKE_{name}", "3")
    main(["--json", *CLOSED])
    advice = "" if like is None else f"; did you mean BITCOIN_HANDSHAKE_{like}?"
    line = f"bitcoin-handshake: warning: BITCOIN_HANDSHAKE_{name} is set, but no option reads it{advice}"
    assert capsys.readouterr().err.splitlines()[0] == line
    main(["-q", "--json", *CLOSED])
    assert capsys.readouterr().err == ""


def test_variables_of_other_commands_and_of_logging_are_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LOG", "SIMULATE_NODES", "IPV4", "DECODE_CHAIN"):
        monkeypatch.setenv(f"BITCOIN_HANDSHAKE_{name}", "")
    main(["--json", *CLOSED])
    assert "warning" not in capsys.readouterr().err


def test_unread_variables_leaves_others_alone() -> None:
    assert unread_variables([], {"HOME": "/", "_BITCOIN_HANDSHAKE_COMPLETE": "x", "RUST_LOG": "y"}) == []


def test_blames_nothing_where_no_variable_is_set() -> None:
    command = _command("decode")
    with command.make_context("decode", ["-"]) as ctx:
        assert blamed_variables(ctx, "--type is wrong") == []
