"""README and ARCHITECTURE say what is so: tables, options and links are compared, examples are run.

What the examples print is written anew with BH_WRITE_GOLDEN=1.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from importlib.resources import files

import click
import pytest

from bench.run import BENCHMARKS
from bitcoin_handshake import errors
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.main import cli
from bitcoin_handshake.codes import ANOMALY_SENTENCES, FAILURE_SENTENCES, FailureCode, Phase
from bitcoin_handshake.errors import BitcoinHandshakeError
from bitcoin_handshake.measured import TransportMode
from bitcoin_handshake.policy import REFUSED_IPV4, REFUSED_IPV6, TABLE_DATE
from bitcoin_handshake.records import Outcome
from bitcoin_handshake.simulate.behaviours import BEHAVIOURS
from tests.helpers import CHECKOUT, SOURCE, unavailable
from tests.readme import DNS, README, Example, Place, examples, exported, place, shape, table, written_anew

TEXT = README.read_text()
EXAMPLES = list(examples(TEXT))
RUNS = [example for example in EXAMPLES if example.kind == "run"]
# Servers of other projects are started by these.
SERVERS = {"litecoind", "unbound"}
EXAMPLES_AT_ONCE = 4
PAGES = [
    README,
    CHECKOUT / "ARCHITECTURE.md",
    CHECKOUT / "CONTRIBUTING.md",
    *(CHECKOUT / "docs").glob("*.md"),
]


# --- tables ---------------------------------------------------------------------------------


def _code(cell: str) -> str:
    return cell.strip("`")


def _class_of(code: FailureCode) -> type[BitcoinHandshakeError]:
    """Find the class whose own code this is; of several the one that is raised."""
    found = [
        value
        for module in (errors, errors.proxies)
        for name in module.__all__
        if isinstance(value := getattr(module, name), type)
        and issubclass(value, BitcoinHandshakeError)
        and value.__dict__.get("code") is code
        and value is not BitcoinHandshakeError
    ]
    assert len(found) == 1, (code, found)
    return found[0]


def _failure_rows() -> list[list[str]]:
    skipped = [[code, "", means, advice] for code, means, advice in table(TEXT, "skipped codes")]
    return table(TEXT, "failure codes") + skipped


def test_every_failure_code_has_one_row_with_its_sentence() -> None:
    rows = {_code(code): means for code, _, means, _ in _failure_rows()}
    assert len(rows) == len(_failure_rows())
    assert rows == {code.value: sentence for code, sentence in FAILURE_SENTENCES.items()}


def test_every_failure_code_says_what_to_do() -> None:
    assert [code for code, _, _, advice in _failure_rows() if not advice] == []


def test_the_phases_of_the_codes_are_those_that_occur() -> None:
    phases = {_code(code): set(filter(None, cell.split(", "))) for code, cell, _, _ in _failure_rows()}
    assert set().union(*phases.values()) <= set(Phase)
    for code in FailureCode:
        phase = getattr(_class_of(code), "phase", None)
        if isinstance(phase, Phase):
            assert phase in phases[code]
    missing = {
        (expected.code, expected.phase)
        for behaviour in BEHAVIOURS.values()
        for expected in map(behaviour.expected_in, TransportMode)
        if expected.code and expected.phase and expected.phase not in phases[expected.code]
    }
    assert not missing


def _comments(path: str, enum: str) -> dict[str, str]:
    """Read `NAME = VALUE  # comment` of an enum's members, by name."""
    body = (SOURCE / path).read_text().partition(f"\nclass {enum}(")[2].partition("\n\n\n")[0]
    return dict(re.findall(r"^    ([A-Z_0-9]+) = \S+  # (.+)$", body, flags=re.M))


def test_every_anomaly_has_one_row_in_the_words_of_the_code() -> None:
    rows = [(_code(code), then) for code, _, then in table(TEXT, "anomalies")]
    assert sorted(rows) == sorted((code.value, sentence) for code, sentence in ANOMALY_SENTENCES.items())


def test_every_exit_code_has_one_row_in_the_words_of_the_code() -> None:
    rows = [(int(code), means) for code, means in table(TEXT, "exit codes")]
    comments = _comments("cli/exit_codes.py", "ExitCode")
    assert [code for code, _ in rows] == [code.value for code in ExitCode]
    assert [means for code, means in rows if not means.startswith(comments[ExitCode(code).name])] == []


def test_every_outcome_has_one_row() -> None:
    rows = table(TEXT, "outcomes")
    assert [_code(outcome) for outcome, _, _ in rows] == list(Outcome)
    assert [_code(word) for _, word, _ in rows] == ["OK", "PARTIAL", "FAILED", "SKIPPED"]


def test_the_keys_of_a_record_are_those_of_the_schema() -> None:
    schema = json.loads(files("bitcoin_handshake").joinpath("schema/record.schema.json").read_text())
    rows = {_code(key): holds for key, holds in table(TEXT, "record keys")}
    assert list(rows) == list(schema["properties"])
    for key in ("version", "features", "times_ms"):
        inner = schema["properties"][key]["properties"]
        assert " ".join(inner) in rows[key], key


def test_the_limits_are_those_of_the_code() -> None:
    for name, value, module in table(TEXT, "limits"):
        limit = getattr(import_module(f"bitcoin_handshake.{_code(module)}"), _code(name))
        assert value.startswith(f"{limit:,} "), name


def test_every_file_that_is_named_is_there() -> None:
    """Comments and pages name measurements, tests and pages: `bench/forms.py`."""
    places = [
        *PAGES,
        *(path for folder in ("src", "bench", "tests", "fuzz") for path in (CHECKOUT / folder).rglob("*.py")),
    ]
    named = re.compile(r"\b(?:bench|tests|docs|fuzz)/[a-z0-9_/]+\.(?:py|md)\b")
    missing = {
        (path.relative_to(CHECKOUT).as_posix(), name)
        for path in places
        for name in named.findall(path.read_text())
        if not (CHECKOUT / name).exists()
    }
    assert missing == set()


def test_the_benchmarks_are_those_that_make_bench_runs() -> None:
    assert [_code(name) for name, _ in table(TEXT, "benchmarks")] == list(BENCHMARKS)


def test_the_ranges_that_are_not_dialled_are_those_of_the_policy() -> None:
    ranges = {**REFUSED_IPV4, **REFUSED_IPV6}
    written = "".join(f"* `{block}` {name}\n" for block, name in ranges.items())
    found = TEXT.partition("<!-- ranges -->\n")[2].partition("<!-- end -->")[0]
    if os.environ.get("BH_WRITE_GOLDEN"):
        README.write_text(
            README.read_text().replace(f"<!-- ranges -->\n{found}", f"<!-- ranges -->\n{written}")
        )
        found = written
    assert found == written
    assert TABLE_DATE in TEXT


# --- options --------------------------------------------------------------------------------


def _commands() -> list[str]:
    context = click.Context(cli)
    return cli.list_commands(context)


def _options(name: str) -> list[tuple[str, ...]]:
    """Spellings of each option of a command, in the order of its help."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    parameters = command.get_params(command.make_context(name, [], resilient_parsing=True))
    return [tuple(option.opts) for option in parameters if isinstance(option, click.Option)]


@pytest.mark.parametrize("name", _commands())
def test_the_options_of_a_command_are_those_of_its_help(name: str) -> None:
    rows = [
        tuple(_code(spelling) for spelling in cell.split(", "))
        for cell, _, _ in table(TEXT, f"options: {name}")
    ]
    assert rows == _options(name)


@pytest.mark.parametrize("name", _commands())
def test_the_example_of_an_option_uses_it(name: str) -> None:
    for spellings, _, example in table(TEXT, f"options: {name}"):
        options = {_code(spelling) for spelling in spellings.split(", ")}
        assert options & set(shlex.split(_code(example))), example


def _command_lines() -> list[str]:
    """Every line or piece of code in the pages that calls us, up to the next pipe."""
    inline = (
        code for page in PAGES for code in re.findall(r"`(bitcoin-handshake [^`\n]+)`", page.read_text())
    )
    lines = (
        line
        for page in PAGES
        for line in re.findall(r"^(?:\$ )?(bitcoin-handshake .+)$", page.read_text(), re.M)
    )
    found = {re.split(r" [|;#>] ?|; ", line)[0].strip() for line in (*inline, *lines)}
    return sorted(line for line in found if "[" not in line.replace("'[", "") and "..." not in line)


@pytest.mark.parametrize("line", _command_lines())
def test_every_command_line_is_understood(line: str) -> None:
    arguments = shlex.split(line)[1:]
    if arguments[0] not in _commands():
        arguments = ["handshake", *arguments]
    command = cli.get_command(click.Context(cli), arguments[0])
    assert command is not None
    with suppress(click.exceptions.Exit):  # --help, --version
        command.make_context(arguments[0], arguments[1:])


def test_every_option_that_is_named_exists() -> None:
    known = {spelling for name in _commands() for option in _options(name) for spelling in option}
    named = set(re.findall(r"`(--[a-z0-9-]+)[^`]*`", TEXT))
    assert named - known == set()


# --- links ----------------------------------------------------------------------------------


def _anchors(text: str) -> set[str]:
    """Names of the headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: os.PathLike[str]) -> None:
    path = CHECKOUT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), target
        assert not anchor or anchor in _anchors(there.read_text()), target


# --- examples -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bare_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Where examples run that need no network."""
    return place(tmp_path_factory.mktemp("readme"))


@pytest.fixture(scope="module")
def network_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Where the README's network runs, on ports that are free, with its variables exported."""
    here = place(tmp_path_factory.mktemp("readme-network"))
    (network,) = (example for example in EXAMPLES if example.kind == "network")
    (variables,) = (example for example in EXAMPLES if example.kind == "variables")
    ((command, _),) = network.commands
    arguments = command.replace("--dns-port 5300", "--dns-port 0 --port 0").split()[1:]
    process = subprocess.Popen(
        [sys.executable, "-m", "bitcoin_handshake", *arguments, "--json"],
        env=dict(here.environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        port = told["nodes"][0]["address"].rpartition(":")[2]
        yield here.with_network(told["dns"], port, exported(variables))
    finally:
        process.terminate()
        process.communicate()


def _examples_with(*, servers: bool) -> list[Example]:
    return [example for example in RUNS if bool(example.needs & SERVERS) is servers]


def _id(example: Example) -> str:
    return f"line-{example.line}"


@pytest.fixture(scope="module")
def printed(
    request: pytest.FixtureRequest, bare_place: Place, network_place: Place
) -> Iterator[dict[Example, Future[list[str]]]]:
    """What the examples that were selected print, several at once: most of their time is waiting."""
    selected = (getattr(item, "callspec", None) for item in request.session.items)
    chosen = {callspec.params.get("example") for callspec in selected if callspec is not None}
    with ThreadPoolExecutor(EXAMPLES_AT_ONCE) as pool:
        yield {
            example: pool.submit((network_place if "network" in example.needs else bare_place).run, example)
            for example in RUNS
            if example in chosen and not example.needs & SERVERS
        }


def _need_programs(example: Example) -> None:
    for program in example.needs - {"network"}:
        if shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin") is None:
            unavailable(f"{program} is not installed")


def _compare(example: Example, outputs: list[str]) -> None:
    if os.environ.get("BH_WRITE_GOLDEN"):
        text = README.read_text()
        (current,) = (found for found in examples(text) if found.body == example.body)
        README.write_text(written_anew(text, current, outputs))
        return
    written = [example.printed] if example.language != "console" else [out for _, out in example.commands]
    for expected, output in zip(written, outputs, strict=True):
        assert expected is not None, output
        assert shape(output) == shape(expected)


@pytest.mark.slow
@pytest.mark.parametrize("example", _examples_with(servers=False), ids=_id)
def test_an_example_prints_what_the_readme_shows(
    example: Example, printed: dict[Example, Future[list[str]]]
) -> None:
    _need_programs(example)
    _compare(example, printed[example].result())


@pytest.mark.node
@pytest.mark.parametrize("example", _examples_with(servers=True), ids=_id)
def test_the_readme_leads_to_a_real_node(example: Example, bare_place: Place) -> None:
    _need_programs(example)
    _compare(example, bare_place.run(example))
    assert example.printed is not None
    assert "1 OK | 0 PARTIALLY OK | 0 FAILED" in example.printed


def test_the_network_announces_what_the_readme_shows(network_place: Place) -> None:
    (network,) = (example for example in EXAMPLES if example.kind == "network")
    ((_, output),) = network.commands
    count = shlex.split(network.body)[shlex.split(network.body).index("--nodes") + 1]
    assert output.startswith(f"{count} simulated nodes on regtest and their DNS seed at {DNS} listen")
    command = output.splitlines()[2].strip()
    assert f"--resolver {DNS} " in command
    (printed,) = network_place.run(replace(network, body=f"$ {command} -q --json -t 1 | wc -l\n"))
    assert printed == f"{count}\n"
