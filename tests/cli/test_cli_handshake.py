"""The default command: what its options come to, and what is wrong usage."""

from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from bitcoin_handshake import prober, survey
from bitcoin_handshake.chain import CHAINS, Chain, ChainParams, custom_chain, signet_chain
from bitcoin_handshake.cli import runner
from bitcoin_handshake.cli.handshake import command
from bitcoin_handshake.cli.main import main
from bitcoin_handshake.cli.options import OutputFormat, OutputOptions
from bitcoin_handshake.cli.runner import HandshakeOptions
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.netaddr import Network
from bitcoin_handshake.prober import ProbeOptions
from bitcoin_handshake.survey import SurveyOptions

MAINNET = CHAINS[Chain.MAINNET]
Parse = Callable[..., HandshakeOptions]


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Parse:
    """Run the command line up to the point where work begins."""
    seen: list[HandshakeOptions] = []

    def run_handshake(options: HandshakeOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr(runner, "run_handshake", run_handshake)

    def parse(*arguments: str) -> HandshakeOptions:
        assert main(arguments) == 0
        return seen.pop()

    return parse


def _with(change: dict[str, object]) -> HandshakeOptions:
    """The options of `x`, with some fields changed, whichever object they belong to."""
    probe = ProbeOptions(chain=MAINNET)
    survey = SurveyOptions(probe=probe)
    whole = HandshakeOptions(targets=("x",), survey=survey)

    def changed(options: Any) -> dict[str, Any]:
        return {name: value for name, value in change.items() if hasattr(options, name)}

    survey = dataclasses.replace(
        survey, probe=dataclasses.replace(probe, **changed(probe)), **changed(survey)
    )
    return dataclasses.replace(whole, survey=survey, **changed(whole))


def test_defaults(parse: Parse) -> None:
    assert parse("x") == HandshakeOptions(
        targets=("x",),
        survey=SurveyOptions(probe=ProbeOptions(chain=MAINNET)),
        transcript=None,
        output=OutputOptions(format=OutputFormat.TEXT, path=None, quiet=False, progress=True),
    )


def test_a_new_boolean_option_is_its_field_and_its_click_line(
    parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third and last place is its row in the README, which tests/test_docs.py asks for."""

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class MoreProbeOptions(ProbeOptions):
        asks_again: bool = False

    @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
    class MoreSurveyOptions(SurveyOptions):
        is_sorted: bool = False

    monkeypatch.setattr(prober, "ProbeOptions", MoreProbeOptions)
    monkeypatch.setattr(survey, "SurveyOptions", MoreSurveyOptions)
    lines = [
        click.Option(["--ask-again", "asks_again"], is_flag=True),
        click.Option(["--sorted", "is_sorted"], is_flag=True),
    ]
    monkeypatch.setattr(command, "params", [*command.params, *lines])
    for arguments, expected in ((["--ask-again"], (True, False)), (["--sorted"], (False, True))):
        options: Any = parse("x", *arguments).survey
        assert (options.probe.asks_again, options.is_sorted) == expected


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        ("-p 1 x", {"port": 1}),
        ("--port 65535 x", {"port": 65535}),
        ("-t 0.5 x", {"timeout_s": 0.5}),
        ("--timeout 3 x", {"timeout_s": 3.0}),
        ("x --timeout=3", {"timeout_s": 3.0}),
        ("--linger 0 x", {"linger_s": 0.0}),
        ("--linger 2.5 x", {"linger_s": 2.5}),
        ("-4 x", {"families": frozenset({Network.IPV4})}),
        ("-6 x", {"families": frozenset({Network.IPV6})}),
        ("--resolver ::1 x", {"resolver": "[::1]:53"}),
        ("--concurrency 1 x", {"concurrency": 1}),
        ("--allow-private x", {"allow_private": True}),
        ("--transport V1 x", {"transport": TransportMode.V1}),
        ("--transcript f x", {"transcript": "f"}),
        ("--transcript f --transcript-secrets x", {"transcript": "f", "transcript_secrets": True}),
        ("--user-agent /me:1/ x", {"user_agent": b"/me:1/"}),
        ("-n signet x", {"chain": CHAINS[Chain.SIGNET]}),
        ("--network main x", {"chain": MAINNET}),
        ("--chain test x", {"chain": CHAINS[Chain.TESTNET3]}),
        ("--chain testnet x", {"chain": CHAINS[Chain.TESTNET3]}),
        ("-n testnet4 x", {"chain": CHAINS[Chain.TESTNET4]}),
        ("-n regtest x", {"chain": CHAINS[Chain.REGTEST]}),
        ("--signet-challenge 51 x", {"chain": signet_chain(b"\x51")}),
        ("-n signet --signet-challenge 51 x", {"chain": signet_chain(b"\x51")}),
        ("--magic c0c0c0c0 x", {"chain": custom_chain(bytes.fromhex("c0c0c0c0"))}),
        ("--json x", {"output": OutputOptions(format=OutputFormat.JSON)}),
        ("--csv x", {"output": OutputOptions(format=OutputFormat.CSV)}),
        ("-o f x", {"output": OutputOptions(path="f")}),
        ("-o - x", {"output": OutputOptions()}),
        ("-q x", {"output": OutputOptions(quiet=True)}),
        ("--no-progress x", {"output": OutputOptions(progress=False)}),
    ],
)
def test_each_option(arguments: str, change: dict[str, object], parse: Parse) -> None:
    assert parse(*arguments.split()) == _with(change)


@pytest.mark.parametrize(
    ("variable", "value", "change"),
    [
        ("TIMEOUT", "3", {"timeout_s": 3.0}),
        ("NETWORK", "test", {"chain": CHAINS[Chain.TESTNET3]}),
        ("PORT", "99", {"port": 99}),
        ("IPV4", "1", {"families": frozenset({Network.IPV4})}),
        ("IPV6", "1", {"families": frozenset({Network.IPV6})}),
        ("ALLOW_PRIVATE", "1", {"allow_private": True}),
        ("JSON", "1", {"output": OutputOptions(format=OutputFormat.JSON)}),
        ("CSV", "true", {"output": OutputOptions(format=OutputFormat.CSV)}),
        ("OUTPUT", "f", {"output": OutputOptions(path="f")}),
        ("QUIET", "1", {"output": OutputOptions(quiet=True)}),
        ("NO_PROGRESS", "1", {"output": OutputOptions(progress=False)}),
        ("USER_AGENT", "/me:1/", {"user_agent": b"/me:1/"}),
        ("MAGIC", "c0c0c0c0", {"chain": custom_chain(bytes.fromhex("c0c0c0c0"))}),
        ("SIGNET_CHALLENGE", "51", {"chain": signet_chain(b"\x51")}),
        ("RESOLVER", "127.0.0.1", {"resolver": "127.0.0.1:53"}),
        ("CONCURRENCY", "7", {"concurrency": 7}),
        ("LINGER", "1", {"linger_s": 1.0}),
        ("MESSAGES", "1", {"record_messages": True}),
        # Not options: these names may be set for other reasons.
        ("VERSION", "1.2.3", {}),
        ("HELP", "1", {}),
        ("TARGETS", "y", {}),
        ("LOG", "debug", {}),
    ],
)
def test_each_variable(
    variable: str, value: str, change: dict[str, object], parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"BITCOIN_HANDSHAKE_{variable}", value)
    assert parse("x") == _with(change)


@pytest.mark.parametrize(
    ("environment", "arguments", "change"),
    [
        ({"JSON": "1"}, ["--csv"], {"output": OutputOptions(format=OutputFormat.CSV)}),
        ({"IPV6": "1"}, ["-4"], {"families": frozenset({Network.IPV4})}),
        ({"TIMEOUT": "3"}, ["-t", "4"], {"timeout_s": 4.0}),
        ({"NETWORK": "regtest"}, ["--magic", "c0c0c0c0"], {"chain": custom_chain(bytes.fromhex("c0c0c0c0"))}),
        ({"NETWORK": "regtest"}, ["--signet-challenge", "51"], {"chain": signet_chain(b"\x51")}),
        ({"MAGIC": "c0c0c0c0"}, ["--signet-challenge", "51"], {"chain": signet_chain(b"\x51")}),
    ],
)
def test_the_command_line_wins_over_variables(
    environment: dict[str, str],
    arguments: list[str],
    change: dict[str, object],
    parse: Parse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"BITCOIN_HANDSHAKE_{name}", value)
    assert parse("x", *arguments) == _with(change)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which nobody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(0)
        yield sock


BAD = [
    ([], 2, "no target"),
    (["--json"], 2, "no target"),
    ([""], 2, "is not a target: empty"),
    (["a b"], 2, "white space"),
    (["http://seed.example/"], 2, "a URL"),
    (["1.2.3.4:0"], 2, "a port is"),
    (["1.2.3.4:65536"], 2, "a port is"),
    (["1.2.3.4/24"], 2, "a slash"),
    (["[::1"], 2, "bracket"),
    (["\x1b[2J"], 2, "is not a target"),
    (["seed..example"], 2, "an empty label"),
    (["-", "-"], 2, "only once"),
    (["@"], 2, "behind @"),
    (["@/nonexistent/list"], 4, "cannot read /nonexistent/list: No such file or directory"),
    (["@/"], 4, "cannot read /: Is a directory"),
    (["-o", "/nonexistent/out"], 4, "cannot write /nonexistent/out: No such file or directory"),
    (["-o", "/"], 4, "cannot write /: Is a directory"),
    (["-o", ""], 2, "needs the name of a file"),
    (["-t", "0"], 2, "finite number of seconds, more than 0"),
    (["-t", "-1"], 2, "finite number of seconds, more than 0"),
    (["-t", "inf"], 2, "finite number of seconds, more than 0"),
    (["-t", "soon"], 2, "not a number of seconds"),
    (["--linger", "-1"], 2, "0 or more"),
    (["-p", "0"], 2, "'0' is not a whole number from 1 to 65535 (see 'bitcoin-handshake --help')"),
    (["-p", "65536"], 2, "'65536' is not a whole number from 1 to 65535"),
    (["-p", "http"], 2, "'http' is not a whole number"),
    (["-p", "8_333"], 2, "'8_333' is not a whole number"),
    (["-p", "9" * 5000], 2, "'9999999999999999999999999999999999999...' is not a whole number"),
    (["--concurrency", "0"], 2, "'0' is not a whole number, 1 or more"),
    (["-n", "litecoin"], 2, "unknown chain 'litecoin'"),
    (["-4", "-6"], 2, "-4 and -6 cannot be used together"),
    (["--json", "--csv"], 2, "--json and --csv cannot be used together"),
    (["-v", "-q"], 2, "--verbose and --quiet cannot be used together"),
    (["--signet-challenge", "5"], 2, "hex digits"),
    (["--signet-challenge", ""], 2, "hex digits"),
    (["--signet-challenge", "51", "-n", "mainnet"], 2, "implies signet"),
    (["--magic", "f9beb4"], 2, "8 hex digits"),
    (["--magic", "f9beb4d9", "-n", "mainnet"], 2, "a chain of its own"),
    (["--magic", "f9beb4d9", "--signet-challenge", "51"], 2, "cannot be used together"),
    (["--user-agent", "x" * 257], 2, "at most 256 bytes"),
    (["--resolver", "dns.example"], 2, "is not a DNS server"),
    (["--log-level", "loud"], 2, "'loud' is not one of"),
    (["--no-such-option"], 2, "No such option"),
    (["-t"], 2, "requires an argument"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_line_and_nothing_is_dialled(
    arguments: list[str],
    code: int,
    words: str,
    listener: socket.socket,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = [] if words == "no target" else [f"127.0.0.1:{listener.getsockname()[1]}"]
    assert main([*good, *arguments]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("bitcoin-handshake: ")
    assert words in err
    assert err.endswith("\n")
    assert err[:-1].isprintable()
    assert (err.endswith("(see 'bitcoin-handshake --help')\n")) <= (code == 2)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_limits_of_options_are_accepted(parse: Parse) -> None:
    assert parse("x", "--user-agent", "x" * 256).survey.probe.user_agent == b"x" * 256
    assert parse("x", "--user-agent", "").survey.probe.user_agent == b""


def test_a_run_that_finds_nothing_leaves_the_old_output(tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.write_text("old\n")
    targets = tmp_path / "targets"
    targets.write_text("")
    assert main([f"@{targets}", "-o", str(output)]) == 2
    assert output.read_text() == "old\n"


def test_a_header_is_not_appended_twice(tmp_path: Path) -> None:
    output = tmp_path / "out"
    for _ in range(2):
        main(["127.0.0.1:1", "--csv", "-q", "--append", "-o", str(output)])
    lines = output.read_text().splitlines()
    assert len(lines) == 3
    assert [line.startswith("schema,") for line in lines] == [True, False, False]


def test_append_needs_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["127.0.0.1:1", "--append"]) == 2
    assert "--append needs --output FILE" in capsys.readouterr().err


def test_a_file_that_is_read_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "targets"
    path.write_text("127.0.0.1:1\n")
    assert main([f"@{path}", "-o", str(path)]) == 2
    assert "cannot be written as well" in capsys.readouterr().err
    assert path.read_text() == "127.0.0.1:1\n"


def test_the_chain_is_params() -> None:
    assert isinstance(MAINNET, ChainParams)


def test_piped_input_is_read_where_no_target_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bitcoin_handshake", "-q", "--json"],
        input="127.0.0.999\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["code"] == "input.bad_target"


def test_messages_need_a_form_that_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--messages", "127.0.0.1"]) == 2
    assert "--messages needs --json or --csv" in capsys.readouterr().err


def test_messages_are_recorded_for_json(parse: Parse) -> None:
    assert parse("--json", "--messages", "x").survey.probe.record_messages
