"""The main job from the command line, against simulated nodes on loopback."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.main import main
from bitcoin_handshake.cli.runner import exit_code
from bitcoin_handshake.defaults import USER_AGENT
from bitcoin_handshake.errors import EnvironmentFailure
from bitcoin_handshake.session import Session
from bitcoin_handshake.simulate.network import SimulatedNetwork
from bitcoin_handshake.summary import Summary
from bitcoin_handshake.survey import Survey
from tests.cli.samples import by_name, refused, simulated
from tests.helpers import SOURCE

# Processes, terminals and signals: ten seconds in all.
pytestmark = pytest.mark.slow

SCHEMA = json.loads((SOURCE / "schema" / "record.schema.json").read_text())
COMMAND = [sys.executable, "-m", "bitcoin_handshake"]
CLOSED = "127.0.0.1:1"


def _node(network: SimulatedNetwork) -> list[str]:
    return ["-n", "regtest", network.nodes[0].netaddr.to_text()]


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (Summary(ok=1, failed=9, addresses=10), ExitCode.OK),
        (Summary(partial=1, addresses=1), ExitCode.NONE_COMPLETED),
        (Summary(failed=1, addresses=1), ExitCode.NONE_COMPLETED),
        (Summary(skipped=2, addresses=2), ExitCode.NONE_COMPLETED),
        (Summary(failed=3), ExitCode.NOTHING_RESOLVED),
    ],
)
def test_exit_code(summary: Summary, code: ExitCode) -> None:
    assert exit_code(summary) is code


def test_text(core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(by_name(core_node)) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith(f"OK      {core_node.nodes[0].netaddr.to_text()}")
    said = "/Satoshi:28.1.0/  70016  height 0  NETWORK WITNESS NETWORK_LIMITED P2P_V2"
    assert f"  v2  {said}  connect " in lines[0]
    assert re.fullmatch(r"Elapsed: [0-9.]+ s", lines.pop(-2))
    assert lines[1:] == [
        "", "User agents", "  1  /Satoshi:28.1.0/", "", "v2: 1 of 1 speaks it, 1 claims it", "",
        "Finished! Handshake results: 1 OK | 0 PARTIALLY OK | 0 FAILED",
    ]  # fmt: skip
    talk = [line.split(" ", 2)[1:] for line in err.splitlines()]
    assert talk == [
        ["INFO", f"Resolving DNS seed {core_node.seed_name.rstrip('.')} ..."],
        ["INFO", "Resolved 1 addresses. Starting handshakes..."],
    ]


def test_json(core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*by_name(core_node), "--json", CLOSED, "--messages", "--linger", "0.2"]) == 0
    out, err = capsys.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    for record in records:
        Draft202012Validator(SCHEMA).validate(record)
    assert sorted(record["outcome"] for record in records) == ["failed", "ok"]
    (ok,) = (record for record in records if record["outcome"] == "ok")
    assert ok["seed"] == [core_node.seed_name.rstrip(".")]
    first = ok["messages"][0]
    assert (first["direction"], first["msg_type"]) == ("sent", "version")
    assert first["size"] == 86 + len(USER_AGENT)
    assert ok["times_ms"]["ping"] is not None
    assert err.splitlines()[-1] == "Finished! Handshake results: 1 OK | 0 PARTIALLY OK | 1 FAILED"


def test_csv(core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_node(core_node), CLOSED, "--csv"]) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sorted(row["outcome"] for row in rows) == ["failed", "ok"]
    assert re.fullmatch(r"Elapsed: [0-9.]+ s", err.splitlines()[0])
    assert err.splitlines()[1:] == ["Finished! Handshake results: 1 OK | 0 PARTIALLY OK | 1 FAILED"]


@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_quiet_says_nothing(
    option: str, core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*by_name(core_node), "-q", option]) == 0
    out, err = capsys.readouterr()
    assert out
    assert err == ""


def test_quiet_text_keeps_the_sum(core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*by_name(core_node), "-q"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("\nFinished! Handshake results: 1 OK | 0 PARTIALLY OK | 0 FAILED\n")
    assert err == ""


def test_a_file_gets_the_text_and_standard_error_the_sum(
    core_node: SimulatedNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out"
    assert main([*_node(core_node), "-o", str(path)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"Elapsed: [0-9.]+ s", err.splitlines()[0])
    assert err.splitlines()[1:] == ["Finished! Handshake results: 1 OK | 0 PARTIALLY OK | 0 FAILED"]
    assert path.read_text().startswith("OK      ")
    assert path.read_text().endswith(err)


def test_a_malformed_line_is_a_record_and_the_run_goes_on(
    core_node: SimulatedNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "targets"
    path.write_text(f"no target\n{core_node.nodes[0].netaddr.to_text()}\n")
    assert main(["-n", "regtest", "--json", f"@{path}"]) == 0
    first, second = sorted(map(json.loads, capsys.readouterr().out.splitlines()), key=lambda r: r["outcome"])
    assert (first["outcome"], first["code"], first["target"]) == ("failed", "input.bad_target", "no target")
    assert (first["phase"], first["address"]) == (None, None)
    assert second["outcome"] == "ok"


@pytest.mark.parametrize(
    ("text", "code"), [("", 2), ("# nothing\n\n", 2), ("no target\n", 3), (f"{CLOSED}\n", 1)]
)
def test_a_file_without_addresses(
    text: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "targets"
    path.write_text(text)
    assert main(["--csv", f"@{path}"]) == code
    out, err = capsys.readouterr()
    if code == 2:
        assert (out, err) == ("", "bitcoin-handshake: no target at all: the input has none\n")


def test_what_is_skipped_is_in_the_sum(
    core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [word for word in by_name(core_node) if word != "--allow-private"]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert out.startswith("SKIPPED ")
    assert out.endswith("\nFinished! Handshake results: 0 OK | 0 PARTIALLY OK | 0 FAILED | 1 SKIPPED\n")
    assert "--allow-private" in err


def test_a_name_that_does_not_resolve(
    core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--resolver", core_node.dns, "--json", "no-such.simulated.test"]) == 3
    (record,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (record["outcome"], record["phase"], record["address"]) == ("failed", "resolve", None)


def test_hostile_peers_break_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with simulated("hostile-user-agent") as network:
        for option in ([], ["--csv"], ["--json"]):
            assert main([*_node(network), *option]) == 0
            out = capsys.readouterr().out
            assert all(line.isprintable() for line in out.splitlines())
            assert not re.search(r"(^|,)\"?[=+@]", out)
    assert "Finished! Handshake results: 999 OK" not in out.splitlines()


def test_what_is_known_is_written_before_a_bug_or_a_failing_machine_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error: Exception = RuntimeError("boom")

    async def run(survey: Survey, batches: AsyncIterable[object]) -> Summary:
        async for _ in batches:
            survey.summary.count(refused())
            survey._sink.write(refused())
        raise error

    monkeypatch.setattr(Survey, "run", run)
    assert main([CLOSED, "--json"]) == 70
    out, err = capsys.readouterr()
    assert json.loads(out)["code"] == "connect.refused"
    assert err.startswith("bitcoin-handshake: internal error: RuntimeError: boom;")
    error = EnvironmentFailure("cannot open any connection: Too many open files")
    assert main([CLOSED]) == 4
    out, err = capsys.readouterr()
    assert out.endswith("\nFinished! Handshake results: 0 OK | 0 PARTIALLY OK | 1 FAILED\n")
    assert err == "bitcoin-handshake: cannot open any connection: Too many open files\n"


def test_a_bug_is_recorded_as_ours_and_the_run_goes_on(
    core_node: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def boom(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Session, "receive_data", boom)
    assert main([*_node(core_node), CLOSED, "-q", "--json"]) == 70
    out, err = capsys.readouterr()
    records = {record["code"]: record for record in map(json.loads, out.splitlines())}
    assert set(records) == {"internal", "connect.refused"}
    record = records["internal"]
    assert (record["outcome"], record["phase"], record["transport"]) == ("failed", None, None)
    assert record["reason"] == "internal error, please report it: RuntimeError: boom"
    assert err.startswith("bitcoin-handshake: internal error: RuntimeError: boom; please report it")


def test_logging_goes_to_standard_error_again_afterwards(
    core_node: SimulatedNetwork, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*_node(core_node), "-q", "--json"])
    logging.getLogger("bitcoin_handshake").error("later")
    assert capsys.readouterr().err.endswith("ERROR later\n")


# --- as a process ------------------------------------------------------------------------------


@contextmanager
def _silent_peer() -> Iterator[str]:
    """Something that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield f"127.0.0.1:{sock.getsockname()[1]}"


def _start(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    settings: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*COMMAND, *arguments], **settings)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_prints_what_is_known(number: signal.Signals, core_node: SimulatedNetwork) -> None:
    with _silent_peer() as silent:
        process = _start(*_node(core_node), silent, "-t", "60")
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert first.startswith(b"OK      ")
    assert out.endswith(b"\nInterrupted after 1 of 2! Handshake results: 1 OK | 0 PARTIALLY OK | 0 FAILED\n")
    assert re.search(rb"\nElapsed: [0-9.]+ s\nInterrupted", out)
    assert b"Traceback" not in err
    assert process.returncode == 128 + number


def test_a_signal_ends_a_run_that_waits_for_input(core_node: SimulatedNetwork) -> None:
    process = _start(*_node(core_node), "-", "--json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{core_node.nodes[0].netaddr.to_text()}\n".encode())
    process.stdin.flush()
    for _ in range(2):  # the typed one and the first of the stream, which has not ended
        assert json.loads(process.stdout.readline())["outcome"] == "ok"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130  # before its input ends
    _, err = process.communicate(timeout=30)
    end = b"Interrupted after 2 of 2 or more!"
    assert err.splitlines()[-1] == end + b" Handshake results: 2 OK | 0 PARTIALLY OK | 0 FAILED"
    assert process.returncode == 130


def test_the_second_signal_ends_at_once_although_nobody_reads(tmp_path: Path) -> None:
    targets = tmp_path / "targets"
    targets.write_text(f"{CLOSED}\n" * 3000)
    process = _start("--json", f"@{targets}")
    assert process.stdout is not None
    select.select([process.stdout], [], [], 30)  # it writes, and we do not read
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "it waits for its reader"
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    process.communicate()


def test_a_reader_that_goes_away_ends_it_quietly(core_node: SimulatedNetwork) -> None:
    with _silent_peer() as silent:
        process = _start(*_node(core_node), silent, "-", "-t", "60", "--json", stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(f"{CLOSED}\n".encode())
        process.stdin.flush()
        assert process.wait(30) == 141
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stdin.close()
        process.stderr.close()


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "wb") as full:
        process = _start(CLOSED, "--json", stdout=full)
        _, err = process.communicate(timeout=30)
    assert err == b"bitcoin-handshake: cannot write standard output: No space left on device\n"
    assert process.returncode == 4
    process = _start(CLOSED, "-o", "/dev/full")
    out, err = process.communicate(timeout=30)
    assert (out, err) == (b"", b"bitcoin-handshake: cannot write /dev/full: No space left on device\n")
    assert process.returncode == 4


def test_a_limit_on_file_size_is_one_line(tmp_path: Path) -> None:
    targets = tmp_path / "targets"
    targets.write_text(f"{CLOSED}\n" * 100)

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    process = _start(f"@{targets}", "-o", str(tmp_path / "out"), preexec_fn=limit)
    _, err = process.communicate(timeout=30)
    assert err == f"bitcoin-handshake: cannot write {tmp_path}/out: File too large\n".encode()
    assert process.returncode == 4


def test_closed_standard_streams() -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {CLOSED} >&-', "sh", *COMMAND], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 4
    assert done.stderr == b"bitcoin-handshake: standard output is closed\n"
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {CLOSED} --json 2>&-', "sh", *COMMAND],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stdout)["code"] == "connect.refused"


def test_a_slow_reader_gets_everything_and_timers_go_on(core_node: SimulatedNetwork, tmp_path: Path) -> None:
    """While nobody reads 1.5 MB of records, a silent peer still gets its timeout, no more and no less."""
    targets = tmp_path / "targets"
    with _silent_peer() as silent:
        targets.write_text(f"{silent}\n" + f"{CLOSED}\n" * 2000)
        process = _start(f"@{targets}", "--json", "-t", "1", "-q")
        time.sleep(3)
        out, _ = process.communicate(timeout=60)
    records = [json.loads(line) for line in out.splitlines()]
    assert len(records) == 2001
    (timed_out,) = (record for record in records if record["target"] == silent)
    assert timed_out["code"] == "peer.timeout"
    waited_s = float(timed_out["reason"].split(" in ")[1].split(" s")[0])
    assert 1.0 <= waited_s < 2.0


class _Screen:
    """A terminal that the process believes in, and what came out of it."""

    def __init__(
        self, *arguments: str, stdout: int | None = None, environment: dict[str, str] | None = None
    ) -> None:
        self.controller, terminal = pty.openpty()
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **(environment or {})}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdin=terminal, stdout=terminal if stdout is None else stdout,
            stderr=terminal, env=env, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)

    def read(self) -> str:
        """Read to the end."""
        parts: list[bytes] = []
        while True:
            try:
                data = os.read(self.controller, 65536)
            except OSError:  # Linux says EIO where the other side is closed
                data = b""
            if not data:
                break
            parts.append(data)
        os.close(self.controller)
        self.process.wait(30)
        return b"".join(parts).decode()


def test_on_a_terminal_lines_stand_above_a_bar(core_node: SimulatedNetwork) -> None:
    with _silent_peer() as silent:
        text = _Screen(*_node(core_node), silent, "-t", "1").read()
    assert "\x1b[1;32mOK     \x1b[0m 127." in text
    assert "1/2  1 OK 0 PARTIAL 0 FAILED" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    # The line that came while the bar was there stands where the bar was wiped out.
    assert re.search(r"\x1b\[2K(\x1b\[[0-9;]*m)*FAILED ", text)
    _, _, bar = text.partition("\r\nFinished! Handshake results: 1 OK | 0 PARTIALLY OK | 1 FAILED\r\n")
    assert bar.count("\n") == 1
    assert bar.endswith("\r\x1b[1A\x1b[2K")


@pytest.mark.parametrize("option", ["--no-progress", "-q"])
def test_no_bar_where_none_is_wanted(option: str, core_node: SimulatedNetwork) -> None:
    with _silent_peer() as silent:
        text = _Screen(*_node(core_node), silent, "-t", "0.5", option).read()
    assert "\x1b[?25l" not in text
    assert "FAILED" in text


def test_no_color(core_node: SimulatedNetwork) -> None:
    with _silent_peer() as silent:
        text = _Screen(*_node(core_node), silent, "-t", "0.5", environment={"NO_COLOR": "1"}).read()
    assert not re.search(r"\x1b\[[0-9;]*(3[0-9]|4[0-9])", text)


def test_the_bar_is_on_standard_error_only(core_node: SimulatedNetwork, tmp_path: Path) -> None:
    with _silent_peer() as silent, open(tmp_path / "out", "wb") as out:
        text = _Screen(*_node(core_node), silent, "-t", "1", "--json", stdout=out.fileno()).read()
    assert "\x1b[?25l" in text
    assert len([json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]) == 2
    assert text.endswith("Finished! Handshake results: 1 OK | 0 PARTIALLY OK | 1 FAILED\r\n")


def test_no_bar_beside_a_pipe_whose_reader_may_use_the_terminal(core_node: SimulatedNetwork) -> None:
    reading, writing = os.pipe()
    with _silent_peer() as silent:
        screen = _Screen(*_node(core_node), silent, "-t", "0.5", stdout=writing)
        os.close(writing)
        text = screen.read()
    with os.fdopen(reading) as out:
        assert out.read().endswith("Finished! Handshake results: 1 OK | 0 PARTIALLY OK | 1 FAILED\n")
    assert "\x1b[?25l" not in text


def test_the_bar_is_drawn_where_the_pipe_is_not_used(core_node: SimulatedNetwork, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with _silent_peer() as silent:
        output = ["-o", str(tmp_path / "out")]
        screen = _Screen(*_node(core_node), silent, "-t", "0.5", *output, stdout=writing)
        os.close(writing)
        assert "\x1b[?25l" in screen.read()
    os.close(reading)


def test_runs_outside_the_main_thread(core_node: SimulatedNetwork, tmp_path: Path) -> None:
    codes: list[int] = []
    arguments = [*_node(core_node), "-o", str(tmp_path / "out"), "-q"]
    thread = threading.Thread(target=lambda: codes.append(main(arguments)))
    thread.start()
    thread.join(30)
    assert codes == [0]


@pytest.mark.parametrize("limit", [6, 8, 10, 11, 12, 13, 14, 16, 20, 24])
def test_too_few_descriptors_are_one_clear_line(limit: int) -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    process = _start(CLOSED, "seed.invalid", preexec_fn=lower)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert out == b""
    assert (
        err
        == (
            f"bitcoin-handshake: the limit of open files is {limit}: too low for any connection; "
            "raise it (ulimit -n)\n"
        ).encode()
    )


@pytest.mark.parametrize("limit", [32, 40, 64, 100])
def test_few_descriptors_are_enough(limit: int, core_node: SimulatedNetwork, tmp_path: Path) -> None:
    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    node = core_node.nodes[0].netaddr.to_text()
    targets = tmp_path / "targets"
    targets.write_text(f"{node}\n{CLOSED}\n" * 50)
    files = ["-o", str(tmp_path / "out"), "--transcript", str(tmp_path / "transcript"), f"@{targets}"]
    process = _start(*by_name(core_node), "--json", *files, node, preexec_fn=lower)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    records = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert sorted(record["outcome"] for record in records) == ["failed"] * 50 + ["ok"] * 52


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_does_not_end_a_run(number: signal.Signals) -> None:
    process = _start(
        "-", "--json", stdin=subprocess.PIPE, preexec_fn=lambda: signal.signal(number, signal.SIG_IGN)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{CLOSED}\n".encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["code"] == "connect.refused"
    process.send_signal(number)
    out, _ = process.communicate(f"{CLOSED}\n".encode(), timeout=30)
    assert json.loads(out)["code"] == "connect.refused"
    assert process.returncode == 1


def test_ctrl_c_during_the_start_prints_no_traceback() -> None:
    """At many moments of the start, from the first import of ours on."""
    code = (
        "import bitcoin_handshake.__main__ as entry, os, signal, sys\n"
        "signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))\n"
        "signal.setitimer(signal.ITIMER_REAL, float(sys.argv.pop(1)))\n"
        "entry.run()\n"
    )
    for step in range(1, 60):
        delay = str(step * 0.004)
        done = subprocess.run(
            [sys.executable, "-c", code, delay, "-t", "0.2", CLOSED],
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr, done.stderr
        # -SIGALRM: the timer came when the interpreter had put the handlers back, at its end.
        assert done.returncode in (1, 130, -signal.SIGALRM), (delay, done)
