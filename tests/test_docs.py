"""The README and the pages in docs/ match the code: tables and links are compared, examples are run.

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

import click
import pytest

from bench.run import BENCHMARKS
from bitcoin_handshake.cli.exit_codes import ExitCode
from bitcoin_handshake.cli.main import cli
from bitcoin_handshake.policy import REFUSED_IPV4, REFUSED_IPV6, TABLE_DATE
from bitcoin_handshake.records import Outcome
from tests.helpers import CHECKOUT, SOURCE, unavailable
from tests.readme import (
    DNS,
    PAGES,
    README,
    Example,
    Place,
    examples,
    exported,
    place,
    shape,
    table,
    written_anew,
)

DOCS = CHECKOUT / "docs"
EXAMPLES = list({example.body: example for page in reversed(PAGES) for example in examples(page)}.values())
RUNS = [example for example in EXAMPLES if example.kind == "run"]
# Servers of other projects are started by these.
SERVERS = {"litecoind", "unbound"}
EXAMPLES_AT_ONCE = 4
MAX_README_LINES = 250
LINKING_PAGES = [
    *PAGES,
    CHECKOUT / "ARCHITECTURE.md",
    CHECKOUT / "CONTRIBUTING.md",
    CHECKOUT / "SECURITY.md",
    *sorted(DOCS.glob("commands/*.md")),
    *sorted(DOCS.glob("codes/*.md")),
]


# --- tables ---------------------------------------------------------------------------------


def _code(cell: str) -> str:
    return cell.strip("`")


def _comments(path: str, enum: str) -> dict[str, str]:
    """Read `NAME = VALUE  # comment` of an enum's members, by name."""
    body = (SOURCE / path).read_text().partition(f"\nclass {enum}(")[2].partition("\n\n\n")[0]
    return dict(re.findall(r"^    ([A-Z_0-9]+) = \S+  # (.+)$", body, flags=re.M))


def test_every_exit_code_has_one_row_in_the_words_of_the_code() -> None:
    rows = [(int(code), means) for code, means in table(DOCS / "output.md", "exit codes")]
    comments = _comments("cli/exit_codes.py", "ExitCode")
    assert [code for code, _ in rows] == [code.value for code in ExitCode]
    assert [means for code, means in rows if not means.startswith(comments[ExitCode(code).name])] == []


def test_every_outcome_has_one_row() -> None:
    rows = table(DOCS / "output.md", "outcomes")
    assert [_code(outcome) for outcome, _, _ in rows] == list(Outcome)
    assert [_code(word) for _, word, _ in rows] == ["OK", "PARTIAL", "FAILED", "SKIPPED"]


def test_the_limits_are_those_of_the_code() -> None:
    for name, value, module in table(DOCS / "policy.md", "limits"):
        limit = getattr(import_module(f"bitcoin_handshake.{_code(module)}"), _code(name))
        assert value.startswith(f"{limit:,} "), name


def test_every_file_that_is_named_is_there() -> None:
    """Comments and pages name measurements, tests and pages: `bench/forms.py`."""
    places = [
        *LINKING_PAGES,
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
    assert [_code(name) for name, _ in table(DOCS / "performance.md", "benchmarks")] == list(BENCHMARKS)


def test_the_ranges_that_are_not_dialled_are_those_of_the_policy() -> None:
    ranges = {**REFUSED_IPV4, **REFUSED_IPV6}
    written = "".join(f"* `{block}` {name}\n" for block, name in ranges.items())
    page = DOCS / "policy.md"
    text = page.read_text()
    found = text.partition("<!-- ranges -->\n")[2].partition("<!-- end -->")[0]
    if os.environ.get("BH_WRITE_GOLDEN"):
        page.write_text(text.replace(f"<!-- ranges -->\n{found}", f"<!-- ranges -->\n{written}"))
        found = written
    assert found == written
    assert TABLE_DATE in text


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


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MAX_README_LINES


def test_the_readme_lists_every_command() -> None:
    assert [re.findall(r"`(\S+)`", cell)[0] for cell, _ in table(README, "commands")] == _commands()


def _command_lines() -> list[str]:
    """Every line or piece of code in the pages that calls us, up to the next pipe."""
    inline = (
        code
        for page in LINKING_PAGES
        for code in re.findall(r"`(bitcoin-handshake [^`\n]+)`", page.read_text())
    )
    lines = (
        line
        for page in LINKING_PAGES
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
    named = {name for page in PAGES for name in re.findall(r"`(--[a-z0-9-]+)[^`]*`", page.read_text())}
    assert named - known == set()


# --- generated pages --------------------------------------------------------------------------


def test_the_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- links ----------------------------------------------------------------------------------


def _anchors(text: str) -> set[str]:
    """Names of the headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKING_PAGES, ids=lambda page: page.name)
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
    """Where the network of the examples runs, on ports that are free, with its variables exported."""
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
    return f"{example.page.stem}-{example.line}"


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
        for page in PAGES:
            for current in [found for found in examples(page) if found.body == example.body]:
                page.write_text(written_anew(page.read_text(), current, outputs))
        return
    written = [example.printed] if example.language != "console" else [out for _, out in example.commands]
    for expected, output in zip(written, outputs, strict=True):
        assert expected is not None, output
        assert shape(output) == shape(expected)


@pytest.mark.slow
@pytest.mark.parametrize("example", _examples_with(servers=False), ids=_id)
def test_an_example_prints_what_the_page_shows(
    example: Example, printed: dict[Example, Future[list[str]]]
) -> None:
    _need_programs(example)
    _compare(example, printed[example].result())


@pytest.mark.node
@pytest.mark.parametrize("example", _examples_with(servers=True), ids=_id)
def test_a_page_leads_to_a_real_node(example: Example, bare_place: Place) -> None:
    _need_programs(example)
    _compare(example, bare_place.run(example))
    assert example.printed is not None
    assert "1 OK | 0 PARTIALLY OK | 0 FAILED" in example.printed


def test_the_network_announces_what_the_page_shows(network_place: Place) -> None:
    (network,) = (example for example in EXAMPLES if example.kind == "network")
    ((_, output),) = network.commands
    count = shlex.split(network.body)[shlex.split(network.body).index("--nodes") + 1]
    assert output.startswith(f"{count} simulated nodes on regtest and their DNS seed at {DNS} listen")
    command = output.splitlines()[2].strip()
    assert f"--resolver {DNS} " in command
    (printed,) = network_place.run(replace(network, body=f"$ {command} -q --json -t 1 | wc -l\n"))
    assert printed == f"{count}\n"
